"""Renew: in the last days of a certificate, a new key for the same holder and one more period."""

from dataclasses import dataclass
from datetime import datetime

from signerd.ca.replace import CertificateReplacer, Judge, ReplaceRequest
from signerd.core.algorithm import spec_of
from signerd.core.error import Internal, InvalidRequest, WrongState
from signerd.core.lifecycle import CertificateAct
from signerd.core.record import CertificateRecord
from signerd.core.value import CertificateId
from signerd.pki.certificate import public_key_of
from signerd.pki.profile import Profile
from signerd.pki.signature import digest, verify_signature
from signerd.pki.validity import renewal_opens, validity_renewed


@dataclass(frozen=True, slots=True)
class RenewalProof:
    """That the holder of the old key wants this renewal: its signature over `renewal_statement`.

    request_id: as the caller wrote it.
    """

    request_id: str
    signature: bytes


def renewal_statement(certificate: CertificateId, request_id: str) -> bytes:
    """What the old key signs; it fits one certificate and one request."""
    return f"signerd.v1 renewal of certificates/{certificate}, request {request_id}".encode()


class RenewCertificate:
    """The use case behind CertificateAuthority.RenewCertificate. issuer_not_after_utc: no
    certificate outlives its issuer."""

    def __init__(self, replacer: CertificateReplacer, issuer_not_after_utc: datetime) -> None:
        self._replacer = replacer
        self._issuer_not_after_utc = issuer_not_after_utc

    async def validate(self, call: ReplaceRequest, proof: RenewalProof) -> CertificateRecord:
        """The certificate to renew, if it may be. Raises as CertificateReplacer.validate,
        WrongState (RENEWAL_TOO_EARLY, ISSUER_EXPIRES_FIRST), InvalidRequest (PROOF_WRONG)."""
        return await self._replacer.validate(call, CertificateAct.RENEW, self._judge(proof))

    async def renew(
        self, call: ReplaceRequest, proof: RenewalProof
    ) -> tuple[CertificateRecord, CertificateRecord]:
        """The new certificate and the old one, revoked as superseded. The proof is not asked for
        again when the same request comes again. Raises as validate, and as
        CertificateReplacer.replace."""
        return await self._replacer.replace(call, CertificateAct.RENEW, self._judge(proof))

    def _judge(self, proof: RenewalProof) -> Judge:
        def judge(
            old: CertificateRecord, profile: Profile, now_utc: datetime
        ) -> tuple[datetime, datetime]:
            _check_window(old, profile, now_utc)
            _check_proof(old, proof)
            return validity_renewed(profile, now_utc, old.not_after_utc, self._issuer_not_after_utc)

        return judge


def _check_window(old: CertificateRecord, profile: Profile, now_utc: datetime) -> None:
    opens = renewal_opens(profile, old.not_after_utc)
    if now_utc < opens:
        raise WrongState(
            f"certificates/{old.certificate_id} can be renewed from {opens:%Y-%m-%d %H:%M:%S} UTC "
            "on; until then it can be reissued, with the expiry it has",
            reason="RENEWAL_TOO_EARLY",
            metadata={"renewable_from": f"{opens:%Y-%m-%dT%H:%M:%SZ}"},
        )


def _check_proof(old: CertificateRecord, proof: RenewalProof) -> None:
    if old.algorithm is None:
        raise Internal("a certificate with a key on the token has no algorithm")
    statement = renewal_statement(old.certificate_id, proof.request_id)
    hash_ = spec_of(old.algorithm).hash
    message = statement if hash_ is None else digest(hash_, statement)
    checked = verify_signature(public_key_of(old.der), old.algorithm, message, proof.signature)
    if not checked.is_valid:
        raise InvalidRequest(
            f"proof: {checked.explanation}; sign exactly these bytes with the key of "
            f"certificates/{old.certificate_id}: {statement.decode()}",
            reason="PROOF_WRONG",
            field="proof",
        )
