"""subjectKeyIdentifier is there and is the SHA-1 of the public key."""

from typing import Final

from cryptography import x509

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    identifier = specimen.extension(x509.SubjectKeyIdentifier)
    if identifier is None:
        return "subjectKeyIdentifier is missing"
    expected = x509.SubjectKeyIdentifier.from_public_key(specimen.certificate.public_key())
    if identifier.value != expected:
        return "subjectKeyIdentifier is not the SHA-1 of the public key"
    return None


RULE: Final = Rule("subject-key-identifier", "RFC 5280, 4.2.1.2 (1)", _judge)
