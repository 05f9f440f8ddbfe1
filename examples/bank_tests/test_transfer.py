"""Who may transfer money."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from examples.bank_tests.transfer_desk import OrderRefused, TransferDesk, TransferOrder
from pytest_signerd.bank import Bank
from pytest_signerd.holding import Holding
from signerd_client.error import FailedPrecondition
from signerd_harness import Customer


def test_a_signed_order_is_carried_out(
    desk: TransferDesk, order: TransferOrder, issued_certificate: Holding
) -> None:
    """The customer signs, the desk pays."""
    desk.accept(order, issued_certificate.pem, issued_certificate.sign(order.message))
    assert desk.carried_out == [order]


def test_a_changed_amount_is_noticed(
    desk: TransferDesk, order: TransferOrder, issued_certificate: Holding
) -> None:
    """One won more than what was signed is not paid."""
    signature = issued_certificate.sign(order.message)
    with pytest.raises(OrderRefused, match="not of this order"):
        desk.accept(replace(order, won=order.won + 1), issued_certificate.pem, signature)
    assert not desk.carried_out


def test_nobody_signs_for_another(
    desk: TransferDesk,
    order: TransferOrder,
    bank: Bank,
    customers: Callable[[int], list[Customer]],
    issued_certificate: Holding,
) -> None:
    """A signature goes with the signer's own certificate only."""
    thief = bank.issue(customers(1)[0])
    with pytest.raises(OrderRefused, match="not the customer's"):
        desk.accept(order, issued_certificate.pem, thief.sign(order.message))


def test_an_order_signed_before_the_certificate_was_revoked_is_refused(
    desk: TransferDesk, order: TransferOrder, bank: Bank, issued_certificate: Holding
) -> None:
    """The desk asks at the moment of payment. Afterwards the key signs nothing more."""
    signature = issued_certificate.sign(order.message)
    bank.revoke(issued_certificate)
    with pytest.raises(OrderRefused, match="revoked"):
        desk.accept(order, issued_certificate.pem, signature)
    with pytest.raises(FailedPrecondition):
        issued_certificate.sign(order.message)


def test_a_revoked_certificate_signs_nothing(
    order: TransferOrder, revoked_certificate: Holding
) -> None:
    """The daemon says why."""
    with pytest.raises(FailedPrecondition) as refused:
        revoked_certificate.sign(order.message)
    assert refused.value.reason == "CREDENTIAL_RETIRED"


def test_a_phone_that_turns_up_again(
    desk: TransferDesk, order: TransferOrder, bank: Bank, suspended_certificate: Holding
) -> None:
    """While the certificate is on hold nothing is signed; resumed, it is as good as before."""
    with pytest.raises(FailedPrecondition):
        suspended_certificate.sign(order.message)
    bank.resume(suspended_certificate)
    desk.accept(order, suspended_certificate.pem, suspended_certificate.sign(order.message))


def test_an_expired_certificate_is_refused(
    desk: TransferDesk, order: TransferOrder, expired_certificate: Holding
) -> None:
    """It has expired for the desk as for the daemon."""
    with pytest.raises(OrderRefused, match="expired"):
        desk.accept(order, expired_certificate.pem, b"whatever")
    with pytest.raises(FailedPrecondition):
        expired_certificate.sign(order.message)


def test_after_a_reissue_the_new_certificate_pays_and_the_old_one_does_not(
    desk: TransferDesk, order: TransferOrder, bank: Bank, issued_certificate: Holding
) -> None:
    """The customer got a new phone."""
    signature = issued_certificate.sign(order.message)
    new = bank.reissue(issued_certificate)
    desk.accept(order, new.pem, new.sign(order.message))
    with pytest.raises(OrderRefused, match="revoked"):
        desk.accept(order, issued_certificate.pem, signature)


def test_a_pay_day(
    desk: TransferDesk, bank: Bank, customers: Callable[[int], list[Customer]]
) -> None:
    """Ten customers pay each other, all at once as far as the desk is concerned."""
    people = customers(10)
    for payer, payee in zip(people, [*people[1:], people[0]], strict=True):
        order, holding = TransferOrder(payer.account, payee.account, 10_000), bank.issue(payer)
        desk.accept(order, holding.pem, holding.sign(order.message))
    assert len(desk.carried_out) == len(people)
