"""Between API messages and domain values. Every refusal names the field."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import google_crc32c
from google.protobuf import timestamp_pb2
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import UInt32Value

from signerd.core.activation import Activation
from signerd.core.algorithm import Hash, KeyAlgorithm
from signerd.core.clock import Clock, korean_day
from signerd.core.error import Internal, InvalidRequest
from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.record import CertificateRecord, RequestKey
from signerd.core.signing import Lane
from signerd.core.state_machine import state_of
from signerd.core.value import (
    CertificateId,
    CredentialId,
    SubscriberId,
    parse_request_id,
    parse_slug,
)
from signerd.pki.vid import IdentityNumber, parse_identity_number
from signerd.signing.sign import SignInput
from signerd.signing.standing import Problem
from signerd.v1 import signing_pb2, types_pb2

_ALGORITHM_PREFIX = "KEY_ALGORITHM_"
_ACTIVATION_PREFIX = "ACTIVATION_MODE_"
_STATE_PREFIX = "CERTIFICATE_STATE_"
# By the names of the fields of Digest.
_HASHES = {hash_.value: hash_ for hash_ in Hash}
_ALGORITHM_NUMBERS = {
    algorithm: types_pb2.KeyAlgorithm.Value(_ALGORITHM_PREFIX + algorithm.value)
    for algorithm in KeyAlgorithm
}
_HEX = frozenset("0123456789abcdef")
_MAX_ID = 64
_NO_CONTENT = frozenset({"request_id", "validate_only", "proof"})


def algorithm_from(value: int, *, field: str = "key_algorithm") -> KeyAlgorithm:
    """Raises InvalidRequest for UNSPECIFIED and for a number this version does not know."""
    name = (
        types_pb2.KeyAlgorithm.Name(value)  # type: ignore[arg-type] # checked on this line
        if value in types_pb2.KeyAlgorithm.values()
        else ""
    )
    short = name.removeprefix(_ALGORITHM_PREFIX)
    if short not in KeyAlgorithm.__members__:
        known = ", ".join(KeyAlgorithm)
        raise InvalidRequest(
            f"{field}: choose one of {known}", reason="ALGORITHM_UNKNOWN", field=field
        )
    return KeyAlgorithm(short)


def algorithm_to(algorithm: KeyAlgorithm | None) -> types_pb2.KeyAlgorithm.ValueType:
    """The API's number of an algorithm; unspecified for None."""
    if algorithm is None:
        return types_pb2.KEY_ALGORITHM_UNSPECIFIED
    return _ALGORITHM_NUMBERS[algorithm]


def activation_from(value: int, *, field: str = "activation") -> Activation:
    """NONE for UNSPECIFIED. Raises InvalidRequest for a number this version does not know."""
    if value == types_pb2.ACTIVATION_MODE_UNSPECIFIED:
        return Activation.NONE
    if value not in types_pb2.ActivationMode.values():
        raise InvalidRequest(f"{field}: choose one of {', '.join(Activation)}", field=field)
    name = types_pb2.ActivationMode.Name(value)  # type: ignore[arg-type] # checked above
    return Activation(name.removeprefix(_ACTIVATION_PREFIX))


def activation_to(activation: Activation) -> types_pb2.ActivationMode.ValueType:
    """The API's number."""
    return types_pb2.ActivationMode.Value(_ACTIVATION_PREFIX + activation.value)


def state_from(value: int) -> CertificateState | None:
    """None for UNSPECIFIED, which means any. Raises InvalidRequest."""
    if value == types_pb2.CERTIFICATE_STATE_UNSPECIFIED:
        return None
    if value not in types_pb2.CertificateState.values():
        raise InvalidRequest("state: unknown number", field="state")
    name = types_pb2.CertificateState.Name(value)  # type: ignore[arg-type] # checked above
    return CertificateState(name.removeprefix(_STATE_PREFIX))


def state_to(state: CertificateState) -> types_pb2.CertificateState.ValueType:
    """The API's number of a state."""
    return types_pb2.CertificateState.Value(_STATE_PREFIX + state.value)


