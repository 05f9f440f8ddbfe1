"""Sign what the audit chains are."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from signerd.audit.chain import EMPTY, ChainHead
from signerd.audit.checkpoint import (
    FIRST_PREVIOUS,
    Checkpoint,
    SignedCheckpoint,
    encode_checkpoint,
    fingerprint_of,
    leaf_of,
    parse_checkpoint,
)
from signerd.audit.merkle import TreeHasher
from signerd.audit.standing import RecordLink, TrailStanding
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import Clock
from signerd.core.error import ServiceUnavailable, WrongState
from signerd.core.fault import FaultPoint, reach
from signerd.core.value import KeyRef
from signerd.pki.assembly import message_to_sign, require_signature
from signerd.proof.ports import CheckpointSigner, CheckpointStore, TimeStamper

_CALL_S = 30.0
# Records read at a time: hashing them keeps the event loop for some milliseconds.
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class AuditKey:
    """The key on the token, and its public half (SubjectPublicKeyInfo, DER). begin_utc, end_utc:
    while its certificate and all above it are valid."""

    key: KeyRef
    algorithm: KeyAlgorithm
    spki: bytes
    begin_utc: datetime
    end_utc: datetime


@dataclass(frozen=True, slots=True)
class CheckpointPlan:
    """interval: longest time for which new records stay uncovered. records: so many do not wait
    that long; also the most that one checkpoint covers."""

    interval: timedelta
    records: int


class _Batch:
    """The records that one checkpoint covers."""

    def __init__(self) -> None:
        self.tree = TreeHasher()
        self.fingerprints = bytearray()

    def add(self, link: RecordLink) -> None:
        leaf = leaf_of(link.hash, link.position)
        self.tree.add(leaf)
        self.fingerprints += fingerprint_of(leaf)


class MakeCheckpoint:
    """Keeps the chains covered.

    A checkpoint has its own tree over the records since the one before, and the heads of all
    chains. So a record is hashed once and nothing has to be kept between checkpoints but the last
    of them; a proof is as long as the logarithm of one batch; and the time stamp of the checkpoint
    that covers a record is of the minute in which it was made. That nothing was taken back is said
    by the heads: they are hashes over everything before.
    """

    def __init__(
        self,
        key: AuditKey,
        plan: CheckpointPlan,
        *,
        store: CheckpointStore,
        tokens: CheckpointSigner,
        stamper: TimeStamper | None,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._key = key
        self._plan = plan
        self._store = store
        self._tokens = tokens
        self._stamper = stamper
        self._clock = clock
        self._monotonic = monotonic

    async def run_once(self, *, is_urgent: bool = False) -> SignedCheckpoint | None:
        """Make the next checkpoint if it is time; is_urgent: if there is anything to cover.

        1. Read the records since the last one; each has to hold the hash of the one before it, so
           that nothing is signed that does not continue what was signed before.
        2. Sign; the signature is verified, and a time stamp put over both.
        3. Keep it.

        A crash in between leaves nothing: the next one has the same number. Raises WrongState
        (AUDIT_BROKEN), Interrupted when another keeper was faster, Internal (SIGNATURE_WRONG),
        ServiceUnavailable (CHECKPOINT_CLOCK), StoreUnavailable and as CheckpointSigner.
        """
        standing = await self._store.standing()
        newest = _newest(standing)
        now = self._clock.now()
        if not self._is_due(standing, newest, now, is_urgent=is_urgent):
            return None
        if not self._key.begin_utc <= now <= self._key.end_utc:
            # It could not be verified, nor be taken back; the records are covered later.
            raise ServiceUnavailable(
                "no checkpoint of the audit is made: the certificate of the audit key is not valid "
                f"at {now:%Y-%m-%d %H:%M:%S} UTC; set the machine's clock right",
                reason="CHECKPOINT_CLOCK",
            )
        batch = _Batch()
        heads, reaches = await self._collect(standing, newest, batch)
        signed = await self._sign(self._describe(standing, heads, batch, now), batch)
        reach(FaultPoint.KEEPER_CHECKPOINT_SIGNED)
        await self._store.save(signed, reaches)
        reach(FaultPoint.KEEPER_CHECKPOINT_STORED)
        return signed

    def _is_due(
        self,
        standing: TrailStanding,
        newest: Checkpoint | None,
        now_utc: datetime,
        *,
        is_urgent: bool,
    ) -> bool:
        covered = {} if newest is None else dict(newest.chains)
        _require_continued(covered, standing.heads)
        waiting = sum(
            head.length - covered.get(chain, EMPTY).length for chain, head in standing.heads.items()
        )
        if not waiting:
            return False
        if newest is None or is_urgent or waiting >= self._plan.records:
            return True
        if any(
            covered.get(chain, EMPTY).length < length
            for chain, length in standing.wishes.items()
            if chain in standing.heads
        ):
            return True
        # Also when the clock was put back behind it.
        return not newest.time_utc <= now_utc < newest.time_utc + self._plan.interval

    async def _collect(
        self, standing: TrailStanding, newest: Checkpoint | None, batch: _Batch
    ) -> tuple[dict[str, ChainHead], list[tuple[str, int]]]:
        """Fill a batch; the heads that it leads to, and how far it reaches in chains that grew."""
        heads = {} if newest is None else dict(newest.chains)
        reaches = []
        for chain, head in sorted(standing.heads.items()):
            before = heads.get(chain, EMPTY)
            until = min(head.length, before.length + self._plan.records - batch.tree.size)
            if until > before.length:
                heads[chain] = await self._take(chain, before, head, until, batch)
                reaches.append((chain, until))
        return heads, reaches

    def _describe(
        self,
        standing: TrailStanding,
        heads: Mapping[str, ChainHead],
        batch: _Batch,
        now_utc: datetime,
    ) -> Checkpoint:
        previous = standing.newest
        return Checkpoint(
            number=1 if previous is None else previous.number + 1,
            time_utc=now_utc,
            key_sha256=hashlib.sha256(self._key.spki).digest(),
            algorithm=self._key.algorithm,
            previous_hash=FIRST_PREVIOUS if previous is None else previous.hash,
            records=batch.tree.size,
            root=batch.tree.root(),
            fingerprints_sha256=hashlib.sha256(batch.fingerprints).digest(),
            chains=tuple(sorted(heads.items())),
        )

    async def _take(
        self, chain: str, before: ChainHead, head: ChainHead, until: int, batch: _Batch
    ) -> ChainHead:
        """Put the records of a chain into a batch; the head as of the last of them."""
        reached = before
        while reached.length < until:
            last = min(until, reached.length + _CHUNK)
            links = await self._store.links(chain, reached.length, last)
            if len(links) != last - reached.length:
                raise _broken(chain, reached.length + len(links) + 1)
            for link in links:
                if (link.sequence, link.previous_hash) != (reached.length + 1, reached.hash):
                    raise _broken(chain, reached.length + 1)
                batch.add(link)
                reached = ChainHead(link.sequence, link.hash)
        if reached.length == head.length and reached.hash != head.hash:
            raise _broken(chain, reached.length)
        return reached

    async def _sign(self, made: Checkpoint, batch: _Batch) -> SignedCheckpoint:
        key = self._key
        try:
            text = encode_checkpoint(made)
        except ValueError as error:
            raise WrongState(
                f"the chains cannot be put under a checkpoint: {error}; run `signerd audit verify`",
                reason="AUDIT_BROKEN",
            ) from error
        signature = await self._tokens.sign(
            key.key,
            key.algorithm,
            message_to_sign(text, key.algorithm),
            deadline=self._monotonic() + _CALL_S,
        )
        require_signature(text, key.algorithm, key.spki, signature, title="checkpoint")
        stamp = b""
        if self._stamper is not None:
            stamp = await self._stamper.stamp(text + signature)
        return SignedCheckpoint(made.number, text, signature, bytes(batch.fingerprints), stamp)


def _newest(standing: TrailStanding) -> Checkpoint | None:
    if standing.newest is None:
        return None
    try:
        newest = parse_checkpoint(standing.newest.text)
    except ValueError:
        newest = None
    if newest is None or newest.number != standing.newest.number:
        raise WrongState(
            f"checkpoint {standing.newest.number} of the store is not what was written; no further "
            "one is made: run `signerd audit verify`",
            reason="AUDIT_BROKEN",
        )
    return newest


def _require_continued(covered: Mapping[str, ChainHead], heads: Mapping[str, ChainHead]) -> None:
    for chain, head in covered.items():
        now = heads.get(chain, EMPTY)
        if now.length < head.length or (now.length == head.length and now.hash != head.hash):
            raise _broken(chain, min(now.length + 1, head.length))


def _broken(chain: str, sequence: int) -> WrongState:
    return WrongState(
        f"record {sequence} of the audit chain {chain} is not there or does not continue what the "
        "last checkpoint says; no further one is made: run `signerd audit verify`",
        reason="AUDIT_BROKEN",
    )
