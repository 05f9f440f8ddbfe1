"""Whether a checkpoint was signed by the audit key of our CA."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.audit.checkpoint import Checkpoint, SignedCheckpoint
from signerd.core.error import SignerdError
from signerd.pki.assembly import message_to_sign
from signerd.pki.chain import ChainLink, find_chain_problems
from signerd.pki.service_certificate import AUDIT_SIGNING
from signerd.pki.signature import verify_signature


@dataclass(frozen=True, slots=True)
class AuditAuthority:
    """The certificates behind checkpoints, DER: of the audit key and of its CA, the root last."""

    certificate: bytes
    chain: tuple[bytes, ...]


class CheckpointJudge:
    """Checks signatures of checkpoints by one audit certificate.

    Its validity is judged at the time of the checkpoint: a proof outlives the certificate.
    """

    def __init__(self, authority: AuditAuthority) -> None:
        self.root = authority.chain[-1]
        certificates = [authority.certificate, *authority.chain]
        try:
            parsed = [x509.load_der_x509_certificate(der) for der in certificates]
        except ValueError:
            self.problem = "a certificate of the audit key or its CA cannot be read"
            return
        self._begin = max(one.not_valid_before_utc for one in parsed)
        self._end = min(one.not_valid_after_utc for one in parsed)
        self._spki = (
            parsed[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
        problems = list(find_chain_problems([ChainLink(der) for der in certificates], self._begin))
        if not _is_audit_signer(parsed[0]):
            problems.append("the certificate is not for signing audit checkpoints")
        self.problem = "; ".join(problems)
        """What is wrong with the certificates; empty when nothing is."""

    def problem_of(self, signed: SignedCheckpoint, checkpoint: Checkpoint) -> str:
        """What is wrong with the signature of a checkpoint; empty when nothing is."""
        if self.problem:
            return self.problem
        if checkpoint.key_sha256 != hashlib.sha256(self._spki).digest():
            return "was signed by another key than the audit key"
        if not self._is_within(checkpoint.time_utc):
            return "was made when the certificate of the audit key was not valid"
        algorithm = checkpoint.algorithm
        try:
            check = verify_signature(
                self._spki, algorithm, message_to_sign(signed.text, algorithm), signed.signature
            )
        except SignerdError as error:
            return error.message
        return "" if check.is_valid else "does not have the signature of the audit key"

    def _is_within(self, moment: datetime) -> bool:
        return self._begin <= moment <= self._end


def _is_audit_signer(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return AUDIT_SIGNING in usage
