"""A key that answers for the CA does nothing else, and only such a key goes unchecked."""

from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    usage = specimen.extension(x509.ExtendedKeyUsage)
    purposes = [] if usage is None else list(usage.value)
    has_no_check = specimen.extension(x509.OCSPNoCheck) is not None
    if ExtendedKeyUsageOID.OCSP_SIGNING not in purposes:
        return "id-pkix-ocsp-nocheck without OCSPSigning" if has_no_check else None
    if len(purposes) > 1:
        return "OCSPSigning is not the only purpose"
    return None if has_no_check else "OCSPSigning without id-pkix-ocsp-nocheck"


RULE: Final = Rule("ocsp-signer", "RFC 6960, 4.2.2.2", _judge)
