"""What the scripted daemon answers about documents and time stamps: nothing of it verifies."""

from datetime import UTC, datetime

import google_crc32c
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import UInt32Value

from signerd.v1 import document_signing_pb2 as documents
from signerd.v1 import timestamping_pb2, types_pb2

_TIME = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
_MESSAGE = b"a message"
_PROBLEM = types_pb2.VerificationProblem(code="CONTENT_CHANGED", text="another content")


def signed(request: documents.SignCmsRequest) -> Message:
    """As often as there are credentials."""
    return documents.SignCmsResponse(
        cms=_MESSAGE,
        cms_crc32c=UInt32Value(value=google_crc32c.value(_MESSAGE)),
        verified_content_crc32c=request.HasField("content_crc32c"),
        signers=[documents.CmsSigner(credential=name) for name in request.credentials],
    )


def verified(_request: documents.VerifyCmsRequest) -> Message:
    """One signer, who signed something else."""
    return documents.VerifyCmsResponse(
        signers=[
            documents.CmsSignerStatus(
                problems=[_PROBLEM],
                subject="CN=홍길동",
                judged_time=_moment(),
                judged_basis=documents.SIGNING_TIME_BASIS_NOW,
            )
        ]
    )


def stamped(_request: timestamping_pb2.CreateTimestampRequest) -> Message:
    """Always the same."""
    return timestamping_pb2.CreateTimestampResponse(
        time_stamp_response=_MESSAGE,
        time_stamp_token=_MESSAGE,
        time=_moment(),
        serial_number="0c",
        policy="1.2.3",
    )


def stamp_verified(_request: timestamping_pb2.VerifyTimestampRequest) -> Message:
    """Of something else."""
    return timestamping_pb2.VerifyTimestampResponse(
        time_stamp=documents.TimeStampStatus(problems=[_PROBLEM], time=_moment(), policy="1.2.3")
    )


def _moment() -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(_TIME)
    return stamp
