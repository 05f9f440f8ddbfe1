"""Reading time stamps of others (RFC 3161, 2.4.2), and whether they are of some content."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signerd.core.algorithm import Hash
from signerd.core.error import InvalidRequest
from signerd.pki.cms import CmsContent
from signerd.pki.cms_read import SignedData, content_type, read_signed_data, readable
from signerd.pki.cms_verify import CheckedSigner, CmsFault, CmsProblem, check_signers
from signerd.pki.distinguished_name import shown_subject
from signerd.pki.timestamp import TimeStampResponseDer, serial_text

_HASHES: Final = frozenset(Hash)


@dataclass(frozen=True, slots=True)
class CheckedTimeStamp:
    """A time stamp. problems: why it is none of the content, or not signed as it should be; of
    what the authority's certificate is worth nothing is said. time_utc: genTime. serial:
    hexadecimal. authority: subject of its certificate."""

    problems: tuple[CmsProblem, ...]
    time_utc: datetime
    accuracy_us: int
    policy: str
    serial: str
    authority: str
    signer: CheckedSigner


def check_time_stamp(
    encoded: bytes, stamped: CmsContent, *, field: str = "time_stamp"
) -> CheckedTimeStamp:
    """Look at a TimeStampToken or a whole TimeStampResp (DER). Raises InvalidRequest
    (CMS_MALFORMED, TIME_STAMP_REJECTED)."""
    with readable(field):
        return _check(read_signed_data(_token_of(encoded, field), field=field), stamped, field)


def _check(signed_data: SignedData, stamped: CmsContent, field: str) -> CheckedTimeStamp:
    info = _read_info(signed_data, field)
    # asn1crypto has a type of its own for what no datetime can hold.
    if not isinstance(info["gen_time"].native, datetime):
        raise _malformed("has no readable time", field)
    if len(signed_data["signer_infos"]) != 1:
        raise _malformed("has not exactly one signer", field)
    (signer,) = check_signers(signed_data, None)
    problems = [] if signer.problem is None else [signer.problem]
    problems += _imprint_problems(info["message_imprint"], stamped)
    if signer.certificate is not None:
        problems += _purpose_problems(signer.certificate)
    if not signer.has_signing_certificate:
        problems.append(
            CmsProblem(
                CmsFault.ATTRIBUTES_INVALID,
                "the time stamp does not name its authority's certificate (RFC 3161, 2.4.1)",
            )
        )
    return CheckedTimeStamp(
        problems=tuple(problems),
        time_utc=info["gen_time"].native.astimezone(UTC),
        accuracy_us=_accuracy_us(info["accuracy"].native),
        policy=info["policy"].dotted,
        serial=serial_text(info["serial_number"].native),
        authority="" if signer.certificate is None else shown_subject(signer.certificate),
        signer=signer,
    )


def _token_of(encoded: bytes, field: str) -> bytes:
    """The token in a response; anything else is taken for a token."""
    try:
        response = TimeStampResponseDer.load(encoded, strict=True)
        status = response["status"]["status"].native
    except (ValueError, TypeError, KeyError):
        return encoded
    if status not in {"granted", "granted_with_mods"}:
        raise InvalidRequest(
            f"{field}: the response holds no time stamp, it is a refusal; ask for another",
            reason="TIME_STAMP_REJECTED",
            field=field,
        )
    token: bytes = response["time_stamp_token"].dump()
    return token


def _read_info(signed_data: SignedData, field: str) -> Any:
    if content_type(signed_data) != "tst_info":
        raise _malformed("holds no TSTInfo", field)
    try:
        content = signed_data["encap_content_info"]["content"]
        info = tsp.TSTInfo.load(bytes(content), strict=True)
        info.native  # noqa: B018 - parsing is the purpose
    except (ValueError, TypeError, KeyError) as error:
        raise _malformed("holds no readable TSTInfo", field) from error
    return info


def _imprint_problems(imprint: Any, stamped: CmsContent) -> list[CmsProblem]:
    name = imprint["hash_algorithm"]["algorithm"].native
    if name not in _HASHES:
        return [CmsProblem(CmsFault.ALGORITHM_NOT_ACCEPTED, f"digests of {name} are not accepted")]
    hash_ = Hash(name)
    if stamped.data is None and stamped.digest_hash is not hash_:
        return [
            CmsProblem(
                CmsFault.CONTENT_MISSING,
                f"the time stamp is over the {hash_.value} digest; send that one, or the data",
            )
        ]
    if imprint["hashed_message"].native != stamped.digest_under(hash_):
        return [CmsProblem(CmsFault.CONTENT_CHANGED, "the time stamp is of something else")]
    return []


def _purpose_problems(certificate_der: bytes) -> list[CmsProblem]:
    """timeStamping, critical and alone (RFC 3161, 2.3)."""
    try:
        usage = x509.load_der_x509_certificate(certificate_der).extensions.get_extension_for_class(
            x509.ExtendedKeyUsage
        )
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        usage = None
    if (
        usage is not None
        and usage.critical
        and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    ):
        return []
    text = "the certificate is not that of a time-stamping authority (RFC 3161, 2.3)"
    return [CmsProblem(CmsFault.CERTIFICATE_MISMATCH, text)]


def _accuracy_us(accuracy: Any) -> int:
    if accuracy is None:
        return 0
    seconds, millis, micros = (accuracy[name] or 0 for name in ("seconds", "millis", "micros"))
    total: int = seconds * 1_000_000 + millis * 1000 + micros
    return total


def _malformed(what: str, field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{field}: the time stamp {what}; send a TimeStampToken or TimeStampResp (RFC 3161) in DER",
        reason="TIME_STAMP_MALFORMED",
        field=field,
    )
