"""What the daemon has stored, to be compared before and after."""

from dataclasses import dataclass

from examples.private_daemon import PrivateDaemon
from signerd_client import Client

# What the daemon does by itself, at its own time.
_OWN_WORK = ("process.", "policy.", "token.", "key.", "crl.", "authority.")


@dataclass(frozen=True, slots=True)
class Stored:
    """Acts on record, certificates and the number of keys."""

    events: tuple[str, ...]
    certificates: tuple[tuple[str, str], ...]
    keys: int


def stored(daemon: PrivateDaemon) -> Stored:
    """Everything that a caller can have caused."""
    with Client(daemon.target("auditor")) as auditor:
        return Stored(
            tuple(
                event.hash
                for event in auditor.list_audit_events(page_size=1000)
                if not event.kind.startswith(_OWN_WORK)
            ),
            tuple((one.name, one.state) for one in auditor.list_certificates(page_size=1000)),
            sum(token.key_count for token in auditor.token_status().tokens),
        )


def assert_nothing_stored(daemon: PrivateDaemon, before: Stored) -> None:
    """Nothing has come since; the keys of retired credentials may have gone meanwhile."""
    after = stored(daemon)
    assert (after.events, after.certificates) == (before.events, before.certificates)
    assert after.keys <= before.keys
