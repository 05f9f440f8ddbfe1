"""States of certificates for OCSP, and responses signed ahead."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.record import CertificateRecord
from signerd.core.status import OcspRecord
from signerd.store.database import Database
from signerd.store.ocsp import SqlOcspStore
from tests.store.scenario import Bank, StandingClock, draft_of

if TYPE_CHECKING:
    from signerd.ca.status_ports import OcspStore

    def _fits_its_port(database: Database) -> OcspStore:
        """For the type checker."""
        return SqlOcspStore(database)


_LIFETIME = timedelta(hours=12)


@pytest.fixture
def ocsp(database: Database) -> SqlOcspStore:
    return SqlOcspStore(database)


def response_to(
    certificate: CertificateRecord, clock: StandingClock, der: bytes = b"response"
) -> OcspRecord:
    now = clock.now()
    return OcspRecord(certificate.certificate_id, certificate.state, now, now + _LIFETIME, der)


async def to_sign(ocsp: SqlOcspStore, now: datetime, limit: int = 10) -> list[str]:
    listed = await ocsp.list_to_sign(now, now + _LIFETIME / 2, limit)
    return [status.certificate_id for status in listed]


async def test_a_certificate_is_found_by_its_serial_number(
    ocsp: SqlOcspStore, bank: Bank, clock: StandingClock
) -> None:
    """With its state, the time and the reason of what happened to it; another serial is unknown."""
    certificate = await bank.issue()
    serial = int(certificate.certificate_id, 16)
    good = await ocsp.find_status(serial)
    assert good is not None
    assert (good.state, good.since_utc, good.reason) == (CertificateState.ACTIVE, None, None)
    clock.advance(5)
    await bank.suspend(certificate.certificate_id)
    held = await ocsp.find_status(serial)
    assert held is not None
    assert (held.state, held.since_utc) == (CertificateState.SUSPENDED, clock.now())
    clock.advance(5)
    await bank.revoke(certificate.certificate_id)
    revoked = await ocsp.find_status(serial)
    assert revoked is not None
    assert (revoked.state, revoked.since_utc) == (CertificateState.REVOKED, clock.now())
    assert revoked.reason is RevocationReason.KEY_COMPROMISE
    for unknown in (serial + 1, -serial, 0):
        assert await ocsp.find_status(unknown) is None


async def test_a_response_of_another_state_is_not_given(
    ocsp: SqlOcspStore, bank: Bank, clock: StandingClock
) -> None:
    """From the moment of the change on, and for a second suspension not that of the first."""
    certificate = await bank.issue()
    serial = int(certificate.certificate_id, 16)

    async def given() -> bytes | None:
        status = await ocsp.find_status(serial)
        assert status is not None
        return None if status.response is None else status.response.der

    clock.advance(1)
    await ocsp.save_responses([response_to(certificate, clock, b"good")])
    assert await given() == b"good"
    held = await bank.suspend(certificate.certificate_id)
    assert await given() is None
    clock.advance(1)
    await ocsp.save_responses([response_to(held, clock, b"held")])
    assert await given() == b"held"
    await bank.resume(certificate.certificate_id)
    assert await given() is None
    clock.advance(1)
    await bank.suspend(certificate.certificate_id)
    assert await given() is None
    assert await to_sign(ocsp, clock.now()) == [certificate.certificate_id]


async def test_what_has_no_current_response_is_listed(
    ocsp: SqlOcspStore, bank: Bank, clock: StandingClock
) -> None:
    """Missing, of another state, or half over; not what has expired, and no more than asked for."""
    end = clock.now() + timedelta(hours=1)
    fresh, changed, expiring = (
        await bank.issue(),
        await bank.issue(),
        await bank.issue(draft_of(not_after_utc=end)),
    )
    names = {one.certificate_id for one in (fresh, changed, expiring)}
    assert set(await to_sign(ocsp, clock.now())) == names
    assert len(await to_sign(ocsp, clock.now(), limit=2)) == 2
    await ocsp.save_responses([response_to(one, clock) for one in (fresh, changed, expiring)])
    assert await to_sign(ocsp, clock.now()) == []
    clock.advance(1)
    await bank.revoke(changed.certificate_id)
    assert await to_sign(ocsp, clock.now()) == [changed.certificate_id]
    clock.advance(_LIFETIME.total_seconds() / 2)
    assert set(await to_sign(ocsp, clock.now())) == names - {expiring.certificate_id}


async def test_responses_to_expired_certificates_are_forgotten(
    ocsp: SqlOcspStore, bank: Bank, clock: StandingClock
) -> None:
    """The database keeps one response a certificate, and none for those that are over."""
    end = clock.now() + timedelta(hours=1)
    staying, going = await bank.issue(), await bank.issue(draft_of(not_after_utc=end))
    for _ in range(2):
        await ocsp.save_responses([response_to(one, clock) for one in (staying, going)])
    clock.advance(2 * _LIFETIME.total_seconds())
    assert await ocsp.forget_responses(clock.now()) == 1
    assert await ocsp.forget_responses(clock.now()) == 0
