"""Prove that a record was there when a checkpoint was signed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from signerd.audit.canonical import canonical_bytes
from signerd.audit.chain import EMPTY
from signerd.audit.checkpoint import Checkpoint, SignedCheckpoint, leaf_of, parse_checkpoint
from signerd.audit.event import AuditRecord
from signerd.audit.merkle import PathStep, audit_path, root_of
from signerd.audit.signature import SignatureDetail
from signerd.core.error import DeadlineExceeded, NotFound, ServiceUnavailable, WrongState
from signerd.core.value import CredentialId
from signerd.proof.ports import CheckpointStore, RecordFinder

_LOOK_S = 0.1
# A keeper looks for wishes twice a second.
_PATIENCE_S = 10.0
_CALL_RESERVE_S = 1.0
_RETRY_S = 5.0
# Records read at a time: hashing them keeps the event loop for a millisecond or two.
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class RecordProof:
    """What verifies without the daemon. octets: the record in its canonical form; path: from its
    leaf to the root that the checkpoint names."""

    record: AuditRecord
    octets: bytes
    path: tuple[PathStep, ...]
    signed: SignedCheckpoint


@dataclass(frozen=True, slots=True)
class SignatureQuery:
    """Which signature. credential: None where that is not known. wanted: what its record says."""

    credential: CredentialId | None
    wanted: SignatureDetail


class ProveRecord:
    """The use case behind Admin.ProveAuditRecord. Deadlines are seconds of time.monotonic()."""

    def __init__(
        self, finder: RecordFinder, store: CheckpointStore, monotonic: Callable[[], float]
    ) -> None:
        self._finder = finder
        self._store = store
        self._monotonic = monotonic

    async def find(self, query: SignatureQuery, *, deadline: float) -> AuditRecord:
        """The oldest record of a signature by a credential; without one the newest portion is
        looked through first, and so on back.

        Raises NotFound, DeadlineExceeded, StoreUnavailable.
        """
        found: AuditRecord | None
        if query.credential is not None:
            resource = f"credentials/{query.credential}"
            found = await self._finder.of_credential(resource, query.wanted)
        else:
            found = await self._search(query, deadline)
        if found is None:
            raise NotFound(
                f"no audit record has the {query.wanted}; check the file, and that "
                "the credential is the one that signed"
            )
        return found

    async def prove(self, record: AuditRecord, *, deadline: float) -> RecordProof:
        """The proof of a record. One that no checkpoint covers yet has one made.

        Raises ServiceUnavailable (CHECKPOINT_PENDING) when that does not come in time, WrongState
        (AUDIT_BROKEN) when the records are not what the checkpoint was signed over,
        StoreUnavailable.
        """
        number = await self._number_of(record, deadline)
        signed = await self._store.get(number)
        checkpoint = _parse(signed)
        before = _parse(await self._store.get(number - 1)) if number > 1 else None
        leaves, index = await self._leaves(checkpoint, before, record)
        path = await asyncio.to_thread(_path, leaves, index, checkpoint)
        octets = canonical_bytes(record.chain, record.sequence, record.previous_hash, record.event)
        return RecordProof(record, octets, path, signed)

    async def at_position(self, position: int) -> AuditRecord:
        """Raises NotFound, StoreUnavailable."""
        return await self._finder.at_position(position)

    async def _search(self, query: SignatureQuery, deadline: float) -> AuditRecord | None:
        position: int | None = None
        while position is None or position > 0:
            if self._monotonic() > deadline - _CALL_RESERVE_S:
                raise DeadlineExceeded(
                    "the signature was not found in time among all records; name the credential "
                    "that made it, or allow more time"
                )
            found, position = await self._finder.before(position, query.wanted)
            if found is not None:
                return found
        return None

    async def _number_of(self, record: AuditRecord, deadline: float) -> int:
        number = await self._store.covering(record.chain, record.sequence)
        if number is not None:
            return number
        await self._store.wish(record.chain, record.sequence)
        limit = min(deadline - _CALL_RESERVE_S, self._monotonic() + _PATIENCE_S)
        while number is None:
            if self._monotonic() > limit:
                raise ServiceUnavailable(
                    "no checkpoint covers this record yet, and none was made in time; try again, "
                    "and if that does not help have the operator look for audit.checkpoint_failed "
                    "and audit.broken in the log",
                    reason="CHECKPOINT_PENDING",
                    retry_after_s=_RETRY_S,
                )
            await asyncio.sleep(_LOOK_S)
            number = await self._store.covering(record.chain, record.sequence)
        return number

    async def _leaves(
        self, checkpoint: Checkpoint, before: Checkpoint | None, record: AuditRecord
    ) -> tuple[list[bytes], int]:
        """The leaves under a checkpoint, and the index of the record's."""
        leaves: list[bytes] = []
        index = -1
        for chain, head in checkpoint.chains:
            known = EMPTY.length if before is None else before.length_of(chain)
            if head.length == known:
                continue
            if chain == record.chain:
                index = len(leaves) + record.sequence - known - 1
            for after in range(known, head.length, _CHUNK):
                until = min(head.length, after + _CHUNK)
                links = await self._store.links(chain, after, until)
                leaves += [leaf_of(link.hash, link.position) for link in links]
        return leaves, index


def _path(leaves: list[bytes], index: int, checkpoint: Checkpoint) -> tuple[PathStep, ...]:
    try:
        path = tuple(audit_path(leaves, index))
    except IndexError:
        raise _broken(checkpoint.number) from None
    if root_of(leaves[index], path) != checkpoint.root:
        raise _broken(checkpoint.number)
    return path


def _parse(signed: SignedCheckpoint) -> Checkpoint:
    try:
        return parse_checkpoint(signed.text)
    except ValueError:
        raise _broken(signed.number) from None


def _broken(number: int) -> WrongState:
    return WrongState(
        f"the records are not those that checkpoint {number} was signed over: nothing can be "
        "proven with them; have the operator run `signerd audit verify`",
        reason="AUDIT_BROKEN",
    )
