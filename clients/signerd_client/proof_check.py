"""Check a proof of an audit record, without a daemon."""

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from signerd_client.audit_proof import AuditProof, ProofError
from signerd_client.audit_record import AuditRecord, parse_record
from signerd_client.path_check import TrustedRoots, check_path, read_certificates, spki_sha256
from signerd_client.signature_check import ED25519, is_signature_of, is_signature_over, split_digest
from signerd_client.time_stamp_check import check_time_stamp

AUDIT_SIGNING: Final = x509.ObjectIdentifier("2.25.120765528459821570115809768164609232671")
"""The purpose of the certificate of an audit key: others of the same CA sign no checkpoints."""

_TITLE: Final = "signerd audit checkpoint 1"
_LINE: Final = re.compile(r"[a-z]+ [^\n]+")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")
_HASH_BYTES: Final = 32
_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class ProvenRecord:
    """What a proof proves.

    record: it was under checkpoint number `checkpoint` at checkpoint_time, by the clock of the
    daemon; stamp_time: by the clock of the time-stamping authority, None without time stamp.
    signer: subject of the certificate that the record names, "" when it names none.
    has_signature: the signature was in the proof and is the one on record. is_verified: it is one
    of that certificate over the digest on record; for Ed25519, which signs no digests, known only
    with the data. has_data: what was signed was given and has that digest.
    """

    record: AuditRecord
    position: int
    checkpoint: int
    checkpoint_time: datetime
    stamp_time: datetime | None
    signer: str
    has_signature: bool
    is_verified: bool
    has_data: bool


def check_proof(
    proof: AuditProof, roots: Sequence[bytes], *, data: bytes | None = None
) -> ProvenRecord:
    """Check all of a proof.

    roots: certificates (DER) of the root CAs that the caller trusts: never those in the proof.
    data: what was signed, where the caller has it.

    1. The path leads from the record, at its position, to the root that the checkpoint names.
    2. The audit key signed the checkpoint, and its certificate, which is for that, leads to a root.
    3. Where there is a time stamp, its authority saw both, and its certificate leads to a root.
    4. The certificate that the record names is there and leads to a root.
    5. The signature is the one on record, by that certificate, over the digest on record; and the
       data have this digest.

    Certificates are judged by the time of what they signed: a proof outlives them. Raises
    ProofError with the first thing that does not hold.
    """
    record = parse_record(proof.record)
    trusted = TrustedRoots.of(roots, proof.ca_certificates)
    fields = _fields(proof.checkpoint)
    moment = _time(fields)
    _check_path_to_root(proof, fields)
    _check_checkpoint(proof, fields, trusted, moment)
    stamp_time = None
    if proof.time_stamp:
        stamped = proof.checkpoint + proof.checkpoint_signature
        stamp_time = check_time_stamp(proof.time_stamp, stamped, trusted)
    signer = _check_certificate(proof, record, trusted)
    digest = _check_signature(proof, record, data)
    if data is not None:
        _check_data(record, digest, data)
    return ProvenRecord(
        record=record,
        position=proof.position,
        checkpoint=int(fields["number"]),
        checkpoint_time=moment,
        stamp_time=stamp_time,
        signer=signer,
        has_signature=bool(proof.signature),
        is_verified=bool(digest),
        has_data=data is not None,
    )


def require_filed(proof: AuditProof, lines: Iterable[bytes]) -> None:
    """The checkpoint of a proof is the one in a copy of the daemon's checkpoint file, given line by
    line: whoever keeps that copy notices a second history. Raises ProofError."""
    number = int(_fields(proof.checkpoint)["number"])
    for line in lines:
        try:
            document = json.loads(line)
            found, text = document["number"], document["checkpoint"]
        except (ValueError, KeyError, TypeError):
            continue
        if found == number:
            if text == proof.checkpoint.decode("ascii"):
                return
            raise ProofError(f"checkpoint {number} is another in the checkpoint file")
    raise ProofError(f"checkpoint {number} is not in the checkpoint file")


def _fields(checkpoint: bytes) -> dict[str, str]:
    try:
        title, *lines, end = checkpoint.decode("ascii").split("\n")
    except ValueError:
        title, lines, end = "", [], ""
    if title != _TITLE or end or not all(_LINE.fullmatch(line) for line in lines):
        raise ProofError("the checkpoint in the proof is not a checkpoint")
    named = [line.split(" ", 1) for line in lines if not line.startswith("chain ")]
    fields = dict(named)
    known = {"number", "time", "key", "algorithm", "root"} <= set(fields)
    if len(fields) != len(named) or not known or not _NUMBER.fullmatch(fields["number"]):
        raise ProofError("the checkpoint in the proof is not a checkpoint")
    return fields


