"""What is done without anybody asking, by the one keeper that holds the lease."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from signerd.audit.event import AuditEvent, EventKind
from signerd.ca.absence import AbsentTokens
from signerd.ca.journal import IssuanceJournal
from signerd.ca.keeper_ports import HousekeepingStore, ReadyKeyStore, TokenPool, TokenRegistry
from signerd.ca.ports import CertificateStore, KeyTokens
from signerd.core.clock import Clock
from signerd.core.error import Internal, SignerdError, TokenUnavailable
from signerd.core.fault import FaultPoint, reach
from signerd.core.lifecycle import CertificateAct, RevocationReason, TokenPurpose
from signerd.core.record import CertificateChange, CredentialRecord, TokenRecord
from signerd.core.value import CertificateId, KeyRef, credential_id_of

_BATCH = 100
_CALL_S = 90.0
# A host may go on making a key for so long after whoever asked for it has died.
_STRAGGLER_S = 60.0
KEEPER = "local:keeper"


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """How the pool of subscriber tokens grows.

    A token is added when less than reserve of one token's capacity is free on those tokens of the
    pool that are there.
    """

    label_prefix: str
    capacity: int
    reserve: float = 0.25


@dataclass(frozen=True, slots=True)
class Tally:
    """What one round did, and the problems it met (they are tried again in the next round).

    resumed: issuances that were brought to their end. ended: suspensions.
    """

    resumed: int
    ended: int
    destroyed: int
    forgotten: int
    tokens_added: int
    problems: tuple[SignerdError, ...]

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        work = (self.resumed, self.ended, self.destroyed, self.tokens_added)
        return not (any(work) or self.problems)


class Housekeeper:
    """Finishes interrupted issuances, revokes what was suspended for too long, destroys retired
    keys and stragglers, forgets old request ids, grows the pool. plan is None where the pool does
    not grow by itself."""

    def __init__(
        self,
        *,
        store: HousekeepingStore,
        ready_keys: ReadyKeyStore,
        certificates: CertificateStore,
        registry: TokenRegistry,
        journal: IssuanceJournal,
        tokens: KeyTokens,
        pool: TokenPool,
        plan: PoolPlan | None,
        clock: Clock,
        monotonic: Callable[[], float],
        retention: timedelta,
    ) -> None:
        self._store = store
        self._ready_keys = ready_keys
        self._certificates = certificates
        self._registry = registry
        self._journal = journal
        self._tokens = tokens
        self._pool = pool
        self._plan = plan
        self._clock = clock
        self._monotonic = monotonic
        self._retention = retention
        self._absent = AbsentTokens(monotonic)
        self._next_sweep: float | None = self._monotonic()

    async def run_once(self) -> Tally:
        """One round. Raises StoreUnavailable; a token's trouble is in the tally."""
        problems: list[SignerdError] = []
        resumed = await self._resume(problems)
        ended = await self._end_suspensions(problems)
        destroyed, given_up = await self._destroy(problems)
        abandoned = await self._destroy_abandoned(problems)
        swept = await self._sweep_when_due(resumed or given_up or abandoned, problems)
        added = await self._grow(problems)
        forgotten = await self._store.forget_requests(self._clock.now() - self._retention)
        return Tally(
            resumed, ended, destroyed + abandoned + swept, forgotten, added, tuple(problems)
        )

    async def _resume(self, problems: list[SignerdError]) -> int:
        done = 0
        for record in await self._store.list_interrupted_issuances(_BATCH):
            try:
                await self._journal.resume(record.draft.issuance_id)
                done += 1
            except SignerdError as error:
                problems.append(error)
            except Exception as error:  # noqa: BLE001 - one issuance must not end all other work
                problems.append(
                    Internal(f"issuance {record.draft.issuance_id} cannot be resumed: {error!r}")
                )
        return done

    async def _end_suspensions(self, problems: list[SignerdError]) -> int:
        now = self._clock.now()
        overdue = await self._store.list_overdue_suspensions(now, _BATCH)
        # Together, so that the store writes them in one transaction.
        outcomes = await asyncio.gather(
            *(self._end_suspension(certificate, now) for certificate in overdue)
        )
        refusals = [refusal for refusal in outcomes if refusal is not None]
        problems += refusals
        return len(outcomes) - len(refusals)

    async def _end_suspension(
        self, certificate: CertificateId, now_utc: datetime
    ) -> SignerdError | None:
        reason = RevocationReason.CESSATION_OF_OPERATION
        change = CertificateChange(CertificateAct.END_SUSPENSION, now_utc, reason)
        event = self._event(
            EventKind.CERTIFICATE_REVOKED,
            f"certificates/{certificate}",
            {"reason": reason.name, "suspension": "ended"},
        )
        try:
            await self._certificates.change_certificate(None, certificate, change, event)
        except SignerdError as error:
            return error
        return None

    async def _destroy(self, problems: list[SignerdError]) -> tuple[int, int]:
        """How many keys were destroyed, and how many of them were given up unfinished."""
        done = given_up = 0
        listed = await self._store.list_retired_credentials(_BATCH, avoid=self._absent.now())
        for credential in listed:
            token = credential.key.token
            if token in self._absent.now():
                continue
            try:
                await self._destroy_one(credential)
                done += 1
                given_up += credential.certificate is None
            except TokenUnavailable as error:
                self._absent.note(token)
                problems.append(error)
            except SignerdError as error:
                problems.append(error)
        return done, given_up

    async def _destroy_one(self, credential: CredentialRecord) -> None:
        reach(FaultPoint.KEEPER_BEFORE_DESTROY)
        count = await self._tokens.destroy_key(
            credential.key,
            deadline=self._monotonic() + _CALL_S,
            was_made=bool(credential.spki),
        )
        reach(FaultPoint.KEEPER_AFTER_DESTROY)
        event = self._destroyed(credential.key, count)
        await self._store.mark_destroyed(credential.credential_id, event)

    async def _destroy_abandoned(self, problems: list[SignerdError]) -> int:
        """Keys that were to be made ahead, and whose maker died or failed."""
        done = 0
        listed = await self._ready_keys.take_abandoned_keys(_BATCH, avoid=self._absent.now())
        for key in listed:
            if key.token in self._absent.now():
                continue
            try:
                count = await self._tokens.destroy_key(key, deadline=self._monotonic() + _CALL_S)
                event = self._destroyed(key, count)
                await self._ready_keys.mark_abandoned_destroyed(key.cka_id, event)
                done += 1
            except TokenUnavailable as error:
                self._absent.note(key.token)
                problems.append(error)
            except SignerdError as error:
                problems.append(error)
        return done

    async def _sweep_when_due(self, taken_over: int, problems: list[SignerdError]) -> int:
        """Look for stragglers at start, and some time after issuances had to be taken over, here
        or by a front: a host may have finished a key after it was destroyed."""
        now = self._monotonic()
        is_due = self._next_sweep is not None and self._next_sweep <= now
        if taken_over:
            self._next_sweep = now + _STRAGGLER_S
        elif is_due:
            self._next_sweep = None
        return await self._sweep(problems) if is_due else 0

    async def _sweep(self, problems: list[SignerdError]) -> int:
        done, before = 0, len(problems)
        deadline = self._monotonic() + _CALL_S
        for token in await self._subscriber_tokens():
            try:
                keys = await self._pool.list_keys(token.token, deadline=deadline)
                dead = await self._store.find_dead_keys(token.token, [key.cka_id for key in keys])
                for cka_id in dead:
                    await self._tokens.destroy_key(KeyRef(token.token, cka_id), deadline=deadline)
                    done += 1
            except SignerdError as error:
                problems.append(error)
        if len(problems) > before:
            self._next_sweep = self._monotonic() + _STRAGGLER_S
        return done

    async def _subscriber_tokens(self) -> list[TokenRecord]:
        return [
            token
            for token in await self._registry.list_tokens()
            if token.purpose is TokenPurpose.SUBSCRIBER
        ]

    async def _grow(self, problems: list[SignerdError]) -> int:
        if self._plan is None:
            return 0
        deadline = self._monotonic() + _CALL_S
        pool = await self._subscriber_tokens()
        there = await self._pool.available_tokens(deadline=deadline)
        free = sum(max(0, it.capacity - it.key_count) for it in pool if it.token in there)
        # Where no token at all is there, their storage is missing: a new token would be made on
        # whatever shows through.
        if not there or free >= self._plan.capacity * self._plan.reserve:
            return 0
        label = _next_label(self._plan.label_prefix, [token.token.label for token in pool])
        try:
            made = await self._pool.create_token(label, deadline=deadline)
        except SignerdError as error:
            problems.append(error)
            return 0
        await self._registry.register_token(
            TokenRecord(made, TokenPurpose.SUBSCRIBER, self._plan.capacity),
            self._event(EventKind.TOKEN_ADDED, f"tokens/{made.label}", {"serial": made.serial}),
        )
        return 1

    def _destroyed(self, key: KeyRef, objects: int) -> AuditEvent:
        return self._event(
            EventKind.KEY_DESTROYED,
            f"credentials/{credential_id_of(key.cka_id)}",
            {"token": str(key.token), "objects": str(objects)},
        )

    def _event(self, kind: EventKind, resource: str, details: dict[str, str]) -> AuditEvent:
        return AuditEvent(kind, self._clock.now(), KEEPER, resource, "", details)


def _next_label(prefix: str, labels: list[str]) -> str:
    """The first free number after those in use; labels are prefix and a number from 1."""
    used = [int(tail) for label in labels if (tail := label.removeprefix(prefix)).isdigit()]
    return f"{prefix}{max(used, default=0) + 1}"
