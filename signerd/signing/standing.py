"""A signer's standing at a moment: may a signature of that moment be relied upon?

The one judgement behind every call that verifies. It speaks of the certificate and its key, not
of the signature, and answers with problems instead of raising: a signature that does not count is
an answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import AHEAD, Clock
from signerd.core.error import InvalidRequest
from signerd.core.lifecycle import CertificateState
from signerd.core.record import CertificateRecord
from signerd.core.standing import CertificateHistory
from signerd.core.state_machine import state_of
from signerd.core.value import certificate_id_of
from signerd.pki.chain import ChainFault, ChainLink, ChainProblem, examine_chain
from signerd.policy.algorithm import AlgorithmPolicy
from signerd.signing.ports import StandingStore

_TIME: Final = "%Y-%m-%d %H:%M:%S UTC"


class ProblemCode(StrEnum):
    """Why a signature does not count, for programs. Names are those that the API gives."""

    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    CERTIFICATE_UNKNOWN = "CERTIFICATE_UNKNOWN"
    CERTIFICATE_NOT_YET_VALID = "CERTIFICATE_NOT_YET_VALID"
    CERTIFICATE_EXPIRED = "CERTIFICATE_EXPIRED"
    CERTIFICATE_SUSPENDED = "CERTIFICATE_SUSPENDED"
    CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
    ISSUER_NOT_VALID = "ISSUER_NOT_VALID"
    CHAIN_INVALID = "CHAIN_INVALID"
    KEY_USAGE = "KEY_USAGE"
    ALGORITHM_NOT_ACCEPTED = "ALGORITHM_NOT_ACCEPTED"
    CONTENT_MISSING = "CONTENT_MISSING"
    CONTENT_CHANGED = "CONTENT_CHANGED"
    CERTIFICATE_MISSING = "CERTIFICATE_MISSING"
    CERTIFICATE_MISMATCH = "CERTIFICATE_MISMATCH"
    ATTRIBUTES_INVALID = "ATTRIBUTES_INVALID"
    TIME_STAMP_INVALID = "TIME_STAMP_INVALID"
    NOT_SIGNED = "NOT_SIGNED"
    LOGIN_CHALLENGE_NOT_A_TRANSACTION = "LOGIN_CHALLENGE_NOT_A_TRANSACTION"
    OTHER_SUBSCRIBER = "OTHER_SUBSCRIBER"
    OTHER_CERTIFICATE = "OTHER_CERTIFICATE"


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason, for programs and for people."""

    code: ProblemCode
    text: str


