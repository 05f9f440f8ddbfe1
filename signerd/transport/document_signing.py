"""The DocumentSigning service."""

from typing import Any

from signerd.core.algorithm import Hash
from signerd.core.error import InvalidRequest
from signerd.core.value import CredentialId
from signerd.pki.cms import CmsContent
from signerd.pki.distinguished_name import shown_subject
from signerd.signing.sign_cms import (
    MOST_SIGNERS,
    CmsForm,
    MadeSignature,
    SignCms,
    SignCmsRequest,
)
from signerd.signing.standing import Problem, ProblemCode
from signerd.signing.verify_cms import SignerVerdict, TimeBasis, VerifyCms
from signerd.signing.verify_timestamp import TimeStampVerdict
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.v1 import document_signing_pb2 as pb
from signerd.v1 import document_signing_pb2_grpc, types_pb2

_FORMS = {pb.CMS_FORM_CMS: CmsForm.CMS, pb.CMS_FORM_PKCS7: CmsForm.PKCS7}


_BASES = {
    TimeBasis.TIME_STAMP: pb.SIGNING_TIME_BASIS_TIME_STAMP,
    TimeBasis.CLAIMED: pb.SIGNING_TIME_BASIS_CLAIMED,
    TimeBasis.NOW: pb.SIGNING_TIME_BASIS_NOW,
}


class DocumentSigningServicer(document_signing_pb2_grpc.DocumentSigningServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, sign_cms: SignCms, verify_cms: VerifyCms) -> None:
        self._sign_cms = sign_cms
        self._verify_cms = verify_cms

    async def SignCms(  # noqa: N802 - name of the RPC
        self, request: pb.SignCmsRequest, _context: Any
    ) -> pb.SignCmsResponse:
        caller = current_caller.get()
        content = content_from(request)
        is_verified = _check_content(request, content)
        result = await self._sign_cms.sign(
            SignCmsRequest(
                credentials=_credentials_from(request),
                content=content,
                form=_form_from(request.form),
                is_detached=request.detached,
                with_time_stamp=request.with_time_stamp,
                existing=request.cms,
                principal=caller.principal,
                request_id=caller.request_id,
                scope=caller.scope,
                deadline=caller.deadline,
                purpose=request.purpose,
                authorisations={
                    convert.credential_from(name, field="authorisations"): value
                    for name, value in request.authorisations.items()
                },
            )
        )
        return pb.SignCmsResponse(
            cms=result.der,
            cms_crc32c=convert.crc32c_of(result.der),
            verified_content_crc32c=is_verified,
            signers=[_signer_to(one) for one in result.signers],
        )

    async def VerifyCms(  # noqa: N802 - name of the RPC
        self, request: pb.VerifyCmsRequest, _context: Any
    ) -> pb.VerifyCmsResponse:
        verdict = await self._verify_cms.verify(request.cms, content_from(request))
        return pb.VerifyCmsResponse(
            valid=verdict.is_valid,
            problems=convert.problems_to(verdict.problems),
            signers=[_status_to(one) for one in verdict.signers],
            data=verdict.content,
        )


def content_from(request: pb.SignCmsRequest | pb.VerifyCmsRequest) -> CmsContent | None:
    """Data or digest of a request; None when it has neither. Raises InvalidRequest."""
    match request.WhichOneof("content"):
        case "data":
            return CmsContent(request.data)
        case "digest":
            digest, hash_ = digest_from(request.digest)
            return CmsContent(None, digest, hash_)
        case _:
            return None


def digest_from(digest: types_pb2.Digest) -> tuple[bytes, Hash]:
    """A digest and its hash. Raises InvalidRequest (INPUT_MISSING, DIGEST_LENGTH)."""
    kind = digest.WhichOneof("digest")
    if kind is None:
        raise InvalidRequest(
            "digest: name the hash and give its digest", reason="INPUT_MISSING", field="digest"
        )
    value, hash_ = getattr(digest, kind), Hash(kind)
    if len(value) != hash_.digest_size:
        raise InvalidRequest(
            f"a {hash_.value} digest has {hash_.digest_size} bytes, this one has {len(value)}",
            reason="DIGEST_LENGTH",
            field="digest",
        )
    return value, hash_


def time_stamp_to(verdict: TimeStampVerdict) -> pb.TimeStampStatus:
    """The verdict on a time stamp."""
    checked = verdict.checked
    return pb.TimeStampStatus(
        valid=verdict.is_valid,
        problems=convert.problems_to(verdict.problems),
        time=convert.timestamp_to(checked.time_utc),
        accuracy_us=checked.accuracy_us,
        policy=checked.policy,
        serial_number=checked.serial,
        authority=checked.authority,
    )


def _status_to(verdict: SignerVerdict) -> pb.CmsSignerStatus:
    checked = verdict.checked
    status = pb.CmsSignerStatus(
        valid=not verdict.problems,
        problems=convert.problems_to(verdict.problems),
        signature_intact=verdict.is_intact,
        certificate_der=checked.certificate or b"",
        judged_time=convert.timestamp_to(verdict.judged_utc),
        judged_basis=_BASES[verdict.basis],
        algorithm="" if checked.scheme is None else checked.scheme.title,
    )
    if checked.certificate is not None:
        status.subject = shown_subject(checked.certificate)
    if verdict.standing is not None and verdict.standing.record is not None:
        status.certificate = f"certificates/{verdict.standing.record.certificate_id}"
    if checked.signing_time_utc is not None:
        status.signing_time.CopyFrom(convert.timestamp_to(checked.signing_time_utc))
    if verdict.stamp is not None:
        status.time_stamp.CopyFrom(time_stamp_to(verdict.stamp))
    elif verdict.why_no_stamp:
        problem = Problem(ProblemCode.TIME_STAMP_INVALID, verdict.why_no_stamp)
        status.time_stamp.CopyFrom(pb.TimeStampStatus(problems=convert.problems_to([problem])))
    return status


def _check_content(request: pb.SignCmsRequest, content: CmsContent | None) -> bool:
    if content is None:
        return False
    sent = content.digest if content.data is None else content.data
    return convert.check_checksum(request, sent, field="content_crc32c")


def _credentials_from(request: pb.SignCmsRequest) -> tuple[CredentialId, ...]:
    found = tuple(
        convert.credential_from(name, field="credentials") for name in request.credentials
    )
    if not 1 <= len(found) <= MOST_SIGNERS:
        raise InvalidRequest(
            f"credentials: send 1 to {MOST_SIGNERS}, one for each signer",
            reason="SIGNER_MISSING" if not found else "TOO_MANY_SIGNERS",
            field="credentials",
        )
    if len(set(found)) != len(found):
        raise InvalidRequest(
            "credentials: one is there twice; nobody signs twice in one call",
            reason="SIGNER_TWICE",
            field="credentials",
        )
    return found


def _form_from(value: int) -> CmsForm:
    form = _FORMS.get(pb.CmsForm.ValueType(value))
    if form is None:
        raise InvalidRequest(
            "form: choose CMS_FORM_CMS or CMS_FORM_PKCS7", reason="FORM_UNKNOWN", field="form"
        )
    return form


def _signer_to(made: MadeSignature) -> pb.CmsSigner:
    credential = made.credential
    signer = pb.CmsSigner(
        credential=f"credentials/{credential.credential_id}",
        key_algorithm=convert.algorithm_to(credential.algorithm),
        certificate=f"certificates/{credential.certificate}" if credential.certificate else "",
    )
    if made.stamped_utc is not None:
        signer.time_stamp_time.CopyFrom(convert.timestamp_to(made.stamped_utc))
    return signer
