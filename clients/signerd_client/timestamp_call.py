"""The calls of signerd.v1.Timestamping."""

from typing import Final

from signerd.v1 import timestamping_pb2 as wire
from signerd_client.algorithm import Hash
from signerd_client.call import Call, decoder
from signerd_client.cms import TimeStampVerification
from signerd_client.document_call import moment_from_wire, time_stamp_from_wire
from signerd_client.signing_call import digest_to_wire
from signerd_client.time_stamp import TimeStamp

_SERVICE: Final = "/signerd.v1.Timestamping"


def create_timestamp(
    *,
    digest: bytes | None = None,
    hash_algorithm: Hash | None = None,
    request: bytes | None = None,
    nonce: bytes = b"",
    timeout_s: float | None = None,
) -> Call[TimeStamp]:
    """Have a digest stamped, or a TimeStampReq (RFC 3161, DER) answered.

    Exactly one of digest and request is given; otherwise ValueError. hash_algorithm is the hash
    that made the digest; None derives it from the length. nonce goes with a digest: at most 32
    bytes that the time stamp repeats.
    """
    if (digest is None) == (request is None):
        raise ValueError("give either digest or request")
    sent = wire.CreateTimestampRequest(nonce=nonce)
    if request is not None:
        sent.time_stamp_request = request
    elif digest is not None:
        sent.digest.CopyFrom(digest_to_wire(digest, hash_algorithm))
    return Call(
        f"{_SERVICE}/CreateTimestamp",
        sent.SerializeToString(),
        decoder(wire.CreateTimestampResponse, _time_stamp),
        timeout_s,
    )


def verify_timestamp(
    time_stamp: bytes,
    *,
    data: bytes | None = None,
    digest: bytes | None = None,
    hash_algorithm: Hash | None = None,
    timeout_s: float | None = None,
) -> Call[TimeStampVerification]:
    """Say whether a time stamp (TimeStampToken or TimeStampResp, DER) is of this data, and whether
    its authority's certificate was good.

    Exactly one of data and digest is given; otherwise ValueError. A time stamp that does not hold
    is an answer, not an error.
    """
    request = wire.VerifyTimestampRequest(time_stamp=time_stamp)
    if (data is None) == (digest is None):
        raise ValueError("give either data or digest")
    if data is not None:
        request.data = data
    elif digest is not None:
        request.digest.CopyFrom(digest_to_wire(digest, hash_algorithm))
    return Call(
        f"{_SERVICE}/VerifyTimestamp",
        request.SerializeToString(),
        decoder(
            wire.VerifyTimestampResponse, lambda answer: time_stamp_from_wire(answer.time_stamp)
        ),
        timeout_s,
    )


def _time_stamp(answer: wire.CreateTimestampResponse) -> TimeStamp:
    return TimeStamp(
        response=answer.time_stamp_response,
        token=answer.time_stamp_token,
        time=moment_from_wire(answer.time),
        serial_number=answer.serial_number,
        policy=answer.policy,
    )
