"""The daemon, its tokens and its audit events as the client gives them to its callers.

Times are UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from signerd.v1 import admin_pb2


class TokenPurpose(StrEnum):
    """AUTHORITY: keys of the CA itself. SUBSCRIBER: keys of subscribers."""

    AUTHORITY = "AUTHORITY"
    SUBSCRIBER = "SUBSCRIBER"
    UNKNOWN = "UNKNOWN"


class HealthState(StrEnum):
    """States of grpc.health.v1."""

    UNKNOWN = "UNKNOWN"
    SERVING = "SERVING"
    NOT_SERVING = "NOT_SERVING"
    SERVICE_UNKNOWN = "SERVICE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Health:
    """What grpc.health.v1 answered; service is empty for the daemon as a whole."""

    service: str
    state: HealthState

    @property
    def serving(self) -> bool:
        """True when calls are worth making."""
        return self.state is HealthState.SERVING


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The process that answered, and whom it takes the caller for.

    current_time: of its clock, by which certificates expire.
    """

    version: str
    node: str
    process: str
    process_id: int
    start_time: datetime
    current_time: datetime
    principal: str
    roles: tuple[str, ...]
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A PKCS#11 token. problem is empty when available; key_capacity 0 is no limit."""

    label: str
    serial: str
    purpose: TokenPurpose
    available: bool
    problem: str
    key_count: int
    key_capacity: int


@dataclass(frozen=True, slots=True)
class TokenHost:
    """A process that holds the PKCS#11 module, as the answering front sees it."""

    name: str
    connected: bool
    process_id: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """The tokens, authority first, and the processes that serve them."""

    tokens: tuple[Token, ...]
    hosts: tuple[TokenHost, ...]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One record of the audit chain. Hashes are hexadecimal; position grows and may have gaps."""

    position: int
    chain: str
    sequence: int
    event_time: datetime
    kind: str
    principal: str
    resource: str
    request_id: str
    details: Mapping[str, str]
    previous_hash: str
    hash: str


def server_info_from_wire(message: admin_pb2.GetServerInfoResponse) -> ServerInfo:
    """The value of a message."""
    return ServerInfo(
        version=message.version,
        node=message.node,
        process=message.process,
        process_id=message.process_id,
        start_time=message.start_time.ToDatetime(UTC),
        current_time=message.current_time.ToDatetime(UTC),
        principal=message.principal,
        roles=tuple(message.roles),
        profiles=tuple(message.profiles),
    )


def token_status_from_wire(message: admin_pb2.GetTokenStatusResponse) -> TokenStatus:
    """The value of a message."""
    return TokenStatus(
        tokens=tuple(_token(token) for token in message.tokens),
        hosts=tuple(
            TokenHost(host.name, host.connected, host.process_id, host.outstanding)
            for host in message.hosts
        ),
    )


def audit_event_from_wire(message: admin_pb2.AuditEvent) -> AuditEvent:
    """The value of a message."""
    return AuditEvent(
        position=message.position,
        chain=message.chain,
        sequence=message.sequence,
        event_time=message.event_time.ToDatetime(UTC),
        kind=message.kind,
        principal=message.principal,
        resource=message.resource,
        request_id=message.request_id,
        details=dict(sorted(message.details.items())),
        previous_hash=message.previous_hash,
        hash=message.hash,
    )


def _token(message: admin_pb2.TokenStatus) -> Token:
    value = admin_pb2.TokenPurpose.DESCRIPTOR.values_by_number.get(message.purpose)
    name = value.name.removeprefix("TOKEN_PURPOSE_") if value else ""
    return Token(
        label=message.label,
        serial=message.serial,
        purpose=TokenPurpose(name) if name in TokenPurpose.__members__ else TokenPurpose.UNKNOWN,
        available=message.available,
        problem=message.problem,
        key_count=message.key_count,
        key_capacity=message.key_capacity,
    )
