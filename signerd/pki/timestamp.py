"""Time stamps (RFC 3161): reading requests, building tokens and responses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final

from asn1crypto import algos, cms, core, tsp, x509

from signerd.core.algorithm import Hash
from signerd.core.error import InvalidRequest
from signerd.pki.cms import (
    CmsContent,
    CmsSigner,
    PreparedSignerInfo,
    build_signed_data,
    prepare_signer,
)

# A request has about 60 bytes, with SHA-512, nonce and policy 130; the rest is room.
MAX_TIME_STAMP_REQUEST_BYTES: Final = 4096
MAX_NONCE_BYTES: Final = 32
_CONTENT_TYPE: Final = "tst_info"
_HASHES: Final = frozenset(Hash)
_MICROSECONDS: Final = 1_000_000


class TimeStampResponseDer(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """TimeStampResp (RFC 3161, 2.4.2); asn1crypto's own has no place for a rejection."""

    # A list, for asn1crypto completes it.
    _fields: ClassVar[list[tuple[object, ...]]] = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


class PkiFailure(StrEnum):
    """PKIFailureInfo (RFC 3161, 2.4.2), as asn1crypto names it."""

    BAD_ALG = "bad_alg"
    BAD_REQUEST = "bad_request"
    BAD_DATA_FORMAT = "bad_data_format"
    TIME_NOT_AVAILABLE = "time_not_available"
    UNACCEPTED_POLICY = "unaccepted_policy"
    UNACCEPTED_EXTENSION = "unaccepted_extensions"
    SYSTEM_FAILURE = "system_failure"


class RefusedTimeStampRequest(InvalidRequest):
    """A request that no time stamp is made for. failure: what RFC 3161 has for it."""

    def __init__(self, message: str, failure: PkiFailure) -> None:
        super().__init__(
            message,
            reason=f"TIME_STAMP_{failure.name}",
            field="time_stamp_request",
        )
        self.failure = failure


@dataclass(frozen=True, slots=True)
class TimeStampQuery:
    """What is to be stamped. nonce: to be echoed. policy: asked for, dotted; "" for any.
    wants_certificates: whether the authority's certificates go along."""

    hash: Hash
    digest: bytes
    nonce: int | None = None
    policy: str = ""
    wants_certificates: bool = True


@dataclass(frozen=True, slots=True)
class TimeStampPlan:
    """What every token says. policy: dotted; accuracy_us: microseconds."""

    policy: str
    accuracy_us: int


@dataclass(frozen=True, slots=True)
class PreparedTimeStamp:
    """A TSTInfo that waits for its signature."""

    content: CmsContent
    signer: PreparedSignerInfo
    wants_certificates: bool

    def assemble(self, signature: bytes) -> bytes:
        """The TimeStampToken (ContentInfo, DER), its signature verified. Raises Internal
        (SIGNATURE_WRONG)."""
        signed = self.signer.assemble(signature)
        authority = self.signer.signer
        certificates = [authority.certificate, *authority.chain] if self.wants_certificates else []
        return build_signed_data(
            self.content, [signed], is_detached=False, certificates=certificates
        )


def parse_time_stamp_request(der: bytes) -> TimeStampQuery:
    """Read a TimeStampReq (RFC 3161, 2.4.1). Raises RefusedTimeStampRequest."""
    if len(der) > MAX_TIME_STAMP_REQUEST_BYTES:
        raise RefusedTimeStampRequest(
            f"the request has more than {MAX_TIME_STAMP_REQUEST_BYTES} bytes",
            PkiFailure.BAD_REQUEST,
        )
    try:
        request = tsp.TimeStampReq.load(der, strict=True)
        imprint = request["message_imprint"]
        version = request["version"].native
        name = imprint["hash_algorithm"]["algorithm"].native
        digest = imprint["hashed_message"].native
        nonce = request["nonce"].native
        policy = request["req_policy"].dotted if request["req_policy"].native else ""
        wants_certificates = request["cert_req"].native
        has_extensions = bool(request["extensions"].native)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RefusedTimeStampRequest(
            "the request is not a TimeStampReq in DER (RFC 3161, 2.4.1)",
            PkiFailure.BAD_DATA_FORMAT,
        ) from error
    if version != "v1":
        raise RefusedTimeStampRequest("the request is not of version 1", PkiFailure.BAD_REQUEST)
    if has_extensions:
        raise RefusedTimeStampRequest(
            "the request has extensions; none is known here", PkiFailure.UNACCEPTED_EXTENSION
        )
    return _query(name, digest, nonce, policy, wants_certificates=wants_certificates)


