"""The calls of signerd.v1.DocumentSigning."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from signerd.v1 import document_signing_pb2 as wire
from signerd_client.algorithm import Hash, algorithm_from_wire
from signerd_client.call import Call, decoder
from signerd_client.checksum import checksum_of, matches, require
from signerd_client.cms import (
    CmsForm,
    CmsSigner,
    CmsSignerVerification,
    CmsVerification,
    SignedCms,
    SigningTimeBasis,
    TimeStampVerification,
)
from signerd_client.name import credential_name
from signerd_client.signature import problems_from_wire
from signerd_client.signing_call import digest_to_wire

_SERVICE: Final = "/signerd.v1.DocumentSigning"
_BASES: Final = {
    wire.SIGNING_TIME_BASIS_TIME_STAMP: SigningTimeBasis.TIME_STAMP,
    wire.SIGNING_TIME_BASIS_CLAIMED: SigningTimeBasis.CLAIMED,
    wire.SIGNING_TIME_BASIS_NOW: SigningTimeBasis.NOW,
}


def sign_cms(
    credentials: str | Sequence[str],
    *,
    data: bytes | None = None,
    digest: bytes | None = None,
    hash_algorithm: Hash | None = None,
    form: CmsForm = CmsForm.CMS,
    detached: bool = False,
    with_time_stamp: bool = False,
    cms: bytes = b"",
    purpose: str = "",
    authorisations: Mapping[str, str] = MappingProxyType({}),
    timeout_s: float | None = None,
) -> Call[SignedCms]:
    """Sign content as CMS SignedData, or in the plain PKCS#7 form, with one key or several.

    With a digest instead of data the signature is detached. cms is a SignedData (DER) to which
    the signers are added; it has the content, unless it is detached. Both data and digest, or
    neither without cms, is a ValueError. hash_algorithm is the hash that made the digest; None
    derives it from the length. purpose is put on the daemon's audit record; authorisations are the
    subscribers' agreement, by credential, where one requires it. Checksums are verified both ways.
    """
    names = [credentials] if isinstance(credentials, str) else list(credentials)
    request = wire.SignCmsRequest(
        credentials=[credential_name(name) for name in names],
        form=wire.CmsForm.Value(f"CMS_FORM_{CmsForm(form)}"),
        detached=detached or digest is not None,
        with_time_stamp=with_time_stamp,
        cms=cms,
        purpose=purpose,
        authorisations={credential_name(name): one for name, one in authorisations.items()},
    )
    if data is not None and digest is not None:
        raise ValueError("give either data or digest")
    if data is None and digest is None and not cms:
        raise ValueError("give data or digest: what to sign")
    if data is not None:
        request.data = data
    elif digest is not None:
        request.digest.CopyFrom(digest_to_wire(digest, hash_algorithm))
    sent = data if data is not None else digest
    if sent is not None:
        request.content_crc32c.CopyFrom(checksum_of(sent))

    def signed(answer: wire.SignCmsResponse) -> SignedCms:
        if sent is not None:
            require(answer.verified_content_crc32c, "the content as the daemon received it")
        return _signed(answer)

    return Call(
        f"{_SERVICE}/SignCms",
        request.SerializeToString(),
        decoder(wire.SignCmsResponse, signed),
        timeout_s,
    )


def verify_cms(
    cms: bytes,
    *,
    data: bytes | None = None,
    digest: bytes | None = None,
    hash_algorithm: Hash | None = None,
    timeout_s: float | None = None,
) -> Call[CmsVerification]:
    """Say of each signer of a SignedData or PKCS#7 message whether the signature holds and whether
    the certificate was good when it was made.

    data, or its digest, is the content of a detached signature. A signature that does not hold is
    an answer, not an error.
    """
    request = wire.VerifyCmsRequest(cms=cms)
    if data is not None and digest is not None:
        raise ValueError("give either data or digest")
    if data is not None:
        request.data = data
    elif digest is not None:
        request.digest.CopyFrom(digest_to_wire(digest, hash_algorithm))
    return Call(
        f"{_SERVICE}/VerifyCms",
        request.SerializeToString(),
        decoder(wire.VerifyCmsResponse, _verification),
        timeout_s,
    )


def time_stamp_from_wire(status: wire.TimeStampStatus) -> TimeStampVerification:
    """The verdict on a time stamp."""
    return TimeStampVerification(
        valid=status.valid,
        problems=problems_from_wire(status.problems),
        time=moment_from_wire(status.time) if status.HasField("time") else None,
        accuracy_us=status.accuracy_us,
        policy=status.policy,
        serial_number=status.serial_number,
        authority=status.authority,
    )


def moment_from_wire(stamp: Timestamp) -> datetime:
    """An aware time, UTC."""
    return stamp.ToDatetime(tzinfo=UTC)


def _signed(answer: wire.SignCmsResponse) -> SignedCms:
    require(
        answer.HasField("cms_crc32c") and matches(answer.cms, answer.cms_crc32c),
        "the signed message received",
    )
    return SignedCms(
        cms=answer.cms,
        signers=tuple(
            CmsSigner(
                credential=one.credential,
                key_algorithm=algorithm_from_wire(one.key_algorithm),
                certificate=one.certificate,
                time_stamp_time=(
                    moment_from_wire(one.time_stamp_time)
                    if one.HasField("time_stamp_time")
                    else None
                ),
            )
            for one in answer.signers
        ),
    )


def _verification(answer: wire.VerifyCmsResponse) -> CmsVerification:
    return CmsVerification(
        valid=answer.valid,
        problems=problems_from_wire(answer.problems),
        signers=tuple(_signer(one) for one in answer.signers),
        data=answer.data,
    )


def _signer(status: wire.CmsSignerStatus) -> CmsSignerVerification:
    has = status.HasField
    return CmsSignerVerification(
        valid=status.valid,
        problems=problems_from_wire(status.problems),
        signature_intact=status.signature_intact,
        certificate=status.certificate,
        certificate_der=status.certificate_der,
        subject=status.subject,
        signing_time=moment_from_wire(status.signing_time) if has("signing_time") else None,
        judged_time=moment_from_wire(status.judged_time) if has("judged_time") else None,
        judged_basis=_BASES.get(status.judged_basis),
        time_stamp=time_stamp_from_wire(status.time_stamp) if has("time_stamp") else None,
        algorithm=status.algorithm,
    )
