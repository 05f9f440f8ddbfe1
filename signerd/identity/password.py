"""Passwords of subscribers: argon2id hashes (RFC 9106), their age, history and lockout.

Functions that hash take some 80 ms of a core and 32 MiB of memory: call them in a thread, few at a
time.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from signerd.config.secret_source import Secret
from signerd.core.error import Internal, InvalidRequest, SignerdError, WrongState
from signerd.core.evidence import Failures, PasswordRecord
from signerd.identity.check import Check
from signerd.identity.lockout import (
    DEFAULT_LOCKOUT,
    LockoutRule,
    after_failure,
    locked_refusal,
    wrong_refusal,
)
from signerd.identity.password_strength import (
    PersonalWords,
    check_strength,
    is_well_formed,
    normalised,
)

SALT_BYTES: Final = 16
_WHAT: Final = "the password"


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """Passes over the memory, and the memory in KiB; one lane, because the other cores have other
    work."""

    time_cost: int = 3
    memory_kib: int = 32_768


DEFAULT_COST: Final = Argon2Cost()


@dataclass(frozen=True, slots=True)
class PasswordRule:
    """max_age_days: then it has to be changed. history: so many of the last passwords, the one in
    force included, are not taken again."""

    max_age_days: int = 365
    history: int = 5
    lockout: LockoutRule = DEFAULT_LOCKOUT
    cost: Argon2Cost = DEFAULT_COST


def expiry_of(record: PasswordRecord, rule: PasswordRule) -> datetime:
    """From when on it has to be changed, UTC."""
    return record.set_utc + timedelta(days=rule.max_age_days)


def new_password(
    record: PasswordRecord | None,
    new: Secret,
    personal: PersonalWords,
    rule: PasswordRule,
    now_utc: datetime,
    *,
    salt: bytes,
) -> PasswordRecord:
    """The record of a new password. record: of the one before, which the caller has verified;
    None for the first. salt: SALT_BYTES random bytes.

    Raises InvalidRequest: those of check_strength, and PASSWORD_REUSED.
    """
    password = normalised(new)
    check_strength(password, personal)
    former = () if record is None else (record.hash, *record.history)[: rule.history]
    if any(matches_hash(one, password) for one in former):
        raise InvalidRequest(
            f"the new password is one of the last {rule.history}; take one that was not used yet",
            reason="PASSWORD_REUSED",
            field="new_password",
        )
    return PasswordRecord(
        hash=hash_secret(password, rule.cost, salt),
        set_utc=now_utc,
        history=former[: rule.history - 1],
    )


def verify_password(
    record: PasswordRecord,
    given: Secret,
    rule: PasswordRule,
    now_utc: datetime,
    *,
    salt: bytes,
    even_expired: bool = False,
) -> Check[PasswordRecord]:
    """Judge a password. A right one is hashed again, with salt, when the cost has changed.

    even_expired: for the change of a password. Refusals: LOCKED_OUT (unjudged), PASSWORD_WRONG,
    and PASSWORD_EXPIRED, which only the right password is told.
    """
    if locked := locked_refusal(record.failures, _WHAT, now_utc):
        return Check(record, locked)
    password = normalised(given)
    # What could never be set costs no hashing, however long it is; it counts all the same.
    if not (is_well_formed(password) and matches_hash(record.hash, password)):
        failures = after_failure(record.failures, rule.lockout, now_utc)
        refusal: SignerdError = wrong_refusal(
            failures, rule.lockout, _WHAT, now_utc, reason="PASSWORD_WRONG", field="password"
        )
        return Check(replace(record, failures=failures), refusal)
    passed = replace(record, failures=Failures())
    if _hasher(rule.cost).check_needs_rehash(record.hash):
        passed = replace(passed, hash=hash_secret(password, rule.cost, salt))
    if now_utc >= expiry_of(record, rule) and not even_expired:
        return Check(passed, _expired(rule))
    return Check(passed)


def _expired(rule: PasswordRule) -> WrongState:
    return WrongState(
        f"the password is right, but older than {rule.max_age_days} days; change it, then prove "
        "the identity with the new one",
        reason="PASSWORD_EXPIRED",
    )


def matches_hash(hash_: str, password: Secret) -> bool:
    """Whether a hash is of a secret. Raises Internal (PASSWORD_HASH_BROKEN)."""
    try:
        return PasswordHasher().verify(hash_, password.reveal())
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError):
        raise Internal(
            "a stored password hash cannot be read; restore the store from a backup",
            reason="PASSWORD_HASH_BROKEN",
        ) from None


def hash_secret(password: Secret, cost: Argon2Cost, salt: bytes) -> str:
    """PHC string (argon2id). salt: SALT_BYTES random bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"the salt must have {SALT_BYTES} bytes")
    return _hasher(cost).hash(password.reveal(), salt=salt)


def _hasher(cost: Argon2Cost) -> PasswordHasher:
    return PasswordHasher(
        time_cost=cost.time_cost, memory_cost=cost.memory_kib, parallelism=1, salt_len=SALT_BYTES
    )
