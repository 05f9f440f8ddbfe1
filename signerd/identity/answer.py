"""What calls that count tries were answered.

A repetition of such a call, after a lost answer, gets the same answer, be it a result or a refusal,
and counts nothing again. What was answered is stored together with the effect of the call, sealed
under a key on the token, since results of proofs are secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import msgspec

from signerd.core.error import FAMILIES, Internal, SignerdError
from signerd.core.record import Answer, RequestKey
from signerd.identity.sealer import Sealer

_T = TypeVar("_T")


class AnswerStore(Protocol):
    """What was answered. It is stored by whatever stores the effect of the call."""

    async def find_answer(self, request: RequestKey) -> bytes | None:
        """As it was sealed; None for a call that was not answered yet. Raises Conflict
        (REQUEST_ID_REUSED), StoreUnavailable."""
        ...


class _Refusal(msgspec.Struct, frozen=True):
    family: str
    message: str
    reason: str
    metadata: Mapping[str, str]
    retry_after_s: float | None
    field: str | None


class _Stored(msgspec.Struct, frozen=True):
    refusal: _Refusal | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")

    def __repr__(self) -> str:
        """Without the result, which may be a secret."""
        return f"{type(self).__name__}()"


_decode: Final = msgspec.json.Decoder(_Stored).decode


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """A call whose answer is remembered. deadline: seconds of time.monotonic()."""

    request: RequestKey
    store: AnswerStore
    sealer: Sealer
    deadline: float

    async def earlier(self, kind: type[_T]) -> _T | None:
        """The result of the same call before; None where there was none.

        Raises the refusal that it was answered with, Conflict (REQUEST_ID_REUSED),
        StoreUnavailable, and as Sealer.
        """
        sealed = await self.store.find_answer(self.request)
        if sealed is None:
            return None
        text = await self.sealer.unseal(sealed, self._associated, deadline=self.deadline)
        try:
            stored = _decode(text)
            if stored.refusal is None:
                return msgspec.json.decode(stored.result, type=kind)
        except msgspec.MsgspecError as error:
            raise Internal(f"the answer of {self.request.method} is unreadable: {error}") from error
        raise _error_of(stored.refusal)

    async def result(self, result: object) -> Answer:
        """A result, a dataclass, to be stored with the effect of the call. Raises as Sealer."""
        return await self._seal(_Stored(result=msgspec.Raw(msgspec.json.encode(result))))

    async def refusal(self, error: SignerdError) -> Answer:
        """A refusal, to be stored with what it counted. Raises as Sealer."""
        return await self._seal(
            _Stored(
                _Refusal(
                    type(error).__name__,
                    error.message,
                    error.reason,
                    error.metadata,
                    error.retry_after_s,
                    error.field,
                )
            )
        )

    async def _seal(self, stored: _Stored) -> Answer:
        text = msgspec.json.encode(stored)
        sealed = await self.sealer.seal(text, self._associated, deadline=self.deadline)
        return Answer(self.request, sealed)

    @property
    def _associated(self) -> bytes:
        request = self.request
        return f"answers/{request.method}/{request.request_id} of {request.principal}".encode()


def _error_of(refusal: _Refusal) -> SignerdError:
    family = FAMILIES.get(refusal.family)
    if family is None:
        return Internal(f"an answer of the unknown family {refusal.family} is stored")
    return family(
        refusal.message,
        reason=refusal.reason,
        metadata=refusal.metadata,
        retry_after_s=refusal.retry_after_s,
        field=refusal.field,
    )
