"""SIGHUP, and what the fronts say to it."""

import json
import signal

from examples.private_daemon import PrivateDaemon
from tests.e2e.waiting import wait_until

RELOADED = "front.reloaded"
REFUSED = "front.reload_refused"


def reload(daemon: PrivateDaemon, expected: str = RELOADED) -> list[dict[str, str]]:
    """Send SIGHUP and wait until every front has said how it went; the lines of the log."""
    fronts, size = len(daemon.processes("front")), len(daemon.log())

    def said() -> list[dict[str, str]]:
        whole = daemon.log()[size:].rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if line["event"] in {RELOADED, REFUSED}]

    daemon.signal(signal.SIGHUP)
    wait_until(lambda: len(said()) >= fronts, "every front has reloaded")
    assert {line["event"] for line in said()} == {expected}
    return said()
