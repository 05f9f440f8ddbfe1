"""Biometric assertions: a statement of the bank's app that it recognised the customer.

The statement names the enrolment, so that it proves something there only, and carries the time, so
that it does so for a short while.
"""

import re
from datetime import datetime, timedelta
from typing import Final, NoReturn

from signerd.core.algorithm import Hash, KeyAlgorithm
from signerd.core.error import InvalidRequest, WrongState
from signerd.core.value import EnrolmentId, SubscriberId
from signerd.pki.key import UnusableKeyError, describe_key, load_public_key
from signerd.pki.signature import digest, verify_signature

_ALGORITHMS: Final = {
    "EC P-256": KeyAlgorithm.EC_P256_SHA256,
    "Ed25519": KeyAlgorithm.ED25519,
    "RSA 2048": KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    "RSA 3072": KeyAlgorithm.RSA_3072_PKCS1_SHA256,
    "RSA 4096": KeyAlgorithm.RSA_4096_PKCS1_SHA256,
}
_STATEMENT: Final = re.compile(
    r"signerd\.v1 biometric proof for enrolments/([a-z0-9-]{1,63}) of subscribers/([a-z0-9-]{1,63})"
    r" at ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z)"
)

LIFETIME: Final = timedelta(seconds=120)
"""How long a statement proves anything."""

SKEW: Final = timedelta(seconds=30)
"""How far the clock of the app may be off, either way."""


def check_biometric_key(spki: bytes) -> None:
    """Judge a public key to be registered: SubjectPublicKeyInfo, DER, of a P-256, Ed25519 or RSA
    key with 2048, 3072 or 4096 bits. Raises InvalidRequest (BIOMETRIC_KEY_UNUSABLE)."""
    _algorithm_of(spki)


def verify_assertion(
    spki: bytes,
    statement: str,
    signature: bytes,
    *,
    enrolment: EnrolmentId,
    subscriber: SubscriberId,
    now_utc: datetime,
) -> None:
    """Judge a statement, `signerd.v1 biometric proof for enrolments/{enrolment} of
    subscribers/{subscriber} at {time}`, time as in RFC 3339, UTC, with Z.

    signature: over its ASCII bytes by the key in spki: ECDSA with SHA-256 (DER), Ed25519, or
    RSASSA-PKCS1-v1_5 with SHA-256. Raises InvalidRequest: BIOMETRIC_STATEMENT_MALFORMED,
    BIOMETRIC_STATEMENT_FOREIGN, BIOMETRIC_SIGNATURE_WRONG; WrongState: BIOMETRIC_STATEMENT_STALE.
    """
    made_utc = _time_of(statement, enrolment, subscriber)
    algorithm = _algorithm_of(spki)
    message = statement.encode("ascii")
    if algorithm is not KeyAlgorithm.ED25519:
        message = digest(Hash.SHA256, message)
    check = verify_signature(spki, algorithm, message, signature)
    if not check.is_valid:
        raise InvalidRequest(
            f"biometric assertion: {check.explanation}; sign it with the key that is registered "
            "for this subscriber, or register the app's new key",
            reason="BIOMETRIC_SIGNATURE_WRONG",
            field="biometric.signature",
        )
    if not -SKEW <= now_utc - made_utc <= LIFETIME + SKEW:
        raise WrongState(
            f"biometric assertion: the statement was made at {made_utc:%Y-%m-%d %H:%M:%S} UTC and "
            f"it is {now_utc:%Y-%m-%d %H:%M:%S} UTC; recognise the customer again, and set the "
            "app's clock if this repeats",
            reason="BIOMETRIC_STATEMENT_STALE",
        )


def _time_of(statement: str, enrolment: EnrolmentId, subscriber: SubscriberId) -> datetime:
    found = _STATEMENT.fullmatch(statement)
    if found is None:
        _refuse_form()
    if (found[1], found[2]) != (enrolment, subscriber):
        raise InvalidRequest(
            "biometric assertion: the statement names another enrolment or subscriber; make one "
            f"for enrolments/{enrolment} of subscribers/{subscriber}",
            reason="BIOMETRIC_STATEMENT_FOREIGN",
            field="biometric.statement",
        )
    try:
        return datetime.fromisoformat(found[3])
    except ValueError:
        _refuse_form()


def _refuse_form() -> NoReturn:
    raise InvalidRequest(
        "biometric assertion: the statement is not of the form `signerd.v1 biometric proof for "
        "enrolments/ID of subscribers/ID at 2026-01-31T12:00:00Z`; send exactly this, in ASCII",
        reason="BIOMETRIC_STATEMENT_MALFORMED",
        field="biometric.statement",
    )


def _algorithm_of(spki: bytes) -> KeyAlgorithm:
    try:
        kind = describe_key(load_public_key(spki))
    except UnusableKeyError as error:
        _refuse_key(str(error))
    algorithm = _ALGORITHMS.get(kind)
    if algorithm is None:
        _refuse_key(f"it is an {kind} key")
    return algorithm


def _refuse_key(problem: str) -> NoReturn:
    raise InvalidRequest(
        f"the public key for biometric assertions is not usable: {problem}; register a P-256, "
        "Ed25519 or RSA key (2048, 3072 or 4096 bits), SubjectPublicKeyInfo in DER",
        reason="BIOMETRIC_KEY_UNUSABLE",
        field="public_key",
    )
