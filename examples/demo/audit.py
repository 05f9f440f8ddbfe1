"""Compares what clients were told with what the daemon has on record."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from examples.demo.worker import Signed
from signerd_client import Client

_SIGNATURE: Final = "signature.created"
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Recorded:
    """Records of signatures by (credential, digest), and of every kind of event how many."""

    signatures: Counter[tuple[str, str]]
    kinds: Counter[str]

    def missing(self, acknowledged: Iterable[Signed]) -> list[Signed]:
        """Acknowledged signatures that are not on record."""
        return [
            signed
            for signed in acknowledged
            if (
                signed.instruction.credential,
                f"sha256:{signed.instruction.order.digest.hex()}",
            )
            not in self.signatures
        ]


def read_audit(client: Client) -> Recorded:
    """Read the whole audit."""
    signatures: Counter[tuple[str, str]] = Counter()
    kinds: Counter[str] = Counter()
    for event in client.list_audit_events(page_size=_PAGE):
        kinds[event.kind] += 1
        if event.kind == _SIGNATURE:
            signatures[event.resource, event.details["digest"]] += 1
    return Recorded(signatures, kinds)
