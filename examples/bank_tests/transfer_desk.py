"""The application under test: a bank's desk that carries out transfer orders signed by customers.

It knows nothing of signerd. Like any relying party it trusts a CA, looks at the certificate that
comes with an order, asks the CA's OCSP responder about it, and verifies the signature.
"""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

_TIMEOUT_S: Final = 30.0


class OrderRefused(Exception):
    """The order is not carried out; the message says why, to the customer."""


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """won: what is paid, in whole won."""

    payer_account: str
    payee_account: str
    won: int

    @property
    def message(self) -> bytes:
        """What the customer signs."""
        return json.dumps(asdict(self), sort_keys=True).encode()


class TransferDesk:
    """Carries out orders."""

    def __init__(
        self,
        issuing_ca: x509.Certificate,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._issuing_ca = issuing_ca
        self._now = now
        self.carried_out: list[TransferOrder] = []

    def accept(self, order: TransferOrder, certificate_pem: str, signature: bytes) -> None:
        """Carry out an order. Raises OrderRefused."""
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        self._check_certificate(certificate)
        self._check_signature(certificate, order, signature)
        if order.won <= 0:
            raise OrderRefused("nothing is transferred")
        self.carried_out.append(order)

    def _check_certificate(self, certificate: x509.Certificate) -> None:
        try:
            certificate.verify_directly_issued_by(self._issuing_ca)
        except (ValueError, InvalidSignature):
            raise OrderRefused("the certificate is not of a CA that the bank trusts") from None
        if not certificate.not_valid_before_utc <= self._now() <= certificate.not_valid_after_utc:
            raise OrderRefused("the certificate has expired")
        status = self._status(certificate)
        if status is not ocsp.OCSPCertStatus.GOOD:
            raise OrderRefused(f"the certificate is {status.name.lower()}")

    def _status(self, certificate: x509.Certificate) -> ocsp.OCSPCertStatus:
        builder = ocsp.OCSPRequestBuilder()
        question = builder.add_certificate(certificate, self._issuing_ca, hashes.SHA256()).build()
        places = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
        url = next(
            place.access_location.value
            for place in places.value
            if place.access_method == AuthorityInformationAccessOID.OCSP
        )
        request = urllib.request.Request(  # noqa: S310 - the URL is one that our CA has signed
            url,
            question.public_bytes(Encoding.DER),
            {"Content-Type": "application/ocsp-request"},
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
            return ocsp.load_der_ocsp_response(answer.read()).certificate_status

    def _check_signature(
        self, certificate: x509.Certificate, order: TransferOrder, signature: bytes
    ) -> None:
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise OrderRefused("the bank takes signatures of RSA keys only")
        try:
            key.verify(signature, order.message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise OrderRefused(
                "the signature is not the customer's, or not of this order"
            ) from None
