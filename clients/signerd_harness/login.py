"""How a customer logs in: a challenge of the bank, signed by the customer's key, judged once."""

from typing import Final

from signerd_client.error import FailedPrecondition
from signerd_harness.bank import Bank
from signerd_harness.certificate_book import Held
from signerd_harness.customer import Customer
from signerd_harness.evidence import Evidence

DOMAIN: Final = "bank.example.com"


async def log_in(
    bank: Bank,
    customer: Customer,
    certificate: Held,
    signs: Held,
    *,
    times: int = 1,
    purpose: str = "login",
) -> tuple[Evidence, str]:
    """Answer a challenge for this customer with a certificate, signed with the key of `signs`:
    normally both the customer's own. times: how often the same answer is given.
    purpose: what the key is asked to sign for.

    Gives what was signed, and why the bank does not let the customer in; empty where it does.
    Raises SignerdError.
    """
    challenge = await bank.relying_party.create_challenge(DOMAIN, subscriber=customer.subscriber)
    statement = challenge.statement.encode()
    signed = await bank.signer.sign(signs.credential, data=statement, purpose=purpose)
    evidence = Evidence(signs.offset, statement, signed.signature)
    refusal = ""
    for _ in range(times):
        try:
            login = await bank.relying_party.verify_challenge_response(
                challenge.statement, signed.signature, certificate=certificate.name
            )
        except FailedPrecondition as error:
            return evidence, error.reason
        refusal = "" if login.valid else login.codes[0]
        if login.valid and login.subscriber != f"subscribers/{customer.subscriber}":
            return evidence, f"LOGGED_IN_{login.subscriber}"
    return evidence, refusal
