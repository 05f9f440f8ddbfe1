"""Register a person or business."""

from dataclasses import dataclass, field

from signerd.audit.event import EventKind
from signerd.core.clock import Clock, korean_day
from signerd.core.record import HolderIdentity
from signerd.core.subscriber import PersonalData, SubscriberRecord
from signerd.identity.holder import HolderIdentities
from signerd.pki.vid import IdentityNumber
from signerd.registry.call import RegistryCall, SubscriberView, check_scope
from signerd.registry.personal_data import check_branch, check_name, check_registration
from signerd.registry.ports import SubscriberStore
from signerd.registry.show import SubscriberQuery
from signerd.registry.vault import Vault


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """What is to be registered. identity_number: for certificates with a VID."""

    real_name: str = field(repr=False)
    branch: str
    data: PersonalData
    identity_number: IdentityNumber | None = field(repr=False)


class RegisterSubscriber:
    """The use case behind Enrolment.RegisterSubscriber."""

    def __init__(
        self,
        store: SubscriberStore,
        vault: Vault,
        holders: HolderIdentities,
        query: SubscriberQuery,
        clock: Clock,
    ) -> None:
        self._store = store
        self._vault = vault
        self._holders = holders
        self._query = query
        self._clock = clock

    async def register(self, call: RegistryCall, request: RegisterRequest) -> SubscriberView:
        """The subscriber, registered.

        The identity number becomes a VID, whose random number is sealed with a key on the token,
        and is forgotten. Raises InvalidRequest, PermissionDenied, Conflict (REQUEST_ID_REUSED,
        SUBSCRIBER_REGISTERED), StoreUnavailable, and as Sealer.
        """
        check_scope(call.subscriber, call.scope)
        check_name(request.real_name)
        check_branch(request.branch)
        registration = check_registration(request.data, today=korean_day(self._clock))
        key = await call.key(self._vault, "RegisterSubscriber")
        record = SubscriberRecord(
            subscriber=call.subscriber,
            real_name=request.real_name,
            branch=request.branch,
            sealed=await self._vault.seal(
                call.subscriber, registration.data, deadline=call.deadline
            ),
            identity=await self._identity(call, request),
            registered_utc=self._clock.now(),
        )
        lookups = await self._vault.lookups(registration, deadline=call.deadline)
        event = call.event(
            EventKind.SUBSCRIBER_REGISTERED,
            self._clock,
            virtual_id=str(record.identity is not None),
        )
        stored = await self._store.register_subscriber(key, record, lookups, event)
        return await self._query.view(stored, deadline=call.deadline)

    async def _identity(
        self, call: RegistryCall, request: RegisterRequest
    ) -> HolderIdentity | None:
        if request.identity_number is None:
            return None
        return await self._holders.make(
            call.subscriber, request.real_name, request.identity_number, deadline=call.deadline
        )
