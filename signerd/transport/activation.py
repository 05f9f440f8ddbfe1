"""The Activation service."""

from dataclasses import dataclass
from typing import Any

from signerd.activation.authorize import (
    AuthorizeRequest,
    AuthorizeSigning,
    CodeProof,
    PinProof,
)
from signerd.activation.send_code import SendActivationCode
from signerd.activation.set_pin import SetActivationPin
from signerd.activation.unlock import UnlockActivation
from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest
from signerd.core.value import parse_request_id
from signerd.registry.answered import Caller
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.v1 import activation_pb2 as pb
from signerd.v1 import activation_pb2_grpc


@dataclass(frozen=True, slots=True)
class ActivationUseCases:
    """What the service calls."""

    set_pin: SetActivationPin
    send_code: SendActivationCode
    authorize: AuthorizeSigning
    unlock: UnlockActivation


class ActivationServicer(activation_pb2_grpc.ActivationServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: ActivationUseCases) -> None:
        self._use = use_cases

    async def SetActivationPin(  # noqa: N802 - name of the RPC
        self, request: pb.SetActivationPinRequest, _context: Any
    ) -> pb.SetActivationPinResponse:
        await self._use.set_pin.set(
            convert.credential_from(request.credential),
            Secret(request.new_pin),
            Secret(request.current_pin) if request.current_pin else None,
            _caller(request),
        )
        return pb.SetActivationPinResponse()

    async def SendActivationCode(  # noqa: N802 - name of the RPC
        self, request: pb.SendActivationCodeRequest, _context: Any
    ) -> pb.SendActivationCodeResponse:
        sent = await self._use.send_code.send(
            convert.credential_from(request.credential), _caller(request)
        )
        return pb.SendActivationCodeResponse(
            sent_to=sent.sent_to, expire_time=convert.timestamp_to(sent.expires_utc)
        )

    async def AuthorizeSigning(  # noqa: N802 - name of the RPC
        self, request: pb.AuthorizeSigningRequest, _context: Any
    ) -> pb.AuthorizeSigningResponse:
        given = await self._use.authorize.authorize(
            AuthorizeRequest(
                convert.credential_from(request.credential),
                _proof_from(request),
                request.signature_count,
                tuple(convert.digest_from(one, field="digests") for one in request.digests),
            ),
            _caller(request),
        )
        return pb.AuthorizeSigningResponse(
            authorisation=given.secret,
            name=f"authorisations/{given.authorisation_id}",
            signature_count=given.count,
            expire_time=convert.timestamp_to(given.expires_utc),
        )

    async def UnlockActivation(  # noqa: N802 - name of the RPC
        self, request: pb.UnlockActivationRequest, _context: Any
    ) -> pb.UnlockActivationResponse:
        is_set = await self._use.unlock.unlock(
            convert.credential_from(request.credential),
            _caller(request),
            is_pin_reset=request.reset_pin,
        )
        return pb.UnlockActivationResponse(pin_set=is_set)


def _caller(
    request: pb.SetActivationPinRequest
    | pb.SendActivationCodeRequest
    | pb.AuthorizeSigningRequest
    | pb.UnlockActivationRequest,
) -> Caller:
    caller = current_caller.get()
    return Caller(
        principal=caller.principal,
        request_id=parse_request_id(request.request_id),
        content=convert.request_content(request),
        scope=caller.scope,
        deadline=caller.deadline,
    )


def _proof_from(request: pb.AuthorizeSigningRequest) -> PinProof | CodeProof:
    match request.WhichOneof("proof"):
        case "pin":
            return PinProof(Secret(request.pin))
        case "code":
            return CodeProof(Secret(request.code))
    raise InvalidRequest(
        "send the PIN or the one-time code of the subscriber", reason="PROOF_MISSING", field="pin"
    )
