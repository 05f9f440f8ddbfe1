"""What customers are told, and what time does to certificates."""

from collections.abc import Callable
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


def test_a_year_in_the_life_of_a_certificate(
    clock: Clock, bank: Bank, customers: Callable[[int], list[Customer]]
) -> None:
    """Renewal opens a month before the end, for another year. Who forgets it signs no more."""
    careful, forgetful = (bank.issue(one) for one in customers(2))
    with pytest.raises(FailedPrecondition):
        bank.renew(careful)
    clock.advance("350d")
    renewed = bank.renew(careful)
    clock.advance(timedelta(days=16))
    assert forgetful.now().state is CertificateState.EXPIRED
    with pytest.raises(FailedPrecondition) as refused:
        forgetful.sign(b"order")
    assert refused.value.reason == "CERTIFICATE_EXPIRED"
    assert renewed.sign(b"order")
    old_end = careful.certificate.not_after_time
    assert renewed.certificate.not_after_time - old_end == timedelta(days=365)
