"""Synthetic customers as tables: CSV (RFC 4180) with a header line."""

import csv
from collections.abc import Iterable
from typing import Final, TextIO

from signerd_client import DocumentKind
from signerd_harness.customer import Customer

_CUSTOMER: Final = (
    *("subscriber", "name", "romanised_name", "email", "branch_code", "branch", "account"),
    *("phone", "identity_number"),
)
_DOCUMENT: Final = ("kind", "number", "name", "issue_date")


def write_customers(file: TextIO, people: Iterable[Customer]) -> None:
    """What `signerctl batch issue` takes, and more of what a bank knows."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_CUSTOMER)
    for one in people:
        names = (one.subscriber, one.name, one.romanised_name, one.email)
        writer.writerow(
            (*names, one.branch, one.branch_name, one.account, one.phone, one.identity_number)
        )


def write_documents(file: TextIO, people: Iterable[Customer]) -> None:
    """Their resident cards, as the file in which a daemon of a test bank looks documents up."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_DOCUMENT)
    for one in people:
        row = (one.identity_number, one.name, one.card_issue_date.isoformat())
        writer.writerow((DocumentKind.RESIDENT_CARD.value, *row))
