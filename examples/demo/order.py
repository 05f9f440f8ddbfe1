"""Customers and their payment orders, as read from the bank's files."""

import csv
import hashlib
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_NAMES: Final = {"p": _NAMESPACE}
ET.register_namespace("", _NAMESPACE)  # written without a prefix, as in the file


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the bank; subscriber is the id that signerd is given."""

    subscriber: str
    name: str
    email: str
    branch_code: str


@dataclass(frozen=True, slots=True)
class Order:
    """One payment order. content: the PmtInf element in canonical XML (C14N 2.0), UTF-8; these
    are the bytes that are signed. amount_krw: won."""

    order_id: str
    debtor: str
    amount_krw: int
    content: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).digest()


def read_customers(file: Path) -> list[Customer]:
    """The lines of customers.csv."""
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            Customer(line["subscriber"], line["name"], line["email"], line["branch_code"])
            for line in csv.DictReader(lines)
        ]


def read_orders(file: Path) -> list[Order]:
    """The PmtInf elements of an ISO 20022 pain.001 message, each an order of its own."""
    message = ET.parse(file)  # noqa: S314 - a file of this repository, expat limits expansion
    return [_order(element) for element in message.iterfind(".//p:PmtInf", _NAMES)]


def _order(element: ET.Element) -> Order:
    element.tail = None
    return Order(
        order_id=_text(element, "p:PmtInfId"),
        debtor=_text(element, "p:Dbtr/p:Id/p:PrvtId/p:Othr/p:Id"),
        amount_krw=int(_text(element, "p:CtrlSum")),
        content=ET.canonicalize(ET.tostring(element, encoding="unicode")).encode(),
    )


def _text(element: ET.Element, path: str) -> str:
    found = element.findtext(path, namespaces=_NAMES)
    if not found:
        raise ValueError(f"a payment order lacks {path}")
    return found
