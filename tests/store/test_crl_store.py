"""CRLs in the store: numbers, what is listed, what waits."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from signerd.audit.event import EventKind
from signerd.core.error import NotFound
from signerd.core.lifecycle import RevocationReason
from signerd.core.record import CertificateRecord, RevokedEntry
from signerd.core.status import CrlIssuer, CrlRecord
from signerd.store.crl import SqlCrlStore
from signerd.store.database import Database
from tests.store.scenario import Bank, StandingClock, draft_of, event_of

if TYPE_CHECKING:
    from signerd.ca.status_ports import CrlStore

    def _fits_its_port(database: Database) -> CrlStore:
        """For the type checker."""
        return SqlCrlStore(database)


_ISSUING = CrlIssuer.ISSUING


@pytest.fixture
def crls(database: Database) -> SqlCrlStore:
    return SqlCrlStore(database)


def record_of(
    clock: StandingClock, number: int, base_number: int | None = None, *, is_base: bool = False
) -> CrlRecord:
    now = clock.now()
    der = f"crl {number} {base_number}".encode()
    return CrlRecord(_ISSUING, number, base_number, is_base, now, now + timedelta(days=1), der)


async def save(crls: SqlCrlStore, *records: CrlRecord) -> None:
    await crls.save_crls(records, event_of(EventKind.CRL_ISSUED))


async def publish(crls: SqlCrlStore, clock: StandingClock, *, is_base: bool = False) -> int:
    """Open and save as the keeper does; the number."""
    draft = await crls.open_crl(_ISSUING, clock.now())
    await save(crls, record_of(clock, draft.number, is_base=is_base))
    return draft.number


def entry_of(certificate: CertificateRecord, reason: RevocationReason | None) -> RevokedEntry:
    since = certificate.revoked_utc or certificate.suspended_utc
    assert since is not None
    return RevokedEntry(int(certificate.certificate_id, 16), since, reason)


async def test_a_full_crl_lists_what_is_revoked_and_what_is_on_hold(
    crls: SqlCrlStore, bank: Bank, clock: StandingClock
) -> None:
    """Each with time and reason; active certificates are not in it."""
    revoked, held, _ = [await bank.issue() for _ in range(3)]
    revoked = await bank.revoke(revoked.certificate_id)
    held = await bank.suspend(held.certificate_id)
    draft = await crls.open_crl(_ISSUING, clock.now())
    assert set(draft.entries) == {
        entry_of(revoked, RevocationReason.KEY_COMPROMISE),
        entry_of(held, RevocationReason.CERTIFICATE_HOLD),
    }
    assert (draft.base_number, draft.changes) == (None, ())


async def test_a_change_is_in_the_crl_whose_number_it_was_told(
    crls: SqlCrlStore, bank: Bank, clock: StandingClock
) -> None:
    """Before and after a CRL was opened: the one is in it, the other in the next."""
    first, second = [await bank.issue() for _ in range(2)]
    before = await bank.revoke(first.certificate_id)
    draft = await crls.open_crl(_ISSUING, clock.now())
    after = await bank.revoke(second.certificate_id)
    assert (before.crl_number, after.crl_number) == (draft.number, draft.number + 1)
    assert [entry.serial for entry in draft.entries] == [int(first.certificate_id, 16)]
    later = await crls.open_crl(_ISSUING, clock.now())
    assert later.number == after.crl_number
    assert len(later.entries) == 2


async def test_a_change_waits_until_a_crl_that_shows_it_is_saved(
    crls: SqlCrlStore, bank: Bank, clock: StandingClock
) -> None:
    """Taking a number is not enough: whoever took it may die before anything is signed."""
    await publish(crls, clock, is_base=True)
    assert not (await crls.crl_standing(_ISSUING)).is_change_waiting
    certificate = await bank.issue()
    await bank.revoke(certificate.certificate_id)
    assert (await crls.crl_standing(_ISSUING)).is_change_waiting
    await crls.open_crl(_ISSUING, clock.now())
    assert (await crls.crl_standing(_ISSUING)).is_change_waiting
    assert not (await crls.crl_standing(CrlIssuer.ROOT)).is_change_waiting
    assert await publish(crls, clock) == 3
    assert not (await crls.crl_standing(_ISSUING)).is_change_waiting


async def test_a_delta_lists_what_changed_since_the_base(
    crls: SqlCrlStore, bank: Bank, clock: StandingClock
) -> None:
    """Not what the base has; and as removeFromCRL whatever was taken off hold since, in every
    delta CRL until the next base."""
    old, held, lost = [await bank.issue() for _ in range(3)]
    await bank.revoke(old.certificate_id)
    await bank.suspend(held.certificate_id)
    base = await publish(crls, clock, is_base=True)
    clock.advance(60)
    await bank.resume(held.certificate_id)
    await publish(crls, clock)
    lost = await bank.revoke(lost.certificate_id)
    draft = await crls.open_crl(_ISSUING, clock.now())
    assert draft.base_number == base
    assert set(draft.changes) == {
        RevokedEntry(int(held.certificate_id, 16), clock.now(), None),
        entry_of(lost, RevocationReason.KEY_COMPROMISE),
    }
    assert len(draft.entries) == 2


async def test_what_has_expired_is_listed_until_a_base_has_shown_it(
    crls: SqlCrlStore, bank: Bank, clock: StandingClock
) -> None:
    """RFC 5280, 3.3: an entry is not dropped before a CRL made after the expiry had it."""
    end = clock.now() + timedelta(hours=1)
    certificate = await bank.issue(draft_of(not_after_utc=end))
    await bank.revoke(certificate.certificate_id)
    await publish(crls, clock, is_base=True)
    clock.advance(7200)
    between = await crls.open_crl(_ISSUING, clock.now())
    assert len(between.entries) == 1
    await publish(crls, clock, is_base=True)
    clock.advance(60)
    assert (await crls.open_crl(_ISSUING, clock.now())).entries == ()


async def test_a_certificate_revoked_after_its_expiry_is_listed(
    crls: SqlCrlStore, bank: Bank, clock: StandingClock
) -> None:
    """Its signatures are judged by the time of signing, and the answer named a CRL."""
    certificate = await bank.issue(draft_of(not_after_utc=clock.now() + timedelta(hours=1)))
    await publish(crls, clock, is_base=True)
    clock.advance(7200)
    await publish(crls, clock, is_base=True)
    clock.advance(60)
    revoked = await bank.revoke(certificate.certificate_id)
    draft = await crls.open_crl(_ISSUING, clock.now())
    assert draft.number == revoked.crl_number
    assert len(draft.entries) == len(draft.changes) == 1


async def test_full_and_delta_of_one_number_are_kept_apart(
    crls: SqlCrlStore, clock: StandingClock
) -> None:
    """RFC 5280, 5.2.4: made at one moment they have one number."""
    await save(crls, record_of(clock, 1, is_base=True))
    await save(crls, record_of(clock, 2), record_of(clock, 2, 1))
    standing = await crls.crl_standing(_ISSUING)
    found = [standing.base, standing.full, standing.delta]
    assert [it and (it.number, it.base_number, it.der) for it in found] == [
        (1, None, b""),
        (2, None, b""),
        (2, 1, b""),
    ]
    assert (await crls.read_crl(_ISSUING, 2, None)).der == b"crl 2 None"
    assert (await crls.read_crl(_ISSUING, 2, 1)).der == b"crl 2 1"


async def test_old_crls_are_forgotten_and_the_base_is_not(
    crls: SqlCrlStore, clock: StandingClock
) -> None:
    """The database does not grow with every revocation."""
    await save(crls, record_of(clock, 1, is_base=True))
    for number in range(2, 8):
        await save(crls, record_of(clock, number), record_of(clock, number, 1))
    for number in (1, 5, 6, 7):
        assert (await crls.read_crl(_ISSUING, number, None)).number == number
    with pytest.raises(NotFound):
        await crls.read_crl(_ISSUING, 4, None)
    base = (await crls.crl_standing(_ISSUING)).base
    assert base is not None
    assert base.number == 1


async def test_each_ca_counts_its_own(crls: SqlCrlStore, clock: StandingClock) -> None:
    """The root's CRL lists nothing and takes no number of the issuing CA."""
    assert (await crls.open_crl(CrlIssuer.ROOT, clock.now())).number == 1
    assert (await crls.open_crl(CrlIssuer.ROOT, clock.now())).number == 2
    assert (await crls.open_crl(_ISSUING, clock.now())).number == 1
