"""Many clients that issue, sign and reissue at once, in processes of their own; each remembers
everything that was acknowledged to it."""

import asyncio
import hashlib
import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from signerd_client import AsyncClient, Certificate, KeyAlgorithm, SignerdError, Target
from signerd_client.retry import RetryPolicy

_PROFILE: Final = "tls-client"
# Of 100 calls; the rest are signatures.
_ISSUES: Final = 4
_REISSUES: Final = 10
_RSA_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """clients: over all processes. duration_s: no call is begun later. unreachable_s and
    timeout_s: as of the client library. seed: of the clients' choices. pause_s: of each client
    between its calls."""

    officer: Target
    signer: Target
    clients: int
    processes: int
    duration_s: float
    timeout_s: float
    unreachable_s: float
    seed: int
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AcknowledgedSignature:
    """A signature over a SHA-256 digest. began and ended: time.monotonic()."""

    credential: str
    digest: bytes
    signature: bytes
    began: float
    ended: float


@dataclass(slots=True)
class Ledger:
    """What was acknowledged. reissued: name of the old certificate and the new one. refused:
    signatures with a key that was being replaced, refused as retired. errors: everything that was
    not expected."""

    issued: list[Certificate] = field(default_factory=list)
    reissued: list[tuple[str, Certificate]] = field(default_factory=list)
    signatures: list[AcknowledgedSignature] = field(default_factory=list)
    refused: int = 0
    errors: list[str] = field(default_factory=list)

    def add(self, other: "Ledger") -> None:
        """Take another's over."""
        self.issued += other.issued
        self.reissued += other.reissued
        self.signatures += other.signatures
        self.refused += other.refused
        self.errors += other.errors

    @property
    def certificates(self) -> list[Certificate]:
        """Every certificate that was acknowledged."""
        return [*self.issued, *(new for _, new in self.reissued)]


@contextmanager
def running_load(plan: LoadPlan) -> Iterator[Callable[[], Ledger]]:
    """The load runs beside the block; calling the result waits for its end."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.processes, context) as pool:
        shares: list[Future[Ledger]] = [
            pool.submit(_run_share, plan, number) for number in range(plan.processes)
        ]

        def ledger() -> Ledger:
            whole = Ledger()
            for share in shares:
                whole.add(share.result())
            return whole

        yield ledger


def _run_share(plan: LoadPlan, number: int) -> Ledger:
    return asyncio.run(_run_clients(plan, range(number, plan.clients, plan.processes)))


async def _run_clients(plan: LoadPlan, numbers: range) -> Ledger:
    until = time.monotonic() + plan.duration_s
    whole = Ledger()
    for done in await asyncio.gather(*(_run_client(plan, number, until) for number in numbers)):
        whole.add(done)
    return whole


async def _run_client(plan: LoadPlan, number: int, until: float) -> Ledger:
    retry = RetryPolicy(unreachable_s=plan.unreachable_s)
    async with (
        AsyncClient(plan.officer, timeout_s=plan.timeout_s, retry=retry) as officer,
        AsyncClient(plan.signer, timeout_s=plan.timeout_s, retry=retry, coalesce=False) as signer,
    ):
        actor = _Actor(officer, signer, f"load-{plan.seed}-{number}", plan.seed * 1000 + number)
        while time.monotonic() < until:
            await actor.act()
            await asyncio.sleep(plan.pause_s)
        return actor.ledger


class _Actor:
    """One client: it alone knows its certificates, so that whatever it is told of them is its own
    doing."""

    def __init__(
        self, officer: AsyncClient, signer: AsyncClient, subscriber: str, seed: int
    ) -> None:
        self.ledger = Ledger()
        self._officer = officer
        self._signer = signer
        self._subscriber = subscriber
        self._random = random.Random(seed)  # noqa: S311 - a choice of calls, to be repeatable
        self._active: list[Certificate] = []
        self._count = 0

    async def act(self) -> None:
        """One call of a kind chosen at random."""
        choice = self._random.randrange(100)
        try:
            if not self._active or choice < _ISSUES:
                await self._issue()
            elif choice < _ISSUES + _REISSUES:
                await self._reissue()
            else:
                await self._sign(self._random.choice(self._active), may_be_retired=False)
        except SignerdError as error:
            self.ledger.errors.append(f"{type(error).__name__}: {error}")

    async def _issue(self) -> None:
        is_rsa = self._random.random() < _RSA_SHARE
        made = await self._officer.issue_certificate(
            self._subscriber,
            _PROFILE,
            "Load",
            key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256
            if is_rsa
            else KeyAlgorithm.EC_P256_SHA256,
        )
        assert made is not None
        self.ledger.issued.append(made)
        self._active.append(made)

    async def _reissue(self) -> None:
        """While the key is replaced somebody signs with it: until the answer it may do so."""
        old = self._active.pop(self._random.randrange(len(self._active)))
        done, _ = await asyncio.gather(
            self._officer.reissue_certificate(old.name),
            self._sign(old, may_be_retired=True),
        )
        self.ledger.reissued.append((old.name, done.certificate))
        self._active.append(done.certificate)

    async def _sign(self, certificate: Certificate, *, may_be_retired: bool) -> None:
        self._count += 1
        digest = hashlib.sha256(f"{self._subscriber} {self._count}".encode()).digest()
        began = time.monotonic()
        try:
            signed = await self._signer.sign(certificate.credential, digest=digest)
        except SignerdError as error:
            if may_be_retired and error.reason == "CREDENTIAL_RETIRED":
                self.ledger.refused += 1
                return
            raise
        self.ledger.signatures.append(
            AcknowledgedSignature(
                certificate.credential, digest, signed.signature, began, time.monotonic()
            )
        )
