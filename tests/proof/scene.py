"""A database with two chains under checkpoints, and somebody who changes it all consistently."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from signerd.audit.canonical import encode_event
from signerd.audit.chain import EMPTY, hash_at
from signerd.audit.checkpoint import SignedCheckpoint
from signerd.audit.event import AuditEvent, EventKind
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.value import KeyRef, TokenRef
from signerd.pki.service_certificate import prepare_audit_signer
from signerd.proof.checkpoint_file import CheckpointFile
from signerd.proof.file_checkpoint import FileCheckpoints
from signerd.proof.judge import AuditAuthority, CheckpointJudge
from signerd.proof.make_checkpoint import AuditKey, CheckpointPlan, MakeCheckpoint
from signerd.proof.verify import TrailReport, VerifyTrail
from signerd.store.audit_checkpoint import SqlCheckpointStore
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.column import from_microseconds
from signerd.store.database import Database
from signerd.store.migration import migrate
from tests.pki import software_token
from tests.pki.software_authority import NOW, SERIAL, authority_for
from tests.pki.software_token import spki_for
from tests.store.scenario import StandingClock, event_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from signerd.proof.ports import CheckpointStore, Trail

    def _fits_its_port(database: Database) -> tuple[CheckpointStore, Trail]:
        """For the type checker: the adapters have the shape of the ports."""
        return SqlCheckpointStore(database), SqlAuditTrail(database)


ALGORITHM: Final = KeyAlgorithm.EC_P256_SHA256
FRONT, OTHER = "local/front-0", "local/front-1"
_CA: Final = authority_for(ALGORITHM)
_PLAN: Final = CheckpointPlan(timedelta(seconds=60), 1000)
_ROLE: Final = "audit"

Row = dict[str, Any]


def audit_key(role: str = _ROLE) -> AuditKey:
    """A key in software, as if on the authority token."""
    key = KeyRef(TokenRef("authority", "1"), role.encode())
    begin, end = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return AuditKey(key, ALGORITHM, spki_for(ALGORITHM, role), begin, end)


class SoftwareSigner:
    """Signs with the key that is named by its CKA_ID."""

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        """See the port."""
        assert deadline == 30.0
        return software_token.sign(algorithm, message, key.cka_id.decode())


def authority() -> AuditAuthority:
    """The certificate of the audit key, made like init makes it, and the CA's."""
    prepared = prepare_audit_signer(
        _CA.issuer,
        ALGORITHM,
        spki=spki_for(ALGORITHM, _ROLE),
        serial=SERIAL + 7,
        now_utc=NOW,
        name="audit",
    )
    return AuditAuthority(_CA.certify(prepared), (_CA.issuing, _CA.root))


def maker_of(
    database: Database,
    *,
    plan: CheckpointPlan = _PLAN,
    role: str = _ROLE,
    clock: StandingClock | None = None,
    key: AuditKey | None = None,
) -> MakeCheckpoint:
    """The use case over a real store."""
    return MakeCheckpoint(
        key or audit_key(role),
        plan,
        store=SqlCheckpointStore(database),
        tokens=SoftwareSigner(),
        stamper=None,
        clock=clock or StandingClock(NOW),
        monotonic=lambda: 0.0,
    )


@asynccontextmanager
async def opened(path: Path, chain: str = "") -> "AsyncIterator[Database]":
    """The database as the process of a chain opens it."""
    database = Database(f"sqlite:///{path}", chain=chain, clock=StandingClock(NOW))
    await database.start()
    try:
        yield database
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class Scene:
    """A directory with database and checkpoint file. clock: moved with each checkpoint."""

    directory: Path

    @property
    def path(self) -> Path:
        return self.directory / "signerd.db"

    @property
    def file(self) -> CheckpointFile:
        return CheckpointFile(self.directory / "checkpoints.jsonl")

    async def record(self, chain: str, count: int) -> None:
        """Put signatures on record."""
        async with opened(self.path, chain) as database:
            events = [event_of(resource=f"credentials/{n}", digest="00") for n in range(count)]
            await SqlAuditTrail(database).append(events)

    async def checkpoint(self, minutes: int, *, role: str = _ROLE) -> SignedCheckpoint | None:
        """Have one made, so many minutes from the beginning, and filed."""
        clock = StandingClock(NOW + timedelta(minutes=minutes))
        async with opened(self.path, "local/keeper") as database:
            made = await maker_of(database, role=role, clock=clock).run_once()
            if role == _ROLE:
                await FileCheckpoints(self.file, SqlCheckpointStore(database)).run_once()
            return made

    async def verify(self, *, filed: Iterator[SignedCheckpoint] | None = None) -> TrailReport:
        """What the verifier finds."""
        async with opened(self.path) as database:
            return await VerifyTrail(
                SqlAuditTrail(database),
                SqlCheckpointStore(database),
                self.file.read() if filed is None else filed,
                CheckpointJudge(authority()),
            ).run()

    def execute(self, *statements: str) -> None:
        """Change the database by hand."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                assert connection.execute(statement).rowcount >= 1, statement

    def rewrite(self, chain: str, change: Callable[[list[Row]], Sequence[Row]]) -> None:
        """Change the rows of a chain and make everything fit again: numbers, hashes, head."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute(
                "SELECT * FROM audit_events WHERE chain = ? ORDER BY sequence", (chain,)
            )
            rows = list(change([dict(row) for row in found]))
            connection.execute("DELETE FROM audit_events WHERE chain = ?", (chain,))
            head = EMPTY
            for sequence, row in enumerate(rows, 1):
                hash_ = hash_at(chain, sequence, head.hash, encode_event(_event_of(row)))
                row |= {"sequence": sequence, "previous_hash": head.hash, "hash": hash_}
                marks = ", ".join(f":{name}" for name in row)
                connection.execute(
                    f"INSERT INTO audit_events ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - our own columns
                    row,
                )
                head = type(head)(sequence, hash_)
            connection.execute(
                "UPDATE audit_heads SET length = ?, head_hash = ? WHERE chain = ?", (*head, chain)
            )


def build(directory: Path) -> Scene:
    """Three checkpoints: over 5 and 3 records, 4 and none, 3 and 3; then 2 that none covers."""
    scene = Scene(directory)
    migrate(f"sqlite:///{scene.path}")

    async def run() -> None:
        await scene.record(FRONT, 5)
        await scene.record(OTHER, 3)
        await scene.checkpoint(0)
        await scene.record(FRONT, 4)
        await scene.checkpoint(2)
        await scene.record(FRONT, 3)
        await scene.record(OTHER, 3)
        await scene.checkpoint(4)
        await scene.record(FRONT, 2)

    asyncio.run(run())
    return scene


def _event_of(row: Row) -> AuditEvent:
    return AuditEvent(
        EventKind(row["kind"]),
        from_microseconds(row["time_us"]),
        row["principal"],
        row["resource"],
        row["request_id"],
        msgspec.json.decode(row["details"]),
    )