def reason_from(value: int) -> RevocationReason:
    """Raises InvalidRequest for a number this version does not know, and for CERTIFICATE_HOLD."""
    if value == RevocationReason.CERTIFICATE_HOLD:
        raise InvalidRequest(
            "reason: CERTIFICATE_HOLD is no reason to revoke for good; call SuspendCertificate",
            reason="HOLD_IS_SUSPENSION",
            field="reason",
        )
    if value not in types_pb2.RevocationReason.values():
        reasons = set(RevocationReason) - {RevocationReason.CERTIFICATE_HOLD}
        known = ", ".join(reason.name for reason in sorted(reasons))
        raise InvalidRequest(f"reason: choose one of {known}", field="reason")
    return RevocationReason(value)


def subscriber_from(name: str, *, field: str = "subscriber") -> SubscriberId:
    """`subscribers/{id}` to the id. Raises InvalidRequest."""
    return SubscriberId(parse_slug(_tail(name, "subscribers/", field), field=field))


def certificate_from(name: str, *, field: str = "certificate") -> CertificateId:
    """`certificates/{serial}` to the id. Raises InvalidRequest."""
    return CertificateId(hex_tail(name, "certificates/", field))


def credential_from(name: str, *, field: str = "credential") -> CredentialId:
    """`credentials/{id}` to the id. Raises InvalidRequest."""
    return CredentialId(hex_tail(name, "credentials/", field))


def _tail(name: str, prefix: str, field: str) -> str:
    if not name.startswith(prefix):
        raise InvalidRequest(
            f"{field}: send a resource name of the form {prefix}…",
            reason="RESOURCE_NAME",
            field=field,
        )
    return name[len(prefix) :]


def hex_tail(name: str, prefix: str, field: str) -> str:
    """The hexadecimal id in a resource name. Raises InvalidRequest."""
    tail = _tail(name, prefix, field)
    if not 0 < len(tail) <= _MAX_ID or not _HEX.issuperset(tail):
        raise InvalidRequest(
            f"{field}: {prefix} must be followed by lower-case hexadecimal digits",
            reason="RESOURCE_NAME",
            field=field,
        )
    return tail


def identity_number_from(
    text: str, clock: Clock, *, field: str = "identity_number"
) -> IdentityNumber | None:
    """A checked identity number; None where none was given. Raises InvalidRequest."""
    return parse_identity_number(text, today=korean_day(clock), field=field) if text else None


def request_content(request: Message) -> bytes:
    """What tells a retry of a mutating call from another call: the request without its id."""
    return _content_of(request).SerializeToString(deterministic=True)


def request_key_from(principal: str, method: str, request: Message) -> RequestKey:
    """Identity of a mutating call; its content is the request without id and validate_only, and
    without a proof: the same wish can be proven by many signatures."""
    request_id = parse_request_id(request.request_id)  # type: ignore[attr-defined] # every mutating request has it
    digest = hashlib.sha256(request_content(request)).digest()
    return RequestKey(principal, method, request_id, digest)


def _content_of(request: Message) -> Message:
    content = type(request)()
    content.CopyFrom(request)
    for name in _NO_CONTENT.intersection(content.DESCRIPTOR.fields_by_name):
        content.ClearField(name)
    return content


def input_from(request: signing_pb2.SignRequest | signing_pb2.VerifyRequest) -> SignInput:
    """Data or digest of a request. Raises InvalidRequest when it has neither."""
    match request.WhichOneof("input"):
        case "data":
            return SignInput(request.data, None)
        case "digest":
            return digest_from(request.digest, field="data")
    raise InvalidRequest("send data or digest", reason="INPUT_MISSING", field="data")


def digest_from(digest: types_pb2.Digest, *, field: str) -> SignInput:
    """A digest with its hash. Raises InvalidRequest when it has none."""
    kind = digest.WhichOneof("digest")
    if kind is None:
        raise InvalidRequest("send data or digest", reason="INPUT_MISSING", field=field)
    return SignInput(getattr(digest, kind), _HASHES[kind])


def signer_missing() -> InvalidRequest:
    """Of a request to verify that does not say whose signature it should be."""
    return InvalidRequest(
        "send credential, certificate or certificate_der", reason="SIGNER_MISSING", field="signer"
    )


