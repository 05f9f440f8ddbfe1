"""Stored values back to domain values, without trusting that nobody edited them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Row

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.record import HolderIdentity, SubjectRecord
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


def identity_to_columns(identity: HolderIdentity | None) -> dict[str, str | bytes | None]:
    """The columns in which certificates and issuances keep their holder's identity."""
    if identity is None:
        return {"holder_name": None, "virtual_id": None, "sealed_random": None}
    return {
        "holder_name": identity.real_name,
        "virtual_id": identity.virtual_id,
        "sealed_random": identity.sealed_random,
    }


def identity_from_row(row: Row[Any]) -> HolderIdentity | None:
    """Back from these columns; None where there is no VID."""
    if row.virtual_id is None:
        return None
    return HolderIdentity(row.holder_name, row.virtual_id, row.sealed_random)
