"""Making tokens, for modules such as SoftHSM that allow it."""

import ctypes
from typing import Final

from pkcs11 import TokenFlag

from signerd.core.error import TokenRefused, TokenUnavailable
from signerd.core.value import TokenRef
from signerd.tokens.error import Pkcs11Errors
from signerd.tokens.module import FoundToken, Pkcs11Module

_LABEL_BYTES: Final = 32  # CK_TOKEN_INFO.label


def create_soft_token(module: Pkcs11Module, *, label: str, pin: str, so_pin: str) -> TokenRef:
    """Make a token with this label and set its user PIN (C_InitToken, C_InitPIN).

    Safe to repeat: a token of this label that is complete is returned as it is, one that was
    left without user PIN is completed. The module is loaded anew before and after, which ends
    every session of this process. Raises TokenRefused (TOKEN_NOT_CREATED, AMBIGUOUS_TOKEN),
    SessionLost.
    """
    with module.start_lock():
        module.reload()
        found = _find(module, label) or _initialise(module, label, so_pin)
        if not found.token.flags & TokenFlag.USER_PIN_INITIALIZED:
            with Pkcs11Errors(f"{found.ref}: set the user PIN"):
                session = found.token.open(rw=True, so_pin=so_pin)
                session.init_pin(pin)
                session.close()
        module.reload()
    return found.ref


def _find(module: Pkcs11Module, label: str) -> FoundToken | None:
    found = [it for it in module.tokens() if it.ref.label == label]
    if len(found) > 1:
        raise TokenRefused(
            f"{len(found)} tokens are labelled {label!r}; remove the one that does not belong",
            reason="AMBIGUOUS_TOKEN",
        )
    return found[0] if found else None


def _initialise(module: Pkcs11Module, label: str, so_pin: str) -> FoundToken:
    text = label.encode()
    if not 0 < len(text) <= _LABEL_BYTES:
        raise _not_created(label, f"a label has 1 to {_LABEL_BYTES} bytes")
    slot = module.free_slot()
    if slot is None:
        raise _not_created(label, "the module offers no slot with an uninitialised token")
    # python-pkcs11 has no C_InitToken. The library is loaded already; this is the same instance.
    library = ctypes.CDLL(str(module.path))
    pin = so_pin.encode()
    status = library.C_InitToken(
        ctypes.c_ulong(slot), pin, ctypes.c_ulong(len(pin)), text.ljust(_LABEL_BYTES)
    )
    if status != 0:
        raise _not_created(label, f"C_InitToken answered 0x{status & 0xFFFFFFFF:x}")
    found = _find(module, label)
    if found is None:
        raise TokenUnavailable(f"the new token {label!r} is not seen yet", retry_after_s=1.0)
    return found


def _not_created(label: str, why: str) -> TokenRefused:
    return TokenRefused(
        f"no token {label!r} could be made: {why}; make one with the token's own tool",
        reason="TOKEN_NOT_CREATED",
    )
