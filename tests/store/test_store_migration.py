import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint

from signerd.core.boot import BootError, ExitCode
from signerd.store.database import Database
from signerd.store.engine import open_writer
from signerd.store.location import parse_url
from signerd.store.migration import migrate
from signerd.store.schema import REVISION, metadata
from tests.store.scenario import StandingClock


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


async def _boot_failure(path: Path) -> str:
    database = Database(_url(path), chain="local/front-0", clock=StandingClock())
    with pytest.raises(BootError) as caught:
        await database.start()
    assert caught.value.code is ExitCode.STORE_BROKEN
    assert "\n" not in caught.value.message
    return caught.value.message


def _names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def _overwrite(path: Path, start: int, garbage: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(garbage)


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    path = tmp_path / "signerd.db"
    migrate(_url(path))
    return path


def _execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def test_migrations_make_what_the_schema_says(store_url: str) -> None:
    """The tables that the migrations make are the ones that the code expects."""
    engine = open_writer(parse_url(store_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_revision_in_the_code_is_the_last_migration() -> None:
    """The revision that a start looks for is the newest one there is."""
    scripts = ScriptDirectory(str(Path(migrate.__code__.co_filename).parent / "migrations"))
    assert scripts.get_current_head() == REVISION


def test_every_constraint_and_index_has_a_name() -> None:
    """A constraint without a name could not be dropped by a later migration."""
    for table in metadata.tables.values():
        named = [
            constraint
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint | ForeignKeyConstraint | UniqueConstraint)
        ]
        assert all(item.name for item in [*named, *table.indexes, table.primary_key])


def test_migrating_again_changes_nothing(migrated: Path) -> None:
    """Init may run twice."""
    before = migrated.read_bytes()
    migrate(_url(migrated))
    assert migrated.read_bytes() == before


def test_database_is_private(migrated: Path) -> None:
    """Nobody but the daemon's user may read the database or what lies beside it."""
    for path in migrated.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_migrating_into_a_missing_directory_says_so(tmp_path: Path) -> None:
    """A database that cannot be made is a boot failure in one line."""
    with pytest.raises(BootError) as caught:
        migrate(_url(tmp_path / "no" / "signerd.db"))
    assert caught.value.code is ExitCode.STORE_BROKEN
    assert "No such file or directory" in caught.value.message


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "sqlite:///:memory:", "odd:///x"])
def test_url_without_a_database_is_refused(url: str) -> None:
    """A URL that names no lasting database is a mistake in the configuration."""
    with pytest.raises(BootError) as caught:
        Database(url, chain="c", clock=StandingClock())
    assert caught.value.code is ExitCode.CONFIG_INVALID


async def test_missing_database_is_not_made_by_a_start(tmp_path: Path) -> None:
    """Only init makes a database; a daemon that finds none says so and makes none."""
    path = tmp_path / "signerd.db"
    assert "run `signerd init`" in await _boot_failure(path)
    assert _names_in(tmp_path) == []


async def test_empty_and_foreign_databases_are_refused(tmp_path: Path) -> None:
    """A database without our tables is not used."""
    empty, foreign = tmp_path / "empty.db", tmp_path / "foreign.db"
    empty.touch()
    _execute(foreign, "CREATE TABLE t (x)")
    for path in (empty, foreign):
        assert "holds no signerd tables" in await _boot_failure(path)


async def test_newer_schema_is_refused(migrated: Path) -> None:
    """A database that a later version migrated is left alone, by start and by init."""
    _execute(migrated, "UPDATE alembic_version SET version_num = '9999'")
    assert "newer or foreign schema" in await _boot_failure(migrated)
    with pytest.raises(BootError) as caught:
        migrate(_url(migrated))
    assert "newer or foreign schema" in caught.value.message


async def test_older_schema_asks_for_migration(
    migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version whose schema is newer than the database asks for init instead of guessing."""
    monkeypatch.setattr("signerd.store.migration.REVISION", "0002")
    assert "older schema" in await _boot_failure(migrated)


async def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A file of something else is reported as damaged, by start and by init."""
    path = tmp_path / "signerd.db"
    path.write_bytes(b"this is not a database, and long enough to be sure of that" * 100)
    assert "damaged" in await _boot_failure(path)
    with pytest.raises(BootError) as caught:
        migrate(_url(path))
    assert "damaged" in caught.value.message


async def test_damaged_pages_are_refused(migrated: Path) -> None:
    """A database whose first pages were overwritten does not start."""
    _overwrite(migrated, 100, b"\xff" * 19900)
    assert "damaged" in await _boot_failure(migrated)


def test_start_loads_no_migration_tool(migrated: Path) -> None:
    """A daemon whose schema fits does not spend its start on loading Alembic."""
    program = f"""
import asyncio, sys
from signerd.core.clock import SystemClock
from signerd.store.database import Database
async def main():
    database = Database({_url(migrated)!r}, chain="c", clock=SystemClock())
    await database.start()
    await database.close()
asyncio.run(main())
print("alembic" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert run.stdout == b"False\n"
