"""A proof as the daemon gives it, made with software keys."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.v1 import admin_pb2
from signerd_client.proof_check import AUDIT_SIGNING
from tests.client.pki import Identity, make_identity

DOCUMENT = "이체 10,000원".encode()
EVENT_TIME = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CHECKPOINT_TIME = EVENT_TIME + timedelta(seconds=40)
POSITION = 26
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def certificate_for(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: Identity | None,
    own: ec.EllipticCurvePrivateKey,
    usages: Sequence[x509.ObjectIdentifier] = (),
    *,
    is_critical: bool = False,
) -> x509.Certificate:
    """A CA where there is no issuer. It and a time-stamping authority, whose usage is critical, are
    valid for long; others for some weeks around the event."""
    is_ca = issuer is None
    days = 7300 if is_ca or is_critical else 60
    builder = x509.CertificateBuilder(
        issuer.certificate.subject if issuer else subject,
        subject,
        key,
        x509.random_serial_number(),
        EVENT_TIME - timedelta(days=60),
        EVENT_TIME + timedelta(days=days),
    )
    builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    usage = [not is_ca, not is_ca, *[False] * 3, is_ca, is_ca, False, False]
    builder = builder.add_extension(x509.KeyUsage(*usage), critical=True)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=is_critical)
    return builder.sign(issuer.key if issuer else own, hashes.SHA256())


def identity(
    name: str,
    issuer: Identity | None = None,
    usages: Sequence[x509.ObjectIdentifier] = (),
    *,
    is_critical: bool = False,
) -> Identity:
    """A name with a key and certificate."""
    made = make_identity(name)
    subject = made.certificate.subject
    certificate = certificate_for(
        subject, made.key.public_key(), issuer, made.key, usages, is_critical=is_critical
    )
    return Identity(certificate, made.key)


@dataclass
class ProofParts:
    """What a proof is made of, to be made wrong by tests."""

    root: Identity
    audit: Identity
    holder: Identity
    signature: bytes
    details: dict[str, str] = field(default_factory=dict)
    time: datetime = CHECKPOINT_TIME
    kind: str = "signature.created"
    event_time: datetime = EVENT_TIME

    def response(self) -> admin_pb2.ProveAuditRecordResponse:
        """The answer of a daemon."""
        record = self.record()
        leaf = hashlib.sha256(record).digest() + struct.pack(">Q", POSITION)
        left, right = b"l" * 32, b"r" * 32
        reached = hashlib.sha256(b"\x00" + leaf).digest()
        reached = hashlib.sha256(b"\x01" + left + reached).digest()
        reached = hashlib.sha256(b"\x01" + reached + right).digest()
        checkpoint = self.checkpoint(reached)
        return admin_pb2.ProveAuditRecordResponse(
            proof=admin_pb2.AuditProof(
                record=record,
                position=POSITION,
                path=[
                    admin_pb2.AuditPathStep(is_left=True, hash=left),
                    admin_pb2.AuditPathStep(is_left=False, hash=right),
                ],
                checkpoint=checkpoint,
                signature=self.audit.key.sign(checkpoint, ec.ECDSA(hashes.SHA256())),
                audit_certificate=_der(self.audit),
                ca_certificates=[_der(self.root)],
                certificate=_der(self.holder),
            )
        )

    def checkpoint(self, root: bytes) -> bytes:
        """Its text."""
        spki = self.audit.certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        lines = (
            "signerd audit checkpoint 1",
            "number 42",
            f"time {self.time:%Y-%m-%dT%H:%M:%S.%fZ}",
            f"key {hashlib.sha256(spki).hexdigest()}",
            "algorithm EC_P256_SHA256",
            f"previous {'00' * 32}",
            "records 3",
            f"root {root.hex()}",
            f"fingerprints {'00' * 32}",
            f"chain local/front-0 7 {'11' * 32}",
        )
        return "".join(f"{line}\n" for line in lines).encode()

    def record(self) -> bytes:
        """In its canonical form."""
        serial = f"{self.holder.certificate.serial_number:x}"
        details = {
            "algorithm": "EC_P256_SHA256",
            "certificate": serial,
            "digest": f"sha256:{hashlib.sha256(DOCUMENT).hexdigest()}",
            "signature": f"sha256:{hashlib.sha256(self.signature).hexdigest()}",
        } | self.details
        return b"".join(
            (
                b"signerd-audit-1\x00" + _text("local/front-0") + struct.pack(">Q", 7) + bytes(32),
                _text(self.kind),
                struct.pack(">q", (self.event_time - _EPOCH) // timedelta(microseconds=1)),
                _text("uri:spiffe://bank.example/app") + _text("credentials/0f3c") + _text("id"),
                struct.pack(">I", len([text for text in details.values() if text])),
                *(_text(it) + _text(details[it]) for it in sorted(details) if details[it]),
            )
        )


def proof_parts() -> ProofParts:
    """Of a proof that holds."""
    root, audit, holder = _identities()
    return ProofParts(root, audit, holder, holder.key.sign(DOCUMENT, ec.ECDSA(hashes.SHA256())))


@cache
def _identities() -> tuple[Identity, Identity, Identity]:
    root = identity("Proof root")
    return root, identity("audit", root, [AUDIT_SIGNING]), identity("홍길동", root)


def _der(one: Identity) -> bytes:
    return one.certificate.public_bytes(Encoding.DER)


def _text(value: str) -> bytes:
    octets = value.encode()
    return struct.pack(">I", len(octets)) + octets
