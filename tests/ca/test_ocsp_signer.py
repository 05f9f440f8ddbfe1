"""The certificate that OCSP responses are signed with is renewed in time, and only once."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from signerd.app.doctor.authority import check_ocsp_signer
from signerd.app.doctor.finding import Findings
from signerd.audit.event import EventKind
from signerd.ca.authority import Authority
from signerd.ca.ocsp_signer import RenewServiceSigner, ServiceSignerPlan, ocsp_signer_name
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal, Interrupted, TokenUnavailable
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import GeneratedKey, KeyOrigin, SystemKey
from signerd.core.value import KeyRef, TokenRef, certificate_id_of
from signerd.pki.service_certificate import prepare_ocsp_signer
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.migration import migrate
from signerd.store.system_key import SqlSystemKeyStore
from tests.pki import software_token
from tests.pki.judge import assert_pkilint_clean, openssl
from tests.pki.software_authority import NOW, authority_for
from tests.store.scenario import StandingClock, event_of

_ALGORITHM = KeyAlgorithm.EC_P256_SHA256
_DAYS = 90
_NAME = ocsp_signer_name("테스트 발급 인증기관")
_CA = authority_for(_ALGORITHM)
_TOKEN = TokenRef("authority", "1")
_DAY_S = 86_400.0


class SoftwareTokens:
    """A token in software. dies: after it has signed, its host is gone; lies: it signs something
    else."""

    def __init__(self, *, dies: bool = False, lies: bool = False) -> None:
        self.signed: list[bytes] = []
        self._dies = dies
        self._lies = lies

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        """See the port."""
        assert key.cka_id == b"issuing"
        assert deadline == 30.0
        self.signed.append(message)
        await asyncio.sleep(0)
        if self._dies:
            raise TokenUnavailable("the token host went away during the request; try again")
        return software_token.sign(algorithm, bytes(32) if self._lies else message, "issuing")

    async def generate_key(
        self, key: KeyRef, algorithm: KeyAlgorithm, *, deadline: float, is_repeat: bool
    ) -> GeneratedKey:
        """Never asked for."""
        raise NotImplementedError

    async def destroy_key(self, key: KeyRef, *, deadline: float, was_made: bool = False) -> int:
        """Never asked for."""
        raise NotImplementedError


@pytest.fixture
def clock() -> StandingClock:
    """Now, and moved by the test."""
    return StandingClock(NOW)


@pytest.fixture
async def database(tmp_path: Path, clock: StandingClock) -> AsyncIterator[Database]:
    """A store as init leaves it."""
    url = f"sqlite:///{tmp_path / 'signerd.db'}"
    migrate(url)
    database = Database(url, chain="local/keeper", clock=clock)
    await database.start()
    yield database
    await database.close()


async def _initialised(database: Database) -> SqlSystemKeyStore:
    store = SqlSystemKeyStore(database)
    origin = KeyOrigin(local=True, always_sensitive=True, never_extractable=True)
    prepared = prepare_ocsp_signer(
        _CA.issuer,
        _ALGORITHM,
        spki=software_token.spki_for(_ALGORITHM, "ocsp"),
        serial=(1 << 158) | 7,
        now_utc=NOW,
        days=_DAYS,
        name=_NAME,
    )
    certificates = {
        SystemKeyRole.ROOT: _CA.root,
        SystemKeyRole.ISSUING: _CA.issuing,
        SystemKeyRole.OCSP: _CA.certify(prepared),
    }
    keys = [
        SystemKey(
            role,
            KeyRef(_TOKEN, role.value.encode()),
            _ALGORITHM,
            software_token.spki_for(_ALGORITHM, role.value.lower()),
            certificate,
            origin,
        )
        for role, certificate in certificates.items()
    ]
    await store.save_system_keys(keys, event_of(EventKind.AUTHORITY_CREATED))
    return store


_randoms = itertools.count(1)


def _renewal(
    store: SqlSystemKeyStore, clock: StandingClock, tokens: SoftwareTokens
) -> RenewServiceSigner:
    """As a keeper has it that was just started."""
    return RenewServiceSigner(
        ServiceSignerPlan(_NAME, _DAYS),
        store=store,
        tokens=tokens,
        authority=Authority(
            KeyRef(_TOKEN, b"issuing"), _ALGORITHM, _CA.issuer, _CA.issuing, _CA.root
        ),
        clock=clock,
        monotonic=lambda: 0.0,
        random=lambda size: next(_randoms).to_bytes(size, "big"),
    )


async def _certificate(store: SqlSystemKeyStore) -> bytes:
    der = (await store.get_system_keys())[SystemKeyRole.OCSP].certificate
    assert der is not None
    return der


def _end(der: bytes) -> datetime:
    return x509.load_der_x509_certificate(der).not_valid_after_utc


async def _renewals(database: Database) -> list[dict[str, str]]:
    """The particulars of each that is on record."""
    records = await SqlAuditTrail(database).records_after(0, 100)
    events = [record.event for record in records]
    return [dict(it.details) for it in events if it.kind is EventKind.OCSP_SIGNER_RENEWED]


def _assert_openssl_verifies(folder: Path, der: bytes, at_utc: datetime) -> None:
    """As the helper of an OCSP responder, at a time to come."""
    paths = [folder / name for name in ("root.pem", "issuing.pem", "leaf.pem")]
    for path, certificate in zip(paths, (_CA.root, _CA.issuing, der), strict=True):
        path.write_text(openssl("x509", "-inform", "DER", stdin=certificate))
    root, issuing, leaf = paths
    said = openssl(
        *("verify", "-x509_strict", "-purpose", "ocsphelper"),
        *("-attime", int(at_utc.timestamp()), "-CAfile", root, "-untrusted", issuing, leaf),
    )
    assert said == f"{leaf}: OK\n"


async def test_it_is_renewed_when_a_third_is_left(
    database: Database, clock: StandingClock, tmp_path: Path
) -> None:
    """Not before. The new certificate is for the same key, satisfies openssl and pkilint, and is
    on record; then there is nothing to do for two thirds of its life."""
    store, tokens = await _initialised(database), SoftwareTokens()
    renewal, old = _renewal(store, clock, tokens), await _certificate(store)
    for days in (0, 59.9):
        clock.time = NOW + timedelta(days=days)
        assert not await renewal.run_once()
    assert tokens.signed == []
    clock.time = NOW + timedelta(days=60)
    assert await renewal.run_once()
    renewed = await _certificate(store)
    assert _end(renewed) - _end(old) == timedelta(days=60)
    before, after = (x509.load_der_x509_certificate(der) for der in (old, renewed))
    assert after.public_key() == before.public_key()
    assert after.subject == before.subject
    assert after.serial_number != before.serial_number
    assert_pkilint_clean(tmp_path, renewed, _CA.issuing)
    _assert_openssl_verifies(tmp_path, renewed, clock.now())
    serial = certificate_id_of(after.serial_number)
    assert await _renewals(database) == [{"serial": serial, "not_after": _end(renewed).isoformat()}]
    for keeper in (renewal, _renewal(store, clock, tokens)):
        assert not await keeper.run_once()
    clock.advance(60 * _DAY_S)
    assert await renewal.run_once()


async def test_what_was_signed_and_lost_is_signed_again(
    database: Database, clock: StandingClock
) -> None:
    """A keeper that died between signature and store leaves no second certificate: its successor
    has the same one signed, though much later. Until then the old one is in use."""
    store = await _initialised(database)
    old = await _certificate(store)
    clock.time = NOW + timedelta(days=60)
    dying, tokens = SoftwareTokens(dies=True), SoftwareTokens()
    renewal = _renewal(store, clock, dying)
    for _ in range(2):
        with pytest.raises(TokenUnavailable):
            await renewal.run_once()
    assert await _certificate(store) == old
    clock.advance(3 * _DAY_S)
    assert await _renewal(store, clock, tokens).run_once()
    assert {*dying.signed, *tokens.signed} == {dying.signed[0]}
    assert len(await _renewals(database)) == 1
    assert _end(await _certificate(store)) - _end(old) == timedelta(days=60)


async def test_two_keepers_make_one_certificate(database: Database, clock: StandingClock) -> None:
    """When the lease passes on while its old holder is at work, one of them is refused."""
    store, tokens = await _initialised(database), SoftwareTokens()
    clock.time = NOW + timedelta(days=60)
    keepers = [_renewal(store, clock, tokens) for _ in range(2)]
    done = await asyncio.gather(*(it.run_once() for it in keepers), return_exceptions=True)
    assert sum(one is True for one in done) == 1
    assert any(isinstance(one, Interrupted) for one in done)
    assert len(set(tokens.signed)) == 1
    assert len(await _renewals(database)) == 1
    for keeper in keepers:
        assert not await keeper.run_once()


async def test_a_wrong_signature_does_not_get_into_the_store(
    database: Database, clock: StandingClock
) -> None:
    """The old certificate stays."""
    store = await _initialised(database)
    old = await _certificate(store)
    clock.time = NOW + timedelta(days=60)
    with pytest.raises(Internal) as caught:
        await _renewal(store, clock, SoftwareTokens(lies=True)).run_once()
    assert caught.value.reason == "SIGNATURE_WRONG"
    assert await _certificate(store) == old


async def test_it_does_not_outlive_its_issuer(database: Database, clock: StandingClock) -> None:
    """One that ends with the issuing CA is not renewed over and over."""
    store, tokens = await _initialised(database), SoftwareTokens()
    end = _CA.issuer.not_after_utc
    renewal = _renewal(store, clock, tokens)
    clock.time = end - timedelta(days=20)
    assert await renewal.run_once()
    assert _end(await _certificate(store)) == end
    for days in (10, 1, 0):
        clock.time = end - timedelta(days=days)
        assert not await renewal.run_once()
    assert len(tokens.signed) == 1


async def test_without_a_key_nothing_is_renewed(database: Database, clock: StandingClock) -> None:
    """Before init."""
    with pytest.raises(Internal) as caught:
        await _renewal(SqlSystemKeyStore(database), clock, SoftwareTokens()).run_once()
    assert caught.value.reason == "OCSP_SIGNER_MISSING"


@pytest.mark.parametrize(
    ("days", "verdicts", "word"),
    [(0, ["ok"], "valid until"), (60, ["ok"], "valid until"), (70, ["ok", "note"], "keeper's log")],
)
async def test_doctor_says_when_it_ends(
    database: Database, clock: StandingClock, days: int, verdicts: list[str], word: str
) -> None:
    """With a note once the keeper should have renewed it."""
    keys = await (await _initialised(database)).get_system_keys()
    clock.time = NOW + timedelta(days=days)
    findings = Findings()
    check_ocsp_signer(findings, keys, clock)
    assert [it.verdict.value for it in findings.all] == verdicts
    assert f"{NOW + timedelta(days=_DAYS):%Y-%m-}" in findings.all[0].text
    assert word in findings.all[-1].text


async def test_doctor_finds_an_expired_one(database: Database, clock: StandingClock) -> None:
    """In words."""
    keys = await (await _initialised(database)).get_system_keys()
    clock.time = NOW + timedelta(days=_DAYS)
    findings = Findings()
    check_ocsp_signer(findings, keys, clock)
    (failed,) = findings.all
    assert "expired" in failed.text
    assert not findings.is_good


@pytest.mark.parametrize("name", ["", "은행", "x" * 59, "x" * 64])
def test_its_name_fits(name: str) -> None:
    """At most 64 characters (RFC 5280, appendix A.1), whatever the CA is called."""
    made = ocsp_signer_name(name)
    assert made.endswith(" OCSP")
    assert len(made) <= 64
