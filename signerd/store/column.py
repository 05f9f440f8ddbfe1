"""Column types that SQLite and PostgreSQL keep alike."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Integer,
    TypeDecorator,
    func,
    type_coerce,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# SQLite counts rows by itself only for a column of exactly the type INTEGER.
RowNumber: Final = BigInteger().with_variant(Integer, "sqlite")


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time to be stored needs a time zone")
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The UTC time that `to_microseconds` came from. Raises OverflowError outside years 1-9999."""
    return _EPOCH + timedelta(microseconds=count)


class UtcMicroseconds(TypeDecorator[datetime]):
    """A moment, as an integer of microseconds: no dialect has a say in zones and precision."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else from_microseconds(value)


def utc_month(column: ColumnElement[Any]) -> ColumnElement[str]:
    """The month of a `UtcMicroseconds` column in UTC, as "2026-11". SQLite's function: another
    database has another."""
    return func.strftime("%Y-%m", type_coerce(column, BigInteger) // 1_000_000, "unixepoch")
