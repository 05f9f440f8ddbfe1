"""One-time codes: made, sent again, judged."""

import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.config.secret_source import Secret
from signerd.core.error import Internal, InvalidRequest, LimitExceeded, WrongState
from signerd.core.evidence import CodeRecord, EnrolmentPurpose, Factor
from signerd.core.value import EnrolmentId
from signerd.identity.check import Check
from signerd.identity.keyed_hash import mac_input
from signerd.identity.one_time_code import (
    CodeBinding,
    CodeRule,
    NewCode,
    make_code,
    verify_code,
)
from signerd.identity.random_text import DIGITS, random_text
from tests.identity.scene import BINDING, NOW, after, counting, mac

RULE = CodeRule()


async def made(record: CodeRecord | None = None, seconds: float = 0) -> NewCode:
    return await make_code(
        record or CodeRecord(), BINDING, RULE, after(seconds), random=counting(), mac=mac
    )


async def judged(
    record: CodeRecord, text: str, seconds: float = 1, binding: CodeBinding = BINDING
) -> Check[CodeRecord]:
    return await verify_code(record, binding, Secret(text), RULE, after(seconds), mac=mac)


def reason_of(check: Check[CodeRecord]) -> str | None:
    return None if check.refusal is None else check.refusal.reason


async def test_the_right_code_proves_once() -> None:
    """The code is accepted, also with a space in it, and is used up by that."""
    new = await made()
    assert new.code == Secret("012345")

    passed = await judged(new.record, " 012 345 ")

    assert passed.refusal is None
    assert reason_of(await judged(passed.state, "012345")) == "CODE_ABSENT"


async def test_the_record_reveals_nothing_of_the_code() -> None:
    """What is stored is a keyed hash over all that the code is bound to."""
    record = (await made()).record

    assert record.mac == await mac(
        mac_input("one-time code", "enrolment-1", "PHONE_CODE", "REISSUE", "012345")
    )
    assert "012345" not in repr(record)


@pytest.mark.parametrize(
    "binding",
    [
        replace(BINDING, enrolment=EnrolmentId("enrolment-2")),
        replace(BINDING, factor=Factor.EMAIL_CODE),
        replace(BINDING, purpose=EnrolmentPurpose.ISSUE),
    ],
)
async def test_a_code_proves_nothing_elsewhere(binding: CodeBinding) -> None:
    """Another enrolment, channel or purpose does not accept it."""
    new = await made()

    assert reason_of(await judged(new.record, "012345", binding=binding)) == "CODE_WRONG"


async def test_a_code_lapses() -> None:
    """It is good until its last second has passed, and the refusal says when that was."""
    record = (await made()).record

    assert reason_of(await judged(record, "012345", seconds=179.9)) is None
    late = (await judged(record, "012345", seconds=180)).refusal
    assert isinstance(late, WrongState)
    assert late.reason == "CODE_EXPIRED"
    assert "2026-11-24 03:03:00 UTC; ask for a new one" in late.message


async def test_five_wrong_codes_lock_and_void_the_code() -> None:
    """The fifth failure names the time of release; until then neither the right code nor a new one
    is let in, and afterwards the old code is gone."""
    record = (await made()).record
    for left in ("4", "3", "2", "1"):
        wrong = await judged(record, "999999")
        record = wrong.state
        assert isinstance(wrong.refusal, InvalidRequest)
        assert wrong.refusal.reason == "CODE_WRONG"
        assert wrong.refusal.metadata["tries_left"] == left

    locking = await judged(record, "999999")
    assert isinstance(locking.refusal, LimitExceeded)
    assert locking.refusal.metadata == {"release_time": "2026-11-24T03:10:01Z"}
    assert reason_of(await judged(locking.state, "012345", seconds=2)) == "LOCKED_OUT"
    with pytest.raises(LimitExceeded) as caught:
        await made(locking.state, seconds=60)
    assert caught.value.reason == "LOCKED_OUT"
    assert reason_of(await judged(locking.state, "012345", seconds=601)) == "CODE_ABSENT"


