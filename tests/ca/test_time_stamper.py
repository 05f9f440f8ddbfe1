"""The certificate of the time-stamping authority is renewed like that of the OCSP signer."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from cryptography import x509

from signerd.audit.event import EventKind
from signerd.ca.authority import Authority
from signerd.ca.ocsp_signer import RenewServiceSigner, ServiceSignerPlan, time_stamper_name
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import KeyOrigin, SystemKey
from signerd.core.value import KeyRef
from signerd.pki.service_certificate import prepare_time_stamping
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.migration import migrate
from signerd.store.system_key import SqlSystemKeyStore
from tests.ca.test_ocsp_signer import _ALGORITHM, _CA, _TOKEN, SoftwareTokens
from tests.pki import software_token
from tests.pki.judge import assert_pkilint_clean
from tests.pki.software_authority import NOW
from tests.store.scenario import StandingClock, event_of

_DAYS = 90
_PREPARE = partial(
    prepare_time_stamping,
    crl_uri="http://pki.bank.example/crl/issuing.crl",
    issuer_uri="http://pki.bank.example/ca/issuing.cer",
)
_PLAN = ServiceSignerPlan(
    time_stamper_name("테스트 발급 인증기관"),
    _DAYS,
    SystemKeyRole.TIMESTAMP,
    EventKind.TIME_STAMPER_RENEWED,
    "TIME_STAMPER_MISSING",
    _PREPARE,
)


async def test_it_is_renewed_for_the_same_key(tmp_path: Path) -> None:
    """When a third is left, under the same name, with the addresses of CRL and issuer; it is on
    record, and pkilint finds nothing."""
    url, clock = f"sqlite:///{tmp_path / 'signerd.db'}", StandingClock(NOW)
    migrate(url)
    database = Database(url, chain="local/keeper", clock=clock)
    await database.start()
    store = SqlSystemKeyStore(database)
    spki = software_token.spki_for(_ALGORITHM, "timestamp")
    first = _CA.certify(
        _PREPARE(
            _CA.issuer,
            _ALGORITHM,
            spki=spki,
            serial=(1 << 158) | 9,
            now_utc=NOW,
            days=_DAYS,
            name=_PLAN.name,
        )
    )
    origin = KeyOrigin(local=True, always_sensitive=True, never_extractable=True)
    key = SystemKey(
        SystemKeyRole.TIMESTAMP, KeyRef(_TOKEN, b"stamper"), _ALGORITHM, spki, first, origin
    )
    await store.save_system_keys([key], event_of(EventKind.AUTHORITY_CREATED))
    renewal = RenewServiceSigner(
        _PLAN,
        store=store,
        tokens=SoftwareTokens(),
        authority=Authority(
            KeyRef(_TOKEN, b"issuing"), _ALGORITHM, _CA.issuer, _CA.issuing, _CA.root
        ),
        clock=clock,
        monotonic=lambda: 0.0,
        random=lambda size: bytes([7] * size),
    )
    assert not await renewal.run_once()
    clock.time = NOW + timedelta(days=_DAYS * 2 // 3)
    assert await renewal.run_once()
    renewed = (await store.get_system_keys())[SystemKeyRole.TIMESTAMP].certificate
    assert renewed is not None
    before, after = (x509.load_der_x509_certificate(der) for der in (first, renewed))
    assert after.subject == before.subject
    assert after.public_key() == before.public_key()
    assert after.not_valid_after_utc > before.not_valid_after_utc
    assert_pkilint_clean(tmp_path, renewed, _CA.issuing)
    records = await SqlAuditTrail(database).records_after(0, 10)
    assert EventKind.TIME_STAMPER_RENEWED in {one.event.kind for one in records}
    await database.close()
