"""How customers agree to the use of a key that signs with their agreement only: by PIN."""

from contextlib import suppress
from typing import Final

from signerd_client import SignerdError
from signerd_client.error import FailedPrecondition
from signerd_harness.bank import Bank
from signerd_harness.certificate_book import Held
from signerd_harness.customer import Customer

# No customer's: theirs have six digits.
_WRONG_PIN: Final = "0000001"


async def set_pin(bank: Bank, customer: Customer, credential: str) -> None:
    """Set it, unless that was done before. Raises SignerdError."""
    # Asked again, the daemon has it already and wants to see it before it takes another.
    with suppress(FailedPrecondition):
        await bank.officer.set_activation_pin(credential, customer.pin)


async def agree(bank: Bank, customer: Customer, held: Held, digest: bytes) -> str:
    """The authorisation of one signature over this digest. Raises SignerdError."""
    agreed = await bank.signer.authorize_signing(
        held.credential, pin=customer.pin, digests=[digest]
    )
    return agreed.authorisation


async def give_wrong_pin(bank: Bank, customer: Customer, held: Held, digest: bytes) -> str:
    """Somebody tries with a wrong PIN. Then the customer gives the right one, so that wrong ones of
    several acts do not add up to a lock.

    Gives why the wrong one was refused; empty where it was taken. Raises SignerdError.
    """
    refusal = ""
    try:
        await bank.signer.authorize_signing(held.credential, pin=_WRONG_PIN, digests=[digest])
    except SignerdError as error:
        refusal = error.reason
        if not refusal.startswith("PIN_"):
            raise
    await agree(bank, customer, held, digest)
    return refusal
