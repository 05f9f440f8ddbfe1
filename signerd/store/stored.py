"""Stored values back to domain values, without trusting that nobody edited them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.record import SubjectRecord
from signerd.store.failure import corrupt

_T = TypeVar("_T")

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode_subject: Final = msgspec.json.Decoder(SubjectRecord).decode


@contextmanager
def decoded(what: str) -> Iterator[None]:
    """Raise StoreUnavailable (STORE_CORRUPT), naming what is being read, for values that the
    daemon cannot have written."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
        raise corrupt(f"{what} has a value that makes no sense") from error


def typed(value: object, kind: type[_T]) -> _T:
    """A value that SQLite, which enforces no column types, should have kept as it was.

    Raises TypeError.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} stored where {kind.__name__} belongs")
    return value


def subject_to_text(subject: SubjectRecord) -> str:
    """JSON."""
    return _encode(subject).decode()


def subject_from_text(value: str) -> SubjectRecord:
    """Raises msgspec.MsgspecError."""
    return _decode_subject(value)


def algorithm_from_text(value: Any) -> KeyAlgorithm | None:
    """Raises ValueError."""
    return None if value is None else KeyAlgorithm(value)
