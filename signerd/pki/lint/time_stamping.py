"""A key that stamps time does nothing else, and says so critically."""

from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    usage = specimen.extension(x509.ExtendedKeyUsage)
    if usage is None or ExtendedKeyUsageOID.TIME_STAMPING not in usage.value:
        return None
    if len(usage.value) > 1:
        return "timeStamping is not the only purpose"
    return None if usage.critical else "timeStamping is not critical"


RULE: Final = Rule("time-stamping", "RFC 3161, 2.3", _judge)