def _time(fields: dict[str, str]) -> datetime:
    try:
        return datetime.strptime(fields["time"], _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise ProofError("the checkpoint in the proof has no time") from None


def _check_path_to_root(proof: AuditProof, fields: dict[str, str]) -> None:
    """Hashes as in RFC 6962, 2.1."""
    if not 0 <= proof.position < 1 << 64 or any(len(it.hash) != _HASH_BYTES for it in proof.path):
        raise ProofError("the path in the proof is none")
    leaf = hashlib.sha256(proof.record).digest() + struct.pack(">Q", proof.position)
    reached = hashlib.sha256(b"\x00" + leaf).digest()
    for is_left, sibling in proof.path:
        pair = sibling + reached if is_left else reached + sibling
        reached = hashlib.sha256(b"\x01" + pair).digest()
    if reached.hex() != fields["root"]:
        raise ProofError(
            "the record is not under the checkpoint: its path does not lead to the root that was "
            "signed"
        )


def _check_checkpoint(
    proof: AuditProof, fields: dict[str, str], trusted: TrustedRoots, moment: datetime
) -> None:
    (certificate,) = read_certificates([proof.audit_certificate])
    check_path(certificate, trusted, moment, "the certificate of the audit key")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        usage = x509.ExtendedKeyUsage([])
    if AUDIT_SIGNING not in usage:
        raise ProofError("the checkpoint was signed with a certificate that is not for that")
    if spki_sha256(certificate) != fields["key"]:
        raise ProofError("the checkpoint names another audit key than that of the certificate")
    if not is_signature_over(
        certificate, fields["algorithm"], proof.checkpoint_signature, proof.checkpoint
    ):
        raise ProofError("the audit key did not sign this checkpoint")


def _check_certificate(proof: AuditProof, record: AuditRecord, trusted: TrustedRoots) -> str:
    if not proof.certificate:
        return ""
    (certificate,) = read_certificates([proof.certificate])
    named = record.details.get("certificate") or record.resource.removeprefix("certificates/")
    if f"{certificate.serial_number:x}" != named.lstrip("0"):
        raise ProofError("the certificate in the proof is not the one that the record names")
    moment = record.event_time
    if record.kind != "signature.created":
        # What happens to a certificate may happen when it has expired.
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        moment = min(max(moment, begin), end)
    check_path(certificate, trusted, moment, "the certificate that the record names")
    return certificate.subject.rfc4514_string()


def _check_signature(proof: AuditProof, record: AuditRecord, data: bytes | None) -> str:
    """The digest that the signature in the proof is of; "" without a signature, or where it could
    not be verified."""
    if not proof.signature:
        return ""
    made = f"sha256:{hashlib.sha256(proof.signature).hexdigest()}"
    pairs = dict(zip(_each(record, "signature"), _each(record, "digest"), strict=False))
    if made not in pairs:
        raise ProofError("the signature in the proof is not the one that is on record")
    if not proof.certificate:
        raise ProofError("the certificate of the signature is missing in the proof")
    (certificate,) = read_certificates([proof.certificate])
    algorithm = record.details.get("algorithm", "")
    if algorithm == ED25519 and data is None:
        return ""
    digest = split_digest(pairs[made])
    if not is_signature_of(certificate, algorithm, proof.signature, digest, data or b""):
        raise ProofError(
            "the signature on record is not one of the certificate over the digest on record"
        )
    return pairs[made]


def _check_data(record: AuditRecord, of_signature: str, data: bytes) -> None:
    """of_signature: the digest that the data have to have; "" is any on record."""
    digests = [of_signature] if of_signature else _each(record, "digest")
    for text in digests:
        name, digest = split_digest(text)
        if hashlib.new(name, data).digest() == digest:
            return
    raise ProofError("the record is about other data: they have another digest")


def _each(record: AuditRecord, name: str) -> list[str]:
    """`HASH:HEX` for each that a record names: `digest`, or of a batch `digests`."""
    said = record.details.get(name) or record.details.get(f"{name}s", "")
    algorithm, _, digits = said.partition(":")
    return [f"{algorithm}:{one}" for one in digits.split(" ")] if said else []
