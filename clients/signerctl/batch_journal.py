"""What a batch has done so far, kept so that it can be ended at any moment and gone on with."""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from signerctl.data import DataError
from signerd_client import Certificate

_JOURNAL: Final = "journal.jsonl"
_CERTIFICATES: Final = "certificates"
# The daemon keeps request ids for a week unless it is configured otherwise; asked again later, it
# would issue a second certificate.
_LONGEST: Final = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Terms:
    """What may not change between the runs of a batch: who asks whom for what.

    issuing_ca: SHA-256 of its certificate, hexadecimal.
    """

    principal: str
    issuing_ca: str
    profile: str
    algorithm: str
    key_group: str


class Journal:
    """The batch in a directory: its id, and who has got which certificate.

    It has a line for the batch, which is on disk before the first call, and a line for each
    certificate, written after its file. A line that is lost only means that the daemon is asked
    once more with the same request id.
    """

    def __init__(self, directory: Path, file: BinaryIO, batch: uuid.UUID, begun: datetime) -> None:
        self._directory = directory
        self._file = file
        self._batch = batch
        self._begun = begun
        self._issued: dict[str, str] = {}

    @property
    def batch(self) -> str:
        """The id of the batch, a UUID."""
        return str(self._batch)

    @property
    def issued(self) -> Mapping[str, str]:
        """Names of the certificates by subscriber."""
        return self._issued

    def request_id(self, subscriber: str) -> str:
        """The same in every run, so that no subscriber gets two certificates."""
        return str(uuid.uuid5(self._batch, subscriber))

    def keep(self, subscriber: str, certificate: Certificate) -> None:
        """Write a certificate to its file and remember it. Raises DataError."""
        # No subscriber that the daemon has issued to is a path: it takes a-z, 0-9 and hyphens.
        path = self._path(subscriber)
        line = _line({"subscriber": subscriber, "certificate": certificate.name})
        try:
            replace_file(path, certificate.pem)
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise DataError(f"cannot write {self._directory}: {error.strerror}") from None
        self._issued[subscriber] = certificate.name

    def check_age(self, now: datetime) -> None:
        """Raises DataError when it is too late to go on with this batch."""
        if now - self._begun > _LONGEST:
            raise DataError(
                f"the batch in {self._directory} was begun at {self._begun:%Y-%m-%d %H:%M:%S} UTC,"
                " and the daemon keeps request ids for a week: see report.csv for who has no"
                " certificate, look at those at the daemon, and begin another batch"
            )

    def take_up(self, lines: list[bytes]) -> None:
        """Remember what earlier runs did, as far as the files are still there."""
        for line in lines:
            entry = json.loads(line)
            if self._path(entry["subscriber"]).exists():
                self._issued[entry["subscriber"]] = entry["certificate"]

    def _path(self, subscriber: str) -> Path:
        return self._directory / _CERTIFICATES / f"{subscriber}.pem"


@contextmanager
def open_journal(directory: Path, terms: Terms, now: datetime) -> Iterator[Journal]:
    """Begin the batch in a directory, or go on with it. now: the time, UTC, aware.

    Raises DataError when another run works on it, when it was begun with other terms, and when
    the directory cannot be used.
    """
    try:
        (directory / _CERTIFICATES).mkdir(parents=True, exist_ok=True)
        file = (directory / _JOURNAL).open("a+b")
    except OSError as error:
        raise DataError(f"cannot write {directory}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another run is working on the batch in {directory}") from None
        yield _begin_or_resume(directory, file, terms, now)


def replace_file(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees all of it or what was there. Raises OSError."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(text)
    unfinished.replace(path)


def _begin_or_resume(directory: Path, file: BinaryIO, terms: Terms, now: datetime) -> Journal:
    head, *lines = _whole_lines(file) or [b""]
    if not head:
        batch = uuid.uuid4()
        entry = {"batch": str(batch), "begun": now.astimezone(UTC).isoformat()} | asdict(terms)
        file.write(_line(entry))
        file.flush()
        os.fsync(file.fileno())
        return Journal(directory, file, batch, now)
    try:
        entry = json.loads(head)
        batch, begun = uuid.UUID(entry["batch"]), datetime.fromisoformat(entry["begun"])
        journal = Journal(directory, file, batch, begun)
        journal.take_up(lines)
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{directory / _JOURNAL} is not what signerctl writes") from None
    for name, value in asdict(terms).items():
        if entry.get(name) != value:
            raise DataError(
                f"the batch in {directory} was begun with {name} {entry.get(name)}, not {value}:"
                " go on with it as it was begun, or choose another directory"
            )
    return journal


def _whole_lines(file: BinaryIO) -> list[bytes]:
    """The lines, without a last one that a run was killed in the middle of."""
    file.seek(0)
    whole, end, _ = file.read().rpartition(b"\n")
    file.truncate(len(whole) + len(end))
    return whole.split(b"\n") if end else []


def _line(entry: Mapping[str, str]) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"
