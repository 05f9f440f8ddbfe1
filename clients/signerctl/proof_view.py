"""What people see of a proof."""

from signerctl.view import Row, moment
from signerd_client.proof_check import ProvenRecord


def proven_lines(proven: ProvenRecord) -> Row:
    """Everything that is proven; what is not there is left out."""
    record = proven.record
    lines = {
        "proof": "holds",
        "record": f"{record.kind} at {moment(record.event_time)}",
        "by": record.principal,
        "on": record.resource,
        "request id": record.request_id,
        "stands": f"{record.chain} {record.sequence}, position {proven.position}",
        "checkpoint": f"{proven.checkpoint} of {moment(proven.checkpoint_time)}",
        "time stamp": "none" if proven.stamp_time is None else moment(proven.stamp_time),
        "certificate": proven.signer,
        "signature": _signature(proven),
        "data": "are what was signed" if proven.has_data else "",
    }
    lines |= {f"  {name}": text for name, text in record.details.items()}
    return {label: text for label, text in lines.items() if text}


def _signature(proven: ProvenRecord) -> str:
    if not proven.has_signature:
        return ""
    return "is the one on record, " + (
        "by this certificate" if proven.is_verified else "and can be verified with the data: --in"
    )
