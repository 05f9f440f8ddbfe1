from datetime import timedelta

import pytest

from signerd.core.error import Conflict, InvalidRequest, NotFound, WrongState
from signerd.core.lifecycle import CertificateState, CredentialState, RevocationReason
from signerd.core.record import CertificateFilter, CertificateRecord, Page
from signerd.core.value import CertificateId, SubscriberId
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.signature import SqlSignatureStore
from tests.store.scenario import START, Bank, credential_in, draft_of, request_of


async def _list(bank: Bank, where: CertificateFilter, size: int = 100) -> list[CertificateRecord]:
    found: list[CertificateRecord] = []
    cursor = ""
    while True:
        records, cursor = await bank.certificates.list_certificates(
            where, Page(size, cursor), bank.clock.now()
        )
        assert len(records) <= size
        found += records
        if not cursor:
            return found


async def test_revocation_ends_certificate_and_credential(bank: Bank) -> None:
    """A revoked certificate says when and why, and its key is retired with it."""
    certificate = await bank.issue()
    bank.clock.advance(60)
    revoked = await bank.revoke(certificate.certificate_id)
    assert (revoked.state, revoked.revocation_reason, revoked.revoked_utc) == (
        CertificateState.REVOKED,
        RevocationReason.KEY_COMPROMISE,
        START + timedelta(seconds=60),
    )
    assert await bank.certificates.get_certificate(certificate.certificate_id) == revoked
    credential = await SqlSignatureStore(bank.database).get_credential(credential_in(certificate))
    assert credential.state is CredentialState.RETIRED


async def test_same_revocation_again_is_the_same_answer(bank: Bank) -> None:
    """A retry of a revocation answers as the first call did and records nothing."""
    certificate = await bank.issue()
    request = request_of("Revoke")
    first = await bank.revoke(certificate.certificate_id, request)
    position = await SqlAuditTrail(bank.database).last_position()
    bank.clock.advance(60)
    assert await bank.revoke(certificate.certificate_id, request) == first
    assert await SqlAuditTrail(bank.database).last_position() == position


async def test_second_revocation_is_refused(bank: Bank) -> None:
    """Another call that revokes what is revoked is told so."""
    certificate = await bank.issue()
    await bank.revoke(certificate.certificate_id)
    with pytest.raises(WrongState) as caught:
        await bank.revoke(certificate.certificate_id)
    assert caught.value.reason == "CERTIFICATE_REVOKED"


async def test_revocation_request_id_with_other_content_is_refused(bank: Bank) -> None:
    """A request id of one revocation does not revoke another certificate."""
    certificates = [await bank.issue(), await bank.issue()]
    request = request_of("Revoke", b"the first")
    await bank.revoke(certificates[0].certificate_id, request)
    other = request_of("Revoke", b"the second")
    other = type(other)(other.principal, other.method, request.request_id, other.content_sha256)
    with pytest.raises(Conflict):
        await bank.revoke(certificates[1].certificate_id, other)
    second = await bank.certificates.get_certificate(certificates[1].certificate_id)
    assert second.state is CertificateState.ACTIVE


