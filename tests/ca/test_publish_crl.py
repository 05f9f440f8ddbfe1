"""CRLs are made ahead of their time and after a change, whatever the token does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from signerd.audit.event import AuditFilter, EventKind
from signerd.ca.current_crl import CurrentCrls
from signerd.ca.publish_crl import CrlPlan, CrlSigner, PublishCrl
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import TokenUnavailable
from signerd.core.record import GeneratedKey, Page
from signerd.core.status import CrlIssuer, CrlRecord
from signerd.core.value import KeyRef, TokenRef
from signerd.pki.issuer import IssuerInfo
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.crl import SqlCrlStore
from signerd.store.database import Database
from signerd.store.migration import migrate
from tests.pki import software_token
from tests.pki.software_authority import NOW, authority_for
from tests.store.scenario import Bank, StandingClock, draft_of

_ALGORITHM = KeyAlgorithm.EC_P256_SHA256
_CA = authority_for(_ALGORITHM)
_LIFETIME = timedelta(hours=24)
_DELTA_LIFETIME = timedelta(hours=6)
_URI = "http://pki.bank.example/crl/issuing-delta.crl"
_ISSUING = CrlIssuer.ISSUING


class SoftwareTokens:
    """A token in software; is_away: it refuses."""

    def __init__(self, role: str = "issuing") -> None:
        self.is_away = False
        self._role = role

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        """See the port."""
        del key, deadline
        if self.is_away:
            raise TokenUnavailable("token authority/1 is not there; bring it back")
        return software_token.sign(algorithm, message, self._role)

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
    """A store without certificates."""
    url = f"sqlite:///{tmp_path / 'signerd.db'}"
    migrate(url)
    database = Database(url, chain="local/keeper", clock=clock)
    await database.start()
    yield database
    await database.close()


@pytest.fixture
async def bank(database: Database, clock: StandingClock) -> Bank:
    """Certificates to revoke."""
    bank = Bank(database, clock)
    await bank.open()
    return bank


@pytest.fixture
def tokens() -> SoftwareTokens:
    """The issuing CA's key."""
    return SoftwareTokens()


@pytest.fixture
def publisher(database: Database, clock: StandingClock, tokens: SoftwareTokens) -> PublishCrl:
    """The keeper's, of the issuing CA."""
    return PublishCrl(
        CrlSigner(_ISSUING, KeyRef(TokenRef("authority", "1"), b"issuing"), _CA.issuer),
        CrlPlan(_LIFETIME, _DELTA_LIFETIME, (_URI,)),
        store=SqlCrlStore(database),
        tokens=tokens,
        clock=clock,
        monotonic=lambda: 0.0,
    )


@pytest.fixture
async def crls(database: Database) -> CurrentCrls:
    """What is served."""
    return CurrentCrls(SqlCrlStore(database))


async def newest(crls: CurrentCrls) -> tuple[CrlRecord | None, CrlRecord | None]:
    """Full and delta CRL."""
    await crls.refresh()
    return crls.full(_ISSUING), crls.delta(_ISSUING)


async def settle(publisher: PublishCrl) -> None:
    """Until nothing is due."""
    while await publisher.run_once() is not None:
        continue


async def test_the_first_crl_is_made_at_start_and_then_the_first_delta(
    publisher: PublishCrl, crls: CurrentCrls
) -> None:
    """A delta CRL needs a full one before it; then there is nothing more to do."""
    assert await newest(crls) == (None, None)
    await publisher.run_once()
    full, delta = await newest(crls)
    assert full is not None
    assert (full.number, full.is_base, delta) == (1, True, None)
    await publisher.run_once()
    full, delta = await newest(crls)
    assert full is not None
    assert delta is not None
    assert (full.number, full.is_base) == (2, False)
    assert (delta.number, delta.base_number) == (2, 1)
    assert await publisher.run_once() is None


