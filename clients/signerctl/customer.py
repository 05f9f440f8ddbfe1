"""The file of customers that a batch is issued to."""

import csv
import io
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

from signerctl.data import DataError, read


@dataclass(frozen=True, slots=True)
class Customer:
    """A line of the file; the names are those of the columns.

    subscriber: the bank's own customer number. name: for the common name of the certificate.
    branch_code: number of the bank branch, 3 digits. identity_number: resident registration or
    business number, for profiles that certify a virtual ID; it is sent and written nowhere.
    """

    subscriber: str
    name: str
    email: str = ""
    branch_code: str = ""
    identity_number: str = field(default="", repr=False)


_COLUMNS: Final = tuple(column.name for column in fields(Customer))
_REQUIRED: Final = ("subscriber", "name")


def read_customers(path: Path) -> tuple[Customer, ...]:
    """The customers of an RFC 4180 CSV file, UTF-8, with a header line, each once.

    Columns that are not a customer's are ignored. Raises DataError naming the line at fault.
    """
    try:
        text = read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8") from None
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: dict[str, Customer] = {}
    try:
        missing = [name for name in _REQUIRED if name not in (rows.fieldnames or ())]
        if missing:
            raise DataError(f"{path}: its first line names no column {', '.join(missing)}")
        for row in rows:
            customer = _customer(row, f"{path}, line {rows.line_num}")
            if customer.subscriber in found:
                raise DataError(
                    f"{path}, line {rows.line_num}: {customer.subscriber} was there before"
                )
            found[customer.subscriber] = customer
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.reader.line_num}: {error}") from None
    if not found:
        raise DataError(f"{path} has no customers")
    return tuple(found.values())


def _customer(row: dict[str, str], where: str) -> Customer:
    if None in row or None in row.values():
        raise DataError(f"{where}: it has not as many fields as the first line")
    customer = Customer(**{name: row[name].strip() for name in _COLUMNS if name in row})
    for name in _REQUIRED:
        if not getattr(customer, name):
            raise DataError(f"{where}: {name} is empty")
    return customer