def prepare_time_stamp(
    query: TimeStampQuery,
    authority: CmsSigner,
    plan: TimeStampPlan,
    *,
    serial: int,
    time_utc: datetime,
) -> PreparedTimeStamp:
    """TSTInfo (RFC 3161, 2.4.2). Raises RefusedTimeStampRequest for another policy."""
    if query.policy and query.policy != plan.policy:
        raise RefusedTimeStampRequest(
            f"policy {query.policy} is not the one of this authority, {plan.policy}",
            PkiFailure.UNACCEPTED_POLICY,
        )
    subject = x509.Certificate.load(authority.certificate).subject
    info: dict[str, Any] = {
        "version": "v1",
        "policy": plan.policy,
        "message_imprint": _imprint(query),
        "serial_number": serial,
        "gen_time": core.GeneralizedTime(_in_milliseconds(time_utc)),
        "accuracy": _accuracy(plan.accuracy_us),
        "tsa": x509.GeneralName(name="directory_name", value=subject),
    }
    if query.nonce is not None:
        info["nonce"] = query.nonce
    content = CmsContent(tsp.TSTInfo(info).dump(), content_type=_CONTENT_TYPE)
    # No signing time: genTime is the time, and a second one could only contradict it.
    signer = prepare_signer(authority, content, signing_time_utc=None)
    return PreparedTimeStamp(content, signer, query.wants_certificates)


def granted(token: bytes) -> bytes:
    """TimeStampResp (DER) with a token (ContentInfo, DER)."""
    response = tsp.TimeStampResp(
        {"status": {"status": "granted"}, "time_stamp_token": cms.ContentInfo.load(token)}
    )
    der: bytes = response.dump()
    return der


def rejected(failure: PkiFailure, text: str) -> bytes:
    """TimeStampResp (DER) without a token."""
    status = {
        "status": "rejection",
        "status_string": [text],
        "fail_info": {failure.value},
    }
    der: bytes = TimeStampResponseDer({"status": tsp.PKIStatusInfo(status)}).dump()
    return der


def serial_text(serial: int) -> str:
    """Lower-case hexadecimal, whole bytes."""
    text = f"{serial:x}"
    return text if len(text) % 2 == 0 else f"0{text}"


def shown_time(time_utc: datetime) -> datetime:
    """genTime as it stands in a token: whole milliseconds."""
    return _in_milliseconds(time_utc)


def _query(
    name: str, digest: bytes, nonce: int | None, policy: str, *, wants_certificates: bool
) -> TimeStampQuery:
    if name not in _HASHES:
        raise RefusedTimeStampRequest(
            f"digests of {name} are not stamped; use SHA-256, SHA-384 or SHA-512",
            PkiFailure.BAD_ALG,
        )
    hash_ = Hash(name)
    if len(digest) != hash_.digest_size:
        raise RefusedTimeStampRequest(
            f"a {hash_.value} digest has {hash_.digest_size} bytes, this one has {len(digest)}",
            PkiFailure.BAD_DATA_FORMAT,
        )
    if nonce is not None and nonce.bit_length() > MAX_NONCE_BYTES * 8:
        raise RefusedTimeStampRequest(
            f"a nonce has at most {MAX_NONCE_BYTES} bytes", PkiFailure.BAD_REQUEST
        )
    return TimeStampQuery(hash_, digest, nonce, policy, wants_certificates)


def _imprint(query: TimeStampQuery) -> tsp.MessageImprint:
    return tsp.MessageImprint(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": query.hash.value}),
            "hashed_message": query.digest,
        }
    )


def _accuracy(accuracy_us: int) -> tsp.Accuracy:
    seconds, rest = divmod(accuracy_us, _MICROSECONDS)
    millis, micros = divmod(rest, 1000)
    parts = {"seconds": seconds, "millis": millis, "micros": micros}
    return tsp.Accuracy({name: value for name, value in parts.items() if value})


def _in_milliseconds(time_utc: datetime) -> datetime:
    return time_utc - timedelta(microseconds=time_utc.microsecond % 1000)
