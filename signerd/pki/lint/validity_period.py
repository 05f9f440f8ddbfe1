"""notBefore precedes notAfter, and both lie within the issuer's validity."""

from typing import Final

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    certificate, issuer = specimen.certificate, specimen.issuer
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if start >= end:
        return "notBefore is not before notAfter"
    if issuer is not None and start < issuer.not_before_utc:
        return "the validity begins before the issuer's"
    if issuer is not None and end > issuer.not_after_utc:
        return "the validity ends after the issuer's"
    return None


RULE: Final = Rule("validity-period", "RFC 5280, 4.1.2.5", _judge)
