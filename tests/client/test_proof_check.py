"""A proof holds as a whole, or not at all."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from signerd_client.audit_proof import AuditProof, PathStep, ProofError, proof_from_wire
from signerd_client.proof_check import AUDIT_SIGNING, ProvenRecord, check_proof, require_filed
from tests.client.scripted_proof import (
    CHECKPOINT_TIME,
    DOCUMENT,
    EVENT_TIME,
    POSITION,
    ProofParts,
    identity,
    proof_parts,
)


def _made(parts: ProofParts) -> AuditProof:
    return proof_from_wire(parts.response(), parts.signature)


def _check(proof: AuditProof, parts: ProofParts, data: bytes | None = DOCUMENT) -> ProvenRecord:
    return check_proof(proof, [parts.root.certificate.public_bytes(Encoding.DER)], data=data)


def test_a_proof_says_what_it_proves() -> None:
    """Record, place, checkpoint, certificate, and that signature and document are those."""
    parts = proof_parts()
    proven = _check(_made(parts), parts)
    assert proven.record.kind == "signature.created"
    assert proven.record.event_time == EVENT_TIME
    assert (proven.record.chain, proven.record.sequence) == ("local/front-0", 7)
    assert (proven.position, proven.checkpoint) == (POSITION, 42)
    assert proven.checkpoint_time == CHECKPOINT_TIME
    assert proven.signer == "CN=홍길동"
    assert (proven.has_signature, proven.is_verified, proven.has_data) == (True, True, True)


def test_a_proof_survives_its_file() -> None:
    """Written and read again it is the same proof, and the file is the same each time."""
    proof = _made(proof_parts())
    assert AuditProof.from_zip(proof.to_zip()) == proof
    assert proof.to_zip() == proof.to_zip()


def test_what_is_not_given_is_not_proven() -> None:
    """Without signature and document the record alone is."""
    parts = proof_parts()
    proven = _check(replace(_made(parts), signature=b""), parts, None)
    assert (proven.has_signature, proven.is_verified, proven.has_data) == (False, False, False)


def test_one_signature_of_a_batch_is_proven() -> None:
    """The digest at the same place is the one that the document has to have."""
    parts = proof_parts()
    digest = hashlib.sha256(DOCUMENT).hexdigest()
    made = hashlib.sha256(parts.signature).hexdigest()
    parts.details = {
        "digest": "",
        "signature": "",
        "digests": f"sha256:{'00' * 32} {digest}",
        "signatures": f"sha256:{'11' * 32} {made}",
    }
    assert _check(_made(parts), parts).is_verified
    parts.details["digests"] = f"sha256:{digest} {'00' * 32}"
    with pytest.raises(ProofError, match="not one of the certificate over the digest"):
        _check(_made(parts), parts)


_STEP = PathStep(is_left=True, hash=bytes(32))
_FALSE: dict[str, tuple[Callable[[AuditProof], AuditProof], str]] = {
    "record": (
        lambda it: replace(it, record=it.record.replace(b"bank", b"bunk")),
        "not under the checkpoint",
    ),
    "no record": (lambda it: replace(it, record=it.record + b"x"), "no audit record"),
    "half a record": (lambda it: replace(it, record=it.record[:50]), "no audit record"),
    "position": (lambda it: replace(it, position=it.position + 1), "not under the checkpoint"),
    "a negative position": (lambda it: replace(it, position=-1), "path in the proof is none"),
    "a step too many": (
        lambda it: replace(it, path=(*it.path, _STEP)),
        "not under the checkpoint",
    ),
    "a step too few": (lambda it: replace(it, path=it.path[:-1]), "not under the checkpoint"),
    "a short hash": (
        lambda it: replace(it, path=(PathStep(is_left=True, hash=b"x"), *it.path)),
        "path in the proof is none",
    ),
    "checkpoint": (
        lambda it: replace(it, checkpoint=it.checkpoint.replace(b"records 3", b"records 4")),
        "audit key did not sign",
    ),
    "no checkpoint": (
        lambda it: replace(it, checkpoint=it.checkpoint.replace(b"checkpoint 1", b"checkpoint 9")),
        "not a checkpoint",
    ),
    "a checkpoint with two roots": (
        lambda it: replace(it, checkpoint=it.checkpoint + b"root 00\n"),
        "not a checkpoint",
    ),
    "checkpoint signature": (
        lambda it: replace(it, checkpoint_signature=it.checkpoint_signature[:-1]),
        "audit key did not sign",
    ),
    "audit certificate": (
        lambda it: replace(it, audit_certificate=b"x"),
        "cannot be read",
    ),
    "certificate": (
        lambda it: replace(it, certificate=it.audit_certificate),
        "not the one that the record names",
    ),
    "no certificate": (lambda it: replace(it, certificate=b""), "certificate of the signature"),
    "signature": (lambda it: replace(it, signature=b"x"), "not the one that is on record"),
}


@pytest.mark.parametrize("what", _FALSE)
def test_each_part_that_is_another_is_noticed(what: str) -> None:
    """Whatever is changed in a proof, it proves nothing any more, and says why."""
    change, message = _FALSE[what]
    parts = proof_parts()
    with pytest.raises(ProofError, match=message):
        _check(change(_made(parts)), parts)


def test_another_document_is_noticed() -> None:
    """With the signature and without it."""
    parts = proof_parts()
    for proof in (_made(parts), replace(_made(parts), signature=b"")):
        with pytest.raises(ProofError, match="about other data"):
            _check(proof, parts, b"another")


def test_a_root_that_nobody_trusts_is_no_root() -> None:
    """The one in the proof does not count."""
    parts = proof_parts()
    other = identity("Proof root").certificate.public_bytes(Encoding.DER)
    for roots in ([], [other]):
        with pytest.raises(ProofError, match="does not lead to a root"):
            check_proof(_made(parts), roots)


def test_a_customer_signs_no_checkpoints() -> None:
    """A certificate of the same CA for another purpose is not one of an audit key."""
    parts = proof_parts()
    parts.audit = parts.holder
    with pytest.raises(ProofError, match="not for that"):
        _check(_made(parts), parts)


def test_a_customer_issues_no_certificates() -> None:
    """An audit certificate by somebody who is no CA leads nowhere."""
    parts = proof_parts()
    fake = identity("audit", parts.holder, [AUDIT_SIGNING])
    proof = replace(_made(replace(parts, audit=fake)), ca_certificates=())
    chain = (parts.holder, parts.root)
    ders = tuple(it.certificate.public_bytes(Encoding.DER) for it in chain)
    with pytest.raises(ProofError, match="does not lead to a root"):
        _check(replace(proof, ca_certificates=ders), parts)


def test_certificates_are_judged_by_the_time_of_the_checkpoint() -> None:
    """What is long over today was valid then; what was over then was not."""
    parts = proof_parts()
    parts.time = EVENT_TIME + timedelta(days=61)
    with pytest.raises(ProofError, match="was not valid"):
        _check(_made(parts), parts)


def test_what_happens_to_a_certificate_is_proven_also_outside_its_validity() -> None:
    """As the revocation of one that has expired; what it signs it has to sign while it is valid."""
    parts = proof_parts()
    parts.event_time = EVENT_TIME - timedelta(days=61)
    with pytest.raises(ProofError, match="was not valid"):
        _check(replace(_made(parts), signature=b""), parts, None)
    parts.kind = "certificate.revoked"
    proven = _check(replace(_made(parts), signature=b""), parts, None)
    assert proven.record.kind == "certificate.revoked"


def test_a_signature_by_another_key_is_noticed() -> None:
    """On record, but not of the certificate that the record names."""
    parts = proof_parts()
    parts.signature = parts.audit.key.sign(DOCUMENT, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(ProofError, match="not one of the certificate"):
        _check(_made(parts), parts)


def test_a_second_history_is_noticed() -> None:
    """The checkpoint has to be the one in the file that somebody else keeps; what a crash left of a
    line there does not count."""
    parts = proof_parts()
    proof = _made(parts)
    text = proof.checkpoint.decode()
    line = json.dumps({"number": 42, "checkpoint": text}).encode()
    require_filed(proof, [b'{"number": 42, "checkp', b"42", line])
    other = json.dumps({"number": 42, "checkpoint": text.replace("records 3", "records 4")})
    with pytest.raises(ProofError, match="checkpoint 42 is another"):
        require_filed(proof, [other.encode()])
    with pytest.raises(ProofError, match="checkpoint 42 is not in"):
        require_filed(proof, [])


def _archive(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a ZIP"),
        (b"PK\x03\x04 and so on", "not a ZIP"),
        (_archive({}), "it has no"),
        (_archive({"record.bin": bytes(5 << 20)}), "too large"),
        (_archive({"record.bin": b"x", "path.txt": b"position 0\n"}), "cannot be read"),
    ],
)
def test_a_file_that_is_no_proof_is_refused(content: bytes, message: str) -> None:
    """Rubbish, and archives that are made to be large, end with a sentence."""
    with pytest.raises(ProofError, match=message):
        AuditProof.from_zip(content)
