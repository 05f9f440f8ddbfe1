"""Times between Python and the API."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp


def timestamp_to_wire(moment: datetime | None) -> Timestamp | None:
    """None stays None. Raises ValueError for a time without a zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("give a time with its zone, such as datetime(2026, 1, 1, tzinfo=UTC)")
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
