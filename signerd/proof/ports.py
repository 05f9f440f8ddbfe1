"""What proofs need of tokens and store."""

from collections.abc import Callable, Sequence
from typing import Protocol

from signerd.audit.chain import ChainHead
from signerd.audit.checkpoint import SignedCheckpoint
from signerd.audit.event import AuditRecord
from signerd.audit.signature import SignatureDetail
from signerd.audit.standing import RecordLink, TrailStanding
from signerd.audit.verify import VerifyReport
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.value import KeyRef


class CheckpointSigner(Protocol):
    """The audit key. Deadlines are seconds of time.monotonic()."""

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        """Sign a digest (Ed25519: the message). ECDSA signatures are DER.

        Raises TokenUnavailable, TokenRefused, LimitExceeded, DeadlineExceeded.
        """
        ...


class TimeStamper(Protocol):
    """A time-stamping authority (RFC 3161)."""

    async def stamp(self, data: bytes) -> bytes:
        """A TimeStampToken (DER) over data, with the authority's certificate in it; empty when none
        can be had now. Raises nothing: a checkpoint does not wait for its time stamp."""
        ...


class CheckpointReader(Protocol):
    """Checkpoints in the order in which they were made. Every method raises StoreUnavailable."""

    async def after(self, number: int, limit: int) -> list[SignedCheckpoint]:
        """At most limit checkpoints after a number, in order; as they stand there, judged by
        nobody."""
        ...


class CheckpointStore(CheckpointReader, Protocol):
    """Where checkpoints are kept. Every method raises StoreUnavailable."""

    async def standing(self) -> TrailStanding:
        """How far the chains have come, and how far they are covered, in one snapshot."""
        ...

    async def links(self, chain: str, after: int, until: int) -> list[RecordLink]:
        """The records of a chain after one number and up to another, in order."""
        ...

    async def save(self, signed: SignedCheckpoint, reaches: Sequence[tuple[str, int]]) -> None:
        """Keep the next checkpoint, and forget the wishes that it fulfils.

        reaches: for each chain that has grown since the one before, how far it is covered now.
        Raises Interrupted when there is a checkpoint of this number already.
        """
        ...

    async def get(self, number: int) -> SignedCheckpoint:
        """Raises NotFound."""
        ...

    async def covering(self, chain: str, sequence: int) -> int | None:
        """Number of the checkpoint whose tree has a record; None when no checkpoint has it yet."""
        ...

    async def wish(self, chain: str, length: int) -> None:
        """Have a checkpoint made soon that reaches so far in a chain."""
        ...


class RecordFinder(Protocol):
    """Single records. Every method raises StoreUnavailable."""

    async def at_position(self, position: int) -> AuditRecord:
        """Raises NotFound."""
        ...

    async def of_credential(self, resource: str, wanted: SignatureDetail) -> AuditRecord | None:
        """The oldest record on this resource that says this of a signature."""
        ...

    async def before(
        self, position: int | None, wanted: SignatureDetail
    ) -> tuple[AuditRecord | None, int]:
        """The oldest record that says this of a signature in the portion before a position; None
        is the end. Also where that portion begins: 0 when nothing is before it."""
        ...


class Walk(Protocol):
    """One chain, verified in portions. Methods raise StoreUnavailable."""

    report: VerifyReport | None

    @property
    def head(self) -> ChainHead:
        """How far the records reach that were found good."""
        ...

    def require(self, head: ChainHead) -> None:
        """The chain has to reach this far, whatever the store says of its length."""
        ...

    async def advance(self, until: int = ..., confirm: Callable[[AuditRecord], bool] = ...) -> None:
        """Verify records up to a number. confirm: whether each, in order, is the signed one."""
        ...

    async def finish(self) -> VerifyReport:
        """Verify what is left, and the head."""
        ...


class Trail(Protocol):
    """All chains. Methods raise StoreUnavailable."""

    async def chains(self) -> list[str]:
        """Their names, sorted; those without a head too."""
        ...

    def walk(self, chain: str) -> Walk:
        """A chain to be verified in portions."""
        ...
