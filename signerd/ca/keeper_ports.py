"""What the keeper needs of tokens and store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from signerd.audit.event import AuditEvent
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.record import (
    CredentialRecord,
    GeneratedKey,
    HostHealth,
    IssuanceRecord,
    TokenKey,
    TokenRecord,
)
from signerd.core.value import (
    CertificateId,
    CredentialId,
    InstanceId,
    KeyRef,
    TokenRef,
)


class HousekeepingStore(Protocol):
    """What the keeper asks. Every method raises StoreUnavailable."""

    async def list_interrupted_issuances(self, limit: int) -> list[IssuanceRecord]:
        """Open issuances whose owner is dead."""
        ...

    async def list_overdue_suspensions(self, now_utc: datetime, limit: int) -> list[CertificateId]:
        """Certificates that are still suspended after the limit of their suspension, and have not
        expired."""
        ...

    async def list_retired_credentials(
        self, limit: int, *, avoid: Collection[TokenRef] = ()
    ) -> list[CredentialRecord]:
        """Credentials whose key still has to be destroyed, except on tokens to avoid."""
        ...

    async def mark_destroyed(self, credential_id: CredentialId, event: AuditEvent) -> None:
        """RETIRED -> DESTROYED."""
        ...

    async def find_dead_keys(self, token: TokenRef, cka_ids: Sequence[bytes]) -> list[bytes]:
        """Which of these keys are DESTROYED, credentials or made ahead: left behind by a host that
        finished making them after they had been given up."""
        ...

    async def forget_requests(self, older_than_utc: datetime) -> int:
        """Drop request ids of closed calls; returns how many."""
        ...


class ReadyKeyStore(Protocol):
    """Key pairs made ahead. `IssuanceStore.begin_issuance` takes them. Every method raises
    StoreUnavailable."""

    async def reserve_ready_key(
        self,
        cka_id: bytes,
        algorithm: KeyAlgorithm,
        owner: InstanceId,
        *,
        most: int,
        avoid: Collection[TokenRef],
    ) -> KeyRef | None:
        """Reserve room for one more key of the algorithm, on a token that is not to be avoided.

        None when there is none with room, when so many are there or in the making on those tokens
        already, and while an issuance is at work or one has just come to its end.
        """
        ...

    async def finish_ready_key(self, cka_id: bytes, owner: InstanceId, made: GeneratedKey) -> None:
        """MAKING -> READY. Raises Interrupted when the owner no longer owns it."""
        ...

    async def give_up_ready_key(self, cka_id: bytes, owner: InstanceId) -> None:
        """Leave a key that is not ready to whoever destroys such ones; one that is stays."""
        ...

    async def take_abandoned_keys(
        self, limit: int, *, avoid: Collection[TokenRef] = ()
    ) -> Sequence[KeyRef]:
        """Keys in MAKING that were given up, or whose owner is dead, except on tokens to avoid.
        They are nobody's then: an owner that comes back finds its name gone."""
        ...

    async def mark_abandoned_destroyed(self, cka_id: bytes, event: AuditEvent) -> None:
        """MAKING -> DESTROYED, for a key that is nobody's; its room is given back."""
        ...


class TokenHosts(Protocol):
    """Token hosts as a whole."""

    async def health(self, *, deadline: float) -> tuple[HostHealth, ...]:
        """What each says of itself and its tokens. deadline: seconds of time.monotonic()."""
        ...


class TokenRegistry(Protocol):
    """The tokens keys are placed on. Every method raises StoreUnavailable."""

    async def list_tokens(self) -> list[TokenRecord]:
        """In the order in which they are filled, with the number of keys on each."""
        ...

    async def register_token(self, token: TokenRecord, event: AuditEvent) -> None:
        """Add a token; one that is already there stays as it is."""
        ...


class TokenPool(Protocol):
    """Tokens as a whole. Raises like KeyTokens."""

    async def list_keys(self, token: TokenRef, *, deadline: float) -> list[TokenKey]:
        """Every private key on a token."""
        ...

    async def available_tokens(self, *, deadline: float) -> frozenset[TokenRef]:
        """The tokens that at least one host has open."""
        ...

    async def create_token(self, label: str, *, deadline: float) -> TokenRef:
        """Make and open a token with this label."""
        ...
