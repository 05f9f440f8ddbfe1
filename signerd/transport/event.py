"""Audit records as the API shows them."""

from signerd.audit.event import AuditRecord
from signerd.transport import conversion as convert
from signerd.v1 import admin_pb2 as pb


def event_message(record: AuditRecord) -> pb.AuditEvent:
    """An audit record as the API shows it."""
    event = record.event
    return pb.AuditEvent(
        position=record.position,
        chain=record.chain,
        sequence=record.sequence,
        event_time=convert.timestamp_to(event.time_utc),
        kind=event.kind.value,
        principal=event.principal,
        resource=event.resource,
        request_id=event.request_id,
        details=dict(event.details),
        previous_hash=record.previous_hash.hex(),
        hash=record.hash.hex(),
    )
