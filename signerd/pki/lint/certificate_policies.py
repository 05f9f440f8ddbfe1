"""Each policy appears once; notices are short, readable, and of a string type that is allowed."""

from collections import Counter
from typing import Final

from cryptography.x509.oid import ExtensionOID

from signerd.pki.certificate_policy import MAX_NOTICE_LENGTH, CertificatePolicy, decode_policies
from signerd.pki.lint.rule import Rule, Specimen
from signerd.pki.location import check_http_uri
from signerd.pki.name_text import text_problem


def _judge(specimen: Specimen) -> str | None:
    for extension in specimen.tbs.extensions:
        if extension.oid == ExtensionOID.CERTIFICATE_POLICIES:
            return _problem(extension.value)
    return None


def _problem(der: bytes) -> str | None:
    try:
        policies = decode_policies(der)
    except ValueError as error:
        return f"certificatePolicies cannot be read: {error}"
    counted = Counter(policy.oid.dotted_string for policy in policies)
    repeated = [oid for oid, count in counted.items() if count > 1]
    if repeated:
        return f"repeated: {', '.join(repeated)}"
    problems = (_qualifier_problem(policy) for policy in policies)
    return next((problem for problem in problems if problem is not None), None)


def _qualifier_problem(policy: CertificatePolicy) -> str | None:
    if policy.cps_uri:
        try:
            check_http_uri(policy.cps_uri)
        except ValueError as error:
            return f"the practice statement: {error}"
    if not policy.notice:
        return None
    problem = text_problem(policy.notice, upper_bound=MAX_NOTICE_LENGTH)
    return None if problem is None else f"explicitText {problem}"


RULE: Final = Rule("certificate-policies", "RFC 5280, 4.2.1.4; RFC 6818, 3", _judge)
