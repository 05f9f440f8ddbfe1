"""Requests to sign and verify that are wrong in one way each."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import google_crc32c
import pytest
from google.protobuf.wrappers_pb2 import UInt32Value
from grpc import StatusCode

from examples.private_daemon import PrivateDaemon
from signerd.v1 import signing_pb2 as pb
from signerd.v1.types_pb2 import Digest
from signerd_client import Client, KeyAlgorithm
from tests.e2e.raw_call import RawCaller, raw_caller
from tests.e2e.stored import assert_nothing_stored, stored

SERVICE = "/signerd.v1.Signing"
_UNKNOWN = "credentials/" + "ab" * 16
_SHA256 = hashlib.sha256(b"order").digest()
_SHA384 = hashlib.sha384(b"order").digest()

Keys = dict[KeyAlgorithm, str]
RSA, EC, EC384, ED = (
    KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    KeyAlgorithm.EC_P256_SHA256,
    KeyAlgorithm.EC_P384_SHA384,
    KeyAlgorithm.ED25519,
)


@pytest.fixture(scope="module")
def raw_signer(daemon: PrivateDaemon) -> Iterator[RawCaller]:
    with raw_caller(daemon, "signer") as caller:
        yield caller


@pytest.fixture(scope="module")
def keys(daemon: PrivateDaemon) -> Keys:
    """A credential of each kind."""
    with Client(daemon.target("ra-officer")) as officer:
        return {
            algorithm: officer.issue_certificate(
                f"bad-{uuid.uuid4().hex[:8]}", "personal", "Kim", key_algorithm=algorithm
            ).credential
            for algorithm in (RSA, EC, EC384, ED)
        }


Case = tuple[KeyAlgorithm, dict[str, Any], str, str]
_INPUTS: dict[str, Case] = {
    "nothing to sign": (EC, {}, "INPUT_MISSING", "data"),
    "digest of no kind": (EC, {"digest": Digest()}, "INPUT_MISSING", "data"),
    "empty digest": (RSA, {"digest": Digest(sha256=b"")}, "DIGEST_LENGTH", "digest"),
    "digest one byte short": (
        EC,
        {"digest": Digest(sha256=_SHA256[1:])},
        "DIGEST_LENGTH",
        "digest",
    ),
    "digest one byte long": (
        RSA,
        {"digest": Digest(sha256=_SHA256 + b"0")},
        "DIGEST_LENGTH",
        "digest",
    ),
    "SHA-384 for a SHA-256 key": (
        EC,
        {"digest": Digest(sha384=_SHA384)},
        "DIGEST_MISMATCH",
        "digest",
    ),
    "SHA-256 for a SHA-384 key": (
        EC384,
        {"digest": Digest(sha256=_SHA256)},
        "DIGEST_MISMATCH",
        "digest",
    ),
    "32 bytes called SHA-512": (
        RSA,
        {"digest": Digest(sha512=_SHA256)},
        "DIGEST_MISMATCH",
        "digest",
    ),
    "digest for Ed25519": (
        ED,
        {"digest": Digest(sha512=b"0" * 64)},
        "DIGEST_NOT_SUPPORTED",
        "digest",
    ),
}


@pytest.mark.parametrize("rpc", ["Sign", "Verify"])
@pytest.mark.parametrize("case", _INPUTS)
def test_an_input_that_does_not_fit_the_key_is_refused(
    case: str, rpc: str, raw_signer: RawCaller, keys: Keys, daemon: PrivateDaemon
) -> None:
    """INVALID_ARGUMENT with reason and field, from Sign and from Verify; nothing is signed."""
    algorithm, fields, reason, field = _INPUTS[case]
    make: Callable[..., Any] = pb.SignRequest if rpc == "Sign" else pb.VerifyRequest
    before = stored(daemon)
    refusal = raw_signer.refused(f"{SERVICE}/{rpc}", make(credential=keys[algorithm], **fields))
    assert (refusal.code, refusal.reason) == (StatusCode.INVALID_ARGUMENT, reason), refusal.seen
    assert refusal.fields == (field,)
    assert refusal.request_id == "quoted-by-the-caller"
    assert_nothing_stored(daemon, before)


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("", StatusCode.INVALID_ARGUMENT, "RESOURCE_NAME"),
        ("ab" * 16, StatusCode.INVALID_ARGUMENT, "RESOURCE_NAME"),
        ("certificates/ab", StatusCode.INVALID_ARGUMENT, "RESOURCE_NAME"),
        ("credentials/", StatusCode.INVALID_ARGUMENT, "RESOURCE_NAME"),
        ("credentials/" + "ab" * 40, StatusCode.INVALID_ARGUMENT, "RESOURCE_NAME"),
        ("credentials/ab/../cd", StatusCode.INVALID_ARGUMENT, "RESOURCE_NAME"),
        ("credentials/홍길동", StatusCode.INVALID_ARGUMENT, "RESOURCE_NAME"),
        (_UNKNOWN, StatusCode.NOT_FOUND, "NOT_FOUND"),
        ("credentials/ab", StatusCode.NOT_FOUND, "NOT_FOUND"),
    ],
)
def test_a_key_that_is_not_there_does_not_sign(
    name: str, code: StatusCode, reason: str, raw_signer: RawCaller, daemon: PrivateDaemon
) -> None:
    """A bad name is named as a field, an unknown key is not found, by all three calls."""
    before = stored(daemon)
    for rpc, request in (
        ("Sign", pb.SignRequest(credential=name, data=b"order")),
        ("Verify", pb.VerifyRequest(credential=name, data=b"order", signature=b"0")),
        ("GetPublicKey", pb.GetPublicKeyRequest(credential=name)),
    ):
        refusal = raw_signer.refused(f"{SERVICE}/{rpc}", request)
        assert (refusal.code, refusal.reason) == (code, reason), refusal.seen
        named = code is StatusCode.INVALID_ARGUMENT
        assert refusal.fields == (("credential",) if named else ())
    assert_nothing_stored(daemon, before)


@pytest.mark.parametrize("data", [b"order", b""])
def test_a_checksum_is_checked_when_it_is_sent(
    data: bytes, raw_signer: RawCaller, keys: Keys, daemon: PrivateDaemon
) -> None:
    """Wrong: refused and not signed. Right: said so. Absent: not checked, and said so; 0 is no
    absence."""
    right = google_crc32c.value(data)
    before = stored(daemon)
    for wrong in {right ^ 1, 0} - {right}:
        request = pb.SignRequest(
            credential=keys[EC], data=data, input_crc32c=UInt32Value(value=wrong)
        )
        refusal = raw_signer.refused(f"{SERVICE}/Sign", request)
        assert (refusal.code, refusal.reason) == (StatusCode.INVALID_ARGUMENT, "CHECKSUM_MISMATCH")
        assert refusal.fields == ("input_crc32c",)
    assert_nothing_stored(daemon, before)
    for checksum in (UInt32Value(value=right), None):
        request = pb.SignRequest(credential=keys[EC], data=data, input_crc32c=checksum)
        answer = raw_signer.send(f"{SERVICE}/Sign", request, pb.SignResponse)
        assert answer.verified_input_crc32c is (checksum is not None)
        assert answer.signature_crc32c.value == google_crc32c.value(answer.signature)


def test_verify_needs_to_know_whose_signature_it_is(raw_signer: RawCaller) -> None:
    """Neither credential nor certificate: refused; both in the bytes: the last one counts."""
    request = pb.VerifyRequest(data=b"order", signature=b"0")
    refusal = raw_signer.refused(f"{SERVICE}/Verify", request)
    assert (refusal.code, refusal.reason) == (StatusCode.INVALID_ARGUMENT, "SIGNER_MISSING")
    request.credential = _UNKNOWN
    both = request.SerializeToString() + pb.VerifyRequest(certificate="x").SerializeToString()
    refusal = raw_signer.refused(f"{SERVICE}/Verify", both)
    assert refusal.fields == ("certificate",)


@pytest.mark.parametrize("signature", [b"", b"0", b"\x30\x80" * 200, b"\0" * 64, b"\xff" * 256])
def test_no_signature_of_any_shape_breaks_verify(
    signature: bytes, raw_signer: RawCaller, keys: Keys
) -> None:
    """What is no signature is answered with "not valid" and an explanation, not with an error."""
    for credential in keys.values():
        request = pb.VerifyRequest(credential=credential, data=b"order", signature=signature)
        answer = raw_signer.send(f"{SERVICE}/Verify", request, pb.VerifyResponse)
        assert not answer.valid
        assert [problem.code for problem in answer.problems] == ["SIGNATURE_INVALID"]
        assert answer.problems[0].text
