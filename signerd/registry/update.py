"""Change what is registered of a subscriber."""

from dataclasses import dataclass, field, replace

from signerd.audit.event import EventKind
from signerd.core.clock import Clock, korean_day
from signerd.core.error import InvalidRequest
from signerd.core.evidence import DocumentKind
from signerd.core.subscriber import Lookup, LookupKind, PersonalData, SubscriberRecord
from signerd.registry.call import (
    RegistryCall,
    SubscriberView,
    check_scope,
    find_in_scope,
    require_registered,
)
from signerd.registry.personal_data import (
    check_branch,
    check_contact,
    check_name,
    check_registration,
)
from signerd.registry.ports import SubscriberStore
from signerd.registry.show import SubscriberQuery
from signerd.registry.vault import Vault

_CONTACT = ("account", "phone", "email", "language")


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """What replaces what is registered; empty leaves it. A document has kind and number."""

    real_name: str = field(default="", repr=False)
    branch: str = ""
    document_kind: DocumentKind | None = None
    document_number: str = field(default="", repr=False)
    account: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    language: str = ""


class UpdateSubscriber:
    """The use case behind Enrolment.UpdateSubscriber."""

    def __init__(
        self, store: SubscriberStore, vault: Vault, query: SubscriberQuery, clock: Clock
    ) -> None:
        self._store = store
        self._vault = vault
        self._query = query
        self._clock = clock

    async def update(self, call: RegistryCall, request: UpdateRequest) -> SubscriberView:
        """The subscriber, changed.

        Raises InvalidRequest, NotFound, PermissionDenied, WrongState (SUBSCRIBER_NOT_REGISTERED,
        SUBSCRIBER_ERASED), Conflict (REQUEST_ID_REUSED), Interrupted (CONCURRENT_CHANGE),
        StoreUnavailable, and as Sealer.
        """
        check_scope(call.subscriber, call.scope)
        key = await call.key(self._vault, "UpdateSubscriber")
        before = await find_in_scope(self._store, call.subscriber, call.scope)
        if await self._store.is_known_request(key):
            # Judged no more: it may have been erased since.
            return await self._query.view(before, deadline=call.deadline)
        data = await self._vault.unseal(
            call.subscriber, require_registered(before), deadline=call.deadline
        )
        data, lookups = await self._changed(call, request, data)
        after = await self._after(call, request, before, data)
        changed = [name for name in UpdateRequest.__slots__ if getattr(request, name)]
        event = call.event(EventKind.SUBSCRIBER_UPDATED, self._clock, fields=",".join(changed))
        stored = await self._store.update_subscriber(
            key, before, after, list(lookups.values()), event
        )
        return await self._query.view(stored, deadline=call.deadline)

    async def _changed(
        self, call: RegistryCall, request: UpdateRequest, data: PersonalData
    ) -> tuple[PersonalData, dict[LookupKind, Lookup]]:
        """The personal data afterwards, and the lookups that are replaced."""
        given = {name: getattr(request, name) for name in _CONTACT if getattr(request, name)}
        data = replace(data, **given)
        check_contact(data)
        found_by = {kind: given[kind.value] for kind in LookupKind if kind.value in given}
        if bool(request.document_number) != (request.document_kind is not None):
            raise InvalidRequest(
                "personal_data: a document has a kind and a number; send both, or neither",
                reason="PERSONAL_DATA_INVALID",
                field="personal_data.document_number",
            )
        if request.document_kind is not None:
            registration = check_registration(
                replace(
                    data,
                    document_kind=request.document_kind,
                    document_number=request.document_number,
                ),
                today=korean_day(self._clock),
            )
            data = registration.data
            found_by[LookupKind.DOCUMENT_NUMBER] = request.document_number
        lookups = {
            kind: await self._vault.lookup(kind, value, deadline=call.deadline)
            for kind, value in found_by.items()
        }
        return data, lookups

    async def _after(
        self,
        call: RegistryCall,
        request: UpdateRequest,
        before: SubscriberRecord,
        data: PersonalData,
    ) -> SubscriberRecord:
        name, branch = request.real_name or before.real_name, request.branch or before.branch
        check_name(name)
        check_branch(branch)
        identity = before.identity
        return replace(
            before,
            real_name=name,
            branch=branch,
            sealed=await self._vault.seal(call.subscriber, data, deadline=call.deadline),
            identity=None if identity is None else replace(identity, real_name=name),
        )
