"""PINs: which are taken, and how they are kept."""

import hmac

import pytest

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest
from signerd.core.value import SubscriberId
from signerd.identity.password import Argon2Cost
from signerd.identity.pin import check_pin, hash_pin, keyed_pin, matches_pin

PHONE = "+82 10-1357-9246"


def _reason(pin: str) -> str:
    with pytest.raises(InvalidRequest) as refused:
        check_pin(Secret(pin), phone=PHONE)
    assert pin not in refused.value.message or not pin
    return refused.value.reason


@pytest.mark.parametrize(
    "pin", ["", "12345", "1" * 13, "12345a", "\uff11\uff13\uff15\uff17\uff19\uff12", "135 792"]
)
def test_a_pin_is_digits(pin: str) -> None:
    """Six to twelve of them, ASCII, and nothing else."""
    assert _reason(pin) == "PIN_MALFORMED"


@pytest.mark.parametrize(
    "pin",
    ["111111", "121212", "112211", "123456", "987654", "890123", "210987", "135135", "135792"],
)
def test_what_anybody_would_try_is_refused(pin: str) -> None:
    """Few digits, counting, repetition, and what is in the phone number."""
    assert _reason(pin) == "PIN_WEAK"


@pytest.mark.parametrize("pin", ["274953", "135790", "246813579024"])
def test_other_pins_are_taken(pin: str) -> None:
    """Everything else is a PIN."""
    check_pin(Secret(pin), phone=PHONE)


async def test_a_pin_is_one_subscribers() -> None:
    """Its hash fits the same PIN of the same subscriber, and says nothing of the PIN."""

    async def mac(data: bytes) -> bytes:
        return hmac.digest(b"key on the token", data, "sha256")

    pin, hong = Secret("274953"), SubscriberId("hong")
    stored = hash_pin(await keyed_pin(pin, hong, mac), salt=bytes(16), cost=Argon2Cost(1, 64))
    assert stored.startswith("$argon2id$")
    assert matches_pin(stored, await keyed_pin(pin, hong, mac))
    assert not matches_pin(stored, await keyed_pin(Secret("274954"), hong, mac))
    assert not matches_pin(stored, await keyed_pin(pin, SubscriberId("kim"), mac))
    assert not matches_pin(stored, pin)
