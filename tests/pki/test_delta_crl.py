"""What a delta CRL lists."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal
from signerd.core.lifecycle import RevocationReason
from signerd.core.record import RevokedEntry
from signerd.pki.crl import delta_entries
from tests.pki.software_authority import NOW, authority_for
from tests.pki.software_status import DAY, crl_of

AUTHORITY = authority_for(KeyAlgorithm.EC_P256_SHA256)
HOLD = RevokedEntry(5, NOW - DAY, RevocationReason.CERTIFICATE_HOLD)
REMOVED = replace(HOLD, reason=None)

Listed = dict[int, RevokedEntry]
LISTS = st.dictionaries(
    st.integers(1, 6),
    st.tuples(st.integers(0, 3), st.sampled_from(list(RevocationReason))),
).map(
    lambda found: {
        serial: RevokedEntry(serial, NOW + timedelta(seconds=second), reason)
        for serial, (second, reason) in found.items()
    }
)


def combine(known: Listed, delta: Sequence[RevokedEntry]) -> Listed:
    """What a relying party makes of a complete CRL and a delta CRL (RFC 5280, 5.2.4)."""
    changed = {entry.serial: entry for entry in delta}
    return {
        serial: entry for serial, entry in {**known, **changed}.items() if entry.reason is not None
    }


def read(crl: bytes) -> Listed:
    """The entries of a CRL as the library reads them."""
    found = {}
    for one in x509.load_der_x509_crl(crl):
        reason: RevocationReason | None = RevocationReason.UNSPECIFIED
        for extension in one.extensions:
            assert isinstance(extension.value, x509.CRLReason)
            name = extension.value.reason.name
            reason = None if name == "remove_from_crl" else RevocationReason[name.upper()]
        found[one.serial_number] = RevokedEntry(one.serial_number, one.revocation_date_utc, reason)
    return found


@settings(max_examples=150, deadline=None)
@given(history=st.lists(LISTS, min_size=2, max_size=5), data=st.data())
def test_every_later_crl_and_the_delta_give_the_full_list(
    history: list[Listed], data: st.DataObject
) -> None:
    """Through any history, with full and delta CRLs mixed, a relying party who holds the base or
    anything issued since gets the present list by applying the newest delta."""
    base = crl_of(AUTHORITY, list(history[0].values()), number=1)
    since: list[bytes] = []
    held = [history[0]]
    for number, now in enumerate(history[1:], 2):
        listed = delta_entries(base, list(now.values()), since=since)
        delta = crl_of(AUTHORITY, listed, number=number, base_number=1)
        for known in held:
            assert combine(known, tuple(read(delta).values())) == now
        is_full = data.draw(st.booleans())
        since.append(crl_of(AUTHORITY, list(now.values()), number=number) if is_full else delta)
        held.append(now)


@settings(max_examples=50, deadline=None)
@given(at_base=LISTS)
def test_without_change_nothing_is_listed(at_base: Listed) -> None:
    """A delta to the present list is empty; fractions of a second are no change."""
    base = crl_of(AUTHORITY, list(at_base.values()))
    now = [
        replace(entry, since_utc=entry.since_utc + timedelta(microseconds=5))
        for entry in at_base.values()
    ]
    assert delta_entries(base, now) == ()


def test_a_resumed_certificate_is_removed() -> None:
    """On hold in the base and resumed since: removeFromCRL, with the time of the hold."""
    assert delta_entries(crl_of(AUTHORITY, [HOLD]), []) == (REMOVED,)


def test_a_short_hold_is_removed_from_all_who_saw_it() -> None:
    """Put on hold after the base, carried by a delta, and resumed: removeFromCRL in this and the
    following delta CRLs (RFC 5280, 5.2.4)."""
    base = crl_of(AUTHORITY)
    second = crl_of(AUTHORITY, delta_entries(base, [HOLD]), number=2, base_number=1)
    assert delta_entries(base, [], since=[second]) == (REMOVED,)
    third = crl_of(AUTHORITY, [REMOVED], number=3, base_number=1)
    assert delta_entries(base, [], since=[second, third]) == (REMOVED,)
    assert delta_entries(base, []) == ()


def test_a_delta_between_makes_no_repetition() -> None:
    """What a delta issued since leaves to the base is not listed again because of it."""
    between = crl_of(AUTHORITY, number=2, base_number=1)
    assert delta_entries(crl_of(AUTHORITY, [HOLD]), [HOLD], since=[between]) == ()


def test_removals_that_the_caller_knows_are_kept() -> None:
    """An entry that already stands for removeFromCRL is listed, in the base or not."""
    for at_base in ([], [HOLD]):
        assert delta_entries(crl_of(AUTHORITY, at_base), [REMOVED]) == (REMOVED,)


def test_hold_again_within_a_second_is_listed_for_who_saw_the_resume() -> None:
    """The same as in the base, but not in a full CRL between: it has to be listed."""
    base, between = crl_of(AUTHORITY, [HOLD]), crl_of(AUTHORITY, number=2)
    assert delta_entries(base, [HOLD], since=[between]) == (HOLD,)


def test_an_unreadable_base_is_an_error() -> None:
    """No delta is made of guesses."""
    base = crl_of(AUTHORITY, [replace(HOLD, reason=RevocationReason.KEY_COMPROMISE)])
    ca_compromise = base.replace(b"\x0a\x01\x01", b"\x0a\x01\x02")
    assert ca_compromise != base
    for bad in (b"", base[:-1], ca_compromise):
        with pytest.raises(Internal) as caught:
            delta_entries(bad, [])
        assert caught.value.reason == "CRL_UNREADABLE"
