"""Sign content as CMS SignedData or plain PKCS#7."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from signerd.core.clock import Clock
from signerd.core.error import Internal, InvalidRequest, WrongState
from signerd.core.lifecycle import CredentialState
from signerd.core.record import CredentialRecord
from signerd.core.value import CredentialId
from signerd.pki.cms import (
    CmsContent,
    CmsSigner,
    PreparedSignerInfo,
    SignedInfo,
    add_signers,
    build_signed_data,
    prepare_plain_signer,
    prepare_signer,
)
from signerd.pki.cms_read import SignedData, read_signed_data, require_same_content
from signerd.policy.decide import Scope
from signerd.signing.document_ports import CertificateSource, SignatureStamper
from signerd.signing.login_statement import check_purpose
from signerd.signing.sign import (
    CredentialCache,
    Sign,
    SignInput,
    SignRequest,
    barred,
    check_scope,
)

MOST_SIGNERS: Final = 16


class CmsForm(StrEnum):
    """CMS has signed attributes, PKCS7 has none."""

    CMS = "CMS"
    PKCS7 = "PKCS7"


@dataclass(frozen=True, slots=True)
class SignCmsRequest:
    """A checked call. content: None where existing has it. existing: ContentInfo (DER) to which
    signers are added. deadline: seconds of time.monotonic(). purpose, authorisations: see
    SignRequest."""

    credentials: tuple[CredentialId, ...]
    content: CmsContent | None
    form: CmsForm
    is_detached: bool
    with_time_stamp: bool
    existing: bytes
    principal: str
    request_id: str
    scope: Scope
    deadline: float
    purpose: str = ""
    authorisations: Mapping[CredentialId, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MadeSignature:
    """One signer of a result. stamped_utc: genTime of its time stamp, where it has one."""

    credential: CredentialRecord
    stamped_utc: datetime | None


@dataclass(frozen=True, slots=True)
class SignCmsResult:
    """der: ContentInfo with SignedData."""

    der: bytes
    signers: tuple[MadeSignature, ...]


class SignCms:
    """The use case behind DocumentSigning.SignCms. chain: certificates above those of subscribers
    that go along, DER. stamper: None where there are no time stamps."""

    def __init__(
        self,
        sign: Sign,
        *,
        credentials: CredentialCache,
        certificates: CertificateSource,
        chain: Sequence[bytes],
        stamper: SignatureStamper | None,
        clock: Clock,
    ) -> None:
        self._sign = sign
        self._credentials = credentials
        self._certificates = certificates
        self._chain = tuple(chain)
        self._stamper = stamper
        self._clock = clock

    async def sign(self, request: SignCmsRequest) -> SignCmsResult:
        """Sign with every credential.

        1. Every signer is found, within the caller's grants, active and agreeing, before any key is
           used, so that a request that cannot be fulfilled leaves no signature behind.
        2. The attributes of each are fixed; the key signs their digest through Sign, which puts it
           on record and refuses what was retired meanwhile.
        3. Each signature is verified before it is put together.

        Raises InvalidRequest and as Sign.sign; with a time stamp as CreateTimestamp.create.
        """
        existing = read_signed_data(request.existing) if request.existing else None
        content = _content_of(request, existing)
        # Without signed attributes the signature would be that of the login.
        check_purpose("", content.data or b"", is_data=True)
        if request.with_time_stamp and self._stamper is None:
            raise WrongState(
                "this daemon makes no time stamps: ask the operator to set [timestamping] enabled",
                reason="TIMESTAMPING_DISABLED",
            )
        credentials = [await self._signer(one, request.scope) for one in request.credentials]
        now = self._clock.now()
        prepared = [
            self._prepare(request.form, await self._cms_signer(one), content, now)
            for one in credentials
        ]
        orders = [
            _order(request, credential, one, content)
            for credential, one in zip(credentials, prepared, strict=True)
        ]
        for order, credential in zip(orders, credentials, strict=True):
            await self._sign.require_agreement(order, credential, order.input.content)
        signed, made = [], []
        for order, credential, one in zip(orders, credentials, prepared, strict=True):
            info, stamped_utc = await self._sign_one(request, order, one)
            signed.append(info)
            made.append(MadeSignature(credential, stamped_utc))
        der = (
            build_signed_data(content, signed, is_detached=request.is_detached)
            if existing is None
            else add_signers(existing, signed)
        )
        return SignCmsResult(der, tuple(made))

    async def _signer(self, credential_id: CredentialId, scope: Scope) -> CredentialRecord:
        credential = await self._credentials.get(credential_id)
        check_scope(credential, scope)
        if credential.state is not CredentialState.ACTIVE:
            raise barred(credential)
        return credential

    async def _cms_signer(self, credential: CredentialRecord) -> CmsSigner:
        if credential.certificate is None:
            raise Internal(f"credentials/{credential.credential_id} is active without certificate")
        certificate = await self._certificates.get_certificate(credential.certificate)
        return CmsSigner(certificate.der, credential.algorithm, credential.spki, self._chain)

    def _prepare(
        self, form: CmsForm, signer: CmsSigner, content: CmsContent, now_utc: datetime
    ) -> PreparedSignerInfo:
        if form is CmsForm.PKCS7:
            return prepare_plain_signer(signer, content)
        return prepare_signer(signer, content, signing_time_utc=now_utc)

    async def _sign_one(
        self, request: SignCmsRequest, order: SignRequest, prepared: PreparedSignerInfo
    ) -> tuple[SignedInfo, datetime | None]:
        signature, _ = await self._sign.sign(order)
        signed = prepared.assemble(signature)
        if not request.with_time_stamp or self._stamper is None:
            return signed, None
        token, stamped_utc = await self._stamper.stamp_signature(
            signature,
            principal=request.principal,
            request_id=request.request_id,
            deadline=request.deadline,
        )
        return SignedInfo(prepared, signature, token), stamped_utc


def _order(
    request: SignCmsRequest,
    credential: CredentialRecord,
    prepared: PreparedSignerInfo,
    content: CmsContent,
) -> SignRequest:
    """What the key signs are attributes with a time in them, which nobody can have seen before;
    what the subscriber agrees to is the content."""
    is_whole = prepared.message_hash is None and content.data is not None
    return SignRequest(
        credential=credential.credential_id,
        input=SignInput(prepared.message, prepared.message_hash),
        principal=request.principal,
        request_id=request.request_id,
        scope=request.scope,
        deadline=request.deadline,
        authorisation=request.authorisations.get(credential.credential_id, ""),
        purpose=request.purpose,
        agreed=(content.data or b"") if is_whole else content.digest_under(prepared.content_hash),
    )


def _content_of(request: SignCmsRequest, existing: SignedData | None) -> CmsContent:
    if existing is not None:
        return require_same_content(existing, request.content, is_detached=request.is_detached)
    if request.content is None:
        raise InvalidRequest(
            "send data or digest: what to sign", reason="INPUT_MISSING", field="content"
        )
    if request.content.data is None and not request.is_detached:
        raise InvalidRequest(
            "a signature with its content attached needs the content: send data, or set detached",
            reason="CONTENT_MISSING",
            field="data",
        )
    return request.content
