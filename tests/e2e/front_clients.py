"""A connection to each front, whichever of them accepts it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from examples.private_daemon import PrivateDaemon
from signerd_client import Client

_TRIES = 200


@contextmanager
def front_clients(daemon: PrivateDaemon, identity: str) -> Iterator[list[Client]]:
    """One client for each front of the daemon."""
    wanted = {process.name for process in daemon.processes("front")}
    with ExitStack() as stack:
        found: dict[str, Client] = {}
        for _ in range(_TRIES):
            client = stack.enter_context(Client(daemon.target(identity)))
            found.setdefault(client.server_info().process, client)
            if found.keys() == wanted:
                break
        assert found.keys() == wanted
        yield list(found.values())
