"""Calls as values: what to send where, and how to read the answer.

The blocking and the asynchronous client share them; they differ only in how a call is run.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from google.protobuf.message import Message

T = TypeVar("T")
MessageT = TypeVar("MessageT", bound=Message)


def new_request_id() -> str:
    """A UUID for one call."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One RPC with one answer.

    method: path of the RPC. payload: the request, encoded once, so that every attempt sends the
    same bytes. decode: makes the value of the answer's bytes; raises Corrupted or, for bytes that
    are no such message, DecodeError. timeout_s: deadline over all attempts; None is the client's
    default. request_id: names the call in the daemon's log, and for a change the change itself, so
    that every attempt and every repetition is known as the same.
    """

    method: str
    # Not shown: it may hold what is personal.
    payload: bytes = field(repr=False)
    decode: Callable[[bytes], T]
    timeout_s: float | None
    request_id: str = field(default_factory=new_request_id)
    is_change: bool = False

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with the request: its id, unless that cannot stand in a header."""
        fits = self.request_id.isascii() and self.request_id.isprintable()
        return (("x-request-id", self.request_id),) if fits else ()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a listing; next_token is empty on the last page."""

    items: tuple[T, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A listing over all its pages; page makes the call for the page with a token."""

    page: Callable[[str], Call[Page[T]]]


@dataclass(frozen=True, slots=True)
class Watch(Generic[T]):
    """An endless stream; opening makes the call that continues after an item.

    timeout_s of the call bounds the whole stream; None is until the caller stops.
    """

    opening: Callable[[T | None], Call[T]]


def decoder(response: type[MessageT], convert: Callable[[MessageT], T]) -> Callable[[bytes], T]:
    """Makes the decode function of a call."""

    def decode(answer: bytes) -> T:
        return convert(response.FromString(answer))

    return decode
