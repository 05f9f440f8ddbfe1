"""What the bank's tests have in common, beside the fixtures of the plugin."""

from collections.abc import Callable

import pytest

from examples.bank_tests.transfer_desk import TransferDesk, TransferOrder
from pytest_signerd.bank import Bank
from signerd_harness import Customer


@pytest.fixture
def desk(bank: Bank) -> TransferDesk:
    """A desk that trusts the bank's CA."""
    return TransferDesk(bank.ca_chain[0])


@pytest.fixture
def order(customers: Callable[[int], list[Customer]], customer: Customer) -> TransferOrder:
    """The customer pays rent to another one."""
    (landlord,) = customers(1)
    return TransferOrder(customer.account, landlord.account, 350_000)
