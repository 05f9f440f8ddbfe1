"""The Login service."""

from typing import Any

from signerd.core.value import parse_request_id
from signerd.signing.login import ChallengeRequest, ChallengeResponse, Login
from signerd.signing.verify import NamedCertificate, Signer
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.v1 import login_pb2 as pb
from signerd.v1 import login_pb2_grpc


class LoginServicer(login_pb2_grpc.LoginServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, login: Login) -> None:
        self._login = login

    async def CreateChallenge(  # noqa: N802 - name of the RPC
        self, request: pb.CreateChallengeRequest, _context: Any
    ) -> pb.CreateChallengeResponse:
        certificate = request.certificate
        statement = await self._login.create(
            ChallengeRequest(
                principal=current_caller.get().principal,
                domain=request.domain,
                subscriber=(
                    convert.subscriber_from(request.subscriber) if request.subscriber else None
                ),
                certificate=convert.certificate_from(certificate) if certificate else None,
            )
        )
        return pb.CreateChallengeResponse(
            statement=statement.text(), expire_time=convert.timestamp_to(statement.expires_utc)
        )

    async def VerifyChallengeResponse(  # noqa: N802 - name of the RPC
        self, request: pb.VerifyChallengeResponseRequest, _context: Any
    ) -> pb.VerifyChallengeResponseResponse:
        caller = current_caller.get()
        key = convert.request_key_from(caller.principal, "VerifyChallengeResponse", request)
        result = await self._login.verify(
            ChallengeResponse(
                principal=caller.principal,
                request_id=parse_request_id(request.request_id),
                content_sha256=key.content_sha256,
                statement=request.statement.encode(),
                signer=_signer_from(request),
                signature=request.signature,
                algorithm=(
                    convert.algorithm_from(request.key_algorithm) if request.key_algorithm else None
                ),
                scope=caller.scope,
            )
        )
        response = pb.VerifyChallengeResponseResponse(
            valid=not result.problems, problems=convert.problems_to(result.problems)
        )
        record, state = result.standing.record, result.standing.state
        if record is not None and state is not None:
            response.subscriber = f"subscribers/{record.subscriber}"
            response.certificate = f"certificates/{record.certificate_id}"
            response.certificate_state = convert.state_to(state)
        return response


def _signer_from(request: pb.VerifyChallengeResponseRequest) -> Signer:
    match request.WhichOneof("signer"):
        case "credential":
            return convert.credential_from(request.credential)
        case "certificate":
            return NamedCertificate(convert.certificate_from(request.certificate))
        case "certificate_der":
            return request.certificate_der
    raise convert.signer_missing()
