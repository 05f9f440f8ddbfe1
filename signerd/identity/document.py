"""Identity documents, and the port to who can tell whether they are genuine."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, Protocol

from signerd.config.secret_source import Secret
from signerd.core.error import InvalidRequest, SignerdError
from signerd.core.evidence import DocumentKind
from signerd.identity.document_number import parse_document_number

_EARLIEST: Final = date(1960, 1, 1)


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """A document as the customer reads it out. number: in plain form (parse_document_number);
    name: of the holder."""

    kind: DocumentKind
    number: Secret
    name: Secret
    issue_date: date = field(repr=False)


class DocumentOutcome(StrEnum):
    """What the verification service says. UNKNOWN: it has no such document, or cannot tell."""

    GENUINE = "GENUINE"
    NOT_GENUINE = "NOT_GENUINE"
    NAME_DIFFERS = "NAME_DIFFERS"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class DocumentVerdict:
    """reference: under which the service filed the question, for the auditor."""

    outcome: DocumentOutcome
    reference: str


class DocumentVerifier(Protocol):
    """Asks whether a document is genuine.

    Raises ServiceUnavailable (DOCUMENT_SERVICE_UNAVAILABLE) when there is no usable answer.
    """

    async def verify(self, document: IdentityDocument) -> DocumentVerdict: ...


_ADVICE: Final = {
    DocumentOutcome.NOT_GENUINE: (
        "the issuer says it is not genuine or no longer valid; check number and date of issue, or "
        "use another document"
    ),
    DocumentOutcome.NAME_DIFFERS: (
        "it belongs to another name; correct the registered name, or use the subscriber's own "
        "document"
    ),
    DocumentOutcome.UNKNOWN: (
        "the issuer does not know it; check kind, number and date of issue, or use another document"
    ),
}


def parse_document(
    kind: DocumentKind, number: Secret, name: str, issue_date: str, *, today: date
) -> IdentityDocument:
    """Check a document as far as can be done without its issuer.

    number: as printed. issue_date: as 2026-11-24. today: in Korea. Raises InvalidRequest
    (DOCUMENT_NUMBER_INVALID, DOCUMENT_ISSUE_DATE_INVALID); no message repeats the number.
    """
    plain = parse_document_number(kind, number, today=today)
    return IdentityDocument(kind, plain, Secret(name), _parse_date(issue_date, today))


def verdict_refusal(verdict: DocumentVerdict) -> SignerdError | None:
    """InvalidRequest (DOCUMENT_NOT_GENUINE, DOCUMENT_NAME_DIFFERS, DOCUMENT_UNKNOWN); None for a
    genuine document."""
    if verdict.outcome is DocumentOutcome.GENUINE:
        return None
    return InvalidRequest(
        f"the identity document was refused: {_ADVICE[verdict.outcome]}",
        reason=f"DOCUMENT_{verdict.outcome}",
        field="document",
    )


def _parse_date(text: str, today: date) -> date:
    try:
        issued = date.fromisoformat(text)
    except ValueError:
        issued = date.min
    if issued.isoformat() != text or not _EARLIEST <= issued <= today:
        raise InvalidRequest(
            "document.issue_date is no date of the past in the form 2026-11-24; send the date of "
            "issue as printed on the document",
            reason="DOCUMENT_ISSUE_DATE_INVALID",
            field="document.issue_date",
        )
    return issued
