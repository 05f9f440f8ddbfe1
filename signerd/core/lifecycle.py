"""States of certificates, credentials and issuances, and what is done to certificates."""

from enum import IntEnum, StrEnum


class CertificateState(StrEnum):
    """EXPIRED is derived from the clock and never stored. SUSPENDED: on hold, its key signs
    nothing until it is resumed."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class CertificateAct(StrEnum):
    """What can be done to a certificate. END_SUSPENSION is the keeper's, at the limit of a
    suspension; REISSUE and RENEW end the old certificate in favour of a new one."""

    REISSUE = "reissue"
    RENEW = "renew"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"
    END_SUSPENSION = "end-suspension"


class RevocationReason(IntEnum):
    """RFC 5280, section 5.3.1."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    PRIVILEGE_WITHDRAWN = 9


class CredentialState(StrEnum):
    """RESERVED: the key may or may not exist yet. ACTIVE: it signs. SUSPENDED: it signs again when
    its certificate is resumed. RETIRED: it never signs again and awaits destruction. DESTROYED: it
    is gone from the token."""

    RESERVED = "RESERVED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    RETIRED = "RETIRED"
    DESTROYED = "DESTROYED"


class ReadyKeyState(StrEnum):
    """Of a key pair that is made ahead. MAKING: it may or may not exist. READY: it waits for a
    certificate. DESTROYED: it was given up unfinished; a host may still come to the end of it."""

    MAKING = "MAKING"
    READY = "READY"
    DESTROYED = "DESTROYED"


class IssuanceState(StrEnum):
    """RESERVED: serial and key are reserved. INTENT: the key exists and the exact TBS bytes are
    recorded. ISSUED and REFUSED are final."""

    RESERVED = "RESERVED"
    INTENT = "INTENT"
    ISSUED = "ISSUED"
    REFUSED = "REFUSED"


class TokenPurpose(StrEnum):
    AUTHORITY = "AUTHORITY"
    SUBSCRIBER = "SUBSCRIBER"


class SystemKeyRole(StrEnum):
    """Keys of the daemon itself, on the authority token. OCSP signs OCSP responses for the issuing
    CA, TIMESTAMP time stamps, AUDIT checkpoints of the audit chains; PROBE signs only health
    checks. The secret keys: SEAL encrypts personal data, INDEX makes the keyed hashes by which it
    is found."""

    ROOT = "ROOT"
    ISSUING = "ISSUING"
    OCSP = "OCSP"
    TIMESTAMP = "TIMESTAMP"
    AUDIT = "AUDIT"
    PROBE = "PROBE"
    SEAL = "SEAL"
    INDEX = "INDEX"
