"""A stream of signatures of the asynchronous client."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable

from signerd_client.batch_call import SignItem, SignResult, SignStreamCall
from signerd_client.sign_progress import SignProgress


class AsyncSignSource:
    """Takes items in a task of its own and gives out messages to send."""

    def __init__(self, call: SignStreamCall, progress: SignProgress) -> None:
        self._progress = progress
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._connection = 0
        self.failure: Exception | None = None
        self._taker = asyncio.create_task(self._take(call.items))

    def messages(self) -> AsyncIterator[bytes]:
        """What is sent on a new connection; ends with the items, or with a newer connection."""
        self._connection += 1
        self._progress.open()
        self._changed.set()
        return self._messages(self._connection)

    async def _messages(self, connection: int) -> AsyncIterator[bytes]:
        while connection == self._connection:
            if self._progress.has_unsent:
                yield self._progress.message()
            elif self._progress.has_all:
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    def answered(self, answer: bytes) -> list[SignResult]:
        """Take an answer; see SignProgress.take."""
        results = self._progress.take(answer)
        self._room.set()
        return results

    def close(self) -> None:
        """Take no more items."""
        self._connection += 1
        self._changed.set()
        self._taker.cancel()

    async def _take(self, items: Iterable[SignItem] | AsyncIterable[SignItem]) -> None:
        source = aiter(items) if isinstance(items, AsyncIterable) else _as_asynchronous(items)
        try:
            while True:
                while not self._progress.has_room:
                    self._room.clear()
                    await self._room.wait()
                self._progress.add(await anext(source))
                self._changed.set()
        except StopAsyncIteration:
            pass
        except Exception as error:  # noqa: BLE001 - raised to the caller in its own task
            self.failure = error
        finally:
            self._progress.has_all = True
            self._changed.set()


async def _as_asynchronous(items: Iterable[SignItem]) -> AsyncIterator[SignItem]:
    for item in items:
        yield item
