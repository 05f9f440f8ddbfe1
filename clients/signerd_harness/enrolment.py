"""How customers get their first certificate, and what they prove of themselves later.

Every step may be repeated: request ids follow from the run, or from the act, so that the daemon
knows it again.
"""

import uuid
from contextlib import suppress

from signerd_client import (
    ActivationMode,
    AsyncClient,
    Certificate,
    DocumentKind,
    DocumentProof,
    Enrolment,
    EnrolmentPurpose,
    EnrolmentState,
    Factor,
    PasswordProof,
    SignerdError,
)
from signerd_client.error import FailedPrecondition
from signerd_harness.agreement import set_pin
from signerd_harness.bank import Bank
from signerd_harness.customer import Customer
from signerd_harness.scenario import EnrolmentWay, Population

_WRONG_PASSWORD = "not the one that was set"  # noqa: S105 - nobody's


async def enrol(
    bank: Bank,
    customer: Customer,
    population: Population,
    run: uuid.UUID,
    *,
    with_pin: bool,
) -> Certificate:
    """A customer's first certificate, and the PIN of its key if it is to have one. Repeated within
    a run it is the same one.

    Raises SignerdError.
    """
    activation = ActivationMode.REQUIRED if with_pin else ActivationMode.NONE
    certificate = await _certificate(bank, customer, population, run, activation)
    if with_pin:
        await set_pin(bank, customer, certificate.credential)
    return certificate


async def _certificate(
    bank: Bank,
    customer: Customer,
    population: Population,
    run: uuid.UUID,
    activation: ActivationMode,
) -> Certificate:
    if population.enrolment is EnrolmentWay.DIRECT:
        return await bank.officer.issue_certificate(
            customer.subscriber,
            population.profile,
            customer.name,
            key_algorithm=population.algorithm,
            email=customer.email,
            branch=customer.branch,
            activation=activation,
            request_id=str(uuid.uuid5(run, customer.subscriber)),
        )
    await _register(bank.officer, customer, run)
    opened = await bank.officer.open_enrolment(
        customer.subscriber,
        EnrolmentPurpose.ISSUE,
        profile=population.profile,
        key_algorithm=population.algorithm,
        activation=activation,
        request_id=_id(run, customer, "open"),
    )
    if opened.state is EnrolmentState.COMPLETED:
        return await bank.officer.get_certificate(opened.certificate)
    return await _claim(bank.officer, customer, opened, run)


async def report_loss(
    bank: Bank, customer: Customer, certificate: str, request_id: str
) -> Certificate:
    """The customer proves who it is, by document and password, and the key is revoked. Raises
    SignerdError."""
    run = uuid.UUID(request_id)
    opened = await bank.officer.open_enrolment(
        customer.subscriber,
        EnrolmentPurpose.LOSS_REPORT,
        certificate=certificate,
        request_id=_id(run, customer, "open"),
    )
    if opened.state is EnrolmentState.OPEN:
        await _prove_document(bank.officer, customer, opened)
        await bank.officer.prove_identity(opened.name, PasswordProof(customer.password))
    return await bank.officer.report_loss(opened.name, request_id=request_id)


async def give_wrong_password(bank: Bank, customer: Customer, certificate: str) -> str:
    """Somebody tries to report a loss with a wrong password. Then the customer gives the right one,
    so that wrong ones of several acts do not add up to a lock, and gives it up.

    Gives why the wrong password was refused; empty where it was taken. Raises SignerdError.
    """
    opened = await bank.officer.open_enrolment(
        customer.subscriber, EnrolmentPurpose.LOSS_REPORT, certificate=certificate
    )
    refusal = ""
    try:
        await bank.officer.prove_identity(opened.name, PasswordProof(_WRONG_PASSWORD))
    except SignerdError as error:
        refusal = error.reason
        if not refusal.startswith("PASSWORD_"):
            raise
    await bank.officer.prove_identity(opened.name, PasswordProof(customer.password))
    await bank.officer.cancel_enrolment(opened.name)
    return refusal


async def _register(officer: AsyncClient, customer: Customer, run: uuid.UUID) -> None:
    await officer.register_subscriber(
        customer.subscriber,
        customer.name,
        customer.personal_data,
        branch=customer.branch,
        identity_number=customer.identity_number,
        request_id=_id(run, customer, "register"),
    )
    # Asked again, the daemon has it already and wants to see it before it takes another.
    with suppress(FailedPrecondition):
        await officer.set_password(customer.subscriber, customer.password)


async def _claim(
    officer: AsyncClient, customer: Customer, opened: Enrolment, run: uuid.UUID
) -> Certificate:
    await _prove_document(officer, customer, opened)
    proven = await officer.prove_identity(opened.name, PasswordProof(customer.password))
    if proven.authorisation is None:
        missing = ", or ".join(one for group in proven.enrolment.missing for one in group.any_of)
        raise NotImplementedError(f"the policy of the daemon also wants {missing}")
    claimed = await officer.claim_certificate(
        proven.authorisation.reference_number,
        proven.authorisation.authorisation_code,
        request_id=_id(run, customer, "claim"),
    )
    return claimed.certificate


async def _prove_document(officer: AsyncClient, customer: Customer, opened: Enrolment) -> None:
    if Factor.DOCUMENT in opened.proven:
        return
    await officer.prove_identity(
        opened.name,
        DocumentProof(
            DocumentKind.RESIDENT_CARD, customer.identity_number, customer.card_issue_date
        ),
    )


def _id(run: uuid.UUID, customer: Customer, what: str) -> str:
    return str(uuid.uuid5(run, f"{what} {customer.subscriber}"))
