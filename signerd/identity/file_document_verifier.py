"""Identity documents, looked up in a file: for test harnesses, which make up their customers.

CSV, UTF-8, with the header kind,number,name,issue_date and optionally outcome and reference; kind
as in DocumentKind, issue_date as 2026-11-24. outcome, where it is given, is the answer to whoever
asks about this number.
"""

import asyncio
import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest, ServiceUnavailable
from signerd.core.evidence import DocumentKind
from signerd.identity.document import DocumentOutcome, DocumentVerdict, IdentityDocument
from signerd.identity.document_number import parse_document_number

_REQUIRED: Final = frozenset({"kind", "number", "name", "issue_date"})
_KNOWN: Final = _REQUIRED | {"outcome", "reference"}
_SURPLUS: Final = "surplus"


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str = field(repr=False)
    issue_date: date = field(repr=False)
    outcome: DocumentOutcome | None
    reference: str


_Entries = Mapping[tuple[DocumentKind, str], _Entry]
_Stamp = tuple[int, int, int]


class FileDocumentVerifier:
    """A DocumentVerifier over a file, which is read again after it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[_Stamp, _Entries] | None = None

    async def verify(self, document: IdentityDocument) -> DocumentVerdict:
        """Look it up. Raises ServiceUnavailable (DOCUMENT_SERVICE_UNAVAILABLE) naming the file and
        the line that cannot be read."""
        entries = await asyncio.to_thread(self._entries)
        entry = entries.get((document.kind, document.number.reveal()))
        if entry is None:
            return DocumentVerdict(DocumentOutcome.UNKNOWN, self._path.name)
        return DocumentVerdict(_outcome(entry, document), entry.reference)

    def count(self) -> int:
        """How many documents the file has. Raises ServiceUnavailable, as verify."""
        return len(self._entries())

    def _entries(self) -> _Entries:
        try:
            status = self._path.stat()
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, dict(self._parsed(self._path.read_text("utf-8-sig"))))
            return self._read[1]
        except OSError as error:
            raise self._broken(f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise self._broken("is not UTF-8 text") from None

    def _parsed(self, text: str) -> Iterator[tuple[tuple[DocumentKind, str], _Entry]]:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey=_SURPLUS)
        try:
            header = set(rows.fieldnames or ())
            if not _REQUIRED <= header <= _KNOWN:
                raise self._broken("line 1 is not kind,number,name,issue_date[,outcome,reference]")
            for row in rows:
                if _SURPLUS in row:
                    raise self._broken(f"line {rows.line_num} has more columns than line 1")
                yield self._entry(row, rows.line_num)
        except csv.Error:
            raise self._broken(f"line {rows.reader.line_num} is no CSV") from None

    def _entry(self, row: dict[str, str], line: int) -> tuple[tuple[DocumentKind, str], _Entry]:
        try:
            kind = DocumentKind(row["kind"])
            number = parse_document_number(kind, Secret(row["number"]), today=date.max)
            outcome = row.get("outcome")
            return (kind, number.reveal()), _Entry(
                name=_comparable(row["name"]),
                issue_date=date.fromisoformat(row["issue_date"]),
                outcome=DocumentOutcome(outcome) if outcome else None,
                reference=row.get("reference") or f"{self._path.name}:{line}",
            )
        except (ValueError, TypeError, AttributeError, InvalidRequest):
            # Their texts may repeat what the line holds.
            raise self._broken(
                f"line {line} has an unknown kind or outcome, a malformed number or date, or too "
                "few columns"
            ) from None

    def _broken(self, problem: str) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"the file of identity documents, {self._path}: {problem}; correct it and try again",
            reason="DOCUMENT_SERVICE_UNAVAILABLE",
        )


def _outcome(entry: _Entry, document: IdentityDocument) -> DocumentOutcome:
    if entry.outcome is not None:
        return entry.outcome
    if entry.issue_date != document.issue_date:
        return DocumentOutcome.NOT_GENUINE
    if entry.name != _comparable(document.name.reveal()):
        return DocumentOutcome.NAME_DIFFERS
    return DocumentOutcome.GENUINE


def _comparable(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
