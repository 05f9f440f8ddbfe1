"""The call of signerd.v1.Admin that proves an audit record."""

import hashlib
from typing import Final

from signerd.v1 import admin_pb2 as wire
from signerd_client.audit_proof import AuditProof, proof_from_wire
from signerd_client.call import Call, decoder
from signerd_client.name import credential_name

_METHOD: Final = "/signerd.v1.Admin/ProveAuditRecord"


def prove_audit_record(
    *,
    position: int | None = None,
    credential: str = "",
    signature: bytes | None = None,
    digest: str = "",
    timeout_s: float | None = None,
) -> Call[AuditProof]:
    """Return the proof of an audit record: `proof_check.check_proof` verifies it anywhere.

    The record at a position; or that of a signature, found by the signature itself or by the digest
    that was signed ("sha256:9f86…"), among those of a credential. Without credential all are looked
    through, newest first. Exactly one of position, signature and digest is given; otherwise
    ValueError. A signature that is given is put into the proof.
    """
    if [position is not None, signature is not None, bool(digest)].count(True) != 1:
        raise ValueError("give one of position, signature and digest")
    request = wire.ProveAuditRecordRequest()
    if position is not None:
        request.position = position
    else:
        request.signature.credential = credential_name(credential)
        if signature is not None:
            request.signature.signature_sha256 = hashlib.sha256(signature).digest()
        else:
            request.signature.digest = digest
    return Call(
        _METHOD,
        request.SerializeToString(),
        decoder(
            wire.ProveAuditRecordResponse, lambda answer: proof_from_wire(answer, signature or b"")
        ),
        timeout_s,
    )
