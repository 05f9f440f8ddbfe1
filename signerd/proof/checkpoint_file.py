"""The checkpoint file: what was signed, kept beside the database.

One JSON document a line, UTF-8, appended and never changed: number; checkpoint, the text;
signature, fingerprints and, where there is one, time_stamp in base64. See audit/checkpoint.py for
what they are. Lines that are no such document are what a crash left of one.
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from signerd.audit.checkpoint import SignedCheckpoint
from signerd.core.error import ServiceUnavailable
from signerd.core.fault import FaultPoint, reach

_LONGEST_LINE: Final = 4 << 20
_READ_BACK: Final = 64 << 10


class CheckpointFile:
    """Written by the one keeper that holds the lease; read by whoever verifies."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_there(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    def append(self, signed: list[SignedCheckpoint]) -> None:
        """Add checkpoints, durably. Raises ServiceUnavailable (CHECKPOINT_FILE_FAILED)."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                for one in signed:
                    _append(file, _line_of(one))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._failed(error) from error

    def last(self) -> SignedCheckpoint | None:
        """The checkpoint in the last line that holds one. Raises ServiceUnavailable."""
        try:
            with self.path.open("rb") as file:
                return _last(file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error

    def read(self) -> Iterator[SignedCheckpoint]:
        """Those that are there by now, in the order of the lines; nothing when there is no file.

        Raises ServiceUnavailable."""
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(0)
                while file.tell() < end:
                    line = file.readline(_LONGEST_LINE)
                    if (signed := _signed_of(line)) is not None:
                        yield signed
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"the checkpoint file {self.path}: {error.strerror}; mend the file or its disk, or "
            "name another in [audit] checkpoint_file",
            reason="CHECKPOINT_FILE_FAILED",
        )


def _append(file: BinaryIO, line: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    if end:
        file.seek(end - 1)
        if file.read(1) != b"\n":
            # What a crash left half written stays: the medium may allow nothing else.
            line = b"\n" + line
    half = len(line) // 2
    file.write(line[:half])
    file.flush()
    reach(FaultPoint.KEEPER_CHECKPOINT_HALF_FILED)
    file.write(line[half:])


def _last(file: BinaryIO) -> SignedCheckpoint | None:
    """Reads back from the end until a line makes sense."""
    end, length = file.seek(0, os.SEEK_END), _READ_BACK
    while True:
        file.seek(max(0, end - length))
        _, *lines = (
            (b"\n" + file.read()).split(b"\n") if length >= end else file.read().split(b"\n")
        )
        for line in reversed(lines):
            if (signed := _signed_of(line)) is not None:
                return signed
        if length >= end:
            return None
        length *= 4


def _line_of(signed: SignedCheckpoint) -> bytes:
    document: dict[str, object] = {
        "number": signed.number,
        "checkpoint": signed.text.decode("ascii"),
        "signature": base64.b64encode(signed.signature).decode(),
        "fingerprints": base64.b64encode(signed.fingerprints).decode(),
    }
    if signed.time_stamp:
        document["time_stamp"] = base64.b64encode(signed.time_stamp).decode()
    return json.dumps(document).encode() + b"\n"


def _signed_of(line: bytes) -> SignedCheckpoint | None:
    try:
        document = json.loads(line)
        number = document["number"]
        return SignedCheckpoint(
            number=number if type(number) is int else -1,
            text=document["checkpoint"].encode(),
            signature=base64.b64decode(document["signature"]),
            fingerprints=base64.b64decode(document["fingerprints"]),
            time_stamp=base64.b64decode(document.get("time_stamp", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