async def test_unknown_certificate_is_not_found(bank: Bank) -> None:
    """A certificate that never was is neither read nor revoked."""
    with pytest.raises(NotFound):
        await bank.certificates.get_certificate(CertificateId("00"))
    with pytest.raises(NotFound):
        await bank.revoke(CertificateId("00"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
async def test_pages_hold_every_certificate_once_newest_first(bank: Bank, size: int) -> None:
    """However large the pages, all certificates come once, newest first, also those that were
    made in the same microsecond."""
    made = []
    for number in range(7):
        bank.clock.advance(number % 2)
        made.append(await bank.issue())
    found = await _list(bank, CertificateFilter(), size)
    assert sorted(found, key=lambda one: (one.created_utc, one.certificate_id)) == found[::-1]
    assert {one.certificate_id for one in found} == {one.certificate_id for one in made}
    assert len(found) == 7


async def test_certificates_made_while_paging_do_not_disturb(bank: Bank) -> None:
    """A certificate issued between two pages neither repeats nor hides another."""
    made = [await bank.issue() for _ in range(4)]
    first, cursor = await bank.certificates.list_certificates(
        CertificateFilter(), Page(2), bank.clock.now()
    )
    bank.clock.advance(1)
    await bank.issue()
    rest, end = await bank.certificates.list_certificates(
        CertificateFilter(), Page(10, cursor), bank.clock.now()
    )
    assert end == ""
    assert {one.certificate_id for one in first + rest} == {one.certificate_id for one in made}


@pytest.mark.parametrize("cursor", ["x", "!", "e30", "WyJhIiwxXQ", "é"])
async def test_invented_cursor_is_refused(bank: Bank, cursor: str) -> None:
    """A page token that the daemon did not make is an invalid request, not a crash."""
    with pytest.raises(InvalidRequest) as caught:
        await bank.certificates.list_certificates(
            CertificateFilter(), Page(2, cursor), bank.clock.now()
        )
    assert caught.value.field == "page_token"


async def test_cursor_of_another_filter_is_refused(bank: Bank) -> None:
    """A page token goes with the filters it was made for."""
    for _ in range(3):
        await bank.issue()
    _, cursor = await bank.certificates.list_certificates(
        CertificateFilter(), Page(1), bank.clock.now()
    )
    with pytest.raises(InvalidRequest):
        await bank.certificates.list_certificates(
            CertificateFilter(subscriber=SubscriberId("kim")), Page(1, cursor), bank.clock.now()
        )


async def test_state_follows_the_clock(bank: Bank) -> None:
    """A certificate is active through its last moment and expired right after it."""
    end = START + timedelta(days=1)
    certificate = await bank.issue(draft_of(not_after_utc=end))
    revoked = await bank.issue(draft_of(not_after_utc=end))
    await bank.revoke(revoked.certificate_id)

    async def ids(state: CertificateState) -> list[str]:
        return [one.certificate_id for one in await _list(bank, CertificateFilter(state=state))]

    bank.clock.time = end
    assert await ids(CertificateState.ACTIVE) == [certificate.certificate_id]
    assert await ids(CertificateState.EXPIRED) == []
    bank.clock.advance(0.000001)
    assert await ids(CertificateState.ACTIVE) == []
    assert await ids(CertificateState.EXPIRED) == [certificate.certificate_id]
    assert await ids(CertificateState.REVOKED) == [revoked.certificate_id]


async def test_expiry_window_is_half_open(bank: Bank) -> None:
    """The start of an expiry window belongs to it and its end does not."""
    ends = [START + timedelta(days=day) for day in (1, 2, 3)]
    for end in ends:
        await bank.issue(draft_of(not_after_utc=end))
    where = CertificateFilter(expires_from_utc=ends[0], expires_before_utc=ends[2])
    assert {one.not_after_utc for one in await _list(bank, where)} == {ends[0], ends[1]}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (None, {"bank-1", "bank-22", "other"}),
        ((), set()),
        (("*",), {"bank-1", "bank-22", "other"}),
        (("bank-*",), {"bank-1", "bank-22"}),
        (("bank-1", "o*r"), {"bank-1", "other"}),
        (("*2",), {"bank-22"}),
        (("*-*",), {"bank-1", "bank-22"}),
        (("bank-_", "bank%", "BANK-*", "bank-[12]", "bank-?"), set()),
    ],
)
async def test_only_visible_subscribers_are_listed(
    bank: Bank, patterns: tuple[str, ...] | None, expected: set[str]
) -> None:
    """A caller sees the subscribers its patterns name, and `*` is the only wildcard."""
    for subscriber in ("bank-1", "bank-22", "other"):
        await bank.issue(draft_of(subscriber=subscriber))
    found = await _list(bank, CertificateFilter(visible_subscribers=patterns))
    assert {one.subscriber for one in found} == expected


async def test_one_subscriber_is_listed(bank: Bank) -> None:
    """The subscriber filter is an exact match."""
    for subscriber in ("kim", "kim-2"):
        await bank.issue(draft_of(subscriber=subscriber))
    found = await _list(bank, CertificateFilter(subscriber=SubscriberId("kim")))
    assert [one.subscriber for one in found] == ["kim"]
