"""What fronts and token hosts say to each other over a Unix socket.

A frame is its length (4 bytes, big endian) and one MessagePack message. Both ends are the same
release of the daemon: there is no version.
"""

import struct
from typing import Final, TypeVar

import msgspec

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import FAMILIES, Internal, SignerdError
from signerd.core.record import GeneratedKey, TokenHealth, TokenKey
from signerd.core.signing import Lane
from signerd.core.value import KeyRef, TokenRef

# The largest message of the API is 64 MiB; Ed25519 signs messages whole.
MAX_FRAME_BYTES: Final = 67_108_864 + 65_536
HEADER: Final = struct.Struct(">I")
_T = TypeVar("_T")
_ROOM: Final = b"\0" * HEADER.size


class _Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """number: chosen by the front, repeated in the answer."""

    number: int


class _Request(_Message, frozen=True, array_like=True, gc=False):
    """deadline: seconds of CLOCK_MONOTONIC, which front and host share."""

    deadline: float


class SignRequest(_Request, frozen=True, array_like=True, gc=False, tag=1):
    key: KeyRef
    algorithm: KeyAlgorithm
    message: bytes


class GenerateRequest(_Request, frozen=True, array_like=True, gc=False, tag=2):
    key: KeyRef
    algorithm: KeyAlgorithm
    is_repeat: bool


class DestroyRequest(_Request, frozen=True, array_like=True, gc=False, tag=3):
    key: KeyRef
    was_made: bool


class ListRequest(_Request, frozen=True, array_like=True, gc=False, tag=4):
    token: TokenRef


class HealthRequest(_Request, frozen=True, array_like=True, gc=False, tag=5):
    pass


class CreateTokenRequest(_Request, frozen=True, array_like=True, gc=False, tag=6):
    label: str


class SealRequest(_Request, frozen=True, array_like=True, gc=False, tag=7):
    key: KeyRef
    plaintext: bytes
    associated: bytes

    def __repr__(self) -> str:
        return _without_content(self)


class UnsealRequest(_Request, frozen=True, array_like=True, gc=False, tag=8):
    key: KeyRef
    sealed: bytes
    associated: bytes


class MacRequest(_Request, frozen=True, array_like=True, gc=False, tag=9):
    key: KeyRef
    data: bytes

    def __repr__(self) -> str:
        return _without_content(self)


class SignManyRequest(_Request, frozen=True, array_like=True, gc=False, tag=10):
    """of: for each message the place of its key in keys."""

    lane: Lane
    keys: list[tuple[KeyRef, KeyAlgorithm]]
    of: list[int]
    messages: list[bytes]


class Signed(_Message, frozen=True, array_like=True, gc=False, tag=1):
    signature: bytes


class Generated(_Message, frozen=True, array_like=True, gc=False, tag=2):
    key: GeneratedKey


class Destroyed(_Message, frozen=True, array_like=True, gc=False, tag=3):
    count: int


class Listed(_Message, frozen=True, array_like=True, gc=False, tag=4):
    keys: list[TokenKey]


class Health(_Message, frozen=True, array_like=True, gc=False, tag=5):
    """busy_s: time spent on requests since the host's start, those for health left out."""

    process_id: int
    tokens: list[TokenHealth]
    busy_s: float


class TokenCreated(_Message, frozen=True, array_like=True, gc=False, tag=6):
    token: TokenRef


class Failed(_Message, frozen=True, array_like=True, gc=False, tag=7):
    """family: class name in core.error. is_begun: False where nothing was done, so that another
    host may be asked for whatever it was."""

    family: str
    reason: str
    text: str
    retry_after_s: float | None
    is_begun: bool = True


class Sealed(_Message, frozen=True, array_like=True, gc=False, tag=8):
    sealed: bytes


class Unsealed(_Message, frozen=True, array_like=True, gc=False, tag=9):
    plaintext: bytes

    def __repr__(self) -> str:
        return _without_content(self)


class MacMade(_Message, frozen=True, array_like=True, gc=False, tag=10):
    mac: bytes


class ItemFailed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of the message at a place; family: class name in core.error."""

    place: int
    family: str
    reason: str
    text: str
    retry_after_s: float | None


class SignedMany(_Message, frozen=True, array_like=True, gc=False, tag=11):
    """signatures: in the order of the messages, empty for those in failures."""

    signatures: list[bytes]
    failures: list[ItemFailed]


# Done with a key as it is, and quickly; done again, they do no harm.
KeyUse = SignRequest | SignManyRequest | SealRequest | UnsealRequest | MacRequest
Request = (
    KeyUse | GenerateRequest | DestroyRequest | ListRequest | HealthRequest | CreateTokenRequest
)
Answer = (
    Signed
    | SignedMany
    | Generated
    | Destroyed
    | Listed
    | Health
    | TokenCreated
    | Sealed
    | Unsealed
    | MacMade
    | Failed
)

_ENCODER: Final = msgspec.msgpack.Encoder()
_REQUESTS: Final = msgspec.msgpack.Decoder(Request)
_ANSWERS: Final = msgspec.msgpack.Decoder(Answer)


class MalformedFrame(Exception):
    """The other end does not speak this protocol; the connection is of no more use."""


def append_frame(buffer: bytearray, message: Request | Answer) -> None:
    """Add a message to what is to be written."""
    start = len(buffer)
    buffer += _ROOM
    _ENCODER.encode_into(message, buffer, -1)
    HEADER.pack_into(buffer, start, len(buffer) - start - HEADER.size)


def take_requests(buffer: bytearray, limit: int = MAX_FRAME_BYTES) -> list[Request]:
    """Take the complete requests off the front of a buffer. Raises MalformedFrame."""
    return _take(buffer, _REQUESTS, limit)


def take_answers(buffer: bytearray, limit: int = MAX_FRAME_BYTES) -> list[Answer]:
    """Take the complete answers off the front of a buffer. Raises MalformedFrame."""
    return _take(buffer, _ANSWERS, limit)


def _take(buffer: bytearray, decoder: "msgspec.msgpack.Decoder[_T]", limit: int) -> list[_T]:
    messages: list[_T] = []
    position, end = 0, len(buffer)
    with memoryview(buffer) as view:
        while end - position >= HEADER.size:
            (size,) = HEADER.unpack_from(view, position)
            if size > limit:
                raise MalformedFrame(f"a frame of {size} bytes; the most is {limit}")
            start = position + HEADER.size
            if end - start < size:
                break
            position = start + size
            try:
                messages.append(decoder.decode(view[start:position]))
            except msgspec.MsgspecError as error:
                raise MalformedFrame(str(error)) from error
    del buffer[:position]
    return messages


def _without_content(message: _Message) -> str:
    """Personal data may be logged nowhere, not even by accident."""
    return f"{type(message).__name__}(number={message.number})"


def failure(number: int, error: SignerdError, *, is_begun: bool = True) -> Failed:
    """An error as it crosses the socket: the nearest family that core knows."""
    return Failed(
        number, _family_of(error), error.reason, error.message, error.retry_after_s, is_begun
    )


def item_failure(place: int, error: SignerdError) -> ItemFailed:
    """The error of one of many messages as it crosses the socket."""
    return ItemFailed(place, _family_of(error), error.reason, error.message, error.retry_after_s)


def error_of(failed: Failed | ItemFailed) -> SignerdError:
    """The error that crossed the socket."""
    family = FAMILIES.get(failed.family, Internal)
    return family(failed.text, reason=failed.reason, retry_after_s=failed.retry_after_s)


def _family_of(error: SignerdError) -> str:
    return next(it.__name__ for it in type(error).__mro__ if it.__name__ in FAMILIES)
