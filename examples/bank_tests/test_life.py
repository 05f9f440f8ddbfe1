"""What customers are told, and what time does to certificates."""

from datetime import timedelta

import pytest

from pytest_signerd.bank import Bank
from pytest_signerd.clock import Clock
from pytest_signerd.holding import Holding
from pytest_signerd.outbox import Outbox
from signerd_client import CertificateState
from signerd_client.error import FailedPrecondition
from signerd_harness import Customer


def test_the_customer_is_told(
    outbox: Outbox, customer: Customer, issued_certificate: Holding
) -> None:
    """The certificate comes by mail, in Korean, with the certificate as a file."""
    message = outbox.wait_for(customer, "CERTIFICATE_ISSUED")
    assert message.certificate == issued_certificate.name
    assert message.content is not None
    assert message.content.address == customer.email
    assert customer.name in message.content.text
    assert message.content.attachments


def test_a_year_later(clock: Clock, issued_certificate: Holding) -> None:
    """A certificate signs for a year and no longer."""
    clock.advance("366d")
    assert issued_certificate.now().state is CertificateState.EXPIRED
    with pytest.raises(FailedPrecondition) as refused:
        issued_certificate.sign(b"order")
    assert refused.value.reason == "CERTIFICATE_EXPIRED"


def test_renewal_opens_a_month_before_the_end(
    clock: Clock, bank: Bank, issued_certificate: Holding
) -> None:
    """Earlier it is refused; then the new certificate ends a year after the old one."""
    with pytest.raises(FailedPrecondition):
        bank.renew(issued_certificate)
    clock.advance(timedelta(days=350))
    renewed = bank.renew(issued_certificate)
    old_end = issued_certificate.certificate.not_after_time
    assert renewed.certificate.not_after_time - old_end == timedelta(days=365)
    assert renewed.sign(b"order")
