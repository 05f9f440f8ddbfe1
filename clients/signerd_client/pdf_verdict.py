"""Verdicts on signed PDF files."""

from dataclasses import dataclass

from signerd_client.cms import CmsSignerVerification
from signerd_client.signature import Problem


@dataclass(frozen=True, slots=True)
class PdfSignerVerification:
    """What is to be said of one signature in a PDF file.

    field: name of the signature field. problems: empty when valid. covers_file: nothing was added
    to the file after this signature; what was added otherwise only completes it, or signs again.
    cms: what the daemon says of it.
    """

    valid: bool
    problems: tuple[Problem, ...]
    field: str
    covers_file: bool
    cms: CmsSignerVerification


@dataclass(frozen=True, slots=True)
class PdfVerification:
    """valid: there is a signature and each is valid."""

    valid: bool
    problems: tuple[Problem, ...]
    signers: tuple[PdfSignerVerification, ...]
