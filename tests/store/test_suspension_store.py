"""Certificates on hold, as the store keeps them."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from signerd.core.error import WrongState
from signerd.core.lifecycle import (
    CertificateAct,
    CertificateState,
    CredentialState,
    RevocationReason,
)
from signerd.core.record import CertificateChange, CertificateFilter, CertificateRecord, Page
from signerd.store.housekeeping import SqlHousekeeping
from signerd.store.schema import crl_sequence
from signerd.store.signature import SqlSignatureStore
from signerd.store.transaction import Transaction
from tests.store.scenario import START, Bank, credential_in, draft_of, event_of, record_signature

_LIMIT = START + timedelta(days=180)


async def _credential_state(bank: Bank, certificate: CertificateRecord) -> CredentialState:
    store = SqlSignatureStore(bank.database)
    return (await store.get_credential(credential_in(certificate))).state


async def test_suspension_and_back(bank: Bank) -> None:
    """On hold a certificate says since when and until when and its key waits; resumed, both are
    as before."""
    certificate = await bank.issue()
    suspended = await bank.suspend(certificate.certificate_id, _LIMIT)
    assert (suspended.state, suspended.suspended_utc, suspended.suspension_limit_utc) == (
        CertificateState.SUSPENDED,
        START,
        _LIMIT,
    )
    assert (suspended.revoked_utc, suspended.revocation_reason) == (None, None)
    assert await _credential_state(bank, certificate) is CredentialState.SUSPENDED
    resumed = await bank.resume(certificate.certificate_id)
    assert (resumed.state, resumed.suspended_utc, resumed.suspension_limit_utc) == (
        CertificateState.ACTIVE,
        None,
        None,
    )
    assert resumed.not_after_utc == certificate.not_after_utc
    assert await _credential_state(bank, certificate) is CredentialState.ACTIVE


async def test_suspended_credential_does_not_sign_and_keeps_its_key(bank: Bank) -> None:
    """The refusal says that it is on hold, signing works again afterwards, and the keeper is not
    told to destroy anything."""
    signatures = SqlSignatureStore(bank.database)
    certificate = await bank.issue()
    await bank.suspend(certificate.certificate_id)
    with pytest.raises(WrongState) as caught:
        await record_signature(signatures, credential_in(certificate), event_of())
    assert caught.value.reason == "CREDENTIAL_SUSPENDED"
    assert caught.value.metadata == {"certificate": certificate.certificate_id}
    assert await SqlHousekeeping(bank.database).list_retired_credentials(10) == []
    await bank.resume(certificate.certificate_id)
    await record_signature(signatures, credential_in(certificate), event_of())


async def test_suspended_certificate_can_be_revoked(bank: Bank) -> None:
    """It is revoked from then on, and no longer on hold; its key is retired."""
    certificate = await bank.issue()
    await bank.suspend(certificate.certificate_id)
    revoked = await bank.revoke(certificate.certificate_id)
    assert (revoked.state, revoked.suspended_utc, revoked.suspension_limit_utc) == (
        CertificateState.REVOKED,
        None,
        None,
    )
    assert await _credential_state(bank, certificate) is CredentialState.RETIRED


async def test_each_change_names_the_crl_that_will_show_it(bank: Bank) -> None:
    """The number is the one the next CRL will have at that moment, for a resumption too."""
    certificate = await bank.issue()
    assert certificate.crl_number is None
    numbers = []
    for change in (bank.suspend, bank.resume, bank.revoke):
        numbers.append((await change(certificate.certificate_id)).crl_number)
        await bank.database.write(_raise_crl_number)
    assert numbers == [1, 2, 3]


def _raise_crl_number(transaction: Transaction) -> None:
    transaction.connection.execute(
        update(crl_sequence)
        .where(crl_sequence.c.name == "issuing")
        .values(next_number=crl_sequence.c.next_number + 1)
    )


async def test_of_two_changes_at_once_one_wins(bank: Bank) -> None:
    """Whoever comes second is told the state that the first has made."""
    for _ in range(10):
        certificate = (await bank.issue()).certificate_id
        outcomes = await asyncio.gather(
            bank.suspend(certificate), bank.suspend(certificate), return_exceptions=True
        )
        (refusal,) = [one for one in outcomes if isinstance(one, WrongState)]
        assert refusal.reason == "CERTIFICATE_SUSPENDED"


async def test_listing_knows_what_is_on_hold(bank: Bank) -> None:
    """SUSPENDED is a state of its own until the certificate expires, which it then has."""
    end = START + timedelta(days=1)
    certificate = await bank.issue(draft_of(not_after_utc=end))
    await bank.issue(draft_of(not_after_utc=end + timedelta(days=1)))
    await bank.suspend(certificate.certificate_id, end)

    async def ids(state: CertificateState) -> list[str]:
        where = CertificateFilter(state=state)
        found, _ = await bank.certificates.list_certificates(where, Page(10), bank.clock.now())
        return [one.certificate_id for one in found]

    assert await ids(CertificateState.SUSPENDED) == [certificate.certificate_id]
    assert certificate.certificate_id not in await ids(CertificateState.ACTIVE)
    bank.clock.time = end + timedelta(microseconds=1)
    assert await ids(CertificateState.SUSPENDED) == []
    assert await ids(CertificateState.EXPIRED) == [certificate.certificate_id]


async def test_overdue_suspensions_are_found_longest_overdue_first(bank: Bank) -> None:
    """After the limit, not at it; those that have expired or are no longer on hold are not."""
    store = SqlHousekeeping(bank.database)
    kept = [await bank.issue() for _ in range(4)]
    gone = await bank.issue(draft_of(not_after_utc=_LIMIT))
    for number, certificate in enumerate([*kept, gone]):
        await bank.suspend(certificate.certificate_id, _LIMIT - timedelta(days=number % 4))
    await bank.resume(kept[0].certificate_id)
    await bank.revoke(kept[1].certificate_id)
    bank.clock.time = _LIMIT - timedelta(days=3)
    assert await store.list_overdue_suspensions(bank.clock.now(), 10) == []
    bank.clock.time = _LIMIT + timedelta(days=1)
    overdue = await store.list_overdue_suspensions(bank.clock.now(), 10)
    assert overdue == [kept[3].certificate_id, kept[2].certificate_id]
    assert await store.list_overdue_suspensions(bank.clock.now(), 1) == overdue[:1]


async def test_end_of_a_suspension_needs_no_request(bank: Bank) -> None:
    """The daemon revokes by itself, and only what is still on hold."""
    certificate = (await bank.issue()).certificate_id
    end = CertificateChange(
        CertificateAct.END_SUSPENSION, START, RevocationReason.CESSATION_OF_OPERATION
    )
    with pytest.raises(WrongState):
        await bank.change(certificate, end)
    await bank.suspend(certificate)
    ended = await bank.change(certificate, end)
    assert (ended.state, ended.revocation_reason) == (
        CertificateState.REVOKED,
        RevocationReason.CESSATION_OF_OPERATION,
    )
