"""subjectAltName is not empty and its mail addresses and host names are well-formed."""

from typing import Final

from cryptography import x509

from signerd.pki.alternative_name import is_dns_name, is_email
from signerd.pki.identify_data import IDENTIFY_DATA
from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    extension = specimen.extension(x509.SubjectAlternativeName)
    if extension is None:
        return None
    if extension.critical:
        return "subjectAltName is critical although there is a subject"
    if not list(extension.value):
        return "subjectAltName is empty"
    problems = (_problem(name) for name in extension.value)
    return next((problem for problem in problems if problem is not None), None)


def _problem(name: x509.GeneralName) -> str | None:
    match name:
        case x509.RFC822Name() if not is_email(name.value):
            return "an rfc822Name is not a mail address"
        case x509.DNSName() if not is_dns_name(name.value):
            return "a dNSName is not a host name"
        case x509.RFC822Name() | x509.DNSName():
            return None
        case x509.OtherName() if name.type_id == IDENTIFY_DATA:
            return None
        case _:
            return "a kind of name that no profile allows"


RULE: Final = Rule("alternative-name", "RFC 5280, 4.2.1.6", _judge)
