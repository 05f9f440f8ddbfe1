"""Checks of what identities are proven with."""

from pathlib import Path

from signerd.app.doctor.finding import Findings
from signerd.app.identity import FILE, check_identity
from signerd.config.settings import Settings
from signerd.identity.file_document_verifier import FileDocumentVerifier

_CHECK = "identity documents"


def check_identity_checks(findings: Findings, settings: Settings) -> None:
    """Rules, and who verifies documents; the bank's service is not asked, as it may cost."""
    where = settings.identity.document_verifier
    with findings.guard("identity checks"):
        check_identity(settings)
        findings.ok("identity checks", str(settings.identity.rules or "by the default rules"))
    with findings.guard(_CHECK):
        if where.startswith(FILE):
            file = Path(where.removeprefix(FILE))
            count = FileDocumentVerifier(file).count()
            findings.ok(_CHECK, f"{count} in {file}, which is for tests")
        elif where:
            findings.ok(_CHECK, f"verified by {where}")
        else:
            findings.note(
                _CHECK,
                "nobody verifies them: proofs by document are refused; set "
                "identity.document_verifier where they are needed",
            )
