"""What two steps of a signature cost by themselves: its audit record, and its verification."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scripts.benchmark.companion import run_together, start_in_turn
from signerd.audit.event import AuditEvent, EventKind
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import SystemClock
from signerd.pki.signature import verify_signature
from signerd.store.batch import Merger
from signerd.store.database import Database
from signerd.store.event_row import EncodedEvent, encode
from signerd.store.hot import HotTransaction
from signerd.store.migration import migrate
from signerd.store.transaction import Transaction

_ROUNDS: Final = 150
_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class StepCost:
    """cpu_us: of one signature."""

    step: str
    cpu_us: float


def _record_all(
    transaction: Transaction | HotTransaction, events: Sequence[EncodedEvent]
) -> list[None]:
    for event in events:
        transaction.record_encoded(event)
    return [None] * len(events)


# As signatures are recorded, but for the look at their credentials.
_RECORD: Final[Merger[EncodedEvent, None]] = Merger(_record_all, _record_all)


def measure_steps() -> Iterator[StepCost]:
    """In a process of its own, with a database of its own."""
    [costs] = run_together(start_in_turn(1, _measure), _LIMIT_S)
    yield from costs


def _measure(gate: Callable[[], None]) -> list[StepCost]:
    gate()
    return [*asyncio.run(_record()), *_verify()]


async def _record() -> list[StepCost]:
    costs = []
    with tempfile.TemporaryDirectory(prefix="sdbench") as directory:
        url = f"sqlite:///{Path(directory) / 'signerd.db'}"
        migrate(url)
        database = Database(url, chain="bench/bench", clock=SystemClock())
        await database.start()
        for at_once in (1, 16, 64):
            cpu = time.process_time()
            for _ in range(_ROUNDS):
                await asyncio.gather(
                    *(database.merge(_RECORD, encode(_event(1))) for _ in range(at_once))
                )
            used = (time.process_time() - cpu) / (_ROUNDS * at_once)
            costs.append(StepCost(f"audit record, {at_once} calls at once", used * 1e6))
        cpu = time.process_time()
        for _ in range(_ROUNDS):
            await database.merge(_RECORD, encode(_event(64)))
        used = (time.process_time() - cpu) / (_ROUNDS * 64)
        costs.append(StepCost("audit record, a batch of 64", used * 1e6))
        await database.close()
    return costs


def _event(count: int) -> AuditEvent:
    digests = " ".join([bytes(32).hex()] * count)
    return AuditEvent(
        EventKind.SIGNATURE_CREATED,
        SystemClock().now(),
        "uri:spiffe://signerd.local/client/signer",
        f"credentials/{'ab' * 16}",
        "00000000-0000-4000-8000-000000000000",
        {"algorithm": "EC_P256_SHA256", "digests": f"sha256:{digests}", "process": "front-0"},
    )


def _verify() -> list[StepCost]:
    digest = bytes(32)
    prehashed = utils.Prehashed(hashes.SHA256())
    rsa_key = rsa.generate_private_key(65537, 2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    cases = (
        (
            "RSA-2048",
            KeyAlgorithm.RSA_2048_PKCS1_SHA256,
            rsa_key.public_key(),
            rsa_key.sign(digest, padding.PKCS1v15(), prehashed),
        ),
        (
            "P-256",
            KeyAlgorithm.EC_P256_SHA256,
            ec_key.public_key(),
            ec_key.sign(digest, ec.ECDSA(prehashed)),
        ),
    )
    costs = []
    for name, algorithm, key, signature in cases:
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        cpu = time.process_time()
        for _ in range(_ROUNDS):
            verify_signature(spki, algorithm, digest, signature)
        used = (time.process_time() - cpu) / _ROUNDS
        costs.append(StepCost(f"verification, {name}", used * 1e6))
    return costs
