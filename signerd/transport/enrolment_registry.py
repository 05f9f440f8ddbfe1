"""The calls of Enrolment about who subscribers are."""

from dataclasses import dataclass
from typing import Any

from signerd.core.clock import Clock
from signerd.core.error import InvalidRequest
from signerd.core.evidence import DocumentKind
from signerd.core.subscriber import LookupKind, PersonalData
from signerd.core.value import parse_request_id
from signerd.registry.call import RegistryCall, SubscriberView
from signerd.registry.erase import EraseSubscriber
from signerd.registry.register import RegisterRequest, RegisterSubscriber
from signerd.registry.show import SubscriberQuery
from signerd.registry.update import UpdateRequest, UpdateSubscriber
from signerd.transport import conversion as convert
from signerd.transport.caller import current_caller
from signerd.v1 import enrolment_pb2 as pb

_KIND_PREFIX = "DOCUMENT_KIND_"


@dataclass(frozen=True, slots=True)
class RegistryUseCases:
    """What these calls call."""

    register: RegisterSubscriber
    update: UpdateSubscriber
    query: SubscriberQuery
    erase: EraseSubscriber
    clock: Clock


class RegistryCalls:
    """Register, update, get, find, erase."""

    def __init__(self, use_cases: RegistryUseCases) -> None:
        self._registry = use_cases

    async def RegisterSubscriber(  # noqa: N802 - name of the RPC
        self, request: pb.RegisterSubscriberRequest, _context: Any
    ) -> pb.RegisterSubscriberResponse:
        data = request.personal_data
        registration = RegisterRequest(
            request.real_name,
            request.branch,
            PersonalData(
                document_kind=document_kind_from(data.document_kind),
                document_number=data.document_number,
                account=data.account,
                phone=data.phone,
                email=data.email,
                language=data.language,
            ),
            convert.identity_number_from(request.identity_number, self._registry.clock),
        )
        view = await self._registry.register.register(registry_call(request), registration)
        return pb.RegisterSubscriberResponse(subscriber=subscriber_message(view))

    async def UpdateSubscriber(  # noqa: N802 - name of the RPC
        self, request: pb.UpdateSubscriberRequest, _context: Any
    ) -> pb.UpdateSubscriberResponse:
        data = request.personal_data
        kind = data.document_kind
        change = UpdateRequest(
            real_name=request.real_name,
            branch=request.branch,
            document_kind=document_kind_from(kind) if kind else None,
            document_number=data.document_number,
            account=data.account,
            phone=data.phone,
            email=data.email,
            language=data.language,
        )
        view = await self._registry.update.update(registry_call(request), change)
        return pb.UpdateSubscriberResponse(subscriber=subscriber_message(view))

    async def GetSubscriber(  # noqa: N802 - name of the RPC
        self, request: pb.GetSubscriberRequest, _context: Any
    ) -> pb.GetSubscriberResponse:
        caller = current_caller.get()
        view = await self._registry.query.get(
            convert.subscriber_from(request.name, field="name"),
            caller.scope,
            deadline=caller.deadline,
        )
        return pb.GetSubscriberResponse(subscriber=subscriber_message(view))

    async def FindSubscribers(  # noqa: N802 - name of the RPC
        self, request: pb.FindSubscribersRequest, _context: Any
    ) -> pb.FindSubscribersResponse:
        caller = current_caller.get()
        kind = request.WhichOneof("by")
        if kind is None or not getattr(request, kind):
            raise InvalidRequest(
                "send one of account, phone, email and document_number",
                reason="LOOKUP_MISSING",
                field="by",
            )
        found = await self._registry.query.find(
            LookupKind(kind), getattr(request, kind), caller.scope, deadline=caller.deadline
        )
        return pb.FindSubscribersResponse(subscribers=[subscriber_message(one) for one in found])

    async def EraseSubscriber(  # noqa: N802 - name of the RPC
        self, request: pb.EraseSubscriberRequest, _context: Any
    ) -> pb.EraseSubscriberResponse:
        view = await self._registry.erase.erase(registry_call(request))
        return pb.EraseSubscriberResponse(subscriber=subscriber_message(view))


def registry_call(
    request: pb.RegisterSubscriberRequest | pb.UpdateSubscriberRequest | pb.EraseSubscriberRequest,
) -> RegistryCall:
    """The checked form of a change. Raises InvalidRequest."""
    caller = current_caller.get()
    return RegistryCall(
        principal=caller.principal,
        request_id=parse_request_id(request.request_id),
        content=convert.request_content(request),
        subscriber=convert.subscriber_from(request.subscriber),
        scope=caller.scope,
        deadline=caller.deadline,
    )


def document_kind_from(value: int, *, field: str = "personal_data.document_kind") -> DocumentKind:
    """Raises InvalidRequest for UNSPECIFIED and for a number this version does not know."""
    name = (
        pb.DocumentKind.Name(value)  # type: ignore[arg-type] # checked on this line
        if value in pb.DocumentKind.values()
        else ""
    )
    short = name.removeprefix(_KIND_PREFIX)
    if short not in DocumentKind.__members__:
        raise InvalidRequest(
            f"{field}: choose one of {', '.join(DocumentKind)}",
            reason="DOCUMENT_KIND_UNKNOWN",
            field=field,
        )
    return DocumentKind(short)


def subscriber_message(view: SubscriberView) -> pb.Subscriber:
    """A subscriber as the API shows it."""
    record, masked = view.record, view.masked
    message = pb.Subscriber(
        name=f"subscribers/{record.subscriber}",
        real_name=record.real_name,
        branch=record.branch,
        has_password=record.has_password,
        has_biometric_key=record.has_biometric_key,
        has_virtual_id=record.identity is not None,
    )
    if record.registered_utc is not None:
        message.register_time.FromDatetime(record.registered_utc)
    if record.erased_utc is not None:
        message.erase_time.FromDatetime(record.erased_utc)
    if masked is not None:
        message.masked.CopyFrom(
            pb.PersonalData(
                document_kind=pb.DocumentKind.Value(_KIND_PREFIX + masked.document_kind.value),
                document_number=masked.document_number,
                account=masked.account,
                phone=masked.phone,
                email=masked.email,
                language=masked.language,
            )
        )
    return message
