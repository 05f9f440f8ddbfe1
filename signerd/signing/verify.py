"""Check signatures and hand out public keys."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal, InvalidRequest, NotFound, PermissionDenied
from signerd.core.record import CredentialRecord
from signerd.core.standing import CertificateHistory
from signerd.core.value import CertificateId, CredentialId, certificate_id_of
from signerd.pki.key import algorithms_of
from signerd.pki.signature import verify_signature
from signerd.policy.decide import Scope
from signerd.signing.login_statement import is_login_statement
from signerd.signing.ports import StandingStore
from signerd.signing.sign import CredentialCache, SignInput, check_scope
from signerd.signing.standing import (
    NOT_A_TRANSACTION,
    Problem,
    ProblemCode,
    Standing,
    StandingJudge,
    read_serial,
)


@dataclass(frozen=True, slots=True)
class NamedCertificate:
    """A certificate by its id, which as a bare string could be that of a credential."""

    certificate_id: CertificateId


Signer: TypeAlias = CredentialId | NamedCertificate | bytes
"""Who is said to have signed: a credential, a certificate of this CA, or any certificate, DER."""


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """A checked call.

    algorithm: None where the caller does not say. verify_utc: the claimed time of signing, None for
    now.
    """

    signer: Signer
    input: SignInput
    signature: bytes
    algorithm: KeyAlgorithm | None
    verify_utc: datetime | None
    scope: Scope


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The verdict. problems: all reasons why the signature does not count, none when it does.
    verify_utc: the time that was judged by."""

    is_signature_valid: bool
    problems: tuple[Problem, ...]
    standing: Standing
    algorithm: KeyAlgorithm
    verify_utc: datetime


@dataclass(frozen=True, slots=True)
class _Found:
    """A certificate (DER), and what is known of it."""

    der: bytes
    history: CertificateHistory | None


class Verify:
    """The use cases behind Signing.Verify and Signing.GetPublicKey."""

    def __init__(
        self, store: StandingStore, credentials: CredentialCache, judge: StandingJudge
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._judge = judge

    async def get_credential(self, credential_id: CredentialId, scope: Scope) -> CredentialRecord:
        """Raises NotFound, PermissionDenied."""
        credential = await self._credentials.get(credential_id)
        check_scope(credential, scope)
        return credential

    async def verify(self, request: VerifyRequest) -> VerifyResult:
        """Judge the signature of a transaction: what was signed to log in is none. Raises as
        `examine`."""
        result = await self.examine(request)
        data = request.input
        if data.digest_hash is not None or not is_login_statement(data.content):
            return result
        return replace(result, problems=(*result.problems, NOT_A_TRANSACTION))

    async def examine(self, request: VerifyRequest) -> VerifyResult:
        """Check with the public key in the certificate, and judge its holder's standing.

        Raises NotFound, PermissionDenied, InvalidRequest (an input that the key cannot have
        signed, an algorithm that is not the key's) and StoreUnavailable.
        """
        moment = self._judge.moment(request.verify_utc)
        signer = await self._find(request)
        spki = _spki_of(signer)
        algorithm = _algorithm_for(signer, spki, request.algorithm)
        message = request.input.message_for(algorithm)
        checked = verify_signature(spki, algorithm, message, request.signature)
        standing = self._judge.judge_known(signer.der, signer.history, algorithm, moment)
        problems = standing.problems
        if not checked.is_valid:
            problems = (Problem(ProblemCode.SIGNATURE_INVALID, checked.explanation), *problems)
        return VerifyResult(checked.is_valid, problems, standing, algorithm, moment)

    async def _find(self, request: VerifyRequest) -> _Found:
        match request.signer:
            case bytes() as der:
                history = await self._store.find_history(certificate_id_of(read_serial(der)))
                if history is None or history.record.der != der:
                    return _Found(der, None)
            case NamedCertificate(certificate_id):
                history = await self._store.find_history(certificate_id)
                if history is None:
                    raise NotFound(
                        f"there is no certificate {certificate_id}; its name is its serial number "
                        "in lower-case hexadecimal"
                    )
            case credential_id:
                history = await self._of_credential(credential_id, request.scope)
        record = history.record
        if not request.scope.covers(record.subscriber, record.key_group):
            raise PermissionDenied(
                f"certificates/{record.certificate_id} is outside your grants; ask the operator "
                "for a grant that names its subscriber or key group",
                reason="OUT_OF_SCOPE",
            )
        return _Found(record.der, history)

    async def _of_credential(self, credential_id: CredentialId, scope: Scope) -> CertificateHistory:
        credential = await self.get_credential(credential_id, scope)
        certificate = credential.certificate
        history = None if certificate is None else await self._store.find_history(certificate)
        if history is None:
            raise Internal(f"credentials/{credential_id} has no certificate")
        return history


def _spki_of(signer: _Found) -> bytes:
    """Raises InvalidRequest for what is no certificate or has no key of ours, and ValueError where
    that came from the store: then it is no fault of the caller."""
    if signer.history is None:
        read_serial(signer.der)
    try:
        key = x509.load_der_x509_certificate(signer.der).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        if signer.history is not None:
            raise
        raise _unsupported() from None


def _algorithm_for(signer: _Found, spki: bytes, wanted: KeyAlgorithm | None) -> KeyAlgorithm:
    """How the key signs. Raises InvalidRequest: KEY_ALGORITHM_MISMATCH, KEY_ALGORITHM_MISSING, and
    KEY_UNSUPPORTED for a key that is none of ours."""
    known = None if signer.history is None else signer.history.record.algorithm
    possible = algorithms_of(spki) if known is None else (known,)
    if not possible:
        raise _unsupported()
    names = ", ".join(possible)
    if wanted is None and len(possible) > 1:
        raise InvalidRequest(
            f"the certificate does not say how its key signs; send key_algorithm: one of {names}",
            reason="KEY_ALGORITHM_MISSING",
            field="key_algorithm",
        )
    if wanted is not None and wanted not in possible:
        raise InvalidRequest(
            f"the key signs with {names}, not with {wanted.value}",
            reason="KEY_ALGORITHM_MISMATCH",
            field="key_algorithm",
        )
    return wanted or possible[0]


def _unsupported() -> InvalidRequest:
    return InvalidRequest(
        "the certificate's key is of a type or size that is not verified here: use RSA 2048, 3072 "
        "or 4096, EC P-256 or P-384, or Ed25519",
        reason="KEY_UNSUPPORTED",
        field="certificate_der",
    )
