"""From the exceptions of python-pkcs11 to the error families, in one table."""

from dataclasses import dataclass
from types import TracebackType
from typing import Final

from pkcs11 import exceptions as p11

from signerd.core.error import (
    Internal,
    LimitExceeded,
    SignerdError,
    TokenRefused,
    TokenUnavailable,
)

_RETRY_S: Final = 1.0


class SessionLost(TokenUnavailable):
    """The session, or the module behind it, is of no more use: replace it and find the keys
    again."""

    default_reason = "SESSION_LOST"


class TokenNotOpen(TokenUnavailable):
    """There is no session with the token, and what was to be done with it was not begun."""


class PinRefused(TokenUnavailable):
    """The token does not take the PIN, or the PIN is not to be tried."""

    default_reason = "PIN_REFUSED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an exception means: family, reason, and what to do next."""

    family: type[SignerdError]
    reason: str
    advice: str


_LOST = Verdict(SessionLost, "SESSION_LOST", "the session is being replaced; try again")
_BUSY = Verdict(TokenUnavailable, "TOKEN_FAILED", "try again; see the token's own log if it lasts")
_FULL = Verdict(LimitExceeded, "TOKEN_FULL", "free space on the token or add a token")
_PIN = Verdict(
    PinRefused,
    "PIN_REFUSED",
    "check the PIN source, then run `signerd clear-latch`",
)
_NO_MECHANISM = Verdict(
    TokenRefused, "MECHANISM_UNSUPPORTED", "choose an algorithm that `signerd doctor` lists"
)
_NO_TEMPLATE = Verdict(
    TokenRefused, "TEMPLATE_REFUSED", "the token does not make keys with these protections"
)
_KEY_USAGE = Verdict(
    TokenRefused, "KEY_USAGE_REFUSED", "the key is not of the type its record says"
)
_READ_ONLY = Verdict(TokenRefused, "TOKEN_READ_ONLY", "make the token writable")
_POLICY = Verdict(TokenRefused, "TOKEN_POLICY", "the token's own policy forbids it")
_INPUT = Verdict(TokenRefused, "INPUT_REFUSED", "the input does not fit the key")
_DEFECT = Verdict(Internal, "PKCS11_MISUSE", "report this as a defect")

