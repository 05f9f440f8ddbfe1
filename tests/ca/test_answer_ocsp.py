"""OCSP when the token or the store fails, and how much may wait for them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509 import ocsp

from signerd.ca.answer_ocsp import AnswerOcsp
from signerd.ca.presign_ocsp import PresignOcsp
from signerd.ca.sign_ocsp import OcspSigner, SignOcsp
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import StoreUnavailable, TokenUnavailable
from signerd.core.record import GeneratedKey
from signerd.core.status import CertificateStatus
from signerd.core.value import KeyRef, TokenRef
from signerd.pki.ocsp import OcspRefusal
from signerd.store.database import Database
from signerd.store.migration import migrate
from signerd.store.ocsp import SqlOcspStore
from tests.pki import software_token
from tests.pki.judge import openssl
from tests.pki.software_authority import NOW, authority_for
from tests.pki.software_status import responder_for
from tests.store.scenario import Bank, StandingClock

_ALGORITHM = KeyAlgorithm.EC_P256_SHA256
_CA = authority_for(_ALGORITHM)
_LIFETIME = timedelta(hours=12)
_MOST_WAITING = 2


class SoftwareTokens:
    """A token in software. is_away: it refuses; gate: what it waits for before it signs."""

    def __init__(self) -> None:
        self.is_away = False
        self.signed = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        """See the port."""
        assert key.cka_id == b"ocsp"
        assert deadline > 0
        await self.gate.wait()
        if self.is_away:
            raise TokenUnavailable("token authority/1 is not there; bring it back")
        self.signed += 1
        return software_token.sign(algorithm, message, "ocsp")

    async def generate_key(
        self, key: KeyRef, algorithm: KeyAlgorithm, *, deadline: float, is_repeat: bool
    ) -> GeneratedKey:
        """Never asked for."""
        raise NotImplementedError

    async def destroy_key(self, key: KeyRef, *, deadline: float, was_made: bool = False) -> int:
        """Never asked for."""
        raise NotImplementedError


class BrokenStore(SqlOcspStore):
    """A store that does not answer."""

    async def find_status(self, serial: int) -> CertificateStatus | None:
        """See the port."""
        raise StoreUnavailable(f"no answer about {serial}")


@pytest.fixture
def clock() -> StandingClock:
    """Now, and moved by the test."""
    return StandingClock(NOW)


@pytest.fixture
async def database(tmp_path: Path, clock: StandingClock) -> AsyncIterator[Database]:
    """A store without certificates."""
    url = f"sqlite:///{tmp_path / 'signerd.db'}"
    migrate(url)
    database = Database(url, chain="local/publisher", clock=clock)
    await database.start()
    yield database
    await database.close()


@pytest.fixture
async def bank(database: Database, clock: StandingClock) -> Bank:
    """Certificates to ask about."""
    bank = Bank(database, clock)
    await bank.open()
    return bank


@pytest.fixture
def tokens() -> SoftwareTokens:
    """The OCSP key."""
    return SoftwareTokens()


@pytest.fixture
def signing(tokens: SoftwareTokens) -> SignOcsp:
    """With a signer that is never renewed."""
    signer = OcspSigner(KeyRef(TokenRef("authority", "1"), b"ocsp"), responder_for(_ALGORITHM))

    async def current() -> OcspSigner:
        return signer

    return SignOcsp(tokens, _CA.issuer, current)


def answering(store: SqlOcspStore, signing: SignOcsp, clock: StandingClock) -> AnswerOcsp:
    """The use case."""
    return AnswerOcsp(
        store,
        signing,
        _CA.issuer,
        lifetime=_LIFETIME,
        most_waiting=_MOST_WAITING,
        limit_s=5.0,
        clock=clock,
        monotonic=lambda: 0.0,
    )


def request_about(folder: Path, certificate_id: str, *options: str) -> bytes:
    """A request of openssl."""
    issuing, file = folder / "issuing.pem", folder / "request.der"
    issuing.write_text(openssl("x509", "-inform", "DER", stdin=_CA.issuing))
    asked = ("-issuer", issuing, "-serial", f"0x{certificate_id}", "-reqout", file)
    openssl("ocsp", *(options or ("-no_nonce",)), *asked)
    return file.read_bytes()


def status_in(der: bytes) -> tuple[ocsp.OCSPCertStatus, datetime | None]:
    """What a signed response says."""
    response = ocsp.load_der_ocsp_response(der)
    return response.certificate_status, response.next_update_utc


async def test_without_the_token_what_was_signed_ahead_is_given(
    bank: Bank,
    signing: SignOcsp,
    tokens: SoftwareTokens,
    clock: StandingClock,
    tmp_path: Path,
) -> None:
    """For as long as it is good; a question that needs a signature is told to try later."""
    store = SqlOcspStore(bank.database)
    certificate = await bank.issue()
    presigning = PresignOcsp(store, signing, lifetime=_LIFETIME, clock=clock, monotonic=lambda: 0.0)
    assert (await presigning.run_once(), await presigning.run_once()) == (1, 0)
    tokens.is_away = True
    answer = answering(store, signing, clock)
    plain = request_about(tmp_path, certificate.certificate_id)
    ahead = await answer.answer(plain)
    assert status_in(ahead.der) == (ocsp.OCSPCertStatus.GOOD, ahead.next_update_utc)
    with_nonce = request_about(tmp_path, certificate.certificate_id, "-nonce")
    refused = await answer.answer(with_nonce)
    assert (refused.der, refused.next_update_utc) == (OcspRefusal.TRY_LATER.der, None)
    clock.advance(_LIFETIME.total_seconds())
    assert (await answer.answer(plain)).der == OcspRefusal.TRY_LATER.der
    tokens.is_away = False
    assert status_in((await answer.answer(plain)).der)[0] is ocsp.OCSPCertStatus.GOOD


async def test_responses_are_signed_again_at_half_time(
    database: Database,
    bank: Bank,
    signing: SignOcsp,
    tokens: SoftwareTokens,
    clock: StandingClock,
) -> None:
    """Never earlier, and at once after a change; a failing token is told, and the rest is kept."""
    presigning = PresignOcsp(
        SqlOcspStore(database), signing, lifetime=_LIFETIME, clock=clock, monotonic=lambda: 0.0
    )
    certificate = await bank.issue()
    await presigning.run_once()
    clock.advance(_LIFETIME.total_seconds() / 2 - 60)
    assert await presigning.run_once() == 0
    await bank.revoke(certificate.certificate_id)
    clock.advance(1)
    assert await presigning.run_once() == 1
    clock.advance(_LIFETIME.total_seconds() / 2 + 60)
    tokens.is_away = True
    with pytest.raises(TokenUnavailable):
        await presigning.run_once()
    tokens.is_away = False
    assert await presigning.run_once() == 1
    assert tokens.signed == 3


async def test_no_more_than_some_wait_for_the_token(
    bank: Bank,
    signing: SignOcsp,
    tokens: SoftwareTokens,
    clock: StandingClock,
    tmp_path: Path,
) -> None:
    """One more is told to try later, at once; those that wait get their answer."""
    certificate = await bank.issue()
    answer = answering(SqlOcspStore(bank.database), signing, clock)
    request = request_about(tmp_path, certificate.certificate_id, "-nonce")
    tokens.gate.clear()
    waiting = [asyncio.create_task(answer.answer(request)) for _ in range(_MOST_WAITING + 1)]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result().der for task in done] == [OcspRefusal.TRY_LATER.der]
    tokens.gate.set()
    answers = await asyncio.gather(*pending)
    assert {status_in(one.der)[0] for one in answers} == {ocsp.OCSPCertStatus.GOOD}


async def test_without_the_store_nothing_is_claimed(
    database: Database,
    bank: Bank,
    signing: SignOcsp,
    clock: StandingClock,
    tmp_path: Path,
) -> None:
    """Good would be a guess."""
    certificate = await bank.issue()
    answer = answering(BrokenStore(database), signing, clock)
    refused = await answer.answer(request_about(tmp_path, certificate.certificate_id))
    assert refused.der == OcspRefusal.TRY_LATER.der


async def test_no_response_outlives_its_signer(
    database: Database,
    bank: Bank,
    signing: SignOcsp,
    clock: StandingClock,
    tmp_path: Path,
) -> None:
    """nextUpdate is no later than the end of the signer's certificate; after it nothing is
    signed."""
    certificate = await bank.issue()
    request = request_about(tmp_path, certificate.certificate_id)
    answer = answering(SqlOcspStore(database), signing, clock)
    end = responder_for(_ALGORITHM).not_after_utc
    clock.time = end - timedelta(hours=1)
    assert status_in((await answer.answer(request)).der)[1] == end
    clock.time = end
    assert (await answer.answer(request)).der == OcspRefusal.INTERNAL_ERROR.der
