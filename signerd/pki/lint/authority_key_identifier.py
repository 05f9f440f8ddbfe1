"""authorityKeyIdentifier is there and names the issuer's key."""

from typing import Final

from cryptography import x509

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    identifier = specimen.extension(x509.AuthorityKeyIdentifier)
    if identifier is None:
        return "authorityKeyIdentifier is missing"
    if identifier.value.key_identifier != _issuers(specimen):
        return "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier"
    return None


def _issuers(specimen: Specimen) -> bytes | None:
    if specimen.issuer is not None:
        return specimen.issuer.key_identifier
    own = specimen.extension(x509.SubjectKeyIdentifier)
    return None if own is None else own.value.digest


RULE: Final = Rule("authority-key-identifier", "RFC 5280, 4.2.1.1", _judge)
