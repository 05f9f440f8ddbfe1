"""Sign many inputs at once."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from signerd.audit.signature import SignatureRecord
from signerd.core.activation import Activation, AuthorisationUse
from signerd.core.clock import Clock
from signerd.core.error import (
    PermissionDenied,
    SignerdError,
    TokenRefused,
    TokenUnavailable,
    WrongState,
)
from signerd.core.fault import FaultPoint, reach
from signerd.core.record import CredentialRecord
from signerd.core.signing import Lane, SignTask
from signerd.core.value import CredentialId
from signerd.signing.agreement import Agreements, digests_of
from signerd.signing.check import check_made
from signerd.signing.ports import SignatureStore, Signer
from signerd.signing.sign import (
    CredentialCache,
    SignRequest,
    agreement_for,
    check_signs,
    message_of,
    require_active,
    signature_event,
)


class Signed(NamedTuple):
    """A signature, on record, and the credential that made it."""

    signature: bytes
    credential: CredentialRecord


SignOutcome: TypeAlias = Signed | SignerdError


class BatchSign:
    """The use case behind Signing.BatchSign and Signing.SignStream. process: name of this process,
    for the record. verify: whether signatures are verified before they leave."""

    def __init__(
        self,
        tokens: Signer,
        store: SignatureStore,
        credentials: CredentialCache,
        clock: Clock,
        process: str,
        *,
        agreements: Agreements,
        verify: bool = False,
    ) -> None:
        self._verify = verify
        self._tokens = tokens
        self._store = store
        self._credentials = credentials
        self._agreements = agreements
        self._clock = clock
        self._process = process

    async def sign(
        self, requests: Sequence[SignRequest | SignerdError], lane: Lane
    ) -> list[SignOutcome]:
        """For each request of one caller, in their order, its signature or why there is none.

        1. What can be said without a token is said of each request by itself; a request that the
           caller could not even read is passed in as its error, and comes out as that.
        2. What its subscriber has to agree to is compared with what the subscriber did agree to:
           no key is used without it.
        3. The tokens sign what is left.
        4. What one key signed goes on record as one event, all events in one transaction, and
           what a transaction refuses is not answered: see Sign.

        Raises LimitExceeded and StoreUnavailable, which concern all alike.
        """
        outcomes: list[SignOutcome | None] = [None] * len(requests)
        asked = _Asked()
        known = await self._look_up({it.credential for it in _good(requests)})
        ready = self._check(requests, known, outcomes, asked)
        if ready is not None and asked.needs_agreement:
            asked = await self._agree(asked, outcomes)
        if ready is not None and asked.tasks:
            signatures = await self._tokens.sign_many(
                asked.tasks, deadline=ready.deadline, lane=lane
            )
            if self._verify:
                signatures = await asyncio.to_thread(_checked, asked, signatures)
            reach(FaultPoint.SIGN_BEFORE_RECORD)
            await self._record(asked, signatures, outcomes)
            reach(FaultPoint.SIGN_RECORDED)
        return [it for it in outcomes if it is not None]

    async def _look_up(
        self, ids: Iterable[CredentialId]
    ) -> dict[CredentialId, CredentialRecord | SignerdError]:
        known: dict[CredentialId, CredentialRecord | SignerdError] = {}
        unknown = []
        for credential_id in ids:
            record = self._credentials.peek(credential_id)
            if record is None:
                unknown.append(credential_id)
            else:
                known[credential_id] = record
        found = await asyncio.gather(*map(self._find, unknown))
        return known | dict(zip(unknown, found, strict=True))

    async def _find(self, credential_id: CredentialId) -> CredentialRecord | SignerdError:
        try:
            return await self._credentials.get(credential_id)
        except SignerdError as error:
            return error

    def _check(
        self,
        requests: Sequence[SignRequest | SignerdError],
        known: dict[CredentialId, CredentialRecord | SignerdError],
        outcomes: list[SignOutcome | None],
        asked: "_Asked",
    ) -> SignRequest | None:
        """Fill in what is refused, collect the rest; one of the rest."""
        now = self._clock.now()
        some = None
        for place, request in enumerate(requests):
            if isinstance(request, SignerdError):
                outcomes[place] = request
                continue
            try:
                group = asked.group(request, known, now)
                message = message_of(request, group.credential)
            except SignerdError as error:
                outcomes[place] = error
                continue
            group.positions.append(len(asked.tasks))
            asked.tasks.append(SignTask(group.credential.key, group.credential.algorithm, message))
            asked.places.append(place)
            some = request
        return some

    async def _agree(self, asked: "_Asked", outcomes: list[SignOutcome | None]) -> "_Asked":
        """What may be signed of it; the rest is refused, each group as a whole."""
        agreed = _Asked()
        for key, group in asked.groups.items():
            places = [asked.places[position] for position in group.positions]
            tasks = [asked.tasks[position] for position in group.positions]
            messages = [task.message for task in tasks]
            try:
                use = await agreement_for(
                    self._agreements, group.request, group.credential, messages
                )
            except (WrongState, PermissionDenied) as error:
                for place in places:
                    outcomes[place] = error
                continue
            start = len(agreed.tasks)
            agreed.groups[key] = replace(
                group, positions=list(range(start, start + len(tasks))), use=use
            )
            agreed.tasks += tasks
            agreed.places += places
        return agreed

    async def _record(
        self,
        asked: "_Asked",
        signatures: Sequence[bytes | SignerdError],
        outcomes: list[SignOutcome | None],
    ) -> None:
        groups = []
        for group in asked.groups.values():
            made: list[tuple[int, bytes]] = []
            for position in group.positions:
                signature = signatures[position]
                place = asked.places[position]
                if isinstance(signature, SignerdError):
                    outcomes[place] = await self._explained(group, signature)
                else:
                    outcomes[place] = Signed(signature, group.credential)
                    made.append((position, signature))
            if made:
                groups.append((group, made))
        now = self._clock.now()
        records = [
            self._signature_record(
                group,
                [(asked.tasks[position].message, signature) for position, signature in made],
                now,
            )
            for group, made in groups
        ]
        refusals = await self._store.record_signatures(records) if records else []
        for (group, made), refusal in zip(groups, refusals, strict=True):
            if refusal is not None:
                error = await self._explained(group, refusal)
                for position, _ in made:
                    outcomes[asked.places[position]] = error

    def _signature_record(
        self, group: "_Group", made: Sequence[tuple[bytes, bytes]], now_utc: datetime
    ) -> SignatureRecord:
        credential, use = group.credential, group.use
        if use is not None:
            # What the token did not sign is not counted.
            signed = digests_of(credential.algorithm, [message for message, _ in made])
            use = replace(use, digests=tuple(signed))
        event = signature_event(group.request, credential, made, now_utc, self._process, use=use)
        return SignatureRecord(credential.credential_id, event, use)

    async def _explained(self, group: "_Group", error: SignerdError) -> SignerdError:
        """In the words that a caller meets whose front did not know the key yet: a key that is gone
        may have been retired and destroyed since it was looked up."""
        if not isinstance(error, TokenRefused | TokenUnavailable | WrongState):
            return error
        if group.explained is None:
            group.explained = error
            try:
                await require_active(self._credentials, group.credential.credential_id)
            except SignerdError as better:
                group.explained = better
        return group.explained


@dataclass(slots=True)
class _Group:
    """Requests that differ in their input alone, by their positions among the tasks."""

    request: SignRequest
    credential: CredentialRecord
    positions: list[int]
    use: AuthorisationUse | None = None
    explained: SignerdError | None = None


class _Asked:
    """What goes to the tokens. places: of each task among the requests."""

    def __init__(self) -> None:
        self.tasks: list[SignTask] = []
        self.places: list[int] = []
        self.groups: dict[tuple[CredentialId, str, str], _Group] = {}
        self.needs_agreement = False

    def group(
        self,
        request: SignRequest,
        known: dict[CredentialId, CredentialRecord | SignerdError],
        now_utc: datetime,
    ) -> "_Group":
        """The requests that this one is among. Raises what is wrong with its credential."""
        key = (request.credential, request.authorisation, request.purpose)
        group = self.groups.get(key)
        if group is None:
            credential = known[request.credential]
            if isinstance(credential, SignerdError):
                raise credential
            check_signs(credential, request.scope, now_utc)
            group = self.groups[key] = _Group(request, credential, [])
            self.needs_agreement |= credential.activation is not Activation.NONE
        return group


def _checked(
    asked: _Asked, signatures: Sequence[bytes | SignerdError]
) -> list[bytes | SignerdError]:
    checked = list(signatures)
    for group in asked.groups.values():
        for position in group.positions:
            signature = signatures[position]
            if isinstance(signature, bytes):
                message = asked.tasks[position].message
                checked[position] = check_made(group.credential, message, signature) or signature
    return checked


def _good(requests: Iterable[SignRequest | SignerdError]) -> Iterable[SignRequest]:
    return (it for it in requests if not isinstance(it, SignerdError))
