import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import pytest

from examples.demo.order import read_customers, read_orders

DATA: Final = Path(__file__).parents[2] / "examples" / "data"


def test_each_order_is_signed_as_its_own_canonical_xml() -> None:
    """Content is C14N of one PmtInf with its Korean text, and no two orders are the same."""
    customers = {
        customer.subscriber: customer for customer in read_customers(DATA / "customers.csv")
    }
    orders = read_orders(DATA / "payment-orders.xml")
    assert len(orders) == 1000
    assert len({order.digest for order in orders}) == 1000
    for order in orders:
        text = order.content.decode()
        assert ET.canonicalize(text) == text
        assert text.startswith("<PmtInf ")
        assert customers[order.debtor].name in text
        assert f"<PmtInfId>{order.order_id}</PmtInfId>" in text
        assert order.amount_krw > 0


def test_layout_outside_the_order_does_not_matter(tmp_path: Path) -> None:
    """Comments, declaration and prefixes of namespaces leave the signed bytes as they are."""
    source = (DATA / "payment-orders.xml").read_text(encoding="utf-8")
    [declaration, body] = source.split("\n", 1)
    (tmp_path / "other.xml").write_text(f"{declaration}\n<!-- 사본 -->\n{body}", encoding="utf-8")
    ours, other = read_orders(DATA / "payment-orders.xml"), read_orders(tmp_path / "other.xml")
    assert [order.content for order in ours] == [order.content for order in other]


def test_an_order_without_debtor_is_refused(tmp_path: Path) -> None:
    """An order that nobody could sign is an error that names what is missing."""
    namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
    (tmp_path / "bad.xml").write_text(
        f'<Document xmlns="{namespace}"><PmtInf><PmtInfId>X</PmtInfId></PmtInf></Document>'
    )
    with pytest.raises(ValueError, match="Dbtr"):
        read_orders(tmp_path / "bad.xml")
