"""The Signing service."""

from typing import Any

from signerd.core.error import InvalidRequest
from signerd.signing.sign import Sign, SignRequest
from signerd.signing.verify import Verify, VerifyRequest
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.v1 import signing_pb2 as pb
from signerd.v1 import signing_pb2_grpc


class SigningServicer(signing_pb2_grpc.SigningServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, sign: Sign, verify: Verify) -> None:
        self._sign = sign
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
            )
        )
        return pb.SignResponse(
            signature=signature,
            signature_crc32c=convert.crc32c_of(signature),
            verified_input_crc32c=is_verified,
            credential=request.credential,
            key_algorithm=convert.algorithm_to(credential.algorithm),
            certificate=f"certificates/{credential.certificate}" if credential.certificate else "",
        )

    async def Verify(  # noqa: N802 - name of the RPC
        self, request: pb.VerifyRequest, _context: Any
    ) -> pb.VerifyResponse:
        kind = request.WhichOneof("signer")
        if kind is None:
            raise InvalidRequest(
                "send credential or certificate", reason="SIGNER_MISSING", field="signer"
            )
        result = await self._verify.verify(
            VerifyRequest(
                convert.credential_from(request.credential) if kind == "credential" else None,
                convert.certificate_from(request.certificate) if kind == "certificate" else None,
                convert.input_from(request),
                request.signature,
                current_caller.get().scope,
            )
        )
        return pb.VerifyResponse(
            valid=result.is_valid,
            explanation=result.explanation,
            credential=f"credentials/{result.credential.credential_id}",
            key_algorithm=convert.algorithm_to(result.credential.algorithm),
        )
