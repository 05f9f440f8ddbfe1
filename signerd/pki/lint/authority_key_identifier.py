"""authorityKeyIdentifier is there and names the issuer's key, and its certificate if any."""

from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from signerd.pki.extension import issuer_identifier
from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    identifier = specimen.extension(x509.AuthorityKeyIdentifier)
    if identifier is None:
        return "authorityKeyIdentifier is missing"
    if identifier.value.key_identifier != _issuers(specimen):
        return "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier"
    if _names_certificate(identifier.value) and not _is_issuers_certificate(specimen):
        return "authorityKeyIdentifier does not name the issuer's certificate"
    return None


def _issuers(specimen: Specimen) -> bytes | None:
    if specimen.issuer is not None:
        return specimen.issuer.key_identifier
    own = specimen.extension(x509.SubjectKeyIdentifier)
    return None if own is None else own.value.digest


def _names_certificate(identifier: x509.AuthorityKeyIdentifier) -> bool:
    parts = (identifier.authority_cert_issuer, identifier.authority_cert_serial_number)
    return any(part is not None for part in parts)


def _is_issuers_certificate(specimen: Specimen) -> bool:
    if specimen.issuer is None:
        return False
    expected = issuer_identifier(specimen.issuer).public_bytes()
    return any(
        extension.oid == ExtensionOID.AUTHORITY_KEY_IDENTIFIER and extension.value == expected
        for extension in specimen.tbs.extensions
    )


RULE: Final = Rule("authority-key-identifier", "RFC 5280, 4.2.1.1", _judge)
