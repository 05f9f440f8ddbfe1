"""Deliver what waits in the outbox, at least once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from signerd.core.clock import Clock
from signerd.core.error import Internal, SignerdError
from signerd.core.fault import FaultPoint, reach
from signerd.core.message import Channel, MessageState, OutboxMessage
from signerd.outbox.letter import DeliveryError, NotNeeded
from signerd.outbox.ports import Carrier, OutboxStore
from signerd.outbox.write import LetterWriter

# At the same time; the next are taken when all of them are settled.
_BATCH: Final = 8
# The longest attempt. What a process took that then died is due again only after that.
_SEND_S: Final = 45.0
_AGAIN: Final = timedelta(seconds=60)
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_MOST_DOUBLINGS: Final = 20


@dataclass(frozen=True, slots=True)
class DeliveryTally:
    """What one round did. problems: of messages that were not delivered, by name."""

    taken: int = 0
    problems: tuple[str, ...] = ()


class Courier:
    """Delivers messages, in one process at a time. urgent: only codes, or only all others, so that
    a code waits for nothing else. give_up: how long after its making a message is tried.

    One message makes this way:

    1. It is taken: its attempt is counted and the time of the next one set, so that nobody else
       takes it meanwhile and it comes back if this process dies.
    2. It is written down, with the contact and the certificate as they are now.
    3. It is sent. A process that dies here has sent it and nobody knows: it is sent again, with the
       same Message-ID or webhook-id, by which it can be recognised.
    4. It is settled: SENT, FAILED or EXPIRED, or due again later.
    """

    def __init__(
        self,
        store: OutboxStore,
        writer: LetterWriter,
        carriers: Mapping[Channel, Carrier],
        clock: Clock,
        *,
        urgent: bool,
        give_up: timedelta,
    ) -> None:
        self._store = store
        self._writer = writer
        self._carriers = carriers
        self._clock = clock
        self._urgent = urgent
        self._give_up = give_up
        self._is_first = True
        self._round: asyncio.Task[DeliveryTally] | None = None

    async def run_once(self) -> DeliveryTally:
        """Deliver what is due. Raises StoreUnavailable.

        What has begun is ended even if the caller goes, so that it is not sent twice: `drain`.
        """
        if self._round is None or self._round.done():
            self._round = asyncio.ensure_future(self._run())
        return await asyncio.shield(self._round)

    async def drain(self, limit_s: float) -> None:
        """Wait for what has begun, limit_s seconds at most."""
        if self._round is not None:
            await asyncio.wait([self._round], timeout=limit_s)

    async def _run(self) -> DeliveryTally:
        reach(FaultPoint.KEEPER_BEFORE_TAKE)
        now = self._clock.now()
        if self._is_first:
            await self._store.release_taken(now, urgent=self._urgent)
            self._is_first = False
        messages = await self._store.take_due(
            now, _BATCH, urgent=self._urgent, again_utc=now + _AGAIN
        )
        problems = await asyncio.gather(*(self._deliver(message) for message in messages))
        failed = tuple(
            f"{message.message_id}: {problem}"
            for message, problem in zip(messages, problems, strict=True)
            if problem
        )
        return DeliveryTally(len(messages), failed)

    async def _deliver(self, message: OutboxMessage) -> str:
        """The problem, if there was one."""
        reach(FaultPoint.KEEPER_MESSAGE_TAKEN)
        now = self._clock.now()
        expires = message.draft.expires_utc
        if expires is not None and expires <= now:
            return await self._end(message, MessageState.EXPIRED, "EXPIRED: too late to be sent")
        try:
            channel = await self._send(message, now)
        except NotNeeded as error:
            await self._end(message, MessageState.SKIPPED, error.problem)
            return ""
        except DeliveryError as error:
            return await self._put_off(message, now, error)
        except SignerdError as error:
            again = DeliveryError(f"{error.reason}: {error.message}", final=False)
            return await self._put_off(message, now, again)
        except Exception as error:  # noqa: BLE001 - one message must not keep back all others
            again = DeliveryError(f"{Internal.default_reason}: {type(error).__name__}", final=False)
            return await self._put_off(message, now, again)
        reach(FaultPoint.KEEPER_MESSAGE_SENT)
        await self._store.settle_sent(message.message_id, channel, self._clock.now())
        reach(FaultPoint.KEEPER_MESSAGE_SETTLED)
        return ""

    async def _send(self, message: OutboxMessage, now_utc: datetime) -> Channel:
        letter = await self._writer.write(message, now_utc)
        try:
            async with asyncio.timeout(_SEND_S):
                await self._carriers[letter.channel].send(letter)
        except TimeoutError:
            raise DeliveryError(f"no answer within {_SEND_S:g} s", final=False) from None
        return letter.channel

    async def _put_off(
        self, message: OutboxMessage, now_utc: datetime, error: DeliveryError
    ) -> str:
        draft, again = message.draft, now_utc + pause_after(message.attempts)
        if error.final or again >= draft.created_utc + self._give_up:
            return await self._end(message, MessageState.FAILED, error.problem)
        if draft.expires_utc is not None and again >= draft.expires_utc:
            return await self._end(message, MessageState.EXPIRED, error.problem)
        await self._store.try_again(message.message_id, again, error.problem)
        return error.problem

    async def _end(self, message: OutboxMessage, state: MessageState, problem: str) -> str:
        await self._store.settle_unsent(message.message_id, state, problem)
        return problem


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, up to an hour."""
    doublings = min(attempts - 1, _MOST_DOUBLINGS)
    return min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE)
