"""How customers get their first certificate."""

import uuid

from signerd_client import Certificate
from signerd_harness.bank import Bank
from signerd_harness.customer import Customer
from signerd_harness.scenario import Population


async def enrol(
    bank: Bank, customer: Customer, population: Population, run: uuid.UUID
) -> Certificate:
    """The bank vouches for the customer. Repeated within a run it is the same certificate.

    Raises SignerdError.
    """
    return await bank.officer.issue_certificate(
        customer.subscriber,
        population.profile,
        customer.name,
        key_algorithm=population.algorithm,
        email=customer.email,
        branch=customer.branch,
        request_id=str(uuid.uuid5(run, customer.subscriber)),
    )
