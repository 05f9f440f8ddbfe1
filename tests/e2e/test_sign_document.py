"""Documents that are hashed as they arrive."""

import hashlib
import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import google_crc32c
import pytest
from google.protobuf.wrappers_pb2 import UInt32Value
from grpc import StatusCode

from examples.private_daemon import PrivateDaemon
from signerd.signing.login_statement import LOGIN_PREFIX, LOGIN_PURPOSE
from signerd.v1 import signing_pb2 as pb
from signerd_client import AsyncClient, Client, KeyAlgorithm
from signerd_client.error import InvalidRequest, NotFound
from tests.e2e.raw_call import RawCaller, Refusal, raw_caller

_RPC = "/signerd.v1.Signing/SignDocument"
_MIB = 1 << 20
_SIZE = 256 * _MIB
# Buffers of connections come and go; the document would be four times as much.
_GROWTH_MOST = 64 * _MIB


@pytest.fixture(scope="module")
def key(daemon: PrivateDaemon) -> str:
    return _issue(daemon, KeyAlgorithm.RSA_2048_PKCS1_SHA256)


def _issue(daemon: PrivateDaemon, algorithm: KeyAlgorithm) -> str:
    with Client(daemon.target("ra-officer")) as officer:
        subscriber = f"document-{uuid.uuid4().hex[:8]}"
        made = officer.issue_certificate(subscriber, "personal", "Kim", key_algorithm=algorithm)
        return made.credential


@pytest.fixture(scope="module")
def raw_signer(daemon: PrivateDaemon) -> Iterator[RawCaller]:
    with raw_caller(daemon, "signer") as caller:
        yield caller


class _Zeros(io.RawIOBase):
    """So many bytes without room for them."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        given = min(size, self._left)
        self._left -= given
        return bytes(given)


def _most_memory(daemon: PrivateDaemon) -> int:
    """Bytes that the fronts have had in memory at most (VmHWM of proc(5))."""
    peaks = []
    for front in daemon.processes("front"):
        lines = Path(f"/proc/{front.pid}/status").read_text().splitlines()
        peaks += [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return sum(peaks) * 1024


def test_memory_does_not_grow_with_the_document(
    daemon: PrivateDaemon, signer: Client, key: str
) -> None:
    """A document bigger than any message may be is signed, and no front ever held it."""
    signer.sign_document(key, io.BytesIO(bytes(4 * _MIB)))
    before = _most_memory(daemon)
    signed = signer.sign_document(key, _Zeros(_SIZE))  # type: ignore[arg-type] # reads bytes
    assert _most_memory(daemon) - before < _GROWTH_MOST
    hashed = hashlib.sha256()
    for _ in range(_SIZE // _MIB):
        hashed.update(bytes(_MIB))
    assert signer.verify(signed.signature, credential=key, digest=hashed.digest()).signature_valid


async def test_a_file_is_signed_as_its_data_would_be(
    daemon: PrivateDaemon, signer: Client, auditor: Client, key: str, tmp_path: Path
) -> None:
    """Both clients, a file and an empty one; the record has digest and purpose."""
    document, empty = tmp_path / "order.xml", tmp_path / "empty"
    content = "이체 100,000원\n".encode() * 50_000
    document.write_bytes(content)
    empty.touch()
    purpose = f"order {uuid.uuid4()}"
    signed = signer.sign_document(key, document, purpose=purpose)
    assert signed.signature == signer.sign(key, data=content).signature
    async with AsyncClient(daemon.target("signer")) as client:
        assert (await client.sign_document(key, document)).signature == signed.signature
        nothing = await client.sign_document(key, empty)
    assert nothing.signature == signer.sign(key, data=b"").signature
    [record] = [
        event.details
        for event in auditor.list_audit_events(kind="signature.created", page_size=1000)
        if event.details.get("purpose") == purpose
    ]
    assert record["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_document_that_cannot_be_signed_is_not_taken(
    daemon: PrivateDaemon, signer: Client, tmp_path: Path
) -> None:
    """An unknown key, and one that signs no digests, are refused at the first piece; a file that
    is not there is the caller's own error."""
    with pytest.raises(NotFound):
        signer.sign_document("ab" * 16, io.BytesIO(b"order"))
    ed25519 = _issue(daemon, KeyAlgorithm.ED25519)
    with pytest.raises(InvalidRequest) as refused:
        signer.sign_document(ed25519, _Zeros(1 << 40))  # type: ignore[arg-type] # reads bytes
    assert refused.value.reason == "DOCUMENT_NOT_SUPPORTED"
    with pytest.raises(FileNotFoundError):
        signer.sign_document("ab" * 16, tmp_path / "nowhere")


def _refused(caller: RawCaller, *messages: pb.SignDocumentRequest) -> Refusal:
    send = caller.channel.stream_unary(_RPC, pb.SignDocumentRequest.SerializeToString, None)
    return caller.refusal(lambda: send(iter(messages), timeout=30))


def test_a_login_challenge_is_no_document(raw_signer: RawCaller, key: str) -> None:
    """However small its pieces are, and whatever purpose is given: a digest cannot tell a login,
    so what begins as one is refused."""
    statement = LOGIN_PREFIX + b"bank.example"
    for purpose, size in (("", len(statement)), ("", 1), (LOGIN_PURPOSE, 5)):
        pieces = [statement[start : start + size] for start in range(0, len(statement), size)]
        first, *others = (pb.SignDocumentRequest(chunk=piece) for piece in pieces)
        first.credential, first.purpose = key, purpose
        assert _refused(raw_signer, first, *others).reason == "LOGIN_PURPOSE"


def test_pieces_out_of_place_are_refused(raw_signer: RawCaller, key: str) -> None:
    """Nothing at all, a wrong checksum, one before the end, a second key, a name that is none."""
    one = pb.SignDocumentRequest(credential=key, chunk=b"order")
    right = UInt32Value(value=google_crc32c.value(b"order"))
    cases = (
        ((), "INPUT_MISSING"),
        ((one, pb.SignDocumentRequest(document_crc32c=UInt32Value(value=1))), "CHECKSUM_MISMATCH"),
        (
            (
                one,
                pb.SignDocumentRequest(document_crc32c=right),
                pb.SignDocumentRequest(chunk=b"x"),
            ),
            "SEQUENCE_BROKEN",
        ),
        ((one, one), "SEQUENCE_BROKEN"),
        ((pb.SignDocumentRequest(credential="key", chunk=b"x"),), "RESOURCE_NAME"),
    )
    for messages, reason in cases:
        refused = _refused(raw_signer, *messages)
        assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, reason)