NOT_A_TRANSACTION: Final = Problem(
    ProblemCode.LOGIN_CHALLENGE_NOT_A_TRANSACTION,
    "the data is a login challenge; whoever signed it agreed to nothing but to log in",
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The judgement. problems: empty when signatures of that moment count. record: the certificate
    as it stands now, None for one that this CA did not issue. state: now, with the clock."""

    problems: tuple[Problem, ...]
    record: CertificateRecord | None
    state: CertificateState | None

    @property
    def is_good(self) -> bool:
        """Whether signatures of that moment count."""
        return not self.problems


def judge_chain(
    certificate_der: bytes, authorities: Sequence[bytes], moment_utc: datetime
) -> tuple[Problem, ...]:
    """Whether a certificate (DER) leads to the root and all were valid at a moment.

    authorities: issuing CA first, self-signed root last, DER.
    """
    links = [ChainLink(certificate_der), *(ChainLink(one) for one in authorities)]
    return tuple(_of_chain(problem) for problem in examine_chain(links, moment_utc))


def judge_key_usage(certificate_der: bytes) -> tuple[Problem, ...]:
    """Whether the key is certified to sign (RFC 5280, 4.2.1.3)."""
    certificate = x509.load_der_x509_certificate(certificate_der)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return (Problem(ProblemCode.KEY_USAGE, "the certificate's extensions cannot be read"),)
    if usage.digital_signature or usage.content_commitment:
        return ()
    text = "the certificate is not for signatures: keyUsage has neither of the bits for them"
    return (Problem(ProblemCode.KEY_USAGE, text),)


def judge_history(history: CertificateHistory, moment_utc: datetime) -> tuple[Problem, ...]:
    """Whether a certificate was neither on hold nor revoked at a moment. What came later does not
    count: that signature was made with a certificate in force."""
    return tuple(_of_history(history, moment_utc))


def judge_algorithm(
    algorithm: KeyAlgorithm, policy: AlgorithmPolicy, moment_utc: datetime
) -> tuple[Problem, ...]:
    """Whether signatures of an algorithm were accepted at a moment."""
    end = policy.end_of(algorithm, moment_utc)
    if end is None:
        return ()
    text = f"{algorithm.value} signatures are accepted up to {end:%Y-%m-%d} only"
    return (Problem(ProblemCode.ALGORITHM_NOT_ACCEPTED, text),)


class StandingJudge:
    """Judges signers. authorities: issuing CA first, root last, DER."""

    def __init__(
        self,
        store: StandingStore,
        authorities: Sequence[bytes],
        policy: Callable[[], AlgorithmPolicy],
        clock: Clock,
    ) -> None:
        self._store = store
        self._authorities = tuple(authorities)
        self._policy = policy
        self._clock = clock

    def moment(self, claimed_utc: datetime | None) -> datetime:
        """The moment to judge by: the one claimed, or now. Raises InvalidRequest
        (VERIFY_TIME_AHEAD): nobody knows yet what will be revoked by then."""
        now = self._clock.now()
        if claimed_utc is None:
            return now
        if claimed_utc > now + AHEAD:
            raise InvalidRequest(
                f"verify_time {claimed_utc:{_TIME}} has not come yet; send the time of signing, or "
                "none for now",
                reason="VERIFY_TIME_AHEAD",
                field="verify_time",
            )
        return claimed_utc

    async def judge(
        self, certificate_der: bytes, algorithm: KeyAlgorithm | None, moment_utc: datetime
    ) -> Standing:
        """The standing of the holder of a certificate (DER), from whomever it came.

        algorithm: of the signature; None where it is judged elsewhere. Raises InvalidRequest
        (CERTIFICATE_UNREADABLE) and StoreUnavailable.
        """
        serial = read_serial(certificate_der)
        history = await self._store.find_history(certificate_id_of(serial))
        # Somebody else's certificate may have the number of one of ours.
        if history is not None and history.record.der != certificate_der:
            history = None
        return self.judge_known(certificate_der, history, algorithm, moment_utc)

    def judge_known(
        self,
        certificate_der: bytes,
        history: CertificateHistory | None,
        algorithm: KeyAlgorithm | None,
        moment_utc: datetime,
    ) -> Standing:
        """The same, of a certificate whose history was read; None where it has none."""
        problems = [*judge_chain(certificate_der, self._authorities, moment_utc)]
        problems += judge_key_usage(certificate_der)
        if history is None:
            text = "this CA did not issue the certificate, so it does not know its state"
            problems.append(Problem(ProblemCode.CERTIFICATE_UNKNOWN, text))
        else:
            problems += judge_history(history, moment_utc)
        if algorithm is not None:
            problems += judge_algorithm(algorithm, self._policy(), moment_utc)
        record = None if history is None else history.record
        state = None if record is None else state_of(record, self._clock.now())
        return Standing(tuple(problems), record, state)


def read_serial(certificate_der: bytes) -> int:
    """The serial number of a certificate. Raises InvalidRequest (CERTIFICATE_UNREADABLE)."""
    try:
        return x509.load_der_x509_certificate(certificate_der).serial_number
    except (ValueError, x509.InvalidVersion):
        raise InvalidRequest(
            "the certificate cannot be read; send one X.509 certificate, DER",
            reason="CERTIFICATE_UNREADABLE",
            field="certificate_der",
        ) from None


def _of_chain(problem: ChainProblem) -> Problem:
    if problem.fault is ChainFault.BROKEN:
        return Problem(ProblemCode.CHAIN_INVALID, problem.text)
    if problem.place:
        return Problem(ProblemCode.ISSUER_NOT_VALID, problem.text)
    if problem.fault is ChainFault.TOO_EARLY:
        return Problem(ProblemCode.CERTIFICATE_NOT_YET_VALID, problem.text)
    return Problem(ProblemCode.CERTIFICATE_EXPIRED, problem.text)


def _of_history(history: CertificateHistory, moment_utc: datetime) -> Iterator[Problem]:
    name, revoked = f"certificates/{history.record.certificate_id}", history.record.revoked_utc
    for span in history.suspensions:
        if span.covers(moment_utc):
            text = f"{name} was suspended at {span.begin_utc:{_TIME}}"
            if span.end_utc is not None:
                text += f", until {span.end_utc:{_TIME}}"
            yield Problem(ProblemCode.CERTIFICATE_SUSPENDED, text)
    if revoked is not None and revoked <= moment_utc:
        reason = history.record.revocation_reason
        why = "" if reason is None else f" ({reason.name})"
        text = f"{name} was revoked at {revoked:{_TIME}}{why}"
        yield Problem(ProblemCode.CERTIFICATE_REVOKED, text)
