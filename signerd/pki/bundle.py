"""Several certificates in one file."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7


def pem_bundle(certificates: Sequence[bytes]) -> bytes:
    """Certificates (DER) one after another in PEM (RFC 7468, section 5)."""
    parsed = (x509.load_der_x509_certificate(der) for der in certificates)
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in parsed)


def cms_bundle(certificates: Sequence[bytes]) -> bytes:
    """Certificates (DER) as a certs-only CMS message, DER (RFC 5280, 4.2.2.1: .p7c)."""
    parsed = [x509.load_der_x509_certificate(der) for der in certificates]
    return pkcs7.serialize_certificates(parsed, Encoding.DER)
