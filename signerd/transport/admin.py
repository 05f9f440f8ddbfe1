"""The Admin service."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from signerd.audit.event import AuditFilter, AuditRecord
from signerd.core.clock import Clock
from signerd.core.lifecycle import TokenPurpose
from signerd.core.record import HostHealth, Page, TokenRecord
from signerd.transport import conversion as convert
from signerd.transport.audit_proof import AuditProofs
from signerd.transport.caller import current_caller
from signerd.transport.event import event_message
from signerd.transport.follow import BATCH, follow
from signerd.transport.message import OutboxView
from signerd.transport.page import page_of
from signerd.v1 import admin_pb2 as pb
from signerd.v1 import admin_pb2_grpc

_HEALTH_S = 5.0


class AuditTrail(Protocol):
    """Where the records are read. Every method raises StoreUnavailable."""

    async def list_records(
        self, where: AuditFilter, page: Page
    ) -> tuple[list[AuditRecord], str]: ...

    async def records_after(self, position: int, limit: int) -> list[AuditRecord]: ...

    async def last_position(self) -> int: ...


class TokenList(Protocol):
    """The tokens in the registry, with key counts. Raises StoreUnavailable."""

    async def list_tokens(self) -> list[TokenRecord]: ...


class HostWatch(Protocol):
    """What the token hosts say. Deadline: seconds of time.monotonic()."""

    async def health(self, *, deadline: float) -> tuple[HostHealth, ...]: ...


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """What this process says of itself."""

    version: str
    node: str
    process: str
    process_id: int
    started_utc: datetime
    clock: Clock
    profiles: Callable[[], list[str]]


class AdminServicer(admin_pb2_grpc.AdminServicer):
    """Answers operators and auditors."""

    def __init__(
        self,
        identity: ServerIdentity,
        trail: AuditTrail,
        registry: TokenList,
        hosts: HostWatch,
        outbox: OutboxView,
        *,
        proofs: AuditProofs,
    ) -> None:
        self._identity = identity
        self._trail = trail
        self._registry = registry
        self._hosts = hosts
        self._outbox = outbox
        self._proofs = proofs

    async def GetServerInfo(  # noqa: N802 - name of the RPC
        self, _request: pb.GetServerInfoRequest, _context: Any
    ) -> pb.GetServerInfoResponse:
        caller, identity = current_caller.get(), self._identity
        return pb.GetServerInfoResponse(
            version=identity.version,
            node=identity.node,
            process=identity.process,
            process_id=identity.process_id,
            start_time=convert.timestamp_to(identity.started_utc),
            principal=caller.principal,
            roles=caller.roles,
            profiles=identity.profiles(),
            current_time=convert.timestamp_to(identity.clock.now()),
        )

    async def GetTokenStatus(  # noqa: N802 - name of the RPC
        self, _request: pb.GetTokenStatusRequest, _context: Any
    ) -> pb.GetTokenStatusResponse:
        hosts = await self._hosts.health(deadline=time.monotonic() + _HEALTH_S)
        tokens = await self._registry.list_tokens()
        tokens.sort(key=lambda token: token.purpose is not TokenPurpose.AUTHORITY)
        return pb.GetTokenStatusResponse(
            tokens=[token_status(token, hosts) for token in tokens],
            hosts=[
                pb.TokenHostStatus(
                    name=host.name,
                    connected=host.connected,
                    process_id=host.process_id,
                    outstanding=host.outstanding,
                )
                for host in hosts
            ],
        )

    async def ListAuditEvents(  # noqa: N802 - name of the RPC
        self, request: pb.ListAuditEventsRequest, _context: Any
    ) -> pb.ListAuditEventsResponse:
        records, cursor = await self._trail.list_records(
            AuditFilter(request.resource, request.kind),
            page_of(request.page_size, request.page_token),
        )
        return pb.ListAuditEventsResponse(
            events=[event_message(record) for record in records], next_page_token=cursor
        )

    async def WatchAuditEvents(  # noqa: N802 - name of the RPC
        self, request: pb.WatchAuditEventsRequest, _context: Any
    ) -> AsyncIterator[pb.WatchAuditEventsResponse]:
        async def read_after(position: int) -> tuple[list[AuditRecord], int]:
            records = await self._trail.records_after(position, BATCH)
            return records, records[-1].position if records else position

        async for record in follow(request.after_position, self._trail.last_position, read_after):
            yield pb.WatchAuditEventsResponse(event=event_message(record))

    async def ProveAuditRecord(  # noqa: N802 - name of the RPC
        self, request: pb.ProveAuditRecordRequest, _context: Any
    ) -> pb.ProveAuditRecordResponse:
        return await self._proofs.prove(request)

    async def ListMessages(  # noqa: N802 - name of the RPC
        self, request: pb.ListMessagesRequest, _context: Any
    ) -> pb.ListMessagesResponse:
        return await self._outbox.list(request)

    async def GetMessage(  # noqa: N802 - name of the RPC
        self, request: pb.GetMessageRequest, _context: Any
    ) -> pb.GetMessageResponse:
        return await self._outbox.get(request)


def token_status(token: TokenRecord, hosts: tuple[HostHealth, ...]) -> pb.TokenStatus:
    """One token as the registry and the hosts see it: available when one host has it open."""
    seen = [health for host in hosts for health in host.tokens if health.token == token.token]
    problems = [health.problem for health in seen]
    is_available = "" in problems
    problem = "" if is_available else next(iter(problems), "no token host has found this token")
    return pb.TokenStatus(
        label=token.token.label,
        serial=token.token.serial,
        purpose=pb.TokenPurpose.Value(f"TOKEN_PURPOSE_{token.purpose.value}"),
        available=is_available,
        problem=problem,
        key_count=token.key_count,
        key_capacity=token.capacity,
    )
