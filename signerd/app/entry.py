"""Entry of the `signerd` command, which a thin installation has too."""

import sys

_DAEMON_MISSING = 69  # EX_UNAVAILABLE of sysexits.h


def main() -> None:
    """Run the command, or say what is not installed."""
    try:
        from signerd.app.cli import main as run  # noqa: PLC0415 - may be missing parts
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"signerd: the daemon is not installed here ({error.name} is missing): "
            "run pip install 'signerd[daemon]'\n"
        )
        sys.exit(_DAEMON_MISSING)
    run()
