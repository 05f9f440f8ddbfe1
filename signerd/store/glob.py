"""Glob patterns of the policy as SQL conditions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, false, or_, true

_ESCAPE = "\\"


def matches_any(column: ColumnElement[Any], patterns: Sequence[str]) -> ColumnElement[bool]:
    """The column, whose values are lower case, matches one of the patterns; `*` stands for any
    text and is the only wildcard. No pattern matches nothing."""
    if "*" in patterns:
        return true()
    # SQLite's LIKE takes A for a and PostgreSQL's does not: what has upper case matches nothing.
    conditions = [_matches(column, pattern) for pattern in patterns if pattern == pattern.lower()]
    return or_(false(), *conditions)


def _matches(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    if "*" not in pattern:
        return column == pattern
    escaped = pattern.replace(_ESCAPE, _ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")
    return column.like(escaped.replace("*", "%"), escape=_ESCAPE)
