import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from signerd.core.boot import BootError, ExitCode
from signerd.core.error import StoreUnavailable
from signerd.core.record import CertificateFilter, Page
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.migration import migrate
from tests.store.scenario import Bank, StandingClock, draft_of, event_of


class Mount:
    """A small file system of its own in memory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "signerd-test", directory], check=True
        )

    def fill(self) -> Path:
        """Leave no free byte; returns the file that takes them."""
        filler = self.directory / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (65536, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue
        return filler

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.directory], check=True)

    def end(self) -> None:
        subprocess.run(["umount", self.directory], check=True)


@pytest.fixture
def mount() -> Iterator[Mount]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    directory = Path(tempfile.mkdtemp(prefix="sd"))
    try:
        mount = Mount(directory)
    except subprocess.CalledProcessError:
        directory.rmdir()
        pytest.skip("this machine does not allow mounts")
    yield mount
    mount.end()
    directory.rmdir()


@pytest.fixture
def mounted_url(mount: Mount) -> str:
    url = f"sqlite:///{mount.directory / 'signerd.db'}"
    migrate(url)
    return url


async def test_full_disk_is_said_and_survived(
    mount: Mount, mounted_url: str, clock: StandingClock
) -> None:
    """On a full disk writes fail with advice and nothing is half written; reads go on; with room
    again writes work, and the audit chain is whole."""
    database = Database(mounted_url, chain="local/front-0", clock=clock)
    await database.start()
    bank = Bank(database, clock)
    await bank.open()
    certificate = await bank.issue()
    filler = mount.fill()
    failures = []
    for number in range(400):
        try:
            await bank.issue(draft_of(subscriber=f"s-{number}"))
        except StoreUnavailable as error:
            failures.append(error)
            if len(failures) == 3:
                break
    assert [error.reason for error in failures] == ["STORE_FULL"] * 3
    assert all("free space" in error.message and error.retry_after_s for error in failures)
    assert await bank.certificates.get_certificate(certificate.certificate_id) == certificate
    _remove(filler)
    await bank.issue()
    (report,) = await SqlAuditTrail(database).verify()
    assert report.ok
    await database.close()


def _remove(path: Path) -> None:
    path.unlink()


async def test_read_only_file_system_is_refused_at_start(
    mount: Mount, mounted_url: str, clock: StandingClock
) -> None:
    """A daemon whose database cannot be written does not start."""
    mount.remount("ro")
    database = Database(mounted_url, chain="local/front-0", clock=clock)
    with pytest.raises(BootError) as caught:
        await database.start()
    assert caught.value.code is ExitCode.STORE_BROKEN
    assert "\n" not in caught.value.message
    mount.remount("rw")
    await database.start()
    await database.close()


def _destroy_table(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    connection = sqlite3.connect(path)
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
    ).fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


async def test_damaged_table_is_said_and_spares_the_others(
    store_url: str, clock: StandingClock
) -> None:
    """Pages destroyed behind the daemon's back become a clear error for whoever needs them, in
    reading and in writing, and other tables still serve."""
    database = Database(store_url, chain="local/front-0", clock=clock)
    await database.start()
    bank = Bank(database, clock)
    await bank.open()
    await bank.issue()
    await database.close()
    _destroy_table(Path(store_url.removeprefix("sqlite:///")), "certificates")
    await database.start()
    record, _ = await bank.issuances.begin_issuance(draft_of())
    for use in (
        lambda: bank.certificates.list_certificates(CertificateFilter(), Page(10), clock.now()),
        lambda: bank.finish(record),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            await use()
        assert caught.value.reason == "STORE_CORRUPT"
        assert "restore the database from a backup" in caught.value.message
    await SqlAuditTrail(database).append([event_of()])
    (report,) = await SqlAuditTrail(database).verify()
    assert report.ok
    await database.close()
