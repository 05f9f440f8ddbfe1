"""Opening a token: its PIN is tried at most once, and never when a wrong one could lock it."""

from datetime import UTC, datetime
from typing import Final

from pkcs11 import PinIncorrect, PinLocked, Session, TokenFlag
from pkcs11.exceptions import PinExpired, PinInvalid, PinLenRange

from signerd.core.boot import BootError
from signerd.core.error import TokenUnavailable
from signerd.core.value import TokenRef
from signerd.tokens.error import PinRefused, Pkcs11Errors
from signerd.tokens.module import FoundToken
from signerd.tokens.pin_latch import PinLatch
from signerd.tokens.token_spec import TokenSpec

_NO_PIN: Final = "the token has no user PIN yet; set one with the token's own tool"
_REFUSALS: Final = (PinIncorrect, PinLocked, PinExpired, PinInvalid, PinLenRange)


def pin_obstacle(flags: TokenFlag) -> str:
    """Why the PIN must not be tried, from CK_TOKEN_INFO.flags alone; "" when it may be."""
    if flags & TokenFlag.USER_PIN_LOCKED:
        return "the user PIN is locked; unlock it with the token's own tool"
    if flags & TokenFlag.USER_PIN_FINAL_TRY:
        return (
            "one more wrong PIN would lock the token; log in once with the token's own tool, "
            "which resets the count"
        )
    if not flags & TokenFlag.USER_PIN_INITIALIZED:
        return _NO_PIN
    return ""


def log_in(found: FoundToken, spec: TokenSpec, latch: PinLatch) -> Session:
    """A session with the login that lasts for the life of the process.

    Raises PinRefused without trying the PIN when it is latched or the flags forbid it; a PIN that
    is refused is latched. Raises SessionLost, and TokenUnavailable also when the PIN cannot be
    read.
    """
    ref = found.ref
    if latch.is_set(ref.serial):
        raise _latched(ref)
    if not found.token.flags & TokenFlag.USER_PIN_INITIALIZED:
        raise TokenUnavailable(f"token {ref}: {_NO_PIN}", reason="PIN_NOT_SET")
    obstacle = pin_obstacle(found.token.flags)
    if obstacle:
        raise PinRefused(f"token {ref}: {obstacle}")
    pin = _pin(spec)
    with Pkcs11Errors(f"{ref}: log in"):
        try:
            return found.token.open(rw=True, user_pin=pin)
        except _REFUSALS as error:
            latch.set(ref.serial, datetime.now(UTC))
            raise PinRefused(
                f"token {ref}: the PIN was refused and is not tried again; correct the PIN "
                "source, then run `signerd clear-latch`"
            ) from error


def _pin(spec: TokenSpec) -> str:
    try:
        return spec.pin()
    except BootError as error:
        raise TokenUnavailable(error.message, reason="PIN_UNREADABLE") from error


def _latched(ref: TokenRef) -> PinRefused:
    return PinRefused(
        f"token {ref}: its PIN was refused earlier and is not tried again; correct the PIN "
        "source, then run `signerd clear-latch`"
    )