# A test walks pkcs11.exceptions: every class there stands here.
VERDICTS: Final[dict[type[p11.PKCS11Error], Verdict]] = {
    # Session lost: the fixed list. The base class stands for CKR_CRYPTOKI_NOT_INITIALIZED and
    # codes the library does not know.
    p11.PKCS11Error: _LOST,
    p11.DeviceError: _LOST,
    p11.DeviceRemoved: _LOST,
    p11.GeneralError: _LOST,
    p11.KeyHandleInvalid: _LOST,
    p11.ObjectHandleInvalid: _LOST,
    p11.OperationActive: _LOST,
    p11.OperationNotInitialized: _LOST,
    p11.SessionClosed: _LOST,
    p11.SessionHandleInvalid: _LOST,
    p11.SlotIDInvalid: _LOST,
    p11.TokenNotPresent: _LOST,
    p11.TokenNotRecognised: _LOST,
    p11.NoSuchToken: _LOST,
    p11.UserNotLoggedIn: _LOST,
    p11.UserAlreadyLoggedIn: _LOST,
    p11.AnotherUserAlreadyLoggedIn: _LOST,
    p11.UserTooManyTypes: _LOST,
    p11.SessionReadOnly: _LOST,
    p11.SessionReadOnlyExists: _LOST,
    p11.SessionReadWriteSOExists: _LOST,
    p11.SessionExists: _LOST,
    # The token is there and could not do it now.
    p11.FunctionFailed: _BUSY,
    p11.FunctionCancelled: _BUSY,
    p11.HostMemory: _BUSY,
    p11.SessionCount: _BUSY,
    p11.ExceededMaxIterations: _BUSY,
    p11.RandomNoRNG: _BUSY,
    p11.DeviceMemory: _FULL,
    # PIN.
    p11.PinIncorrect: _PIN,
    p11.PinInvalid: _PIN,
    p11.PinLenRange: _PIN,
    p11.PinLocked: _PIN,
    p11.PinExpired: _PIN,
    p11.PinTooWeak: _PIN,
    p11.UserPinNotInitialized: _PIN,
    # The token says no.
    p11.MechanismInvalid: _NO_MECHANISM,
    p11.MechanismParamInvalid: _NO_MECHANISM,
    p11.FunctionNotSupported: _NO_MECHANISM,
    p11.KeySizeRange: _NO_MECHANISM,
    p11.DomainParamsInvalid: _NO_MECHANISM,
    p11.TemplateIncomplete: _NO_TEMPLATE,
    p11.TemplateInconsistent: _NO_TEMPLATE,
    p11.AttributeTypeInvalid: _NO_TEMPLATE,
    p11.AttributeValueInvalid: _NO_TEMPLATE,
    p11.AttributeReadOnly: _NO_TEMPLATE,
    p11.KeyTypeInconsistent: _KEY_USAGE,
    p11.PublicKeyInvalid: _KEY_USAGE,
    p11.TokenWriteProtected: _READ_ONLY,
    p11.FunctionRejected: _POLICY,
    p11.AttributeSensitive: _POLICY,
    p11.KeyUnextractable: _POLICY,
    p11.KeyNotWrappable: _POLICY,
    p11.KeyIndigestible: _POLICY,
    p11.DataInvalid: _INPUT,
    p11.DataLenRange: _INPUT,
    p11.NoSuchKey: Verdict(TokenRefused, "KEY_NOT_FOUND", "the key is not on this token"),
    p11.MultipleObjectsReturned: Verdict(
        TokenRefused, "AMBIGUOUS_KEY", "destroy the object that does not belong there"
    ),
    p11.MultipleTokensReturned: Verdict(
        TokenRefused, "AMBIGUOUS_TOKEN", "name the token's serial in the configuration"
    ),
    # Nothing the daemon does can lead here.
    p11.ArgumentsBad: _DEFECT,
    p11.EncryptedDataInvalid: _DEFECT,
    p11.EncryptedDataLenRange: _DEFECT,
    p11.KeyNeeded: _DEFECT,
    p11.KeyNotNeeded: _DEFECT,
    p11.NoEvent: _DEFECT,
    p11.RandomSeedNotSupported: _DEFECT,
    p11.SignatureInvalid: _DEFECT,
    p11.SignatureLenRange: _DEFECT,
    p11.UnwrappingKeyHandleInvalid: _DEFECT,
    p11.UnwrappingKeySizeRange: _DEFECT,
    p11.UnwrappingKeyTypeInconsistent: _DEFECT,
    p11.WrappedKeyInvalid: _DEFECT,
    p11.WrappedKeyLenRange: _DEFECT,
    p11.WrappingKeyHandleInvalid: _DEFECT,
    p11.WrappingKeySizeRange: _DEFECT,
    p11.WrappingKeyTypeInconsistent: _DEFECT,
}


def translate(error: p11.PKCS11Error, where: str) -> SignerdError:
    """The family member that stands for an exception of python-pkcs11.

    where: the token and what was asked of it. The text of the exception itself is left out: it
    may hold whatever a module put there.
    """
    verdict = VERDICTS.get(type(error), _DEFECT)
    retry = _RETRY_S if issubclass(verdict.family, TokenUnavailable) else None
    return verdict.family(
        f"{where}: {type(error).__name__}; {verdict.advice}",
        reason=verdict.reason,
        retry_after_s=retry,
    )


class Pkcs11Errors:
    """Context manager in which every exception of python-pkcs11 becomes one of a family.

    A class and not a generator, because it stands around every signature.
    """

    __slots__ = ("_where",)

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, p11.PKCS11Error):
            raise translate(error, self._where) from error
