"""Brings the schema up to date and tells whether it is.

Alembic is loaded only where it is needed: `migrate`, and to explain a schema that does not fit.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, text

from signerd.core.boot import BootError, ExitCode
from signerd.core.error import SignerdError
from signerd.store.engine import open_writer
from signerd.store.failure import translated
from signerd.store.location import database_path, parse_url
from signerd.store.schema import REVISION
from signerd.store.write_lock import WriteLock

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Make the database or bring an older one up to date; doing it again changes nothing.

    Raises BootError (STORE_BROKEN) with one line that says what is wrong and how to mend it.
    """
    from alembic import command  # noqa: PLC0415 - see the module
    from alembic.util import CommandError  # noqa: PLC0415 - see the module

    parsed = parse_url(url)
    path = database_path(parsed)
    _make_file(path)
    try:
        with translated():
            lock = WriteLock(path)
            engine = open_writer(parsed)
            try:
                with lock, engine.begin() as connection:
                    config = _alembic()
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
            finally:
                engine.dispose()
                lock.close()
    except SignerdError as error:
        raise broken(f"cannot migrate the database: {error.message}") from error
    except CommandError:
        raise broken(_NEWER) from None


def check_schema(engine: Engine) -> None:
    """Raises BootError (STORE_BROKEN) unless the schema is exactly the one this version uses."""
    try:
        with translated(), engine.connect() as connection:
            revision = _revision(connection)
    except SignerdError as error:
        raise broken(f"cannot read the database: {error.message}") from error
    if revision is None:
        raise broken("the database holds no signerd tables; run `signerd init`")
    if revision != REVISION:
        raise broken(_OLDER if revision in _known_revisions() else _NEWER)


def broken(message: str) -> BootError:
    """The boot failure for a database that cannot be used."""
    return BootError(ExitCode.STORE_BROKEN, message)


_OLDER: Final = (
    "the database has an older schema than this version of signerd; stop every process, back the "
    "database up and run `signerd init` to migrate it"
)
_NEWER: Final = (
    "the database has a newer or foreign schema; run the version of signerd that migrated it, or "
    "restore a backup"
)


def _revision(connection: Connection) -> str | None:
    """The revision in Alembic's own table; None when there is no such table."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _known_revisions() -> set[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see the module

    scripts = ScriptDirectory.from_config(_alembic())
    return {script.revision for script in scripts.walk_revisions()}


def _alembic() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see the module

    config = Config()
    # A percent sign is ConfigParser's.
    config.set_main_option("script_location", os.fspath(_SCRIPTS).replace("%", "%%"))
    return config


def _make_file(path: Path) -> None:
    """An empty file that only the daemon's user can open; SQLite gives its side files its mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise broken(f"cannot make the database {path}: {error.strerror}") from error
