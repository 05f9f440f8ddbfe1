"""Many signatures in one call and over one stream."""

import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from itertools import chain

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from google.protobuf.wrappers_pb2 import UInt32Value
from grpc import StatusCode

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.v1 import signing_pb2 as pb
from signerd_client import AsyncClient, Client, KeyAlgorithm, Signature, SignItem, SignResult
from signerd_client.error import (
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    SignerdError,
)
from tests.e2e.raw_call import RawCaller, raw_caller

SERVICE = "/signerd.v1.Signing"
RSA, EC, ED = (
    KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    KeyAlgorithm.EC_P256_SHA256,
    KeyAlgorithm.ED25519,
)
Keys = dict[KeyAlgorithm, str]


def _key(officer: Client, algorithm: KeyAlgorithm) -> str:
    subscriber = f"many-{uuid.uuid4().hex[:8]}"
    return officer.issue_certificate(
        subscriber, "personal", "Kim", key_algorithm=algorithm
    ).credential


@pytest.fixture(scope="module")
def keys(daemon: PrivateDaemon) -> Keys:
    with Client(daemon.target("ra-officer")) as officer, Client(daemon.target("signer")) as signer:
        made = {algorithm: _key(officer, algorithm) for algorithm in (RSA, EC, ED)}
        # A SoftHSM process may see a new key late; a stream would answer so.
        for key in made.values():
            signer.batch_sign([SignItem(key, data=b"seen")] * 100)
        return made


@pytest.fixture(scope="module")
def raw_signer(daemon: PrivateDaemon) -> Iterator[RawCaller]:
    with raw_caller(daemon, "signer") as caller:
        yield caller


def _order(number: int) -> bytes:
    return f"order {number}".encode()


def _check(client: Client, result: SignResult, data: bytes) -> None:
    """The signature is that of its key over its own input, by another implementation."""
    assert isinstance(result, Signature), result
    key = load_der_public_key(client.get_public_key(result.credential).public_key)
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(result.signature, data, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(result.signature, data, ec.ECDSA(hashes.SHA256()))
    else:
        key.verify(result.signature, data)  # type: ignore[union-attr, call-arg] # Ed25519


def _reason(result: SignResult, family: type[SignerdError]) -> str:
    assert isinstance(result, family)
    return result.reason


def test_each_input_has_a_result_of_its_own(signer: Client, keys: Keys) -> None:
    """Keys of three kinds and four requests that cannot be done, mixed: results come in the order
    of the requests, and a bad one harms no other."""
    good = [SignItem(key, data=_order(number)) for number, key in enumerate(keys.values())]
    bad = [
        SignItem("ab" * 16, data=b"no such key"),
        SignItem(keys[EC], digest=hashlib.sha384(b"the key hashes with SHA-256").digest()),
        SignItem(keys[ED], digest=hashlib.sha256(b"Ed25519 signs data").digest()),
        SignItem(keys[EC], data=b"x", purpose="line\nbreak"),
    ]
    mixed = list(chain.from_iterable(zip(bad[:3], good, strict=True))) + bad[3:]
    results = signer.batch_sign(mixed)
    for number, result in enumerate(results[1:6:2]):
        _check(signer, result, _order(number))
    assert _reason(results[0], NotFound) == "NOT_FOUND"
    assert _reason(results[2], InvalidRequest) == "DIGEST_MISMATCH"
    assert _reason(results[4], InvalidRequest) == "DIGEST_NOT_SUPPORTED"
    assert _reason(results[6], InvalidRequest) == "PURPOSE_UNUSABLE"


def test_a_batch_is_on_record_by_key_and_purpose(
    signer: Client, auditor: Client, keys: Keys
) -> None:
    """One record for what a key signed for one purpose, with every digest in order; signatures of
    another key and of another purpose have their own."""
    mark = uuid.uuid4().hex
    data = [_order(number) for number in range(300)]
    items = [
        SignItem(data=one, purpose="" if place else mark + "!") for place, one in enumerate(data)
    ]
    results = signer.batch_sign(
        [*items, SignItem(keys[RSA], data=b"one")], credential=keys[EC], purpose=mark
    )
    for result, one in zip(results, [*data, b"one"], strict=True):
        _check(signer, result, one)
    found = [
        event.details
        for event in auditor.list_audit_events(kind="signature.created", page_size=1000)
        if event.details.get("purpose", "").startswith(mark)
    ]
    digests = [hashlib.sha256(one).hexdigest() for one in data]
    by_key = {(one["algorithm"], one["purpose"]): one for one in found}
    assert len(by_key) == len(found) == 3
    assert by_key[EC, mark + "!"]["digest"] == f"sha256:{digests[0]}"
    assert by_key[EC, mark]["digests"] == f"sha256:{' '.join(digests[1:])}"
    assert by_key[EC, mark]["count"] == "299"
    assert by_key[RSA, mark]["digest"] == f"sha256:{hashlib.sha256(b'one').hexdigest()}"


def test_a_revoked_key_signs_no_more_beside_others(
    signer: Client, officer: Client, keys: Keys
) -> None:
    """A front that knows the key refuses it in a batch as soon as it is revoked, and signs the
    rest."""
    key = _key(officer, EC)
    items = [SignItem(key, data=b"a"), SignItem(keys[EC], data=b"b")]
    assert all(isinstance(one, Signature) for one in signer.batch_sign(items))
    officer.revoke_certificate(signer.get_public_key(key).certificate, "KEY_COMPROMISE")
    for _ in range(2):
        refused, signed = signer.batch_sign(items)
        assert _reason(refused, FailedPrecondition) == "CREDENTIAL_RETIRED"
        _check(signer, signed, b"b")


def test_batches_are_bounded(raw_signer: RawCaller, keys: Keys) -> None:
    """Too many, none at all, and too many for those who wait: refused as a whole."""
    one = pb.SignRequest(credential=keys[EC], data=b"x")
    interactive, batch = pb.LANE_INTERACTIVE, pb.LANE_BATCH
    for count, lane, reason in (
        (1001, batch, "BATCH_TOO_LARGE"),
        (0, batch, "INPUT_MISSING"),
        (65, interactive, "BATCH_TOO_LARGE"),
    ):
        request = pb.BatchSignRequest(requests=[one] * count, lane=lane)
        refused = raw_signer.refused(f"{SERVICE}/BatchSign", request)
        assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, reason)


