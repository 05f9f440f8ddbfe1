"""Proofs of audit records as the API gives them."""

from dataclasses import dataclass
from typing import Final, Protocol

from signerd.audit.event import AuditRecord
from signerd.audit.signature import SignatureDetail
from signerd.core.algorithm import Hash
from signerd.core.error import InvalidRequest, NotFound
from signerd.core.record import CertificateRecord
from signerd.core.value import CertificateId
from signerd.proof.prove import RecordProof, SignatureQuery
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.transport.event import event_message
from signerd.v1 import admin_pb2 as pb

_SHA256_BYTES: Final = 32
_CERTIFICATES: Final = "certificates/"


class RecordProver(Protocol):
    """`signerd.proof.prove.ProveRecord`. Deadlines are seconds of time.monotonic()."""

    async def at_position(self, position: int) -> AuditRecord: ...

    async def find(self, query: SignatureQuery, *, deadline: float) -> AuditRecord: ...

    async def prove(self, record: AuditRecord, *, deadline: float) -> RecordProof: ...


class CertificateReader(Protocol):
    """Where certificates are read. Raises NotFound, StoreUnavailable."""

    async def get_certificate(self, certificate_id: CertificateId) -> CertificateRecord: ...


@dataclass(frozen=True, slots=True)
class AuditProofs:
    """audit_certificate, ca_certificates: DER, the root last; they go with every proof."""

    prover: RecordProver
    certificates: CertificateReader
    audit_certificate: bytes
    ca_certificates: tuple[bytes, ...]

    async def prove(self, request: pb.ProveAuditRecordRequest) -> pb.ProveAuditRecordResponse:
        """Find the record, and prove it. Raises InvalidRequest and as RecordProver."""
        deadline = current_caller.get().deadline
        match request.WhichOneof("record"):
            case "position":
                record = await self.prover.at_position(request.position)
            case "signature":
                query = query_from(request.signature)
                record = await self.prover.find(query, deadline=deadline)
            case _:
                raise InvalidRequest("say which record: position or signature", field="record")
        proof = await self.prover.prove(record, deadline=deadline)
        return pb.ProveAuditRecordResponse(
            event=event_message(record),
            proof=pb.AuditProof(
                record=proof.octets,
                position=record.position,
                path=[
                    pb.AuditPathStep(is_left=step.is_left, hash=step.hash) for step in proof.path
                ],
                checkpoint=proof.signed.text,
                signature=proof.signed.signature,
                time_stamp=proof.signed.time_stamp,
                audit_certificate=self.audit_certificate,
                ca_certificates=self.ca_certificates,
                certificate=await self._certificate_of(record),
            ),
        )

    async def _certificate_of(self, record: AuditRecord) -> bytes:
        resource = record.event.resource
        named = record.event.details.get("certificate", "")
        if not named and resource.startswith(_CERTIFICATES):
            named = resource
        if not named:
            return b""
        try:
            name = CertificateId(named.removeprefix(_CERTIFICATES))
            return (await self.certificates.get_certificate(name)).der
        except NotFound:
            return b""


def query_from(asked: pb.AuditedSignature) -> SignatureQuery:
    """Raises InvalidRequest."""
    credential = (
        convert.credential_from(asked.credential, field="signature.credential")
        if asked.credential
        else None
    )
    if asked.WhichOneof("by") == "digest":
        return SignatureQuery(credential, _digest(asked.digest))
    if len(asked.signature_sha256) != _SHA256_BYTES:
        raise InvalidRequest(
            "give the SHA-256 of the signature, 32 bytes, or the digest that was signed",
            field="signature.signature_sha256",
        )
    digits = asked.signature_sha256.hex()
    return SignatureQuery(credential, SignatureDetail("signature", Hash.SHA256.value, digits))


def _digest(text: str) -> SignatureDetail:
    name, _, digits = text.partition(":")
    try:
        octets, hash_ = bytes.fromhex(digits), Hash(name)
    except ValueError:
        octets, hash_ = b"", Hash.SHA256
    if len(octets) != hash_.digest_size:
        raise InvalidRequest(
            "a digest is written as sha256:, sha384: or sha512: and its hexadecimal digits",
            reason="DIGEST_LENGTH",
            field="signature.digest",
        )
    return SignatureDetail("digest", hash_.value, octets.hex())
