"""Verify time stamps (RFC 3161, 2.4.2), whose authority it may be."""

import asyncio
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from signerd.core.clock import AHEAD, Clock
from signerd.pki.cms import CmsContent
from signerd.pki.cms_verify import CmsProblem
from signerd.pki.key import require_usable, spki_of
from signerd.pki.timestamp_read import CheckedTimeStamp, check_time_stamp
from signerd.signing.standing import Problem, ProblemCode, StandingJudge


@dataclass(frozen=True, slots=True)
class TimeStampVerdict:
    """What is to be said of a time stamp. problems: empty when it may be relied upon."""

    problems: tuple[Problem, ...]
    checked: CheckedTimeStamp

    @property
    def is_valid(self) -> bool:
        """Whether it may be relied upon."""
        return not self.problems


class VerifyTimestamp:
    """The use case behind Timestamping.VerifyTimestamp.

    own_key: SubjectPublicKeyInfo (DER) of the daemon's own authority, b"" where there is none: its
    certificates are not among those of subscribers, so the store knows no state of them.
    """

    def __init__(self, judge: StandingJudge, own_key: bytes, clock: Clock) -> None:
        self._judge = judge
        self._own_key = own_key
        self._clock = clock

    async def verify(
        self, encoded: bytes, stamped: CmsContent, *, field: str = "time_stamp"
    ) -> TimeStampVerdict:
        """Look at a TimeStampToken or TimeStampResp (DER). The authority's certificate is judged
        for genTime, up to which the signature cannot have been made. Raises InvalidRequest and
        StoreUnavailable."""
        checked = await asyncio.to_thread(check_time_stamp, encoded, stamped, field=field)
        problems = [problem_of(one) for one in checked.problems]
        if checked.time_utc > self._clock.now() + AHEAD:
            problems.append(
                Problem(
                    ProblemCode.TIME_STAMP_INVALID,
                    f"its time, {checked.time_utc:%Y-%m-%d %H:%M:%S UTC}, has not come yet",
                )
            )
        certificate, scheme = checked.signer.certificate, checked.signer.scheme
        if certificate is not None:
            algorithm = None if scheme is None else scheme.algorithm
            standing = await self._judge.judge(certificate, algorithm, checked.time_utc)
            is_own = _key_of(certificate) == self._own_key
            problems += [
                one
                for one in standing.problems
                if not (is_own and one.code is ProblemCode.CERTIFICATE_UNKNOWN)
            ]
        return TimeStampVerdict(tuple(problems), checked)


def problem_of(problem: CmsProblem) -> Problem:
    """What pki found, among the problems of the API."""
    return Problem(ProblemCode(problem.fault.value), problem.text)


def _key_of(certificate_der: bytes) -> bytes:
    try:
        return spki_of(require_usable(x509.load_der_x509_certificate(certificate_der).public_key()))
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return b"unreadable"
