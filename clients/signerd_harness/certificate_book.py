"""The certificates of a run in a file, so that memory holds eight bytes for each customer.

An append-only file of records; a record that a kill cut off is dropped when the file is opened
again. All integers are big-endian.
"""

import os
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from signerd_client import Certificate
from signerd_harness.act import Standing

_HEAD: Final = struct.Struct(">IBHHH")  # customer, kind, lengths of the three parts
_STANDINGS: Final = tuple(Standing)
_CERTIFICATE: Final = 255
# Offsets begin after this, so that offset 0 is none.
_MAGIC: Final = b"signerd harness certificates 1\n"


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate as far as acts and verification need it. name and credential: resource names.
    der: the certificate. offset: where it stands in the book."""

    name: str
    credential: str
    der: bytes
    offset: int


class CertificateBook:
    """The newest certificate, the one before it and the standing of each customer by index."""

    def __init__(self, path: Path, count: int) -> None:
        """Opens the file or makes it. count: customers, indices 0 to count - 1."""
        self._path = path
        self._newest = array("Q", bytes(8 * count))
        self._before = array("Q", bytes(8 * count))
        self._standing = bytearray(count)
        self._file = path.open("a+b")
        self._end = self._take_up()

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def __len__(self) -> int:
        return len(self._standing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def standing(self, customer: int) -> Standing:
        """How a customer's newest certificate stands."""
        return _STANDINGS[self._standing[customer]]

    def newest(self, customer: int) -> Held:
        """Raises KeyError for a customer without certificate."""
        return self._read(self._newest[customer])

    def before(self, customer: int) -> Held | None:
        """The certificate that the newest one replaced in this run; None where there is none."""
        offset = self._before[customer]
        return self._read(offset) if offset else None

    def keep(self, customer: int, certificate: Certificate, standing: Standing) -> None:
        """A certificate that the customer has got."""
        parts = (certificate.name.encode(), certificate.credential.encode(), certificate.der)
        offset = self._append(customer, _CERTIFICATE, parts)
        self._before[customer], self._newest[customer] = self._newest[customer], offset
        self.put(customer, standing)

    def put(self, customer: int, standing: Standing) -> None:
        """How it stands from now on. UNKNOWN is put before a change is sent, so that a run that is
        killed meanwhile leaves a customer to be asked about."""
        if self.standing(customer) is not standing:
            self._append(customer, _STANDINGS.index(standing), (b"", b"", b""))
            self._standing[customer] = _STANDINGS.index(standing)

    def _append(self, customer: int, kind: int, parts: tuple[bytes, bytes, bytes]) -> int:
        record = _HEAD.pack(customer, kind, *map(len, parts)) + b"".join(parts)
        self._file.write(record)
        self._file.flush()
        offset, self._end = self._end, self._end + len(record)
        return offset

    def _read(self, offset: int) -> Held:
        if not offset:
            raise KeyError("no certificate")
        return read_held(self._file.fileno(), offset)

    def _take_up(self) -> int:
        """Go through the file; its length without a record that is incomplete."""
        if not self._path.stat().st_size:
            self._file.write(_MAGIC)
            self._file.flush()
        self._file.seek(len(_MAGIC))
        end = len(_MAGIC)
        while len(head := self._file.read(_HEAD.size)) == _HEAD.size:
            customer, kind, *lengths = _HEAD.unpack(head)
            after = end + _HEAD.size + sum(lengths)
            if len(self._file.read(sum(lengths))) < sum(lengths):
                break
            if kind == _CERTIFICATE:
                self._before[customer], self._newest[customer] = self._newest[customer], end
            else:
                self._standing[customer] = kind
            end = after
        self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)
        return end


def every_certificate(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each certificate in a book, DER, with the index of its customer, in the order in which they
    came."""
    with path.open("rb") as file:
        file.seek(len(_MAGIC))
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            customer, kind, name, credential, der = _HEAD.unpack(head)
            body = file.read(name + credential + der)
            if kind == _CERTIFICATE:
                yield customer, body[name + credential :]


def read_held(file: int, offset: int) -> Held:
    """The certificate at an offset of an open book."""
    head = os.pread(file, _HEAD.size, offset)
    _, _, name, credential, der = _HEAD.unpack(head)
    body = os.pread(file, name + credential + der, offset + _HEAD.size)
    return Held(
        body[:name].decode(),
        body[name : name + credential].decode(),
        body[name + credential :],
        offset,
    )
