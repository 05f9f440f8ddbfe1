"""Checks of what audit checkpoints need."""

import asyncio

from cryptography import x509

from signerd.app.doctor.finding import Findings
from signerd.config.settings import Settings
from signerd.core.clock import Clock
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey
from signerd.pki.chain import ChainLink, require_chain
from signerd.proof.checkpoint_file import CheckpointFile
from signerd.proof.file_checkpoint import FileCheckpoints
from signerd.proof.judge import AuditAuthority, CheckpointJudge
from signerd.store.audit_checkpoint import SqlCheckpointStore
from signerd.store.database import Database


def check_audit_signer(
    findings: Findings, keys: dict[SystemKeyRole, SystemKey], clock: Clock
) -> None:
    """The certificate of the audit key: for it and its purpose, by the issuing CA, not expired."""
    audit = keys.get(SystemKeyRole.AUDIT)
    above = [keys.get(SystemKeyRole.ISSUING), keys.get(SystemKeyRole.ROOT)]
    chain = tuple(key.certificate for key in above if key is not None and key.certificate)
    if audit is None or not audit.certificate or len(chain) != len(above):
        findings.failed("audit signer", "the database knows none; run `signerd init`")
        return
    with findings.guard("audit signer"):
        links = [ChainLink(audit.certificate, audit.spki), *(ChainLink(der) for der in chain)]
        require_chain(links, clock.now())
        if problem := CheckpointJudge(AuditAuthority(audit.certificate, chain)).problem:
            findings.failed("audit signer", problem)
            return
        end = x509.load_der_x509_certificate(audit.certificate).not_valid_after_utc
        findings.ok("audit signer", f"valid until {end:%Y-%m-%d}")


def check_checkpoint_file(findings: Findings, settings: Settings, clock: Clock) -> None:
    """That the database is not older than the checkpoint file."""
    file = CheckpointFile(settings.audit.checkpoint_file)

    async def reached() -> int:
        database = Database(settings.store.url, chain="", clock=clock)
        await database.start()
        try:
            return await FileCheckpoints(file, SqlCheckpointStore(database)).agreed()
        finally:
            await database.close()

    with findings.guard("checkpoint file"):
        number = asyncio.run(reached())
        known = f"up to checkpoint {number}" if number else "not begun yet"
        findings.ok("checkpoint file", f"{file.path}: {known}; keep it on other media")
