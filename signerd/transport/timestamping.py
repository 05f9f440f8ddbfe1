"""The Timestamping service."""

from typing import Any

from signerd.core.error import InvalidRequest, WrongState
from signerd.pki.cms import CmsContent
from signerd.pki.timestamp import (
    MAX_NONCE_BYTES,
    RefusedTimeStampRequest,
    TimeStampQuery,
    granted,
    parse_time_stamp_request,
)
from signerd.signing.timestamp import CreateTimestamp
from signerd.signing.verify_timestamp import VerifyTimestamp
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.transport.document_signing import digest_from, time_stamp_to
from signerd.v1 import timestamping_pb2 as pb
from signerd.v1 import timestamping_pb2_grpc


class TimestampingServicer(timestamping_pb2_grpc.TimestampingServicer):
    """Converts, calls the use case, converts back. create: None where there are no time stamps."""

    def __init__(self, create: CreateTimestamp | None, verify: VerifyTimestamp) -> None:
        self._create = create
        self._verify = verify

    async def CreateTimestamp(  # noqa: N802 - name of the RPC
        self, request: pb.CreateTimestampRequest, _context: Any
    ) -> pb.CreateTimestampResponse:
        if self._create is None:
            raise WrongState(
                "this daemon makes no time stamps: ask the operator to set [timestamping] enabled",
                reason="TIMESTAMPING_DISABLED",
            )
        caller = current_caller.get()
        try:
            made = await self._create.create(
                _query_from(request),
                principal=caller.principal,
                request_id=caller.request_id,
                deadline=caller.deadline,
            )
        except RefusedTimeStampRequest as error:
            raise InvalidRequest(
                error.message, reason=error.reason, field="time_stamp_request"
            ) from None
        return pb.CreateTimestampResponse(
            time_stamp_response=granted(made.token),
            time_stamp_token=made.token,
            time=convert.timestamp_to(made.time_utc),
            serial_number=made.serial,
            policy=made.policy,
        )

    async def VerifyTimestamp(  # noqa: N802 - name of the RPC
        self, request: pb.VerifyTimestampRequest, _context: Any
    ) -> pb.VerifyTimestampResponse:
        verdict = await self._verify.verify(request.time_stamp, _stamped_from(request))
        return pb.VerifyTimestampResponse(time_stamp=time_stamp_to(verdict))


def _stamped_from(request: pb.VerifyTimestampRequest) -> CmsContent:
    match request.WhichOneof("input"):
        case "data":
            return CmsContent(request.data)
        case "digest":
            digest, hash_ = digest_from(request.digest)
            return CmsContent(None, digest, hash_)
        case _:
            raise InvalidRequest("send data or digest", reason="INPUT_MISSING", field="data")


def _query_from(request: pb.CreateTimestampRequest) -> TimeStampQuery:
    match request.WhichOneof("input"):
        case "time_stamp_request":
            if request.nonce:
                raise InvalidRequest(
                    "nonce: a TimeStampReq has its own; send it there", field="nonce"
                )
            return parse_time_stamp_request(request.time_stamp_request)
        case "digest":
            digest, hash_ = digest_from(request.digest)
            if len(request.nonce) > MAX_NONCE_BYTES:
                raise InvalidRequest(
                    f"nonce: at most {MAX_NONCE_BYTES} bytes",
                    reason="NONCE_LENGTH",
                    field="nonce",
                )
            nonce = int.from_bytes(request.nonce, "big") if request.nonce else None
            return TimeStampQuery(hash_, digest, nonce)
        case _:
            raise InvalidRequest(
                "send time_stamp_request or digest", reason="INPUT_MISSING", field="input"
            )
