"""What customers do, and what must come of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Act(StrEnum):
    """An act of a customer, as scenarios name it."""

    TRANSFER = "transfer"
    PAYROLL = "payroll"
    LOGIN = "login"
    REISSUE = "reissue"
    SUSPEND = "suspend"
    RESUME = "resume"
    REPORT_LOSS = "report-loss"
    REVOKE = "revoke"
    TRANSFER_WITH_PIN = "transfer-with-pin"
    WRONG_PIN = "wrong-pin"
    TRANSFER_WITHOUT_PIN = "transfer-without-pin"
    TRANSFER_NOT_AGREED = "transfer-not-agreed"
    TRANSFER_TWICE = "transfer-twice"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - names an act
    LOGIN_WITH_WRONG_KEY = "login-with-wrong-key"
    LOGIN_AS_ANOTHER = "login-as-another"
    LOGIN_TWICE = "login-twice"
    LOGIN_AS_TRANSFER = "login-as-transfer"
    TRANSFER_SUSPENDED = "transfer-suspended"
    TRANSFER_REVOKED = "transfer-revoked"
    TRANSFER_REPLACED = "transfer-replaced"
    TRANSFER_EXPIRED = "transfer-expired"
    SUSPEND_AGAIN = "suspend-again"
    RESUME_ACTIVE = "resume-active"
    REISSUE_SUSPENDED = "reissue-suspended"
    REISSUE_EXPIRED = "reissue-expired"


class Standing(StrEnum):
    """How a customer's newest certificate stands, as far as the harness knows.

    WITH_PIN: active, with a key that signs with the customer's PIN only; it does nothing else.
    UNKNOWN: a change was sent and its answer lost; the daemon has to be asked.
    """

    NONE = "none"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"
    WITH_PIN = "with-pin"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """What an act needs and brings about.

    needs: the standing of the customers it is for, the first one preferred. becomes: the standing
    after it; None where it stays. refusal: the reason with which it must be refused; empty where
    it must succeed. meaning: for people.
    """

    needs: tuple[Standing, ...]
    becomes: Standing | None
    refusal: str
    meaning: str

    @property
    def changes(self) -> bool:
        """Whether it is sent with a request id and may change a certificate."""
        return self.becomes is not None


_ACTIVE, _HELD, _REVOKED, _EXPIRED, _PIN = (
    Standing.ACTIVE,
    Standing.SUSPENDED,
    Standing.REVOKED,
    Standing.EXPIRED,
    Standing.WITH_PIN,
)

RULES: Final = {
    Act.TRANSFER: Rule((_ACTIVE,), None, "", "sign a payment order"),
    Act.PAYROLL: Rule((_ACTIVE,), None, "", "sign twenty payment orders in one call"),
    Act.LOGIN: Rule((_ACTIVE,), None, "", "answer a challenge of the bank"),
    Act.REISSUE: Rule(
        (_REVOKED, _ACTIVE), _ACTIVE, "", "get a new key, after a loss or for safety"
    ),
    Act.SUSPEND: Rule((_ACTIVE,), _HELD, "", "put the certificate on hold"),
    Act.RESUME: Rule((_HELD,), _ACTIVE, "", "take the certificate off hold"),
    Act.REPORT_LOSS: Rule((_ACTIVE, _HELD), _REVOKED, "", "report the key as lost"),
    Act.REVOKE: Rule((_ACTIVE, _HELD), _REVOKED, "", "give the certificate up"),
    Act.TRANSFER_WITH_PIN: Rule((_PIN,), None, "", "agree by PIN, and sign a payment order"),
    Act.WRONG_PIN: Rule((_PIN,), None, "PIN_WRONG", "agree by a wrong PIN"),
    Act.TRANSFER_WITHOUT_PIN: Rule(
        (_PIN,), None, "ACTIVATION_REQUIRED", "sign without the customer's agreement"
    ),
    Act.TRANSFER_NOT_AGREED: Rule(
        (_PIN,), None, "DIGEST_NOT_AUTHORISED", "agree to an order, and sign another one"
    ),
    Act.TRANSFER_TWICE: Rule((_PIN,), None, "AUTHORISATION_USED_UP", "agree once, and sign twice"),
    Act.WRONG_PASSWORD: Rule(
        (_ACTIVE, _HELD), None, "PASSWORD_WRONG", "report a loss with a wrong password"
    ),
    Act.LOGIN_WITH_WRONG_KEY: Rule(
        (_ACTIVE,), None, "SIGNATURE_INVALID", "answer a challenge with somebody else's key"
    ),
    Act.LOGIN_AS_ANOTHER: Rule(
        (_ACTIVE,), None, "OTHER_SUBSCRIBER", "answer somebody else's challenge"
    ),
    Act.LOGIN_TWICE: Rule((_ACTIVE,), None, "CHALLENGE_USED", "give a right answer a second time"),
    Act.LOGIN_AS_TRANSFER: Rule(
        (_ACTIVE,), None, "LOGIN_PURPOSE", "have a challenge signed as if it were an order"
    ),
    Act.TRANSFER_SUSPENDED: Rule(
        (_HELD,), None, "CREDENTIAL_SUSPENDED", "sign while the certificate is on hold"
    ),
    Act.TRANSFER_REVOKED: Rule(
        (_REVOKED,), None, "CREDENTIAL_RETIRED", "sign after the certificate was revoked"
    ),
    Act.TRANSFER_REPLACED: Rule(
        (_ACTIVE,), None, "CREDENTIAL_RETIRED", "sign with the key that a reissue replaced"
    ),
    Act.TRANSFER_EXPIRED: Rule(
        (_EXPIRED,), None, "CERTIFICATE_EXPIRED", "sign after the certificate has expired"
    ),
    Act.SUSPEND_AGAIN: Rule((_HELD,), None, "CERTIFICATE_SUSPENDED", "suspend what is suspended"),
    Act.RESUME_ACTIVE: Rule((_ACTIVE,), None, "CERTIFICATE_ACTIVE", "resume what is active"),
    Act.REISSUE_SUSPENDED: Rule((_HELD,), None, "CERTIFICATE_SUSPENDED", "reissue what is on hold"),
    Act.REISSUE_EXPIRED: Rule((_EXPIRED,), None, "CERTIFICATE_EXPIRED", "reissue what has expired"),
}

# What to do instead where nobody stands as an act needs: bring somebody there.
INSTEAD: Final = {
    Standing.SUSPENDED: (Act.SUSPEND,),
    Standing.REVOKED: (Act.REVOKE,),
    Standing.ACTIVE: (Act.RESUME, Act.REISSUE),
}
