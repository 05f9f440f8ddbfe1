"""A customer's certificate, with what tests do with one."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography import x509

from signerd_client import Certificate, Client, RemotePrivateKey
from signerd_harness import Customer

if TYPE_CHECKING:
    from pytest_signerd.bank import Bank


@dataclass(frozen=True, repr=False)
class Holding:
    """A certificate and the customer who holds it. certificate: as it was when it was made."""

    bank: "Bank"
    customer: Customer
    certificate: Certificate

    def __repr__(self) -> str:
        return f"<{self.name} of {self.customer.name}, {self.customer.subscriber}>"

    @property
    def name(self) -> str:
        """The certificate's resource name."""
        return self.certificate.name

    @property
    def credential(self) -> str:
        """The resource name of its key."""
        return self.certificate.credential

    @property
    def pem(self) -> str:
        """The certificate, PEM."""
        return self.certificate.pem

    @cached_property
    def x509(self) -> x509.Certificate:
        """The certificate as the cryptography library reads it."""
        return x509.load_der_x509_certificate(self.certificate.der)

    @cached_property
    def private_key(self) -> RemotePrivateKey:
        """The key, for libraries that take one; it stays on the token."""
        return self._signer.private_key(self.credential)

    def sign(self, data: bytes) -> bytes:
        """Have the customer sign. Raises FailedPrecondition where the certificate does not."""
        return self._signer.sign(self.credential, data=data).signature

    def now(self) -> Certificate:
        """The certificate as it is now, with its state."""
        return self.bank.officer.get_certificate(self.name)

    @property
    def _signer(self) -> Client:
        return self.bank.signer