def check_crc32c(request: signing_pb2.SignRequest, content: bytes) -> bool:
    """Whether the caller sent a checksum, which then matched. Raises InvalidRequest."""
    return check_checksum(request, content, field="input_crc32c")


def check_checksum(request: Message, content: bytes, *, field: str) -> bool:
    """The same of any request whose field this is."""
    if not request.HasField(field):
        return False
    if google_crc32c.value(content) != getattr(request, field).value:
        what = field.removesuffix("_crc32c")
        raise InvalidRequest(
            f"{field} does not match the {what}: it was changed on the way or summed up "
            "wrongly; send it again",
            reason="CHECKSUM_MISMATCH",
            field=field,
        )
    return True


def crc32c(content: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4)."""
    return int(google_crc32c.value(content))


def crc32c_of(content: bytes) -> UInt32Value:
    """CRC-32C (RFC 3720, appendix B.4) in the optional wrapper."""
    return UInt32Value(value=google_crc32c.value(content))


def lane_from(value: int, default: Lane) -> Lane:
    """Raises InvalidRequest for a number this version does not know."""
    if value == signing_pb2.LANE_UNSPECIFIED:
        return default
    if value not in signing_pb2.Lane.values():
        raise InvalidRequest("lane: unknown number", field="lane")
    return Lane.BATCH if value == signing_pb2.LANE_BATCH else Lane.INTERACTIVE


def timestamp_to(moment: datetime) -> timestamp_pb2.Timestamp:
    """An aware datetime as a timestamp."""
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def timestamp_from(stamp: timestamp_pb2.Timestamp, *, field: str) -> datetime:
    """A timestamp as an aware UTC datetime. Raises InvalidRequest when out of range."""
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{field}: not a valid time", field=field) from None


def certificate_to(record: CertificateRecord, now_utc: datetime) -> types_pb2.Certificate:
    """A stored certificate as the API shows it; EXPIRED comes from the clock."""
    state = state_of(record, now_utc)
    message = types_pb2.Certificate(
        name=f"certificates/{record.certificate_id}",
        subscriber=f"subscribers/{record.subscriber}",
        credential=f"credentials/{record.credential}" if record.credential else "",
        profile=record.profile,
        state=state_to(state),
        serial_number=record.certificate_id,
        subject=record.subject,
        not_before_time=timestamp_to(record.not_before_utc),
        not_after_time=timestamp_to(record.not_after_utc),
        create_time=timestamp_to(record.created_utc),
        key_algorithm=algorithm_to(record.algorithm),
        der=record.der,
        sha256_fingerprint=hashlib.sha256(record.der).hexdigest(),
        replaces=f"certificates/{record.replaces}" if record.replaces else "",
        replaced_by=f"certificates/{record.replaced_by}" if record.replaced_by else "",
        key_group=record.key_group,
        crl_number=record.crl_number or 0,
        activation=activation_to(record.activation),
    )
    if state is CertificateState.SUSPENDED:
        message.suspension.CopyFrom(_suspension_to(record))
    if (revocation := revocation_to(record)) is not None:
        message.revocation.CopyFrom(revocation)
    return message


def revocation_to(record: CertificateRecord) -> types_pb2.Revocation | None:
    """When and why a certificate was revoked; None where it was not."""
    if record.revoked_utc is None:
        return None
    return types_pb2.Revocation(
        revoke_time=timestamp_to(record.revoked_utc),
        reason=types_pb2.RevocationReason.ValueType(
            record.revocation_reason or RevocationReason.UNSPECIFIED
        ),
    )


def problems_to(problems: Iterable[Problem]) -> Iterator[types_pb2.VerificationProblem]:
    """Why a signature does not count, as the API says it."""
    return (types_pb2.VerificationProblem(code=one.code, text=one.text) for one in problems)


def _suspension_to(record: CertificateRecord) -> types_pb2.Suspension:
    if record.suspended_utc is None or record.suspension_limit_utc is None:
        raise Internal(f"certificate {record.certificate_id} is suspended without a time")
    return types_pb2.Suspension(
        suspend_time=timestamp_to(record.suspended_utc),
        limit_time=timestamp_to(record.suspension_limit_utc),
    )
