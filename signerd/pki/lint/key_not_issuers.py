"""Nobody but the issuer itself is certified for the issuer's key."""

from typing import Final

from cryptography.hazmat import asn1

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    issuer = specimen.issuer
    if issuer is not None and asn1.encode_der(specimen.tbs.public_key) == issuer.spki:
        return "the certified key is the issuer's own"
    return None


RULE: Final = Rule("key-not-issuers", "RFC 5280, 4.2.1.2", _judge)