async def test_crls_are_renewed_when_half_of_their_time_is_over(
    publisher: PublishCrl, crls: CurrentCrls, clock: StandingClock
) -> None:
    """The delta CRL first, later the full one, relative to which the next delta CRLs are made; the
    delta CRL made with it completes those before."""
    await settle(publisher)
    clock.advance(_DELTA_LIFETIME.total_seconds() / 2 - 1)
    assert await publisher.run_once() is None
    clock.advance(1)
    renewed = await publisher.run_once()
    assert renewed is not None
    assert (renewed.number, renewed.is_base) == (3, False)
    clock.advance(_LIFETIME.total_seconds() / 2)
    renewed = await publisher.run_once()
    assert renewed is not None
    assert renewed.is_base
    _, delta = await newest(crls)
    assert delta is not None
    assert (delta.number, delta.base_number) == (4, 1)
    assert await publisher.run_once() is None
    clock.advance(_DELTA_LIFETIME.total_seconds() / 2)
    await publisher.run_once()
    _, delta = await newest(crls)
    assert delta is not None
    assert (delta.number, delta.base_number) == (5, 4)


async def test_a_clock_put_back_makes_crls_of_now(
    publisher: PublishCrl, crls: CurrentCrls, clock: StandingClock
) -> None:
    """A CRL of the future is no use to anybody."""
    clock.advance(86_400)
    await settle(publisher)
    clock.advance(-86_400)
    await publisher.run_once()
    full, _ = await newest(crls)
    assert full is not None
    assert full.this_update_utc == clock.now()


async def test_a_failing_token_leaves_the_last_crl(
    publisher: PublishCrl,
    crls: CurrentCrls,
    tokens: SoftwareTokens,
    bank: Bank,
) -> None:
    """The change waits, and the next CRL, whatever its number, shows it."""
    await settle(publisher)
    certificate = await bank.issue()
    revoked = await bank.revoke(certificate.certificate_id)
    tokens.is_away = True
    for _ in range(2):
        with pytest.raises(TokenUnavailable):
            await publisher.run_once()
    full, _ = await newest(crls)
    assert full is not None
    assert full.number == 2
    tokens.is_away = False
    made = await publisher.run_once()
    assert made is not None
    assert revoked.crl_number is not None
    assert made.number > revoked.crl_number
    full, delta = await newest(crls)
    serial = int(certificate.certificate_id, 16)
    for record in (full, delta):
        assert record is not None
        crl = x509.load_der_x509_crl(record.der)
        assert crl.get_revoked_certificate_by_serial_number(serial) is not None


async def test_every_crl_is_on_record(
    publisher: PublishCrl, database: Database, bank: Bank
) -> None:
    """With number, length and digest: the CA's key signed it."""
    await settle(publisher)
    certificate = await bank.issue(draft_of())
    await bank.revoke(certificate.certificate_id)
    await publisher.run_once()
    records, _ = await SqlAuditTrail(database).list_records(
        AuditFilter(kind=EventKind.CRL_ISSUED.value), Page(10)
    )
    found = [(one.event.resource, one.event.details) for one in records]
    assert [details["number"] for _, details in found] == ["1", "2", "3"]
    assert {resource for resource, _ in found} == {"crls/issuing"}
    last = found[-1][1]
    assert (last["entries"], last["delta_base"], last["delta_entries"]) == ("1", "1", "1")
    assert len(last["sha256"]) == len(last["delta_sha256"]) == 64


async def test_the_root_has_full_crls_alone(database: Database, clock: StandingClock) -> None:
    """They list nothing and name no delta CRL."""
    root = PublishCrl(
        CrlSigner(
            CrlIssuer.ROOT,
            KeyRef(TokenRef("authority", "1"), b"root"),
            IssuerInfo(_CA.root, _ALGORITHM),
        ),
        CrlPlan(_LIFETIME),
        store=SqlCrlStore(database),
        tokens=SoftwareTokens("root"),
        clock=clock,
        monotonic=lambda: 0.0,
    )
    made = await root.run_once()
    assert made is not None
    extensions = x509.load_der_x509_crl(made.der).extensions
    assert {type(one.value) for one in extensions} == {x509.AuthorityKeyIdentifier, x509.CRLNumber}
    assert await root.run_once() is None
