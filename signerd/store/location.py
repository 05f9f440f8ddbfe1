"""Where the database is: the URL and the file behind it."""

import os
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from signerd.core.boot import BootError, ExitCode


def parse_url(url: str) -> URL:
    """Raises BootError (CONFIG_INVALID) for what is no URL of an SQLite database in a file."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _invalid("store.url is no database URL") from None
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise _invalid(f"store.url names {parsed.drivername}, which signerd cannot use")
    if parsed.database in (None, "", ":memory:"):
        raise _invalid("store.url names no file; an in-memory database would lose every record")
    return parsed


def database_path(url: URL) -> Path:
    """The file of a database whose URL `parse_url` gave."""
    return Path(url.database or "")


def existing_file_url(url: URL) -> URL:
    """The same database, but never made when it is missing: a file that went away while the
    daemon runs must be an error, not a new and empty database."""
    name = quote(os.fspath(database_path(url).absolute()))
    return url.set(database=f"file:{name}", query={"mode": "rw", "uri": "true"})


def _invalid(what: str) -> BootError:
    return BootError(ExitCode.CONFIG_INVALID, f"{what}; write it as sqlite:///path/of/file.db")
