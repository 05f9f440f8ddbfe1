"""Proofs of audit records, as the daemon gives them and as they are kept in a file.

The file is a ZIP archive whose members openssl and sha256sum can work with:

    record.bin       the record in its canonical form
    path.txt         `position N`, then `left HASH` or `right HASH` for each sibling up to the root
    checkpoint.txt   what the audit key signed
    checkpoint.sig   its signature
    checkpoint.tst   time stamp over both, one after the other (where there is one)
    audit.pem        certificate of the audit key
    chain.pem        certificates of the CA, the root last
    certificate.pem  the certificate that the record names (where it names one)
    signature.bin    the signature that is on record (where it was given)
"""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signerd.v1 import admin_pb2
from signerd_client.certificate import pem_encode

_LARGEST: Final = 4 << 20
_LONGEST_PATH: Final = 64
_STEP: Final = re.compile(r"(left|right) ([0-9a-f]{64})")
_POSITION: Final = re.compile(r"position ([1-9][0-9]{0,18})")
# Members have one time, so that one proof is one file.
_MEMBER_TIME: Final = (1980, 1, 1, 0, 0, 0)


class ProofError(ValueError):
    """This is no proof, or it proves nothing; the message says why."""


class PathStep(NamedTuple):
    """A sibling on the way to the root."""

    is_left: bool
    hash: bytes


@dataclass(frozen=True, slots=True)
class AuditProof:
    """What proves that a record was there when a checkpoint was signed. Certificates are DER.

    time_stamp, certificate, signature: empty where there is none; see the module for what they are.
    """

    record: bytes
    position: int
    path: tuple[PathStep, ...]
    checkpoint: bytes
    checkpoint_signature: bytes
    time_stamp: bytes
    audit_certificate: bytes
    ca_certificates: tuple[bytes, ...]
    certificate: bytes
    signature: bytes = b""

    def to_zip(self) -> bytes:
        """As a file."""
        steps = [f"{'left' if step.is_left else 'right'} {step.hash.hex()}" for step in self.path]
        members = {
            "record.bin": self.record,
            "path.txt": "".join(f"{it}\n" for it in (f"position {self.position}", *steps)).encode(),
            "checkpoint.txt": self.checkpoint,
            "checkpoint.sig": self.checkpoint_signature,
            "checkpoint.tst": self.time_stamp,
            "audit.pem": _pem(self.audit_certificate),
            "chain.pem": _pem(*self.ca_certificates),
            "certificate.pem": _pem(self.certificate),
            "signature.bin": self.signature,
        }
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in members.items():
                if content:
                    archive.writestr(zipfile.ZipInfo(name, _MEMBER_TIME), content)
        return target.getvalue()

    @staticmethod
    def from_zip(content: bytes) -> "AuditProof":
        """Out of a file. Raises ProofError."""
        members = _members(content)
        try:
            position, *steps = members["path.txt"].decode("ascii").splitlines()
            return AuditProof(
                record=members["record.bin"],
                position=int(_matched(_POSITION, position)[1]),
                path=tuple(_step(line) for line in steps[:_LONGEST_PATH]),
                checkpoint=members["checkpoint.txt"],
                checkpoint_signature=members["checkpoint.sig"],
                time_stamp=members.get("checkpoint.tst", b""),
                audit_certificate=_ders(members["audit.pem"])[0],
                ca_certificates=_ders(members["chain.pem"]),
                certificate=next(iter(_ders(members.get("certificate.pem", b""))), b""),
                signature=members.get("signature.bin", b""),
            )
        except KeyError as error:
            raise ProofError(f"this is no proof: it has no {error.args[0]}") from None
        except (ValueError, IndexError, x509.InvalidVersion):
            raise ProofError("this is no proof: one of its members cannot be read") from None


def proof_from_wire(message: admin_pb2.ProveAuditRecordResponse, signature: bytes) -> AuditProof:
    """The value of a message, with the signature that was asked about."""
    proof = message.proof
    return AuditProof(
        record=proof.record,
        position=proof.position,
        path=tuple(PathStep(step.is_left, step.hash) for step in proof.path),
        checkpoint=proof.checkpoint,
        checkpoint_signature=proof.signature,
        time_stamp=proof.time_stamp,
        audit_certificate=proof.audit_certificate,
        ca_certificates=tuple(proof.ca_certificates),
        certificate=proof.certificate,
        signature=signature,
    )


def _members(content: bytes) -> dict[str, bytes]:
    """Nothing is unpacked that is larger than a proof could be."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > _LARGEST:
                raise ProofError("this is no proof: it is too large for one")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
        raise ProofError("this is no proof: it is not a ZIP archive, or a damaged one") from None


def _step(line: str) -> PathStep:
    side, digits = _matched(_STEP, line).groups()
    return PathStep(side == "left", bytes.fromhex(digits))


def _matched(pattern: re.Pattern[str], line: str) -> re.Match[str]:
    found = pattern.fullmatch(line)
    if found is None:
        raise ValueError(f"{line!r} does not belong there")
    return found


def _pem(*certificates: bytes) -> bytes:
    return "".join(pem_encode("CERTIFICATE", der) for der in certificates if der).encode()


def _ders(pem: bytes) -> tuple[bytes, ...]:
    if not pem:
        return ()
    return tuple(it.public_bytes(Encoding.DER) for it in x509.load_pem_x509_certificates(pem))
