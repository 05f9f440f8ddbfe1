"""The issuer field is the issuer's subject, byte for byte."""

from typing import Final

from cryptography.hazmat import asn1

from signerd.pki.der import AttributeDer
from signerd.pki.distinguished_name import tbs_of
from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    issuer = specimen.issuer
    above = specimen.tbs.subject if issuer is None else tbs_of(issuer.certificate).subject
    if _bytes(specimen.tbs.issuer) != _bytes(above):
        return "the issuer field differs from the issuer's subject"
    return None


def _bytes(rdns: list[asn1.SetOf[AttributeDer]]) -> list[bytes]:
    return [asn1.encode_der(one) for rdn in rdns for one in rdn.as_list()]


RULE: Final = Rule("issuer-name", "RFC 5280, 4.1.2.4 and 7.1", _judge)
