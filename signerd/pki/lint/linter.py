"""All rules over one certificate."""

from typing import Final

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal
from signerd.pki.issuer import IssuerInfo
from signerd.pki.lint import (
    alternative_name,
    authority_key_identifier,
    basic_constraints,
    certificate_policies,
    extension_criticality,
    extension_readable,
    extension_unique,
    identify_data,
    issuer_name,
    key_not_issuers,
    key_strength,
    key_usage,
    ocsp_signer,
    serial_number,
    signature_algorithm,
    subject_key_identifier,
    subject_name,
    time_encoding,
    time_stamping,
    validity_period,
)
from signerd.pki.lint.rule import Finding, Rule, Specimen, load_specimen

# These look at the structure; the others read what only a well-formed one yields.
STRUCTURE_RULES: Final[tuple[Rule, ...]] = (
    serial_number.RULE,
    time_encoding.RULE,
    extension_unique.RULE,
    extension_readable.RULE,
    key_strength.RULE,
)
CONTENT_RULES: Final[tuple[Rule, ...]] = (
    signature_algorithm.RULE,
    issuer_name.RULE,
    validity_period.RULE,
    subject_name.RULE,
    key_not_issuers.RULE,
    subject_key_identifier.RULE,
    authority_key_identifier.RULE,
    basic_constraints.RULE,
    key_usage.RULE,
    ocsp_signer.RULE,
    time_stamping.RULE,
    certificate_policies.RULE,
    alternative_name.RULE,
    identify_data.RULE,
    extension_criticality.RULE,
)


def lint_certificate(
    certificate_der: bytes, issuer: IssuerInfo | None, algorithm: KeyAlgorithm
) -> tuple[Finding, ...]:
    """What is wrong with a certificate; its signature is not looked at.

    issuer: None for a self-signed one; algorithm: of the key that is to sign it.
    """
    try:
        specimen = load_specimen(certificate_der, issuer, algorithm)
    except ValueError as error:
        return (Finding("structure", "RFC 5280, 4.1", f"not a certificate: {error}"),)
    return _findings(STRUCTURE_RULES, specimen) or _findings(CONTENT_RULES, specimen)


def require_lint_clean(
    certificate_der: bytes, issuer: IssuerInfo | None, algorithm: KeyAlgorithm
) -> None:
    """Raises Internal (LINT_FAILED) naming the broken rules.

    What a caller can get wrong was refused before anything was built, so that a finding is a
    defect of the daemon or of its configuration.
    """
    findings = lint_certificate(certificate_der, issuer, algorithm)
    if findings:
        raise Internal(
            "the certificate was not signed: "
            + "; ".join(f"{one.rule}: {one.problem} ({one.clause})" for one in findings),
            reason="LINT_FAILED",
            metadata={"rules": ",".join(one.rule for one in findings)},
        )


def _findings(rules: tuple[Rule, ...], specimen: Specimen) -> tuple[Finding, ...]:
    checked = (rule.check(specimen) for rule in rules)
    return tuple(finding for finding in checked if finding is not None)