def test_checksums_are_those_of_each_input(raw_signer: RawCaller, keys: Keys) -> None:
    """A wrong checksum is refused for its own input alone."""
    good = pb.SignRequest(credential=keys[EC], data=b"x")
    bad = pb.SignRequest(credential=keys[EC], data=b"x", input_crc32c=UInt32Value(value=1))
    answer = raw_signer.send(
        f"{SERVICE}/BatchSign",
        pb.BatchSignRequest(requests=[bad, good]),
        pb.BatchSignResponse,
    )
    refused, signed = answer.results
    assert refused.error.reason == "CHECKSUM_MISMATCH"
    assert refused.error.code == StatusCode.INVALID_ARGUMENT.value[0]
    assert signed.response.signature
    assert not signed.response.verified_input_crc32c


def test_a_stream_is_answered_in_order(signer: Client, keys: Keys) -> None:
    """Hundreds of inputs of two keys with a bad one among them, more than may be under way."""
    count = 700
    items = [SignItem(keys[EC if n % 50 else RSA], data=_order(n)) for n in range(count)]
    items[333] = SignItem("ab" * 16, data=b"no such key")
    results = list(signer.sign_stream(items))
    assert len(results) == count
    for number in (0, 1, 332, 334, 350, 699):
        _check(signer, results[number], _order(number))
    assert [n for n, one in enumerate(results) if not isinstance(one, Signature)] == [333]
    assert _reason(results[333], NotFound)


async def test_a_slow_source_is_answered_as_it_goes(daemon: PrivateDaemon, keys: Keys) -> None:
    """An asynchronous source that waits for each answer before it gives the next input gets it."""
    answered = 0

    async def source() -> AsyncIterator[SignItem]:
        for number in range(10):
            assert number == answered
            yield SignItem(keys[EC], data=_order(number))

    async with AsyncClient(daemon.target("signer")) as client:
        async for result in client.sign_stream(source(), in_flight=1):
            assert isinstance(result, Signature)
            answered += 1
    assert answered == 10


def test_a_gap_ends_a_stream_after_what_was_asked(raw_signer: RawCaller, keys: Keys) -> None:
    """What came before is answered, then the stream is refused with the number that was due."""
    one = pb.SignRequest(credential=keys[EC], data=b"x")
    messages = [
        pb.SignStreamRequest(sequence=7, requests=[one, one]),
        pb.SignStreamRequest(sequence=10, requests=[one]),
    ]
    answers: list[pb.SignStreamResponse] = []

    def call() -> None:
        stream = raw_signer.channel.stream_stream(
            f"{SERVICE}/SignStream",
            pb.SignStreamRequest.SerializeToString,
            pb.SignStreamResponse.FromString,
        )(iter(messages), timeout=30)
        answers.extend(stream)

    refused = raw_signer.refusal(call)
    assert (refused.reason, refused.fields) == ("SEQUENCE_BROKEN", ("sequence",))
    assert [(one.sequence, len(one.results)) for one in answers] == [(7, 2)]


def test_a_stream_outlives_the_deadline_of_a_call() -> None:
    """Opened without a deadline it signs for longer than a call without one may take, and takes
    long messages one after the other without asking a token host for more than it reads at once."""
    settings = {"server.default_deadline_s": "1.5"}
    with (
        private_daemon(DaemonSize(fronts=1, hosts=1), settings) as daemon,
        Client(daemon.target("ra-officer")) as officer,
        Client(daemon.target("signer")) as signer,
    ):
        key = _key(officer, ED)
        signer.sign(key, data=b"seen")
        # 110 MiB, of which a host reads 64 at once.
        long = bytes(1_000_000)

        def source() -> Iterator[SignItem]:
            yield from [SignItem(key, data=long)] * 115
            time.sleep(2.0)
            yield SignItem(key, data=b"late")

        results = list(signer.sign_stream(source(), in_flight=400))
        assert [one for one in results if not isinstance(one, Signature)] == []
        _check(signer, results[-1], b"late")
        assert "host.lost" not in daemon.log()


def test_an_iterable_that_fails_ends_its_stream(signer: Client, keys: Keys) -> None:
    """The error of the caller's own iterable is raised, after what came before was answered."""

    def source() -> Iterator[SignItem]:
        yield SignItem(keys[EC], data=b"x")
        raise RuntimeError("no more orders")

    results = signer.sign_stream(source())
    assert isinstance(next(results), Signature)
    with pytest.raises(RuntimeError, match="no more orders"):
        next(results)


def test_a_stream_is_the_signers_alone(officer: Client) -> None:
    """Who may not sign gets neither a batch nor a stream."""
    item = SignItem("ab" * 16, data=b"x")
    with pytest.raises(PermissionDenied):
        officer.batch_sign([item])
    with pytest.raises(PermissionDenied):
        next(officer.sign_stream([item]))
