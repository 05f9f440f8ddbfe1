"""The Signing service."""

from collections.abc import AsyncIterator
from typing import Any

from signerd.core.value import CredentialId
from signerd.signing.batch_sign import BatchSign
from signerd.signing.sign import Sign, SignRequest
from signerd.signing.verify import NamedCertificate, Verify, VerifyRequest, VerifyResult
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.transport.signing_batch import batch_sign, write_signature
from signerd.transport.signing_document import sign_document
from signerd.transport.signing_stream import sign_stream
from signerd.v1 import signing_pb2 as pb
from signerd.v1 import signing_pb2_grpc


class SigningServicer(signing_pb2_grpc.SigningServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, sign: Sign, batch: BatchSign, verify: Verify) -> None:
        self._sign = sign
        self._batch = batch
        self._verify = verify

    async def GetPublicKey(  # noqa: N802 - name of the RPC
        self, request: pb.GetPublicKeyRequest, _context: Any
    ) -> pb.GetPublicKeyResponse:
        found = await self._verify.get_credential(
            convert.credential_from(request.credential), current_caller.get().scope
        )
        return pb.GetPublicKeyResponse(
            credential=f"credentials/{found.credential_id}",
            key_algorithm=convert.algorithm_to(found.algorithm),
            public_key=found.spki,
            public_key_crc32c=convert.crc32c_of(found.spki),
            certificate=f"certificates/{found.certificate}" if found.certificate else "",
        )

    async def Sign(  # noqa: N802 - name of the RPC
        self, request: pb.SignRequest, _context: Any
    ) -> pb.SignResponse:
        caller = current_caller.get()
        content = convert.input_from(request)
        is_verified = convert.check_crc32c(request, content.content)
        signature, credential = await self._sign.sign(
            SignRequest(
                credential=convert.credential_from(request.credential),
                input=content,
                principal=caller.principal,
                request_id=caller.request_id,
                scope=caller.scope,
                deadline=caller.deadline,
                authorisation=request.authorisation,
                purpose=request.purpose,
            )
        )
        response = pb.SignResponse()
        write_signature(response, signature, credential, is_verified=is_verified)
        return response

    async def BatchSign(  # noqa: N802 - name of the RPC
        self, request: pb.BatchSignRequest, _context: Any
    ) -> pb.BatchSignResponse:
        return await batch_sign(self._batch, request)

    def SignStream(  # noqa: N802 - name of the RPC
        self, requests: AsyncIterator[pb.SignStreamRequest], _context: Any
    ) -> AsyncIterator[pb.SignStreamResponse]:
        return sign_stream(self._batch, requests)

    async def SignDocument(  # noqa: N802 - name of the RPC
        self, requests: AsyncIterator[pb.SignDocumentRequest], _context: Any
    ) -> pb.SignDocumentResponse:
        return await sign_document(self._sign, requests)

    async def Verify(  # noqa: N802 - name of the RPC
        self, request: pb.VerifyRequest, _context: Any
    ) -> pb.VerifyResponse:
        verify_time = request.verify_time if request.HasField("verify_time") else None
        result = await self._verify.verify(
            VerifyRequest(
                _signer_from(request),
                convert.input_from(request),
                request.signature,
                convert.algorithm_from(request.key_algorithm) if request.key_algorithm else None,
                convert.timestamp_from(verify_time, field="verify_time") if verify_time else None,
                current_caller.get().scope,
            )
        )
        return _verdict_to(result)


def _signer_from(request: pb.VerifyRequest) -> CredentialId | NamedCertificate | bytes:
    match request.WhichOneof("signer"):
        case "credential":
            return convert.credential_from(request.credential)
        case "certificate":
            return NamedCertificate(convert.certificate_from(request.certificate))
        case "certificate_der":
            return request.certificate_der
    raise convert.signer_missing()


def _verdict_to(result: VerifyResult) -> pb.VerifyResponse:
    response = pb.VerifyResponse(
        valid=not result.problems,
        signature_valid=result.is_signature_valid,
        problems=convert.problems_to(result.problems),
        key_algorithm=convert.algorithm_to(result.algorithm),
        verify_time=convert.timestamp_to(result.verify_utc),
    )
    record, state = result.standing.record, result.standing.state
    if record is None or state is None:
        return response
    response.credential = f"credentials/{record.credential}" if record.credential else ""
    response.certificate = f"certificates/{record.certificate_id}"
    response.subscriber = f"subscribers/{record.subscriber}"
    response.certificate_state = convert.state_to(state)
    if (revocation := convert.revocation_to(record)) is not None:
        response.revocation.CopyFrom(revocation)
    return response
