"""Extensions that must not be critical are not, and critical ones are known."""

from typing import Final

from cryptography.x509.oid import ExtensionOID

from signerd.pki.lint.rule import Rule, Specimen

_MAY_BE_CRITICAL: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        # Judged by the rule on alternative names.
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)


def _judge(specimen: Specimen) -> str | None:
    wrong = [
        extension.oid.dotted_string
        for extension in specimen.tbs.extensions
        if extension.critical and extension.oid not in _MAY_BE_CRITICAL
    ]
    return f"critical: {', '.join(wrong)}" if wrong else None


RULE: Final = Rule("extension-criticality", "RFC 5280, 4.2", _judge)
