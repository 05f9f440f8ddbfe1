"""Check signatures and hand out public keys."""

from dataclasses import dataclass

from signerd.core.error import WrongState
from signerd.core.record import CredentialRecord
from signerd.core.value import CertificateId, CredentialId
from signerd.pki.signature import verify_signature
from signerd.policy.decide import Scope
from signerd.signing.ports import SignatureStore
from signerd.signing.sign import CredentialCache, SignInput, check_scope


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """A checked call: exactly one of credential and certificate is set."""

    credential: CredentialId | None
    certificate: CertificateId | None
    input: SignInput
    signature: bytes
    scope: Scope


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """Whether the signature is the key's over the input, and if not, why."""

    is_valid: bool
    explanation: str
    credential: CredentialRecord


class Verify:
    """The use cases behind Signing.Verify and Signing.GetPublicKey."""

    def __init__(self, store: SignatureStore, credentials: CredentialCache) -> None:
        self._store = store
        self._credentials = credentials

    async def get_credential(self, credential_id: CredentialId, scope: Scope) -> CredentialRecord:
        """Raises NotFound, PermissionDenied."""
        credential = await self._credentials.get(credential_id)
        check_scope(credential, scope)
        return credential

    async def verify(self, request: VerifyRequest) -> VerifyResult:
        """Check with the public key; the state of the certificate does not matter here.

        Raises NotFound, PermissionDenied, InvalidRequest (an input the key cannot have signed)
        and WrongState (a certificate whose key is not on the token).
        """
        credential = await self.get_credential(await self._signer(request), request.scope)
        message = request.input.message_for(credential.algorithm)
        checked = verify_signature(
            credential.spki, credential.algorithm, message, request.signature
        )
        return VerifyResult(checked.is_valid, checked.explanation, credential)

    async def _signer(self, request: VerifyRequest) -> CredentialId:
        if request.credential is not None:
            return request.credential
        if request.certificate is None:
            raise ValueError("a request names a credential or a certificate")
        certificate = await self._store.get_certificate(request.certificate)
        if certificate.credential is None:
            raise WrongState(
                f"certificates/{request.certificate} was issued for a CSR; its key is not on the "
                "token, so verify with the certificate itself",
                reason="CSR_CERTIFICATE",
            )
        return certificate.credential
