"""Reference numbers and authorisation codes."""

import hmac
import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest, WrongState
from signerd.core.evidence import AuthorisationRecord
from signerd.core.value import EnrolmentId
from signerd.identity.authorisation import (
    AuthorisationRule,
    Claim,
    NewAuthorisation,
    make_authorisation,
    parse_claim,
    redeem,
    reference_mac,
)
from signerd.identity.check import Check
from tests.identity.scene import ENROLMENT, NOW, after, counting, mac

RULE = AuthorisationRule()
DAY = 86_400
WRONG = Secret("0" * 20)


async def made() -> NewAuthorisation:
    return await make_authorisation(ENROLMENT, RULE, NOW, random=counting(), mac=mac)


async def judged(
    record: AuthorisationRecord,
    claim: Claim,
    seconds: float = 1,
    enrolment: EnrolmentId = ENROLMENT,
) -> Check[AuthorisationRecord]:
    return await redeem(record, enrolment, claim, RULE, after(seconds), mac=mac)


def reason_of(check: Check[AuthorisationRecord]) -> str | None:
    return None if check.refusal is None else check.refusal.reason


async def test_both_numbers_together_redeem_once() -> None:
    """What was shown is accepted, and a second time told when it was used."""
    new = await made()
    claim = parse_claim(new.reference_number, new.code)

    passed = await judged(new.record, claim)

    assert passed.refusal is None
    assert passed.state.used_utc == after(1)
    again = (await judged(passed.state, claim, seconds=2)).refusal
    assert isinstance(again, WrongState)
    assert again.reason == "AUTHORISATION_USED"
    assert "2026-11-24 03:00:01 UTC" in again.message


async def test_their_forms_are_for_people() -> None:
    """13 digits, and four groups of five of 32 characters (100 bits)."""
    new = await make_authorisation(ENROLMENT, RULE, NOW, random=secrets.token_bytes, mac=mac)

    assert re.fullmatch(r"[0-9]{13}", new.reference_number)
    group = "[0-9A-HJKMNP-TV-Z]{5}"
    assert re.fullmatch("-".join([group] * 4), new.code.reveal())


async def test_the_record_reveals_neither() -> None:
    """Only keyed hashes are stored; by the first the record is found."""
    new = await made()

    assert new.record.reference_mac == await reference_mac(new.reference_number, mac)
    assert new.record.reference_mac != new.record.code_mac
    assert new.reference_number not in repr(new.record)


async def test_codes_are_read_as_people_write_them() -> None:
    """Lower case, spaces, O for 0 and I or L for 1 are the same code."""
    claim = parse_claim(" 0000-0000 00000 ", Secret("0o1il-" * 4))

    assert claim.reference_number == "0000000000000"
    assert claim.code == Secret("00111" * 4)


@given(st.integers(0, 10**12 - 1), st.integers(0, 12), st.integers(1, 9))
def test_a_wrong_digit_is_told_from_a_wrong_number(number: int, place: int, by: int) -> None:
    """Any single wrong digit is found by the check digit, and costs no try."""
    digits = f"{number:012}"
    valid = [one for one in "0123456789" if is_reference(digits + one)]
    assert len(valid) == 1
    right = digits + valid[0]
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert not is_reference(wrong)


@given(st.integers(0, 10**12 - 1), st.integers(0, 10))
def test_two_digits_in_the_wrong_order_are_noticed(number: int, place: int) -> None:
    """But for 09 and 90, which the check digit of ISO/IEC 7812-1 does not tell apart."""
    digits = f"{number:012}"
    right = next(digits + one for one in "0123456789" if is_reference(digits + one))
    pair = right[place : place + 2]
    swapped = right[:place] + pair[::-1] + right[place + 2 :]
    assert is_reference(swapped) == (pair[0] == pair[1] or pair in {"09", "90"})


def test_the_check_digit_is_that_of_the_standard() -> None:
    """The example of the literature: 7992739871 has check digit 3."""
    assert is_reference("0079927398713")


def is_reference(text: str) -> bool:
    try:
        parse_claim(text, WRONG)
    except InvalidRequest as error:
        return (error.reason, text in error.message) != ("REFERENCE_NUMBER_MISTYPED", False)
    return True


@pytest.mark.parametrize("code", ["", "0" * 19, "0" * 21, "U" * 20, "é" * 20, "\u0660" * 20])
def test_what_is_no_code_is_refused_unjudged(code: str) -> None:
    """A code of another form is refused before any record is looked at."""
    with pytest.raises(InvalidRequest) as caught:
        parse_claim("0000000000000", Secret(code))
    assert caught.value.reason == "AUTHORISATION_CODE_MISTYPED"
    assert not code or code not in caught.value.message


async def test_five_wrong_codes_make_it_void() -> None:
    """After the fifth, the right code gets nothing either."""
    new = await made()
    record = new.record
    for left in (4, 3, 2, 1):
        wrong = await judged(record, Claim(new.reference_number, WRONG))
        record = wrong.state
        assert isinstance(wrong.refusal, InvalidRequest)
        assert wrong.refusal.reason == "AUTHORISATION_CODE_WRONG"
        assert wrong.refusal.metadata == {"tries_left": str(left)}

    fifth = await judged(record, Claim(new.reference_number, WRONG))

    assert reason_of(fifth) == "AUTHORISATION_VOID"
    claim = parse_claim(new.reference_number, new.code)
    after_all = (await judged(fifth.state, claim)).refusal
    assert isinstance(after_all, WrongState)
    assert after_all.reason == "AUTHORISATION_VOID"
    assert "prove the identity again" in after_all.message


async def test_it_lapses_after_two_weeks() -> None:
    """Until then it is good, from then on the refusal says since when it is not."""
    new = await made()
    claim = parse_claim(new.reference_number, new.code)

    assert reason_of(await judged(new.record, claim, 14 * DAY - 1)) is None
    late = (await judged(new.record, claim, 14 * DAY)).refusal
    assert late is not None
    assert late.reason == "AUTHORISATION_EXPIRED"
    assert "2026-12-08 03:00:00 UTC" in late.message


async def test_it_belongs_to_one_enrolment() -> None:
    """The code of one enrolment is wrong for another, and for another reference number."""
    new = await made()
    claim = parse_claim(new.reference_number, new.code)
    other = Claim("0000000000000", claim.code)

    foreign = await judged(new.record, claim, enrolment=EnrolmentId("enrolment-2"))
    assert reason_of(foreign) == "AUTHORISATION_CODE_WRONG"
    assert reason_of(await judged(new.record, other)) == "AUTHORISATION_CODE_WRONG"


async def test_codes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision is hmac.compare_digest's, over the two keyed hashes."""
    new = await made()
    compared: list[tuple[object, object]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    refused = await judged(new.record, parse_claim(new.reference_number, new.code))

    assert reason_of(refused) == "AUTHORISATION_CODE_WRONG"
    assert compared == [(new.record.code_mac, new.record.code_mac)]
