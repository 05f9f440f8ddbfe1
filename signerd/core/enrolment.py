"""Enrolments: applications for a certificate, for its reissue, and reports of its loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from signerd.core.activation import Activation
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.evidence import (
    AuthorisationRecord,
    CodeRecord,
    EnrolmentPurpose,
    Factor,
    Failures,
)
from signerd.core.value import CertificateId, EnrolmentId, SubscriberId

_NO_FAILURES: Final = Failures()
_NO_CODE: Final = CodeRecord()


class EnrolmentState(StrEnum):
    """EXPIRED is derived from the clock and never stored. CANCELLED: also of an application that
    was refused when it was opened."""

    OPEN = "OPEN"
    AUTHORISED = "AUTHORISED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class EnrolmentRecord:
    """An enrolment as stored.

    algorithm, key_group, activation: of the key to be made. old_certificate: to reissue or revoke.
    certificate: that was issued. codes: the one-time codes sent for it. failures: of documents and
    biometric assertions; these, and those in codes, are of all enrolments of the subscriber.
    authorisation: what gets the certificate, once the identity is proven. claimer: principal and
    request id of the call that has used it; empty before.
    """

    enrolment: EnrolmentId
    subscriber: SubscriberId
    purpose: EnrolmentPurpose
    state: EnrolmentState
    support_reference: str
    opened_utc: datetime
    expires_utc: datetime
    profile: str
    algorithm: KeyAlgorithm | None = None
    key_group: str = ""
    activation: Activation = Activation.NONE
    old_certificate: CertificateId | None = None
    certificate: CertificateId | None = None
    proven: frozenset[Factor] = frozenset()
    failures: Failures = _NO_FAILURES
    codes: Mapping[Factor, CodeRecord] = field(default_factory=dict, repr=False)
    authorisation: AuthorisationRecord | None = None
    claimer: tuple[str, str] = ("", "")

    def state_at(self, now_utc: datetime) -> EnrolmentState:
        """The state at a moment. A claim that has begun is seen to its end."""
        is_waiting = self.state in (EnrolmentState.OPEN, EnrolmentState.AUTHORISED)
        if is_waiting and now_utc >= self.expires_utc and not any(self.claimer):
            return EnrolmentState.EXPIRED
        return self.state


def has_failures_of(record: EnrolmentRecord, other: EnrolmentRecord) -> bool:
    """Whether as many proofs failed in the one as in the other."""
    return with_failures_of(record, other) == record


def with_failures_of(record: EnrolmentRecord, other: EnrolmentRecord) -> EnrolmentRecord:
    """The record with the failed proofs of another enrolment of the subscriber: they are the
    subscriber's, so that whoever opens another one has no more guesses."""
    failures = {factor: code.failures for factor, code in other.codes.items()}
    codes = {
        factor: replace(
            record.codes.get(factor, _NO_CODE), failures=failures.get(factor, Failures())
        )
        for factor in {*record.codes, *failures}
    }
    known = {factor: code for factor, code in codes.items() if code != _NO_CODE}
    return replace(record, failures=other.failures, codes=known)


@dataclass(frozen=True, slots=True)
class EnrolmentFilter:
    """Which enrolments to list; None means any. visible_subscribers: glob patterns."""

    subscriber: SubscriberId | None = None
    state: EnrolmentState | None = None
    visible_subscribers: tuple[str, ...] | None = None
