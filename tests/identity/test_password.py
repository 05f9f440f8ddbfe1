"""Passwords: set, verified, changed, locked."""

from dataclasses import replace

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from signerd.config.secret_source import Secret
from signerd.core.error import Internal, InvalidRequest, LimitExceeded, WrongState
from signerd.core.evidence import PasswordRecord
from signerd.identity.check import Check
from signerd.identity.password import (
    Argon2Cost,
    PasswordRule,
    expiry_of,
    new_password,
    verify_password,
)
from signerd.identity.password_strength import PersonalWords
from tests.identity.scene import NOW, after

# Cheap, because nobody attacks these.
RULE = PasswordRule(cost=Argon2Cost(time_cost=1, memory_kib=64))
SALT = bytes(range(16))
DAY = 86_400
RIGHT = "바다거북이는 Kx9#mQ2vLp"


def made(text: str = RIGHT, record: PasswordRecord | None = None) -> PasswordRecord:
    return new_password(record, Secret(text), PersonalWords(), RULE, NOW, salt=SALT)


def judged(
    record: PasswordRecord,
    text: str = RIGHT,
    seconds: float = 1,
    *,
    rule: PasswordRule = RULE,
    even_expired: bool = False,
) -> Check[PasswordRecord]:
    return verify_password(
        record, Secret(text), rule, after(seconds), salt=SALT, even_expired=even_expired
    )


def reason_of(check: Check[PasswordRecord]) -> str | None:
    return None if check.refusal is None else check.refusal.reason


def test_the_right_password_proves() -> None:
    """It is accepted as often as it is given, however the system composes its letters."""
    record = made()

    assert judged(record) == Check(record)
    assert judged(record, "\u1107\u1161다거북이는 Kx9#mQ2vLp") == Check(record)


@pytest.mark.parametrize("text", ["", "Wrong#mQ2vLp", RIGHT + " ", RIGHT.upper(), "x" * 1_000_000])
def test_any_other_is_wrong(text: str) -> None:
    """Whatever its length, it is wrong, and counted."""
    check = judged(made(), text)

    assert isinstance(check.refusal, InvalidRequest)
    assert check.refusal.reason == "PASSWORD_WRONG"
    assert check.refusal.field == "password"
    assert check.state.failures.count == 1


@pytest.mark.parametrize("text", ["x" * 65, "short", "Kx9#mQ\ud8002vLp"])
def test_what_could_never_be_set_is_not_hashed(text: str) -> None:
    """It is wrong without a look at the hash, so that it costs next to nothing."""
    assert reason_of(judged(replace(made(), hash="unreadable"), text)) == "PASSWORD_WRONG"


def test_five_wrong_ones_lock_even_the_right_one_out() -> None:
    """Until the release nothing is judged; then the right one resets the count."""
    record = made()
    for _ in range(4):
        record = judged(record, "Wrong#mQ2vLp").state
    locking = judged(record, "Wrong#mQ2vLp")
    assert isinstance(locking.refusal, LimitExceeded)
    assert locking.refusal.metadata == {"release_time": "2026-11-24T03:10:01Z"}

    early = judged(locking.state, seconds=600)
    assert reason_of(early) == "LOCKED_OUT"
    assert early.state == locking.state
    passed = judged(locking.state, seconds=601)
    assert passed.refusal is None
    assert passed.state.failures.count == 0


def test_an_old_password_has_to_be_changed() -> None:
    """From the day of expiry the right one is told so; a wrong one learns nothing of it."""
    record = made()
    expired = 365 * DAY

    assert expiry_of(record, RULE) == after(expired)
    assert reason_of(judged(record, seconds=expired - 1)) is None
    late = judged(record, seconds=expired)
    assert isinstance(late.refusal, WrongState)
    assert late.refusal.reason == "PASSWORD_EXPIRED"
    assert reason_of(judged(record, "Wrong#mQ2vLp", seconds=expired)) == "PASSWORD_WRONG"
    assert reason_of(judged(record, seconds=expired, even_expired=True)) is None


def test_the_last_five_are_not_taken_again() -> None:
    """The one in force and the four before it; the sixth last is free again."""
    texts = [f"Kx9#mQ2vLp {name}" for name in ("ant", "bee", "cow", "doe", "eel")]
    record: PasswordRecord | None = None
    for text in texts:
        record = made(text, record)
    assert record is not None
    assert len(record.history) == 4

    for text in texts:
        with pytest.raises(InvalidRequest) as caught:
            made(text, record)
        assert caught.value.reason == "PASSWORD_REUSED"
    assert len(made(texts[0], made("Kx9#mQ2vLp fox", record)).history) == 4


def test_a_new_password_starts_afresh() -> None:
    """Failures and age of the one before are gone."""
    old = replace(judged(made(), "Wrong#mQ2vLp").state, set_utc=after(-365 * DAY))
    new = made("Kx9#mQ2vLp bee", old)

    assert new.failures.count == 0
    assert new.set_utc == NOW
    assert new.history == (old.hash,)
    assert reason_of(judged(new, "Kx9#mQ2vLp bee")) is None
    assert reason_of(judged(new)) == "PASSWORD_WRONG"


def test_a_weak_new_password_is_not_taken() -> None:
    """Strength is judged wherever a password is set."""
    with pytest.raises(InvalidRequest) as caught:
        made("password12")
    assert caught.value.reason == "PASSWORD_WEAK"


def test_the_hash_is_argon2id_at_the_cost_of_the_rule() -> None:
    """Memory, passes, lanes and salt stand in the hash as the default rule says."""
    record = new_password(None, Secret(RIGHT), PersonalWords(), PasswordRule(), NOW, salt=SALT)
    found = extract_parameters(record.hash)

    assert found.type is Type.ID
    assert (found.time_cost, found.memory_cost, found.parallelism) == (3, 32_768, 1)
    assert (found.salt_len, found.hash_len) == (16, 32)
    assert reason_of(judged(record, rule=PasswordRule())) is None


def test_a_changed_cost_takes_effect_at_the_next_success() -> None:
    """The right password is hashed anew, a wrong one changes nothing but the count."""
    record = made()
    dearer = PasswordRule(cost=Argon2Cost(time_cost=2, memory_kib=128))

    assert judged(record, "Wrong#mQ2vLp", rule=dearer).state.hash == record.hash
    passed = judged(record, rule=dearer).state
    assert extract_parameters(passed.hash).memory_cost == 128
    assert passed.set_utc == record.set_utc
    assert judged(passed, rule=dearer) == Check(passed)


def test_salts_make_hashes_differ() -> None:
    """The same password has another hash with another salt; a salt of another length is a bug."""
    other = new_password(None, Secret(RIGHT), PersonalWords(), RULE, NOW, salt=bytes(16))
    assert other.hash != made().hash
    with pytest.raises(ValueError, match="16 bytes"):
        new_password(None, Secret(RIGHT), PersonalWords(), RULE, NOW, salt=b"short")


@pytest.mark.parametrize("hash_", ["", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"])
def test_a_broken_record_is_a_defect_not_a_wrong_password(hash_: str) -> None:
    """What cannot be read is reported, and not counted against the customer."""
    with pytest.raises(Internal) as caught:
        judged(replace(made(), hash=hash_))
    assert caught.value.reason == "PASSWORD_HASH_BROKEN"
