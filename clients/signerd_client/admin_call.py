"""The calls of signerd.v1.Admin and of the standard health service."""

from typing import Final

from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from signerd.v1 import admin_pb2 as wire
from signerd_client.call import Call, Listing, Page, Watch, decoder
from signerd_client.server import (
    AuditEvent,
    Health,
    HealthState,
    ServerInfo,
    TokenStatus,
    audit_event_from_wire,
    server_info_from_wire,
    token_status_from_wire,
)

_SERVICE: Final = "/signerd.v1.Admin"
_HEALTH_STATES: Final = (
    HealthState.UNKNOWN,
    HealthState.SERVING,
    HealthState.NOT_SERVING,
    HealthState.SERVICE_UNKNOWN,
)


def server_info(*, timeout_s: float | None = None) -> Call[ServerInfo]:
    """Return version and process of the daemon, and whom it takes the caller for."""
    return Call(
        f"{_SERVICE}/GetServerInfo",
        wire.GetServerInfoRequest().SerializeToString(),
        decoder(wire.GetServerInfoResponse, server_info_from_wire),
        timeout_s,
    )


def token_status(*, timeout_s: float | None = None) -> Call[TokenStatus]:
    """Return the state of every token and of the hosts that serve them."""
    return Call(
        f"{_SERVICE}/GetTokenStatus",
        wire.GetTokenStatusRequest().SerializeToString(),
        decoder(wire.GetTokenStatusResponse, token_status_from_wire),
        timeout_s,
    )


def list_audit_events(
    *,
    resource: str = "",
    kind: str = "",
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Listing[AuditEvent]:
    """List audit events, oldest first, over all pages, which are fetched as they are needed.

    resource is a full resource name. timeout_s is the deadline of one page.
    """
    decode = decoder(
        wire.ListAuditEventsResponse,
        lambda answer: Page(
            tuple(audit_event_from_wire(event) for event in answer.events), answer.next_page_token
        ),
    )

    def page(token: str) -> Call[Page[AuditEvent]]:
        request = wire.ListAuditEventsRequest(
            resource=resource, kind=kind, page_size=page_size, page_token=token
        )
        payload = request.SerializeToString()
        return Call(f"{_SERVICE}/ListAuditEvents", payload, decode, timeout_s)

    return Listing(page)


def watch_audit_events(
    *, after_position: int = -1, timeout_s: float | None = None
) -> Watch[AuditEvent]:
    """Stream audit events as they are stored, until the caller stops or timeout_s has passed.

    after_position 0 begins with the first event, -1 with the next one to come. When the
    connection breaks the stream goes on after the last event that was given out, so that none
    comes twice and none is missed; only a stream begun with -1 may miss what is stored while it
    is reconnecting before its first event.
    """
    decode = decoder(
        wire.WatchAuditEventsResponse, lambda answer: audit_event_from_wire(answer.event)
    )

    def opening(last: AuditEvent | None) -> Call[AuditEvent]:
        position = after_position if last is None else last.position
        request = wire.WatchAuditEventsRequest(after_position=position)
        payload = request.SerializeToString()
        return Call(f"{_SERVICE}/WatchAuditEvents", payload, decode, timeout_s)

    return Watch(opening)


def health(service: str = "", *, timeout_s: float | None = None) -> Call[Health]:
    """Ask grpc.health.v1 whether the daemon, or one service of it, serves.

    The messages of that API are one string and one enumeration, both in field 1, and so have the
    encoding of two well-known wrappers: no package is needed for them.
    """

    def state(answer: Int32Value) -> Health:
        known = 0 <= answer.value < len(_HEALTH_STATES)
        return Health(service, _HEALTH_STATES[answer.value] if known else HealthState.UNKNOWN)

    return Call(
        "/grpc.health.v1.Health/Check",
        StringValue(value=service).SerializeToString(),
        decoder(Int32Value, state),
        timeout_s,
    )
