"""Reference number and authorisation code: together, once, they get the certificate.

The reference number has 13 digits, the last of them a check digit (ISO/IEC 7812-1, Annex B), so
that a slip of the finger is told apart from a wrong number; it is no secret. The authorisation code
has 20 characters of Crockford's Base32 in groups of five: 100 random bits, without letters that
look like digits, read in either case.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest, SignerdError, WrongState
from signerd.core.evidence import AuthorisationRecord, Failures
from signerd.core.value import EnrolmentId
from signerd.identity.check import Check
from signerd.identity.keyed_hash import Mac, mac_input
from signerd.identity.random_text import DIGITS, random_text

_REFERENCE: Final = re.compile(r"[0-9]{13}")
_REFERENCE_DRAWN: Final = 12
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE: Final = re.compile(f"[{_ALPHABET}]{{20}}")
_CODE_LENGTH: Final = 20
_GROUP: Final = 5
_LOOK_ALIKES: Final = str.maketrans("OIL", "011")
_SEPARATOR: Final = re.compile(r"[\s-]+")
_PROVE_AGAIN: Final = "prove the identity again for a new one"


@dataclass(frozen=True, slots=True)
class AuthorisationRule:
    """lifetime_days: from authorisation to claim. max_tries: wrong codes that make it void."""

    lifetime_days: int = 14
    max_tries: int = 5


@dataclass(frozen=True, slots=True)
class NewAuthorisation:
    """What is shown once, after record was stored. reference_number: 13 digits; code: with
    hyphens between its groups."""

    reference_number: str
    code: Secret
    record: AuthorisationRecord


@dataclass(frozen=True, slots=True)
class Claim:
    """Reference number and authorisation code as a customer gave them, in their plain form."""

    reference_number: str
    code: Secret


async def make_authorisation(
    enrolment: EnrolmentId,
    rule: AuthorisationRule,
    now_utc: datetime,
    *,
    random: Callable[[int], bytes],
    mac: Mac,
) -> NewAuthorisation:
    """A new pair for an enrolment. The store refuses a reference number that exists; then make
    another one."""
    drawn = random_text(DIGITS, _REFERENCE_DRAWN, random)
    reference = drawn + _check_digit(drawn)
    code = random_text(_ALPHABET, _CODE_LENGTH, random)
    record = AuthorisationRecord(
        reference_mac=await reference_mac(reference, mac),
        code_mac=await mac(_code_input(enrolment, reference, code)),
        expires_utc=now_utc + timedelta(days=rule.lifetime_days),
    )
    groups = (code[start : start + _GROUP] for start in range(0, _CODE_LENGTH, _GROUP))
    return NewAuthorisation(reference, Secret("-".join(groups)), record)


def parse_claim(reference_number: str, authorisation_code: Secret) -> Claim:
    """What a customer typed: without spaces and hyphens; the code in upper case, O as 0, I and L
    as 1.

    Raises InvalidRequest (REFERENCE_NUMBER_MISTYPED, AUTHORISATION_CODE_MISTYPED), for which no try
    is counted.
    """
    reference = _SEPARATOR.sub("", reference_number)
    if _REFERENCE.fullmatch(reference) is None or _check_digit(reference[:-1]) != reference[-1]:
        raise InvalidRequest(
            "reference_number is not 13 digits with the right check digit; copy it again",
            reason="REFERENCE_NUMBER_MISTYPED",
            field="reference_number",
        )
    code = _SEPARATOR.sub("", authorisation_code.reveal()).upper().translate(_LOOK_ALIKES)
    if _CODE.fullmatch(code) is None:
        raise InvalidRequest(
            f"authorisation_code is not {_CODE_LENGTH} letters (without U) and digits; copy it "
            "again",
            reason="AUTHORISATION_CODE_MISTYPED",
            field="authorisation_code",
        )
    return Claim(reference, Secret(code))


async def reference_mac(reference: str, mac: Mac) -> bytes:
    """By which the record of a claim's reference number is found."""
    return await mac(mac_input("reference number", reference))


async def redeem(
    record: AuthorisationRecord,
    enrolment: EnrolmentId,
    claim: Claim,
    rule: AuthorisationRule,
    now_utc: datetime,
    *,
    mac: Mac,
) -> Check[AuthorisationRecord]:
    """Judge a claim. A right one is used up: the store must take the new record only if it still
    holds the one judged.

    Refusals: AUTHORISATION_USED, AUTHORISATION_EXPIRED, AUTHORISATION_VOID,
    AUTHORISATION_CODE_WRONG.
    """
    if refusal := _unjudged(record, rule, now_utc):
        return Check(record, refusal)
    judged = await mac(_code_input(enrolment, claim.reference_number, claim.code.reveal()))
    if hmac.compare_digest(judged, record.code_mac):
        return Check(replace(record, used_utc=now_utc))
    failed = replace(record, failures=Failures(record.failures.count + 1))
    left = rule.max_tries - failed.failures.count
    if left <= 0:
        return Check(failed, _void())
    return Check(
        failed,
        InvalidRequest(
            f"reference number and authorisation code do not belong together; {left} "
            f"{'try is' if left == 1 else 'tries are'} left before both are void",
            reason="AUTHORISATION_CODE_WRONG",
            metadata={"tries_left": str(left)},
            field="authorisation_code",
        ),
    )


def _unjudged(
    record: AuthorisationRecord, rule: AuthorisationRule, now_utc: datetime
) -> SignerdError | None:
    if record.used_utc is not None:
        return WrongState(
            f"the authorisation was used at {record.used_utc:%Y-%m-%d %H:%M:%S} UTC; "
            "it gets one certificate, once",
            reason="AUTHORISATION_USED",
        )
    if now_utc >= record.expires_utc:
        return WrongState(
            f"the authorisation lapsed at {record.expires_utc:%Y-%m-%d %H:%M:%S} UTC; "
            f"{_PROVE_AGAIN}",
            reason="AUTHORISATION_EXPIRED",
        )
    return _void() if record.failures.count >= rule.max_tries else None


def _void() -> WrongState:
    return WrongState(
        f"too many wrong codes: the authorisation is void; {_PROVE_AGAIN}",
        reason="AUTHORISATION_VOID",
    )


def _code_input(enrolment: EnrolmentId, reference: str, code: str) -> bytes:
    return mac_input("authorisation code", enrolment, reference, code)


def _check_digit(digits: str) -> str:
    """Modulus 10, "double-add-double" (ISO/IEC 7812-1, Annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        weighted = int(digit) * (2 if place % 2 == 0 else 1)
        total += weighted // 10 + weighted % 10
    return str(-total % 10)
