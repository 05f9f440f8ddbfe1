"""How a customer logs in: a challenge of the bank, signed by the customer's key, verified."""

import secrets

from signerd_harness.bank import Bank
from signerd_harness.certificate_book import Held
from signerd_harness.customer import Customer
from signerd_harness.evidence import Evidence


async def log_in(
    bank: Bank, customer: Customer, certificate: Held, signs: Held
) -> tuple[Evidence, bool]:
    """Log in as a customer with a certificate, with the key of `signs`: normally its own.

    Gives what was signed, and whether the bank lets the customer in. Raises SignerdError.
    """
    nonce = secrets.token_hex(16)
    challenge = f"signerd harness: login of {customer.subscriber}, nonce {nonce}".encode()
    signed = await bank.signer.sign(signs.credential, data=challenge)
    verdict = await bank.relying_party.verify(
        signed.signature, certificate=certificate.name, data=challenge
    )
    return Evidence(signs.offset, challenge, signed.signature), verdict.valid
