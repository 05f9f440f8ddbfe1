"""keyUsage is there, critical, and fits role and type of the key.

Bits for encryption and key agreement appear nowhere: the keys here sign. That also keeps the rules
for Ed25519 (RFC 9295, 3) and ECDSA (RFC 8813, 3).
"""

from typing import Final

from cryptography import x509

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    extension = specimen.extension(x509.KeyUsage)
    if extension is None:
        return "keyUsage is missing"
    if not extension.critical:
        return "keyUsage is not critical"
    usage = extension.value
    if usage.key_encipherment or usage.data_encipherment or usage.key_agreement:
        return "keyUsage allows encryption or key agreement to a signing key"
    return _authority(usage) if specimen.is_ca else _end_entity(usage)


def _authority(usage: x509.KeyUsage) -> str | None:
    return None if usage.key_cert_sign else "keyUsage of a CA lacks keyCertSign"


def _end_entity(usage: x509.KeyUsage) -> str | None:
    if usage.key_cert_sign or usage.crl_sign:
        return "keyUsage of an end entity allows certificate or CRL signing"
    if not (usage.digital_signature or usage.content_commitment):
        return "keyUsage allows no signature"
    return None


RULE: Final = Rule("key-usage", "RFC 5280, 4.2.1.3; RFC 8813, 3; RFC 9295, 3", _judge)
