"""One-time codes sent to phone and e-mail."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from signerd.config.secret_source import Secret
from signerd.core.clock import AHEAD
from signerd.core.error import InvalidRequest, LimitExceeded, SignerdError, WrongState
from signerd.core.evidence import CodeRecord, EnrolmentPurpose, Factor, Failures
from signerd.core.value import CredentialId, EnrolmentId
from signerd.identity.check import Check
from signerd.identity.keyed_hash import Mac, mac_input
from signerd.identity.lockout import (
    DEFAULT_LOCKOUT,
    LockoutRule,
    after_failure,
    is_locked,
    locked_refusal,
    wrong_refusal,
)
from signerd.identity.random_text import DIGITS, random_text

_LENGTH: Final = 6
_FORM: Final = re.compile(r"[0-9]{6}")
_HOUR: Final = timedelta(hours=1)
_FIELD: Final = "code.code"
_WHAT: Final = "the one-time code"


@dataclass(frozen=True, slots=True)
class CodeRule:
    """lifetime_s: of a code. resend_s: least time between two. max_per_hour: codes sent. lockout:
    failures are counted over all codes of a subscriber and factor, because neither a new code nor a
    new enrolment is a new guess for the one who tries them all."""

    lifetime_s: int = 180
    resend_s: int = 30
    max_per_hour: int = 5
    lockout: LockoutRule = DEFAULT_LOCKOUT


@dataclass(frozen=True, slots=True)
class CodeBinding:
    """What a code is good for: nowhere else is it accepted."""

    enrolment: EnrolmentId
    factor: Factor
    purpose: EnrolmentPurpose

    @property
    def parts(self) -> tuple[str, ...]:
        """What is hashed with the code."""
        return self.enrolment, self.factor, self.purpose


@dataclass(frozen=True, slots=True)
class ActivationBinding:
    """Of a code that agrees to the use of a key."""

    credential: CredentialId

    @property
    def parts(self) -> tuple[str, ...]:
        """What is hashed with the code."""
        return "activation", self.credential


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code to be sent, after record was stored."""

    code: Secret
    record: CodeRecord


async def make_code(
    record: CodeRecord,
    binding: CodeBinding | ActivationBinding,
    rule: CodeRule,
    now_utc: datetime,
    *,
    random: Callable[[int], bytes],
    mac: Mac,
) -> NewCode:
    """A new code, which replaces the one before.

    Raises LimitExceeded: LOCKED_OUT, CODE_RESEND_TOO_SOON, CODE_HOURLY_LIMIT.
    """
    if locked := locked_refusal(record.failures, _WHAT, now_utc):
        raise locked
    # What seems sent far ahead was sent under a clock that has been set back.
    sent = tuple(one for one in record.sent_utc if now_utc - _HOUR < one < now_utc + AHEAD)
    _check_rate(sent, rule, now_utc)
    code = random_text(DIGITS, _LENGTH, random)
    return NewCode(
        Secret(code),
        replace(
            record,
            mac=await mac(_input(binding, code)),
            expires_utc=now_utc + timedelta(seconds=rule.lifetime_s),
            sent_utc=(*sent, now_utc),
        ),
    )


async def verify_code(
    record: CodeRecord,
    binding: CodeBinding | ActivationBinding,
    given: Secret,
    rule: CodeRule,
    now_utc: datetime,
    *,
    mac: Mac,
) -> Check[CodeRecord]:
    """Judge a code as the customer typed it. A right one is used up, and so is the code that was
    waited for when failures lock.

    Refusals: LOCKED_OUT, CODE_ABSENT, CODE_EXPIRED, CODE_MALFORMED (not counted as a failure),
    CODE_WRONG.
    """
    expected = record.mac
    text = "".join(given.reveal().split())
    refusal = _unjudged(record, text, now_utc)
    if refusal is not None or expected is None:
        return Check(record, refusal)
    if hmac.compare_digest(await mac(_input(binding, text)), expected):
        return Check(CodeRecord(sent_utc=record.sent_utc))
    failures = after_failure(record.failures, rule.lockout, now_utc)
    refusal = wrong_refusal(
        failures, rule.lockout, _WHAT, now_utc, reason="CODE_WRONG", field=_FIELD
    )
    return Check(_after_wrong(record, failures, now_utc), refusal)


def _after_wrong(record: CodeRecord, failures: Failures, now_utc: datetime) -> CodeRecord:
    if is_locked(failures, now_utc):
        return CodeRecord(sent_utc=record.sent_utc, failures=failures)
    return replace(record, failures=failures)


def _unjudged(record: CodeRecord, text: str, now_utc: datetime) -> SignerdError | None:
    if locked := locked_refusal(record.failures, _WHAT, now_utc):
        return locked
    if record.mac is None or record.expires_utc is None:
        return WrongState(
            "no one-time code is waited for: none was sent, or it was used; ask for a new one",
            reason="CODE_ABSENT",
        )
    if now_utc >= record.expires_utc:
        return WrongState(
            f"the one-time code lapsed at {record.expires_utc:%Y-%m-%d %H:%M:%S} UTC; ask for a "
            "new one",
            reason="CODE_EXPIRED",
        )
    if _FORM.fullmatch(text) is None:
        return InvalidRequest(
            f"a one-time code has {_LENGTH} digits; type the one that was sent last",
            reason="CODE_MALFORMED",
            field=_FIELD,
        )
    return None


def _check_rate(sent: tuple[datetime, ...], rule: CodeRule, now_utc: datetime) -> None:
    if not sent:
        return
    resend_utc = sent[-1] + timedelta(seconds=rule.resend_s)
    if now_utc < resend_utc:
        raise _too_many("a code was sent just now", "CODE_RESEND_TOO_SOON", resend_utc - now_utc)
    if len(sent) >= rule.max_per_hour:
        raise _too_many(
            f"{rule.max_per_hour} codes were sent within an hour",
            "CODE_HOURLY_LIMIT",
            sent[-rule.max_per_hour] + _HOUR - now_utc,
        )


def _too_many(what: str, reason: str, wait: timedelta) -> LimitExceeded:
    wait_s = wait.total_seconds()
    return LimitExceeded(
        f"{what}; ask for another one in {int(wait_s) + 1} seconds",
        reason=reason,
        retry_after_s=wait_s,
    )


def _input(binding: CodeBinding | ActivationBinding, code: str) -> bytes:
    return mac_input("one-time code", *binding.parts, code)