async def test_a_new_code_gives_no_new_tries() -> None:
    """Failures are counted over all codes until one is right."""
    record = (await made()).record
    for _ in range(4):
        record = (await judged(record, "999999")).state
    second = await made(record, seconds=30)

    assert reason_of(await judged(second.record, "999999", seconds=31)) == "LOCKED_OUT"
    passed = await judged(second.record, "012345", seconds=31)
    assert passed.state.failures.count == 0


async def test_a_new_code_replaces_the_old() -> None:
    """Only the code that was sent last is accepted."""
    first = await made()
    second = await make_code(
        first.record, BINDING, RULE, after(30), random=lambda count: b"\x07" * count, mac=mac
    )

    assert reason_of(await judged(second.record, "012345", seconds=31)) == "CODE_WRONG"
    assert reason_of(await judged(second.record, "777777", seconds=31)) is None


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "-12345"])
async def test_what_is_no_code_is_no_failure(text: str) -> None:
    """A slip that cannot be a code is refused and leaves all tries."""
    record = (await made()).record
    check = await judged(record, text)

    assert reason_of(check) == "CODE_MALFORMED"
    assert check.state == record


async def test_without_a_code_there_is_nothing_to_judge() -> None:
    """Who asks before any code was sent is told so."""
    assert reason_of(await judged(CodeRecord(), "012345")) == "CODE_ABSENT"


async def test_codes_are_not_sent_one_upon_the_other() -> None:
    """Within the resend time the caller is told how long to wait."""
    record = (await made()).record
    with pytest.raises(LimitExceeded) as caught:
        await made(record, seconds=12)

    assert caught.value.reason == "CODE_RESEND_TOO_SOON"
    assert caught.value.retry_after_s == 18
    assert (await made(record, seconds=30)).record.sent_utc == (NOW, after(30))


async def test_codes_of_an_hour_are_limited() -> None:
    """The sixth code within an hour waits until the first is an hour old."""
    record = CodeRecord()
    for index in range(5):
        record = (await made(record, seconds=60 * index)).record
    with pytest.raises(LimitExceeded) as caught:
        await made(record, seconds=300)

    assert caught.value.reason == "CODE_HOURLY_LIMIT"
    assert caught.value.retry_after_s == 3300
    assert (await made(record, seconds=3600)).record.sent_utc[0] == after(60)


async def test_a_clock_set_back_stops_no_codes() -> None:
    """Times of sending far ahead are left out of account."""
    record = CodeRecord(sent_utc=(after(86_400),) * 5)

    assert (await made(record)).record.sent_utc == (NOW,)


async def test_codes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision is hmac.compare_digest's, over the two keyed hashes."""
    new = await made()
    compared: list[tuple[object, object]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)

    assert reason_of(await judged(new.record, "012345")) == "CODE_WRONG"
    assert compared == [(new.record.mac, new.record.mac)]


def test_every_digit_is_as_likely() -> None:
    """Of all 256 bytes each digit stands for 25; the other six are drawn again."""
    source = iter(range(250))
    drawn = random_text(DIGITS, 250, lambda _: bytes([next(source)]))

    assert [drawn.count(digit) for digit in DIGITS] == [25] * 10
    rest = iter([255, 250, 249])
    assert random_text(DIGITS, 1, lambda _: bytes([next(rest)])) == "9"


def test_a_broken_source_of_randomness_is_no_endless_loop() -> None:
    """A source that only gives bytes to be thrown away is reported."""
    with pytest.raises(Internal) as caught:
        random_text(DIGITS, 6, lambda count: b"\xff" * count)
    assert caught.value.reason == "RANDOMNESS_BROKEN"


@given(st.lists(st.text()), st.lists(st.text()))
def test_keyed_hashes_of_different_things_differ(one: list[str], other: list[str]) -> None:
    """No two lists of parts are hashed as the same bytes."""
    assert (mac_input("x", *one) == mac_input("x", *other)) == (one == other)
