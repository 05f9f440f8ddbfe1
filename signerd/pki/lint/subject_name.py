"""The subject is not empty, in the order C, O, OU, CN, within X.520's bounds and string types, and
holds nothing invisible."""

from typing import Final

from cryptography.x509.oid import NameOID

from signerd.pki.der import AttributeDer
from signerd.pki.distinguished_name import read_name
from signerd.pki.lint.rule import Rule, Specimen
from signerd.pki.name_text import text_problem

_ORDER: Final = (
    NameOID.COUNTRY_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COMMON_NAME,
)
_UPPER_BOUND: Final = 64
_COUNTRY_LENGTH: Final = 2
_UTF8_STRING: Final = b"\x0c"
_PRINTABLE_STRING: Final = b"\x13"


def _judge(specimen: Specimen) -> str | None:
    attributes = [one for rdn in specimen.tbs.subject for one in rdn.as_list()]
    if not attributes:
        return "the subject is empty"
    if len(attributes) != len(specimen.tbs.subject):
        return "an RDN holds more than one attribute"
    oids = [attribute.oid for attribute in attributes]
    unknown = [oid.dotted_string for oid in oids if oid not in _ORDER]
    if unknown:
        return f"unexpected attribute {unknown[0]}"
    if oids != sorted(oids, key=_ORDER.index):
        return "the attributes are not in the order C, O, OU, CN"
    if oids.count(NameOID.COMMON_NAME) != 1:
        return "there is not exactly one common name"
    values = read_name(specimen.tbs.subject)
    problems = (_problem(one, str(of.value)) for one, of in zip(attributes, values, strict=True))
    return next((problem for problem in problems if problem is not None), None)


def _problem(attribute: AttributeDer, text: str) -> str | None:
    name = attribute.oid.dotted_string
    if attribute.oid == NameOID.COUNTRY_NAME:
        is_country = len(text) == _COUNTRY_LENGTH and text.isascii() and text.isalpha()
        if attribute.value.tag_bytes != _PRINTABLE_STRING or not is_country:
            return f"{name} is not a PrintableString of two letters"
        return None
    if attribute.value.tag_bytes != _UTF8_STRING:
        return f"{name} is not a UTF8String"
    problem = text_problem(text, upper_bound=_UPPER_BOUND)
    return None if problem is None else f"{name} {problem}"


RULE: Final = Rule("subject-name", "RFC 5280, 4.1.2.6 and appendix A.1", _judge)
