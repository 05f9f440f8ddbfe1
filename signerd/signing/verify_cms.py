"""Verify CMS SignedData and plain PKCS#7 with full status."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509

from signerd.core.clock import AHEAD, Clock
from signerd.core.error import InvalidRequest
from signerd.core.lifecycle import RevocationReason
from signerd.pki.cms import CmsContent
from signerd.pki.cms_read import attached_content, read_signed_data
from signerd.pki.cms_verify import CheckedSigner, check_signers
from signerd.signing.login_statement import is_login_statement
from signerd.signing.standing import (
    NOT_A_TRANSACTION,
    Problem,
    ProblemCode,
    Standing,
    StandingJudge,
)
from signerd.signing.verify_timestamp import TimeStampVerdict, VerifyTimestamp, problem_of

_TIME: Final = "%Y-%m-%d %H:%M:%S UTC"


class TimeBasis(StrEnum):
    """How it is known when a signature was made."""

    TIME_STAMP = "TIME_STAMP"
    CLAIMED = "CLAIMED"
    NOW = "NOW"


@dataclass(frozen=True, slots=True)
class SignerVerdict:
    """What is to be said of one signer.

    problems: empty when the signature counts. is_intact: it is that of the certificate's key over
    the content. standing: of the certificate at judged_utc; None without a certificate. stamp: None
    without a time stamp; why_no_stamp: where there is something that is none.
    """

    problems: tuple[Problem, ...]
    is_intact: bool
    checked: CheckedSigner
    standing: Standing | None
    judged_utc: datetime
    basis: TimeBasis
    stamp: TimeStampVerdict | None
    why_no_stamp: str


@dataclass(frozen=True, slots=True)
class CmsVerdict:
    """problems: of the message as a whole. content: of an attached signature, otherwise empty."""

    problems: tuple[Problem, ...]
    signers: tuple[SignerVerdict, ...]
    content: bytes

    @property
    def is_valid(self) -> bool:
        """Whether there is a signer and each signature counts."""
        return not self.problems and all(not one.problems for one in self.signers)


class VerifyCms:
    """The use case behind DocumentSigning.VerifyCms."""

    def __init__(self, judge: StandingJudge, stamps: VerifyTimestamp, clock: Clock) -> None:
        self._judge = judge
        self._stamps = stamps
        self._clock = clock

    async def verify(self, encoded: bytes, content: CmsContent | None) -> CmsVerdict:
        """Every signer of a ContentInfo with SignedData (DER, BER or PEM).

        1. The signature is checked with the key of the certificate in the message.
        2. When it was made is taken from its time stamp, if that verifies; otherwise from the
           signer's claim; otherwise it is now.
        3. The certificate is judged for that moment, and what happened to it later does not count,
           except that after a key compromise nobody's claim of a time is worth anything.

        Raises InvalidRequest (CMS_MALFORMED) and StoreUnavailable.
        """
        # In a thread: a message with many signers would keep every other caller waiting.
        attached, checked = await asyncio.to_thread(_check, encoded, content)
        signers = [await self._signer(one) for one in checked]
        problems = []
        if not signers:
            problems.append(
                Problem(ProblemCode.NOT_SIGNED, "nobody signed: the message has no signer")
            )
        signed = attached or (b"" if content is None else content.data or b"")
        if is_login_statement(signed):
            problems.append(NOT_A_TRANSACTION)
        return CmsVerdict(tuple(problems), tuple(signers), attached)

    async def _signer(self, checked: CheckedSigner) -> SignerVerdict:
        stamp, why_no_stamp = await self._stamp(checked)
        problems = [] if checked.problem is None else [problem_of(checked.problem)]
        moment, basis = self._moment(checked, stamp)
        claimed = checked.signing_time_utc
        if claimed is not None and claimed > self._clock.now() + AHEAD:
            problems.append(
                Problem(
                    ProblemCode.ATTRIBUTES_INVALID,
                    f"the signing time, {claimed:{_TIME}}, has not come yet",
                )
            )
        standing = None
        if checked.certificate is not None and _is_readable(checked.certificate):
            scheme = checked.scheme
            algorithm = None if scheme is None else scheme.algorithm
            standing = await self._judge.judge(checked.certificate, algorithm, moment)
            problems += standing.problems
            if basis is TimeBasis.CLAIMED:
                problems += _doubts(standing, moment)
        return SignerVerdict(
            problems=tuple(problems),
            is_intact=checked.problem is None,
            checked=checked,
            standing=standing,
            judged_utc=moment,
            basis=basis,
            stamp=stamp,
            why_no_stamp=why_no_stamp,
        )

    async def _stamp(self, checked: CheckedSigner) -> tuple[TimeStampVerdict | None, str]:
        """A time stamp is no part of what was signed: a bad one says nothing of the signature."""
        if checked.time_stamp is None:
            return None, ""
        try:
            return await self._stamps.verify(checked.time_stamp, CmsContent(checked.signature)), ""
        except InvalidRequest as error:
            return None, error.message

    def _moment(
        self, checked: CheckedSigner, stamp: TimeStampVerdict | None
    ) -> tuple[datetime, TimeBasis]:
        now = self._clock.now()
        if stamp is not None and stamp.is_valid:
            return stamp.checked.time_utc, TimeBasis.TIME_STAMP
        claimed = checked.signing_time_utc
        if claimed is not None and claimed <= now + AHEAD:
            return claimed, TimeBasis.CLAIMED
        return now, TimeBasis.NOW


def _check(encoded: bytes, content: CmsContent | None) -> tuple[bytes, list[CheckedSigner]]:
    """The attached content, empty where there is none, and every signer."""
    signed_data = read_signed_data(encoded)
    return attached_content(signed_data) or b"", check_signers(signed_data, content)


def _doubts(standing: Standing, moment_utc: datetime) -> list[Problem]:
    """Who stole a key claims any time."""
    record = standing.record
    if record is None or record.revoked_utc is None or record.revoked_utc <= moment_utc:
        return []
    if record.revocation_reason is not RevocationReason.KEY_COMPROMISE:
        return []
    text = (
        f"certificates/{record.certificate_id} was revoked at {record.revoked_utc:{_TIME}} because "
        "its key was compromised, and no time stamp shows that the signature is older"
    )
    return [Problem(ProblemCode.CERTIFICATE_REVOKED, text)]


def _is_readable(certificate_der: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(certificate_der)
    except (ValueError, x509.InvalidVersion):
        return False
    return True
