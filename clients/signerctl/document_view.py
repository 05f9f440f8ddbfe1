"""What people see of signed documents and time stamps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from signerctl.view import Row, moment
from signerd_client import CmsVerification, SignedCms, TimeStamp
from signerd_client.cms import (
    CmsSignerVerification,
    SigningTimeBasis,
    TimeStampVerification,
)
from signerd_client.pdf_verdict import PdfVerification
from signerd_client.signature import Problem

T = TypeVar("T")

_BASES = {
    SigningTimeBasis.TIME_STAMP: "by its time stamp",
    SigningTimeBasis.CLAIMED: "as the signer claims",
    SigningTimeBasis.NOW: "now, for nobody says when it was signed",
}


def signed_lines(signed: SignedCms) -> Row:
    """Who signed."""
    lines = {}
    for number, signer in _numbered(signed.signers):
        lines[f"credential{number}"] = signer.credential
        lines[f"algorithm{number}"] = signer.key_algorithm or ""
        lines[f"certificate{number}"] = signer.certificate
        if signer.time_stamp_time is not None:
            lines[f"time stamp{number}"] = moment(signer.time_stamp_time)
    lines["message"] = f"{len(signed.cms)} bytes"
    return lines


def cms_lines(verification: CmsVerification) -> Row:
    """The verdict, then each signer with every reason."""
    lines = {"message": _verdict(verification.valid)}
    lines |= _reasons("why", verification.problems)
    for number, signer in _numbered(verification.signers):
        lines |= {label: text for label, text in _signer(signer, number) if text}
    return lines


def time_stamped_lines(stamp: TimeStamp) -> Row:
    """What a new time stamp says."""
    return {
        "time": moment(stamp.time),
        "serial": stamp.serial_number,
        "policy": stamp.policy,
        "time stamp": f"{len(stamp.response)} bytes",
    }


def time_stamp_lines(stamp: TimeStampVerification) -> Row:
    """The verdict on a time stamp."""
    lines = {"time stamp": _verdict(stamp.valid)}
    lines |= _reasons("why", stamp.problems)
    if stamp.time is not None:
        lines["time"] = moment(stamp.time)
        lines["accuracy"] = f"{stamp.accuracy_us / 1e6:g} s" if stamp.accuracy_us else ""
    lines |= {
        "policy": stamp.policy,
        "serial": stamp.serial_number,
        "authority": stamp.authority,
    }
    return {label: text for label, text in lines.items() if text}


def pdf_signed_lines(verification: PdfVerification) -> Row:
    """The newest signature of a file that was just signed."""
    newest = verification.signers[-1]
    lines = {"field": newest.field, "signer": newest.cms.subject}
    if newest.cms.time_stamp is not None and newest.cms.time_stamp.time is not None:
        lines["time stamp"] = moment(newest.cms.time_stamp.time)
    lines["signature"] = _verdict(newest.valid)
    return lines


def pdf_lines(verification: PdfVerification) -> Row:
    """The verdict, then each signature with every reason."""
    lines = {"document": _verdict(verification.valid)}
    lines |= _reasons("why", verification.problems)
    for number, signer in _numbered(verification.signers):
        lines[f"field{number}"] = signer.field
        # The problems of the file are among them.
        found = replace(signer.cms, valid=signer.valid, problems=signer.problems)
        lines |= {label: text for label, text in _signer(found, number) if text}
        lines[f"covers{number}"] = "the whole file" if signer.covers_file else "an earlier state"
    return lines


def _signer(signer: CmsSignerVerification, number: str) -> Iterator[tuple[str, str]]:
    yield f"signer{number}", signer.subject or "unknown"
    yield f"signature{number}", _verdict(signer.valid)
    yield from _reasons(f"why{number}", signer.problems).items()
    yield f"certificate{number}", signer.certificate
    yield f"algorithm{number}", signer.algorithm
    if signer.judged_time is not None:
        basis = _BASES.get(signer.judged_basis, "") if signer.judged_basis else ""
        yield f"signed{number}", f"{moment(signer.judged_time)}, {basis}"
    if signer.time_stamp is not None:
        yield f"time stamp{number}", _verdict(signer.time_stamp.valid)
        yield from _reasons(f"why not{number}", signer.time_stamp.problems).items()


def _numbered(items: Sequence[T]) -> Iterator[tuple[str, T]]:
    """Labels have numbers only where they would not be clear without."""
    for number, item in enumerate(items, 1):
        yield "" if len(items) == 1 else f" {number}", item


def _verdict(is_valid: bool) -> str:  # noqa: FBT001 - a verdict is what it takes
    return "valid" if is_valid else "NOT VALID"


def _reasons(label: str, problems: Sequence[Problem]) -> Row:
    if not problems:
        return {}
    return {label: "; ".join(f"{one.text} ({one.code})" for one in problems)}
