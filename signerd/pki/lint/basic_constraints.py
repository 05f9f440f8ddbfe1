"""CAs say so critically; the path below the issuer is as long as the issuer allows."""

from typing import Final

from cryptography import x509

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    constraints = specimen.extension(x509.BasicConstraints)
    if constraints is None or not constraints.value.ca:
        return "a self-signed certificate is no CA" if specimen.issuer is None else None
    if not constraints.critical:
        return "basicConstraints of a CA is not critical"
    if specimen.issuer is None:
        return None
    above = specimen.issuer.parsed.extensions.get_extension_for_class(x509.BasicConstraints)
    allowed, below = above.value.path_length, constraints.value.path_length
    if allowed is not None and (below is None or below >= allowed):
        return "pathLenConstraint is not less than the issuer's"
    return None


RULE: Final = Rule("basic-constraints", "RFC 5280, 4.2.1.9 and 6.1.4", _judge)
