"""Numbers that are given out once."""

from sqlalchemy import Connection, insert, select, update

from signerd.store.schema import counters

_FIRST = 1


def next_number(connection: Connection, name: str) -> int:
    """The next number of a counter, beginning with 1. In a write transaction, which commits
    whatever the number is for: what is rolled back is given out again, to somebody else."""
    is_named = counters.c.name == name
    number = connection.scalar(select(counters.c.next_number).where(is_named).with_for_update())
    if number is None:
        connection.execute(insert(counters).values(name=name, next_number=_FIRST + 1))
        return _FIRST
    connection.execute(update(counters).where(is_named).values(next_number=number + 1))
    return int(number)
