"""`signerd audit verify`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signerd.config.load import load_settings
from signerd.core.boot import BootError, ExitCode
from signerd.core.clock import Clock
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey
from signerd.proof.checkpoint_file import CheckpointFile
from signerd.proof.judge import AuditAuthority, CheckpointJudge
from signerd.proof.verify import TrailReport, VerifyTrail
from signerd.store.audit_checkpoint import SqlCheckpointStore
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.system_key import SqlSystemKeyStore

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the verifier has from elsewhere than the database. ca: PEM file with the root; None
    takes the database's word for it. file: the checkpoint file; None is the one configured."""

    ca: Path | None = None
    file: Path | None = None


def verify_trail(config: Path, trusted: Trusted, clock: Clock, say: Say) -> bool:
    """Verify everything in the store and say what was found; False when something is wrong.

    Raises BootError."""
    settings = load_settings(config)
    file = CheckpointFile(trusted.file or settings.audit.checkpoint_file)
    if trusted.file is not None and not file.is_there:
        raise BootError(ExitCode.CONFIG_INVALID, f"there is no checkpoint file {trusted.file}")
    roots = None if trusted.ca is None else _read_roots(trusted.ca)
    report = asyncio.run(_verify(settings.store.url, file, roots, clock))
    for chain in report.chains:
        say(str(chain))
    is_file_missing = bool(report.stored) and not report.filed
    for line in _checkpoint_lines(report, file, is_file_missing=is_file_missing):
        say(line)
    is_good = report.is_good and not is_file_missing
    total = sum(chain.checked for chain in report.chains)
    say(f"{'good' if is_good else 'BROKEN'}: {len(report.chains)} chains, {total} records verified")
    return is_good


async def _verify(
    url: str, file: CheckpointFile, roots: set[bytes] | None, clock: Clock
) -> TrailReport:
    database = Database(url, chain="", clock=clock)
    await database.start()
    try:
        keys = await SqlSystemKeyStore(database).get_system_keys()
        judge = CheckpointJudge(_authority_of(keys))
        if roots is not None and judge.root not in roots:
            judge.problem = judge.problem or "the database names another root CA than the one given"
        return await VerifyTrail(
            SqlAuditTrail(database), SqlCheckpointStore(database), file.read(), judge
        ).run()
    finally:
        await database.close()


def _checkpoint_lines(
    report: TrailReport, file: CheckpointFile, *, is_file_missing: bool
) -> list[str]:
    if report.newest is None and not report.findings:
        return [f"not yet under a checkpoint: {report.uncovered}"]
    lines = [str(finding) for finding in report.findings]
    if report.newest is not None:
        lines.append(
            f"checkpoints: {report.stored} in the database, {report.filed} in {file.path}; the "
            f"newest is {report.newest.number} of {report.newest.time_utc:%Y-%m-%d %H:%M:%SZ}; "
            f"{report.stamped} with a time stamp"
        )
    if is_file_missing:
        lines.append(
            f"checkpoint file: {file.path} is missing or empty; without it nobody notices that the "
            "database was put back to an older state"
        )
    lines.append(f"not yet under a checkpoint: {report.uncovered}")
    return lines


def _authority_of(keys: dict[SystemKeyRole, SystemKey]) -> AuditAuthority:
    audit = keys.get(SystemKeyRole.AUDIT)
    above = [keys.get(SystemKeyRole.ISSUING), keys.get(SystemKeyRole.ROOT)]
    certificates = [key.certificate for key in above if key is not None and key.certificate]
    if audit is None or not audit.certificate or len(certificates) != len(above):
        raise BootError(ExitCode.CONFIG_INVALID, "the store knows no CA: run `signerd init` first")
    return AuditAuthority(audit.certificate, tuple(certificates))


def _read_roots(path: Path) -> set[bytes]:
    try:
        certificates = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BootError(ExitCode.CONFIG_INVALID, f"cannot read {path}: {error}") from error
    return {certificate.public_bytes(Encoding.DER) for certificate in certificates}
