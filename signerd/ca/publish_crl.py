"""Make CRLs: ahead of their time, and within seconds after a change."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from signerd.audit.event import AuditEvent, EventKind
from signerd.ca.housekeeping import KEEPER
from signerd.ca.ports import KeyTokens
from signerd.ca.status_ports import CrlStore
from signerd.core.clock import Clock
from signerd.core.fault import FaultPoint, reach
from signerd.core.record import RevokedEntry
from signerd.core.status import CrlDraft, CrlIssuer, CrlRecord, CrlStanding
from signerd.core.value import KeyRef
from signerd.pki.crl import PreparedCrl, prepare_crl
from signerd.pki.issuer import IssuerInfo

_CALL_S = 30.0


@dataclass(frozen=True, slots=True)
class CrlSigner:
    """A CA: where its key is, and what it signs with."""

    issuer: CrlIssuer
    key: KeyRef
    info: IssuerInfo


@dataclass(frozen=True, slots=True)
class CrlPlan:
    """How long CRLs are good; each is replaced when half of that is over. delta_lifetime: None
    where there are no delta CRLs. delta_uris: where relying parties find them."""

    lifetime: timedelta
    delta_lifetime: timedelta | None = None
    delta_uris: tuple[str, ...] = ()


class PublishCrl:
    """Keeps the CRLs of one CA current.

    A full CRL that begins an interval of half its lifetime is a *base*. In between, whenever a
    certificate was suspended, resumed or revoked, or the delta CRL is half over, a full and a delta
    CRL are made together, with one number and the same information (RFC 5280, 5.2.4): who reads
    full CRLs only learns of a change as soon as who reads delta CRLs. A delta CRL lists what
    changed since the base of its interval, and when it is made together with a new base since the
    base before: it brings every full CRL since then up to date.
    """

    def __init__(
        self,
        signer: CrlSigner,
        plan: CrlPlan,
        *,
        store: CrlStore,
        tokens: KeyTokens,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._signer = signer
        self._plan = plan
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._monotonic = monotonic

    async def run_once(self) -> CrlRecord | None:
        """Publish if it is time, and return the full CRL.

        1. Take a number: changes from now on are told the next one.
        2. Sign; when the token fails the number is left out and the last CRLs stay as they are.
        3. Keep both CRLs and put them on record, in one transaction.

        A crash in between costs a number and nothing else, since a change waits until a CRL of its
        number or a later one is kept. Raises StoreUnavailable and as KeyTokens.
        """
        issuer = self._signer.issuer
        standing = await self._store.crl_standing(issuer)
        now = self._clock.now()
        if not self._is_due(standing, now):
            return None
        reach(FaultPoint.KEEPER_BEFORE_CRL)
        draft = await self._store.open_crl(issuer, now)
        reach(FaultPoint.KEEPER_CRL_OPENED)
        full = await self._make_full(draft, now, is_base=_is_half_over(standing.base, now))
        made = [full]
        if self._plan.delta_lifetime is not None and draft.base_number is not None:
            made.append(await self._make_delta(draft, now, self._plan.delta_lifetime))
        reach(FaultPoint.KEEPER_CRL_SIGNED)
        await self._store.save_crls(made, self._event(draft, made, now))
        reach(FaultPoint.KEEPER_CRL_SAVED)
        return full

    def _is_due(self, standing: CrlStanding, now_utc: datetime) -> bool:
        has_deltas = self._plan.delta_lifetime is not None
        return (
            standing.is_change_waiting
            or _is_half_over(standing.base, now_utc)
            or (has_deltas and _is_half_over(standing.delta, now_utc))
        )

    async def _make_full(self, draft: CrlDraft, now_utc: datetime, *, is_base: bool) -> CrlRecord:
        return await self._make(
            draft.entries,
            CrlRecord(
                issuer=self._signer.issuer,
                number=draft.number,
                base_number=None,
                is_base=is_base,
                this_update_utc=now_utc,
                next_update_utc=now_utc + self._plan.lifetime,
                der=b"",
            ),
        )

    async def _make_delta(
        self, draft: CrlDraft, now_utc: datetime, lifetime: timedelta
    ) -> CrlRecord:
        return await self._make(
            draft.changes,
            CrlRecord(
                issuer=self._signer.issuer,
                number=draft.number,
                base_number=draft.base_number,
                is_base=False,
                this_update_utc=now_utc,
                next_update_utc=now_utc + lifetime,
                der=b"",
            ),
        )

    async def _make(self, entries: Sequence[RevokedEntry], unsigned: CrlRecord) -> CrlRecord:
        """A CRL may be long: the event loop goes on while it is encoded."""
        signer = self._signer
        prepared = await asyncio.to_thread(self._prepare, entries, unsigned)
        signature = await self._tokens.sign(
            signer.key,
            signer.info.algorithm,
            prepared.message,
            deadline=self._monotonic() + _CALL_S,
        )
        der = await asyncio.to_thread(prepared.assemble, signature)
        return replace(unsigned, der=der)

    def _prepare(self, entries: Sequence[RevokedEntry], unsigned: CrlRecord) -> PreparedCrl:
        is_full = unsigned.base_number is None
        return prepare_crl(
            self._signer.info,
            entries,
            number=unsigned.number,
            base_number=unsigned.base_number,
            this_update_utc=unsigned.this_update_utc,
            next_update_utc=unsigned.next_update_utc,
            delta_uris=self._plan.delta_uris if is_full else (),
        )

    def _event(self, draft: CrlDraft, made: Sequence[CrlRecord], now_utc: datetime) -> AuditEvent:
        details = {
            "number": str(draft.number),
            "entries": str(len(draft.entries)),
            "sha256": sha256(made[0].der).hexdigest(),
        }
        for delta in made[1:]:
            details |= {
                "delta_base": str(delta.base_number),
                "delta_entries": str(len(draft.changes)),
                "delta_sha256": sha256(delta.der).hexdigest(),
            }
        resource = f"crls/{self._signer.issuer}"
        return AuditEvent(EventKind.CRL_ISSUED, now_utc, KEEPER, resource, "", details)


def _is_half_over(record: CrlRecord | None, now_utc: datetime) -> bool:
    """Also for a CRL of the future, made before the clock was put back."""
    if record is None:
        return True
    half = record.this_update_utc + (record.next_update_utc - record.this_update_utc) / 2
    return not record.this_update_utc <= now_utc < half
