"""Every signature that was answered, with what it is over and the certificate it should be of: what
somebody else verifies later.

An append-only file of records; integers are big-endian.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_HEAD: Final = struct.Struct(">QIH")  # offset in the book, lengths of data and signature


@dataclass(frozen=True, slots=True)
class Evidence:
    """offset: of the certificate in the book of the same worker."""

    offset: int
    data: bytes
    signature: bytes


class EvidenceFile:
    """Written by one worker; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, evidence: Evidence) -> None:
        """One signature."""
        head = _HEAD.pack(evidence.offset, len(evidence.data), len(evidence.signature))
        self._file.write(head + evidence.data + evidence.signature)

    def flush(self) -> None:
        """For whoever reads while it is written."""
        if not self._file.closed:
            self._file.flush()


class EvidenceReader:
    """Reads a file from its start, as far as it is whole."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def read(self) -> Iterator[Evidence]:
        """What has been added since the last time; called again it goes on."""
        while True:
            begin = self._file.tell()
            head = self._file.read(_HEAD.size)
            if len(head) == _HEAD.size:
                offset, data, signature = _HEAD.unpack(head)
                body = self._file.read(data + signature)
                if len(body) == data + signature:
                    yield Evidence(offset, body[:data], body[data:])
                    continue
            self._file.seek(begin)
            return

    def close(self) -> None:
        """Close the file."""
        self._file.close()
