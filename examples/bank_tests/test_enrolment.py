"""A customer who enrols at home, with a card and a phone."""

import pytest

from pytest_signerd.bank import Bank
from pytest_signerd.holding import Holding
from pytest_signerd.outbox import Outbox
from signerd_client import EnrolmentPurpose, Factor
from signerd_client.error import SignerdError
from signerd_client.proof import CodeProof, PasswordProof
from signerd_harness import Customer


def test_a_first_certificate(bank: Bank, customer: Customer) -> None:
    """Card and password prove who it is; reference number and code are good for one certificate."""
    officer, terms = bank.officer, bank.terms
    officer.set_password(customer.subscriber, customer.password)
    enrolment = officer.open_enrolment(
        customer.subscriber,
        EnrolmentPurpose.ISSUE,
        profile=terms.profile,
        key_algorithm=terms.key_algorithm,
    )
    officer.prove_identity(enrolment.name, bank.resident_card(customer))
    proven = officer.prove_identity(enrolment.name, PasswordProof(customer.password))
    assert proven.authorisation is not None
    reference, code = proven.authorisation.reference_number, proven.authorisation.authorisation_code
    claimed = officer.claim_certificate(reference, code)
    assert Holding(bank, customer, claimed.certificate).sign(b"order")
    with pytest.raises(SignerdError):
        officer.claim_certificate(reference, code)


def test_a_reissue_needs_the_phone(
    bank: Bank, outbox: Outbox, customer: Customer, issued_certificate: Holding
) -> None:
    """The code comes by SMS; a wrong one does not count."""
    officer = bank.officer
    enrolment = officer.open_enrolment(
        customer.subscriber, EnrolmentPurpose.REISSUE, certificate=issued_certificate.name
    )
    officer.prove_identity(enrolment.name, bank.resident_card(customer))
    officer.send_code(enrolment.name, Factor.PHONE_CODE)
    code = outbox.code(customer)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    with pytest.raises(SignerdError):
        officer.prove_identity(enrolment.name, CodeProof(Factor.PHONE_CODE, wrong))
    proven = officer.prove_identity(enrolment.name, CodeProof(Factor.PHONE_CODE, code))
    assert proven.authorisation is not None
    claimed = officer.claim_certificate(
        proven.authorisation.reference_number, proven.authorisation.authorisation_code
    )
    assert claimed.certificate.replaces == issued_certificate.name
