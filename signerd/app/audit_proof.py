"""Wires the proofs of audit records."""

import time

from signerd.app.wiring import Base
from signerd.core.lifecycle import SystemKeyRole
from signerd.proof.prove import ProveRecord
from signerd.store.audit_checkpoint import SqlCheckpointStore
from signerd.store.audit_find import SqlAuditFinder
from signerd.transport.audit_proof import AuditProofs


def audit_proofs(base: Base) -> AuditProofs:
    """What a front answers auditors with."""
    key = base.system_keys.get(SystemKeyRole.AUDIT)
    authority = base.authority
    return AuditProofs(
        ProveRecord(
            SqlAuditFinder(base.database), SqlCheckpointStore(base.database), time.monotonic
        ),
        base.certificates,
        b"" if key is None or key.certificate is None else key.certificate,
        (authority.certificate, authority.root_certificate),
    )
