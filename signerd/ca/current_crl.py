"""The newest CRLs, at hand for whoever asks."""

from signerd.ca.status_ports import CrlStore
from signerd.core.status import CrlIssuer, CrlRecord


class CurrentCrls:
    """Holds the newest full and delta CRL of each CA in memory, so that they are there while the
    store is not."""

    def __init__(self, store: CrlStore) -> None:
        self._store = store
        self._full: dict[CrlIssuer, CrlRecord] = {}
        self._delta: dict[CrlIssuer, CrlRecord] = {}

    async def refresh(self) -> None:
        """Read what is newer than what is held. Raises StoreUnavailable, and NotFound when two
        came in one moment: the next refresh reads the later one."""
        for issuer in CrlIssuer:
            standing = await self._store.crl_standing(issuer)
            await self._take(self._full, standing.full)
            await self._take(self._delta, standing.delta)

    def full(self, issuer: CrlIssuer) -> CrlRecord | None:
        """The newest full CRL; None before the first."""
        return self._full.get(issuer)

    def delta(self, issuer: CrlIssuer) -> CrlRecord | None:
        """The newest delta CRL; None before the first."""
        return self._delta.get(issuer)

    async def _take(self, held: dict[CrlIssuer, CrlRecord], newest: CrlRecord | None) -> None:
        if newest is None:
            return
        known = held.get(newest.issuer)
        if known is None or known.number < newest.number:
            held[newest.issuer] = await self._store.read_crl(
                newest.issuer, newest.number, newest.base_number
            )
