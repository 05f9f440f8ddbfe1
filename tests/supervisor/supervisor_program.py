"""A supervisor over small children: `supervisor_program.py SPECS.json DIRECTORY ORPHAN_WAIT_S`."""

import json
import sys
from pathlib import Path

import structlog

from signerd.core.boot import BootError
from signerd.observability.log import configure_log
from signerd.supervisor.child import ChildSpec, Group
from signerd.supervisor.supervisor import Supervisor

directory = Path(sys.argv[2])
child = str(Path(__file__).with_name("child_program.py"))
specs = [
    ChildSpec(
        name=entry["name"],
        group=Group(entry["group"]),
        argv=(*entry.get("argv", [sys.executable, child]), entry["name"], str(directory)),
        start_allowed_s=entry["start_allowed_s"],
        stop_allowed_s=entry["stop_allowed_s"],
    )
    for entry in json.loads(Path(sys.argv[1]).read_text())
]
configure_log("info", "json", process="supervisor")
supervisor = Supervisor(
    specs,
    run_directory=directory / "run",
    log=structlog.get_logger(),
    poll_s=0.02,
    orphan_wait_s=float(sys.argv[3]),
)
try:
    sys.exit(supervisor.run())
except BootError as error:
    sys.stderr.write(f"signerd: {error.message}\n")
    sys.exit(error.code)
