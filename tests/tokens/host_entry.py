"""Start of a token host as a process of its own; argument: a plan in JSON."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from signerd.config.settings import TokensSettings
from signerd.core import fault
from signerd.core.boot import BootError
from signerd.core.pulse import Pulse
from signerd.tokens.host import run_token_host


def report(event: str, fields: Mapping[str, str]) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(json.dumps({"event": event, "fields": dict(fields)}) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Exit status as signerd's own."""
    plan = json.loads(sys.argv[1])
    fault.arm(Path(plan["faults"]))
    try:
        run_token_host(
            TokensSettings.model_validate(plan["settings"]),
            name=plan["name"],
            socket_path=Path(plan["socket"]),
            pulse=Pulse(Path(plan["pulse"])),
            lifeline_fd=sys.stdin.fileno(),
            latch_directory=Path(plan["latches"]),
            log=report,
        )
    except BootError as error:
        sys.stderr.write(error.message + "\n")
        return int(error.code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
