"""The daemon as the bank's programs see it: a client for each role, spread over its fronts."""

import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from signerd_client import AsyncClient, RetryPolicy, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

# A front and its successor are found again within this.
_UNREACHABLE_S: Final = 60.0
_SIGNING_CONNECTIONS: Final = 4
ROLES: Final = ("ra-officer", "ra-supervisor", "signer", "relying-party")


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the daemon is and who asks: one principal for each role, or the same for all."""

    officer: Target
    supervisor: Target
    signer: Target
    relying_party: Target

    @classmethod
    def one(cls, target: Target) -> Self:
        """A principal that has every role."""
        return cls(target, target, target, target)

    @classmethod
    def from_directory(cls, address: str, ca: Path, directory: Path) -> Self:
        """ROLE.pem and ROLE.key for each role, as `signerd init` makes them."""
        return cls(
            *(
                Target.tls(
                    address,
                    ca=ca,
                    certificate=directory / f"{role}.pem",
                    key=directory / f"{role}.key",
                )
                for role in ROLES
            )
        )


class Bank:
    """Clients of one event loop; use as a context manager.

    Signing has several connections, used in turn: a connection ends at one front.
    """

    def __init__(self, targets: Targets, *, timeout_s: float) -> None:
        self._targets = targets
        self._timeout_s = timeout_s
        self._stack = AsyncExitStack()
        self._signers: Iterator[AsyncClient] = iter(())

    async def __aenter__(self) -> Self:
        self.officer = await self._open(self._targets.officer)
        self.supervisor = await self._open(self._targets.supervisor)
        self.relying_party = await self._open(self._targets.relying_party)
        signers = [await self._open(self._targets.signer) for _ in range(_SIGNING_CONNECTIONS)]
        self._signers = itertools.cycle(signers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def signer(self) -> AsyncClient:
        """A signing application; another connection each time."""
        return next(self._signers)

    async def _open(self, target: Target) -> AsyncClient:
        retry = RetryPolicy(unreachable_s=min(_UNREACHABLE_S, self._timeout_s))
        client = AsyncClient(target, timeout_s=self._timeout_s, retry=retry, coalesce=False)
        return await self._stack.enter_async_context(client)
