"""The certified key is of a kind and strength that is certified at all."""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1

from signerd.pki.key import UnusableKeyError, load_public_key
from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    try:
        load_public_key(asn1.encode_der(specimen.tbs.public_key))
    except (UnusableKeyError, UnsupportedAlgorithm) as error:
        return str(error)
    return None


RULE: Final = Rule("key-strength", "FIPS 186-5, 5.1; RFC 5480, 2.1.1; RFC 8410, 3", _judge)
