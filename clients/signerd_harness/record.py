"""The record of a run in its directory, so that another run goes on with its customers."""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from signerd_harness.scenario import Population
from signerd_harness.scenario_file import ScenarioError

_FILE: Final = "run.json"
# The daemon keeps request ids for a week unless it is configured otherwise; asked again later, it
# would issue a second certificate.
_LONGEST: Final = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Terms:
    """What may not change while a directory is used. issuing_ca: SHA-256 of its certificate,
    hexadecimal. workers: who share the customers."""

    principal: str
    issuing_ca: str
    workers: int
    population: Population


@contextmanager
def open_record(directory: Path, terms: Terms, now: datetime) -> Iterator[uuid.UUID]:
    """The id of the run in a directory, a new one where there is none. now: aware.

    Raises ScenarioError when another process uses it, or it was begun with other terms.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / _FILE).open("a+")
    except OSError as error:
        raise ScenarioError(f"cannot write {directory}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ScenarioError(f"another run is using {directory}") from None
        file.seek(0)
        if text := file.read():
            yield _resume(directory, text, terms, now)
            return
        run = uuid.uuid4()
        json.dump({"run": str(run), "begun": now.isoformat(), **asdict(terms)}, file)
        file.flush()
        os.fsync(file.fileno())
        yield run


def _resume(directory: Path, text: str, terms: Terms, now: datetime) -> uuid.UUID:
    try:
        entry = json.loads(text)
        run, begun = uuid.UUID(entry["run"]), datetime.fromisoformat(entry["begun"])
    except (ValueError, KeyError, TypeError):
        raise ScenarioError(
            f"{directory / _FILE} is not what signerctl writes; choose another directory"
        ) from None
    for name, value in json.loads(json.dumps(asdict(terms))).items():
        if entry.get(name) != value:
            raise ScenarioError(
                f"{directory} was begun with {name} {entry.get(name)}, not {value}:"
                " go on with it as it was begun, or choose another directory"
            )
    if now - begun > _LONGEST:
        raise ScenarioError(
            f"{directory} was begun at {begun:%Y-%m-%d %H:%M} UTC, and the daemon keeps request"
            " ids for a week: choose another directory"
        )
    return run
