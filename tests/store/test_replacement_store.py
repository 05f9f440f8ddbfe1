"""Reissue and renewal: the end of one certificate and the beginning of another."""

from datetime import timedelta

import pytest

from signerd.audit.event import AuditFilter
from signerd.core.error import Interrupted, NotFound, SignerdError, WrongState
from signerd.core.lifecycle import (
    CertificateAct,
    CertificateState,
    CredentialState,
    IssuanceState,
    RevocationReason,
)
from signerd.core.record import CertificateRecord, Page
from signerd.core.value import CertificateId
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.signature import SqlSignatureStore
from signerd.store.token_registry import SqlTokenRegistry
from tests.store.scenario import (
    OWNER,
    Bank,
    certificate_for,
    credential_in,
    draft_of,
    event_of,
)


async def _begin(
    bank: Bank, certificate: CertificateId, act: CertificateAct = CertificateAct.REISSUE
) -> SignerdError:
    with pytest.raises(SignerdError) as caught:
        await bank.issuances.begin_issuance(draft_of(replaces=certificate, act=act))
    return caught.value


async def _credential_state(bank: Bank, certificate: CertificateRecord) -> CredentialState:
    store = SqlSignatureStore(bank.database)
    return (await store.get_credential(credential_in(certificate))).state


async def _revocations(bank: Bank) -> int:
    records, _ = await SqlAuditTrail(bank.database).list_records(
        AuditFilter(kind="certificate.revoked"), Page(10)
    )
    return len(records)


@pytest.mark.parametrize("act", [CertificateAct.REISSUE, CertificateAct.RENEW])
async def test_replacement_happens_in_one_moment(bank: Bank, act: CertificateAct) -> None:
    """When a reissue or renewal is complete the old certificate is superseded, its key is retired
    and its end is on record."""
    old = await bank.issue()
    new = await bank.issue(draft_of(replaces=old.certificate_id, act=act))
    assert new.replaces == old.certificate_id
    ended = await bank.certificates.get_certificate(old.certificate_id)
    assert (ended.state, ended.revocation_reason, ended.replaced_by) == (
        CertificateState.REVOKED,
        RevocationReason.SUPERSEDED,
        new.certificate_id,
    )
    assert (ended.revoked_utc, ended.crl_number) == (new.created_utc, 1)
    assert await _credential_state(bank, old) is CredentialState.RETIRED
    assert await _revocations(bank) == 1


async def test_the_act_survives_with_the_journal(bank: Bank) -> None:
    """Whoever takes an open renewal over knows that it is one."""
    old = await bank.issue()
    draft = draft_of(replaces=old.certificate_id, act=CertificateAct.RENEW)
    begun, _ = await bank.issuances.begin_issuance(draft)
    found = await bank.issuances.get_issuance(begun.draft.issuance_id)
    assert found.draft.act is CertificateAct.RENEW


async def test_what_is_unknown_or_on_hold_is_not_replaced(bank: Bank) -> None:
    """An unknown or suspended certificate is not reissued, and nothing is reserved for it."""
    assert isinstance(await _begin(bank, CertificateId("00ff")), NotFound)
    certificate = await bank.issue()
    await bank.suspend(certificate.certificate_id)
    for act in (CertificateAct.REISSUE, CertificateAct.RENEW):
        refusal = await _begin(bank, certificate.certificate_id, act)
        assert isinstance(refusal, WrongState)
        assert refusal.reason == "CERTIFICATE_SUSPENDED"
    assert [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()] == [1]


async def test_a_revoked_certificate_is_reissued_once(bank: Bank) -> None:
    """Who lost a certificate gets another for it; the old one stays revoked for the reason and
    since the time it was, on record once. Renewed it is not, nor reissued again."""
    old = await bank.issue()
    revoked = await bank.revoke(old.certificate_id)
    refusal = await _begin(bank, old.certificate_id, CertificateAct.RENEW)
    assert refusal.reason == "CERTIFICATE_REVOKED"
    bank.clock.advance(3600)
    new = await bank.issue(draft_of(replaces=old.certificate_id))
    found = await bank.certificates.get_certificate(old.certificate_id)
    assert found.replaced_by == new.certificate_id
    assert (found.revocation_reason, found.revoked_utc, found.crl_number) == (
        RevocationReason.KEY_COMPROMISE,
        revoked.revoked_utc,
        revoked.crl_number,
    )
    assert await _revocations(bank) == 1
    refusal = await _begin(bank, old.certificate_id)
    assert refusal.reason == "CERTIFICATE_REPLACED"
    assert refusal.metadata == {"certificate": f"certificates/{new.certificate_id}"}


async def test_an_expired_certificate_is_not_replaced(bank: Bank) -> None:
    """Neither one that was valid to its end, nor one that had been revoked."""
    end = bank.clock.now() + timedelta(days=1)
    expired, revoked = [await bank.issue(draft_of(not_after_utc=end)) for _ in range(2)]
    await bank.revoke(revoked.certificate_id)
    bank.clock.time = end + timedelta(microseconds=1)
    for certificate, reason in ((expired, "EXPIRED"), (revoked, "REVOKED")):
        refusal = await _begin(bank, certificate.certificate_id)
        assert refusal.reason == f"CERTIFICATE_{reason}"


async def test_two_replacements_of_one_certificate_do_not_overlap(bank: Bank) -> None:
    """While one reissue is open another is told to wait; after a refusal it may begin."""
    certificate = await bank.issue()
    first, _ = await bank.issuances.begin_issuance(draft_of(replaces=certificate.certificate_id))
    refusal = await _begin(bank, certificate.certificate_id)
    assert isinstance(refusal, Interrupted)
    assert refusal.reason == "REISSUE_IN_PROGRESS"
    await bank.issuances.refuse_issuance(
        first.draft.issuance_id, OWNER, reason="X", message="x", event=event_of()
    )
    _, is_new = await bank.issuances.begin_issuance(draft_of(replaces=certificate.certificate_id))
    assert is_new


async def test_a_replacement_fails_when_the_old_one_was_suspended_meanwhile(bank: Bank) -> None:
    """A certificate put on hold during its reissue is not replaced, and no new one is stored."""
    certificate = await bank.issue()
    record, _ = await bank.issuances.begin_issuance(draft_of(replaces=certificate.certificate_id))
    await bank.suspend(certificate.certificate_id)
    with pytest.raises(WrongState) as caught:
        await bank.finish(record)
    assert caught.value.reason == "CERTIFICATE_SUSPENDED"
    found = await bank.issuances.get_issuance(record.draft.issuance_id)
    assert found.state is IssuanceState.INTENT
    with pytest.raises(NotFound):
        await bank.certificates.get_certificate(certificate_for(record).certificate_id)


async def test_a_renewal_fails_when_the_old_one_was_revoked_meanwhile(bank: Bank) -> None:
    """A certificate revoked during its renewal is not renewed; a reissue that was under way goes
    on, as if it had been asked for after the revocation."""
    for act, is_refused in ((CertificateAct.RENEW, True), (CertificateAct.REISSUE, False)):
        old = await bank.issue()
        record, _ = await bank.issuances.begin_issuance(
            draft_of(replaces=old.certificate_id, act=act)
        )
        await bank.revoke(old.certificate_id)
        try:
            await bank.finish(record)
        except WrongState as error:
            assert (is_refused, error.reason) == (True, "CERTIFICATE_REVOKED")  # noqa: PT017 - one of the two raises
        else:
            assert not is_refused
        found = await bank.certificates.get_certificate(old.certificate_id)
        assert found.revocation_reason is RevocationReason.KEY_COMPROMISE
