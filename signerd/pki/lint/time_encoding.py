"""Times through 2049 are UTCTime, later ones GeneralizedTime."""

from typing import Final

from cryptography.hazmat import asn1

from signerd.pki.lint.rule import Rule, Specimen

_FIRST_GENERALIZED_YEAR: Final = 2050


def _judge(specimen: Specimen) -> str | None:
    validity = specimen.tbs.validity
    for name, time in (("notBefore", validity.not_before), ("notAfter", validity.not_after)):
        is_generalized = isinstance(time, asn1.GeneralizedTime)
        moment = time.as_datetime()
        if is_generalized != (moment.year >= _FIRST_GENERALIZED_YEAR):
            return f"{name} in {moment.year} has the wrong type of time"
        if moment.microsecond:
            return f"{name} has fractions of a second"
    return None


RULE: Final = Rule("time-encoding", "RFC 5280, 4.1.2.5", _judge)
