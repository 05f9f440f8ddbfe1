"""A connection to each front, whichever of them accepts it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from examples.private_daemon import PrivateDaemon
from signerd_client import Client

# A front that is still starting accepts nothing.
_LIMIT_S = 60.0


@contextmanager
def front_clients(daemon: PrivateDaemon, identity: str) -> Iterator[list[Client]]:
    """One client for each front of the daemon."""
    wanted = {process.name for process in daemon.processes("front")}
    deadline = time.monotonic() + _LIMIT_S
    with ExitStack() as stack:
        found: dict[str, Client] = {}
        while found.keys() != wanted:
            assert time.monotonic() < deadline, f"of {sorted(wanted)} only {sorted(found)} accept"
            client = Client(daemon.target(identity))
            process = client.server_info().process
            if process in found:
                client.close()
            else:
                found[process] = stack.enter_context(client)
        yield list(found.values())
