"""Which new passwords are taken."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest
from signerd.identity.keystroke import keystrokes
from signerd.identity.password_strength import (
    PersonalWords,
    check_strength,
    normalised,
    personal_words,
)

PERSON = personal_words(
    name="김하늘",
    birth_date=date(1990, 5, 12),
    phone="+82 10-2345-6789",
    email="skylark@bank.example",
)


def reason_for(text: str, personal: PersonalWords = PERSON) -> str | None:
    try:
        check_strength(normalised(Secret(text)), personal)
    except InvalidRequest as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    "text",
    ["Kx9#mQ2vLp", "correct horse battery", "바다거북이는 느리게 걷는다", "x7 한글날에는 쉰다"],
)
def test_a_password_that_is_hard_to_guess_is_taken(text: str) -> None:
    """Random characters and sentences, in Latin or Korean letters."""
    assert reason_for(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "password12",
        "1q2w3e4r5t!",
        "qwer1234!@#$",
        "aaaaaaaaaaaa",
        "19951231199",
        "qlalfqjsgh1!",  # 비밀번호, typed on the Latin keyboard
        "비밀번호비밀번호1!",
        "tkfkdgo1234!",
        "dkssudgktpdy1!",
        "안녕하세요12345",
        "ㅁㄴㅇㄹㅁㄴㅇㄹ12",
    ],
)
def test_what_many_people_take_is_weak(text: str) -> None:
    """Known words, Korean ones too in either keyboard mode, rows of keys, repetitions, dates."""
    assert reason_for(text, PersonalWords()) == "PASSWORD_WEAK"


@pytest.mark.parametrize(
    "text",
    [
        "xq7 김하늘 vbz!",
        "xq7 RLAGKSMF vbz!",
        "하늘 위의 Vq7 거북",
        "tpq-gksmf-Vq7-zub",
        "Vq7zub900512tqx",
        "Vq7zub 90.05.12 tqx",
        "tqxzVu19900512wm",
        "12-05-90 Vq7zub tqx",
        "zxVqtuw6789Lmd",
        "zxVqtuw2345Lmd",
        "Vq7 SkyLark zubtqx",
    ],
)
def test_personal_data_is_no_password(text: str) -> None:
    """Name, date of birth, phone and e-mail are found in either keyboard mode, between signs."""
    assert reason_for(text) == "PASSWORD_PERSONAL"
    assert reason_for(text, PersonalWords()) is None


def test_what_is_not_known_of_a_person_forbids_nothing() -> None:
    """Without data there are no words; very short names are none either."""
    assert personal_words() == PersonalWords()
    assert personal_words(name="Bo Li", phone="1").words == (Secret("boli"),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "PASSWORD_LENGTH"),
        ("Kx9#mQ2vL", "PASSWORD_LENGTH"),
        ("Kx9#mQ2vLp" * 7, "PASSWORD_LENGTH"),
        ("Kx9#mQ2vLp\n", "PASSWORD_CHARACTERS"),
        ("Kx9#mQ\x002vLp", "PASSWORD_CHARACTERS"),
        ("Kx9#mQ\ud8002vLp", "PASSWORD_CHARACTERS"),
    ],
)
def test_length_and_characters_are_limited(text: str, reason: str) -> None:
    """10 to 64 characters that can be seen."""
    assert reason_for(text) == reason


def test_characters_are_counted_as_people_see_them() -> None:
    """Decomposed Korean, as some systems send it, is composed before it is counted."""
    decomposed = "\u1112\u1161\u11ab" * 9

    assert normalised(Secret(decomposed)) == Secret("한" * 9)
    assert reason_for(decomposed) == "PASSWORD_LENGTH"


def test_a_long_password_is_judged_by_its_beginning() -> None:
    """The estimate takes long for 64 hostile characters, so what comes late adds nothing."""
    assert reason_for(("a4@8({[<369&1!|0$5+7%2z" * 3)[:64]) is None
    assert reason_for("a" * 32 + "tq Kx9#mQ2vLp tortoise") == "PASSWORD_WEAK"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("비밀번호", "qlalfqjsgh"),
        ("꽃닭 값ㅋㅋ뷁", "rhcekfr rkqtzzqnpfr"),
        ("과외의 위원", "rhkdhldml dnldnjs"),
        ("Ab1!", "ab1!"),
    ],
)
def test_korean_becomes_the_keys_it_is_typed_with(text: str, keys: str) -> None:
    """Syllables, double and single letters of the standard keyboard."""
    assert keystrokes(text) == keys


@given(st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1))
def test_every_syllable_has_keys(text: str) -> None:
    """No syllable of modern Korean is left as it is."""
    assert keystrokes(text).isascii()
    assert keystrokes(text).isalpha()


@given(st.text(max_size=80))
def test_no_error_repeats_the_password(text: str) -> None:
    """Whatever is refused, the message is one of a few that do not hold it."""
    try:
        check_strength(normalised(Secret(text)), PERSON)
    except InvalidRequest as error:
        shown = f"{error.message} {error.metadata} {error.__cause__} {error.__context__}"
        leaked = len(text) > 5 and text in shown
    else:
        leaked = False
    assert not leaked
