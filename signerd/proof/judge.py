"""Whether a checkpoint was signed by the audit key of our CA, and when, if a time stamp says so."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.audit.checkpoint import Checkpoint, SignedCheckpoint
from signerd.core.error import SignerdError
from signerd.pki.assembly import message_to_sign
from signerd.pki.chain import ChainLink, find_chain_problems
from signerd.pki.cms import CmsContent
from signerd.pki.service_certificate import AUDIT_SIGNING
from signerd.pki.signature import verify_signature
from signerd.pki.timestamp_read import check_time_stamp

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuditAuthority:
    """The certificates behind checkpoints, DER: of the audit key and of its CA, the root last."""

    certificate: bytes
    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Path:
    """A certificate up to the root. problem: what is wrong with it, "" when nothing is; spki: its
    key. All of it was valid from begin_utc to end_utc, both inclusive."""

    problem: str
    spki: bytes = b""
    is_audit_signer: bool = False
    begin_utc: datetime = _NEVER
    end_utc: datetime = _NEVER

    def was_valid(self, moment: datetime) -> bool:
        """Whether nothing of it had ended or was yet to begin."""
        return self.begin_utc <= moment <= self.end_utc


class CheckpointJudge:
    """Checks checkpoints by one audit certificate.

    Certificates are judged at the time of what they signed: a proof outlives them.
    """

    def __init__(self, authority: AuditAuthority) -> None:
        self._authority = authority
        self._path = _read_path(authority.certificate, authority.chain)
        self._stampers: dict[bytes, _Path] = {}
        self.root = authority.chain[-1]
        purpose = "the certificate is not for signing audit checkpoints"
        problems = (self._path.problem, "" if self._path.is_audit_signer else purpose)
        self.problem = "; ".join(problem for problem in problems if problem)
        """What is wrong with the certificates; empty when nothing is."""

    def problem_of(self, signed: SignedCheckpoint, checkpoint: Checkpoint) -> str:
        """What is wrong with the signature of a checkpoint; empty when nothing is."""
        if self.problem:
            return self.problem
        if checkpoint.key_sha256 != hashlib.sha256(self._path.spki).digest():
            return "was signed by another key than the audit key"
        if not self._path.was_valid(checkpoint.time_utc):
            return "was made when the certificate of the audit key was not valid"
        algorithm = checkpoint.algorithm
        message = message_to_sign(signed.text, algorithm)
        try:
            check = verify_signature(self._path.spki, algorithm, message, signed.signature)
        except SignerdError as error:
            return error.message
        return "" if check.is_valid else "does not have the signature of the audit key"

    def stamp_problem(self, signed: SignedCheckpoint) -> str:
        """What is wrong with its time stamp; empty when nothing is, or there is none."""
        if not signed.time_stamp:
            return ""
        try:
            stamp = check_time_stamp(signed.time_stamp, CmsContent(signed.stamped))
        except SignerdError:
            return "has a time stamp that cannot be read"
        if stamp.problems:
            return f"has a time stamp that does not hold: {stamp.problems[0].text}"
        der = stamp.signer.certificate or b""
        if der not in self._stampers:
            self._stampers[der] = _read_path(der, self._authority.chain)
        path = self._stampers[der]
        if path.problem or not path.was_valid(stamp.time_utc):
            return "has a time stamp by an authority that is not of the CA, or was not valid then"
        return ""


def _read_path(certificate: bytes, chain: tuple[bytes, ...]) -> _Path:
    certificates = [certificate, *chain]
    try:
        parsed = [x509.load_der_x509_certificate(der) for der in certificates]
        key = parsed[0].public_key()
    except (ValueError, x509.InvalidVersion):
        return _Path("a certificate of the audit key or its CA cannot be read")
    begin = max(one.not_valid_before_utc for one in parsed)
    problems = find_chain_problems([ChainLink(der) for der in certificates], begin)
    return _Path(
        "; ".join(problems),
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        _is_audit_signer(parsed[0]),
        begin,
        min(one.not_valid_after_utc for one in parsed),
    )


def _is_audit_signer(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return AUDIT_SIGNING in usage
