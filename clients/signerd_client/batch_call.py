"""Many signatures at once: what is sent and what comes back, for both clients."""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from signerd.v1 import signing_pb2 as wire
from signerd_client.algorithm import Hash
from signerd_client.call import Call, decoder, new_request_id
from signerd_client.checksum import require
from signerd_client.error import Corrupted, SignerdError
from signerd_client.name import credential_name
from signerd_client.signature import Signature
from signerd_client.signing_call import sign_request, signature_from
from signerd_client.status import error_of_item

_BATCH_SIGN: Final = "/signerd.v1.Signing/BatchSign"
_SIGN_STREAM: Final = "/signerd.v1.Signing/SignStream"

SignResult: TypeAlias = Signature | SignerdError


@dataclass(frozen=True, slots=True)
class SignItem:
    """One of many inputs: exactly one of data and digest. credential: "" for that of the batch;
    the others as in `sign`."""

    credential: str = ""
    data: bytes | None = field(default=None, repr=False)
    digest: bytes | None = None
    hash_algorithm: Hash | None = None
    purpose: str = ""
    authorisation: str = field(default="", repr=False)

    def to_wire(self) -> wire.SignRequest:
        """Raises ValueError for contradictory content."""
        return sign_request(
            self.credential,
            self.data,
            self.digest,
            self.hash_algorithm,
            purpose=self.purpose,
            authorisation=self.authorisation,
        )


@dataclass(frozen=True, slots=True)
class BatchSignCall:
    """What `batch_sign` was called with. request_id: of all attempts, so that an agreement which
    one of them used is not used again by the next."""

    request: wire.BatchSignRequest
    timeout_s: float | None
    request_id: str = field(default_factory=new_request_id)


def batch_sign(
    items: Sequence[SignItem],
    *,
    credential: str = "",
    purpose: str = "",
    interactive: bool = False,
    timeout_s: float | None = None,
) -> BatchSignCall:
    """Sign up to 1000 inputs in one call; for each, in their order, its signature or its error.

    credential and purpose are those of items that name none. One that is refused harms no other.
    What may succeed later is sent again within the deadline, as any other call; an error that
    concerns the whole call is raised.
    interactive, for at most 64: somebody waits for it, so it goes before batches. ValueError for
    an item with both data and digest, or neither.
    """
    request = wire.BatchSignRequest(
        credential=credential_name(credential),
        requests=[item.to_wire() for item in items],
        purpose=purpose,
        lane=wire.LANE_INTERACTIVE if interactive else wire.LANE_BATCH,
    )
    return BatchSignCall(request, timeout_s)


def batch_of(
    request: wire.BatchSignRequest, timeout_s: float | None, request_id: str
) -> Call[tuple[SignResult, ...]]:
    """The call that sends a request of BatchSign."""
    count = len(request.requests)

    def results(answer: wire.BatchSignResponse) -> tuple[SignResult, ...]:
        require(len(answer.results) == count, "the number of results")
        return tuple(result_of(one) for one in answer.results)

    return Call(
        _BATCH_SIGN,
        request.SerializeToString(),
        decoder(wire.BatchSignResponse, results),
        timeout_s,
        request_id,
    )


@dataclass(frozen=True, slots=True)
class SignStreamCall:
    """What `sign_stream` was called with."""

    items: Iterable[SignItem] | AsyncIterable[SignItem]
    in_flight: int
    interactive: bool
    timeout_s: float | None
    request_id: str = field(default_factory=new_request_id)

    def with_decoder(self, decode: Callable[[bytes], list[SignResult]]) -> Call[list[SignResult]]:
        """One connection of the stream."""
        return Call(_SIGN_STREAM, b"", decode, None, self.request_id)


def sign_stream(
    items: Iterable[SignItem] | AsyncIterable[SignItem],
    *,
    in_flight: int = 64,
    interactive: bool = False,
    timeout_s: float | None = None,
) -> SignStreamCall:
    """Sign inputs as they come; for each, in their order, its signature or its error.

    At most in_flight are sent and not answered; no more are taken from items then. What is ready
    together is sent together. When the connection breaks, what was not answered is sent again, as
    for any other call; an error that stands is raised. timeout_s bounds the whole stream; None is
    no bound. The blocking client takes items in a thread of its own; only the asynchronous one
    takes an asynchronous iterable. Each item names its credential. ValueError as for `batch_sign`.
    """
    if in_flight < 1:
        raise ValueError("in_flight must be positive")
    return SignStreamCall(items, in_flight, interactive, timeout_s)


def result_of(result: wire.SignResult) -> SignResult:
    """The signature or the error of one of many."""
    if result.WhichOneof("outcome") != "response":
        return error_of_item(result.error)
    try:
        return signature_from(result.response)
    except Corrupted as error:
        return error
