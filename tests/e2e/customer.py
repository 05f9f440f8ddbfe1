"""Made-up customers with everything a bank knows of them."""

import random
import uuid
from dataclasses import dataclass, field

from signerd_client import Certificate, Client, DocumentKind, KeyAlgorithm, PersonalData

BANKING = "npki-personal-banking"
_NUMBERS = random.SystemRandom()


def _digits(count: int) -> str:
    return "".join(str(_NUMBERS.randrange(10)) for _ in range(count))


@dataclass(frozen=True, slots=True)
class Customer:
    """Whoever is born on 1990-01-01; nobody else has the same numbers."""

    subscriber: str = field(default_factory=lambda: f"cust-{uuid.uuid4().hex[:12]}")
    name: str = "홍길동"
    number: str = field(default_factory=lambda: f"9001011{_digits(6)}")
    licence: str = field(default_factory=lambda: f"11-22-{_digits(6)}-60")
    account: str = field(default_factory=lambda: f"110-{_digits(3)}-{_digits(6)}")
    phone: str = field(default_factory=lambda: f"+8210{_digits(8)}")
    email: str = field(default_factory=lambda: f"hong.{_digits(10)}@example.com")

    @property
    def data(self) -> PersonalData:
        """What is registered."""
        return PersonalData(
            DocumentKind.DRIVERS_LICENCE, self.licence, self.account, self.phone, self.email, "ko"
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may find anywhere."""
        plain = self.licence.replace("-", ""), self.account.replace("-", "")
        return self.number, self.licence, self.account, self.phone, self.email, *plain


def another(number: str) -> str:
    """An identity number with the same birth date, of somebody else."""
    return f"{number[:7]}{(int(number[7:]) + 1) % 1_000_000:06}"


def issue_banking(
    officer: Client, customer: Customer, *, identity_number: str = "", request_id: str | None = None
) -> Certificate:
    """A certificate with a virtual ID."""
    return officer.issue_certificate(
        customer.subscriber,
        BANKING,
        customer.name,
        key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
        branch="041",
        identity_number=identity_number,
        request_id=request_id,
    )
