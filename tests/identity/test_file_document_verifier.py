"""Documents of made-up customers, in a file."""

from datetime import date
from pathlib import Path

import pytest

from signerd.config.secret_source import Secret
from signerd.core.error import ServiceUnavailable
from signerd.core.evidence import DocumentKind
from signerd.identity.document import (
    DocumentOutcome,
    DocumentVerdict,
    DocumentVerifier,
    IdentityDocument,
)
from signerd.identity.file_document_verifier import FileDocumentVerifier

HEADER = "kind,number,name,issue_date\n"
ROW = "RESIDENT_CARD,900512-1234567,김하늘,2020-02-29\n"


def document(
    number: str = "9005121234567",
    name: str = "김하늘",
    issued: str = "2020-02-29",
    kind: DocumentKind = DocumentKind.RESIDENT_CARD,
) -> IdentityDocument:
    return IdentityDocument(kind, Secret(number), Secret(name), date.fromisoformat(issued))


def written(tmp_path: Path, text: str) -> DocumentVerifier:
    path = tmp_path / "documents.csv"
    path.write_text(text, "utf-8")
    return FileDocumentVerifier(path)


async def test_a_document_in_the_file_is_genuine(tmp_path: Path) -> None:
    """The reference is the line of the file; letters may be composed in either way."""
    verifier = written(tmp_path, HEADER + ROW)
    expected = DocumentVerdict(DocumentOutcome.GENUINE, "documents.csv:2")

    assert await verifier.verify(document()) == expected
    assert await verifier.verify(document(name=" \u1100\u1175\u11b7하늘 ")) == expected


async def test_what_differs_is_told(tmp_path: Path) -> None:
    """Another name, another date of issue, another kind or number."""
    verifier = written(tmp_path, HEADER + ROW)
    asked = {
        DocumentOutcome.NAME_DIFFERS: document(name="이바다"),
        DocumentOutcome.NOT_GENUINE: document(issued="2020-03-01"),
        DocumentOutcome.UNKNOWN: document("9005121234568"),
    }

    for outcome, question in asked.items():
        assert (await verifier.verify(question)).outcome is outcome
    other_kind = await verifier.verify(document(kind=DocumentKind.PASSPORT))
    assert other_kind == DocumentVerdict(DocumentOutcome.UNKNOWN, "documents.csv")


async def test_the_file_may_order_an_outcome(tmp_path: Path) -> None:
    """A harness writes down the refusal that it wants to see."""
    verifier = written(
        tmp_path,
        "outcome,reference,kind,number,name,issue_date\n"
        "NOT_GENUINE,case-7,DRIVERS_LICENCE,11-19-123456-78,김하늘,2020-02-29\n"
        ",,DRIVERS_LICENCE,11-19-123456-79,김하늘,2020-02-29\n",
    )
    kind = DocumentKind.DRIVERS_LICENCE

    ordered = await verifier.verify(document("111912345678", kind=kind))
    judged = await verifier.verify(document("111912345679", kind=kind))

    assert ordered == DocumentVerdict(DocumentOutcome.NOT_GENUINE, "case-7")
    assert judged == DocumentVerdict(DocumentOutcome.GENUINE, "documents.csv:3")


async def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """A customer added while the daemon runs is known at the next question."""
    verifier = written(tmp_path, HEADER)
    assert (await verifier.verify(document())).outcome is DocumentOutcome.UNKNOWN

    new = tmp_path / "new.csv"
    new.write_text(HEADER + ROW, "utf-8")
    new.replace(tmp_path / "documents.csv")

    assert (await verifier.verify(document())).outcome is DocumentOutcome.GENUINE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1 is not kind,number,name,issue_date"),
        ("kind,number,name\n", "line 1 is not"),
        (HEADER.replace("\n", ",colour\n"), "line 1 is not"),
        (HEADER + ROW + ROW.replace("RESIDENT", "LIBRARY"), "line 3 has an unknown kind"),
        (HEADER + ROW.replace("-1234567", ""), "line 2 has"),
        (HEADER + ROW.replace("02-29", "02-30"), "line 2 has"),
        (HEADER + "RESIDENT_CARD,900512-1234567\n", "line 2 has"),
        (HEADER + ROW.replace("\n", ",x\n"), "line 2 has more columns than line 1"),
        (HEADER + 'RESIDENT_CARD,"900512-1234567"x,y,z\n', "line 2 is no CSV"),
    ],
)
async def test_a_broken_file_is_an_error_to_be_mended(
    tmp_path: Path, text: str, problem: str
) -> None:
    """The error names file and line, not what stands there, and trying again helps once mended."""
    verifier = written(tmp_path, text)
    with pytest.raises(ServiceUnavailable) as caught:
        await verifier.verify(document())

    assert caught.value.reason == "DOCUMENT_SERVICE_UNAVAILABLE"
    assert f"{tmp_path / 'documents.csv'}: {problem}" in caught.value.message
    assert "900512" not in caught.value.message
    written(tmp_path, HEADER + ROW)
    assert (await verifier.verify(document())).outcome is DocumentOutcome.GENUINE


async def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Absent or no text: said, with the path."""
    path = tmp_path / "documents.csv"
    for problem in ("No such file", "is not UTF-8 text"):
        with pytest.raises(ServiceUnavailable, match=problem):
            await FileDocumentVerifier(path).verify(document())
        path.write_bytes(b"\xff\xfe\x00")
