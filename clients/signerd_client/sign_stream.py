"""A stream of signatures of the blocking client."""

import threading
from collections.abc import Iterable, Iterator
from typing import Final

from signerd_client.batch_call import SignItem, SignResult, SignStreamCall
from signerd_client.sign_progress import SignProgress

_WAIT_S: Final = 0.5


class SignSource:
    """Takes items in a thread of its own and gives out messages to send.

    One thread takes items, one of gRPC asks for messages, the caller's takes answers: each under
    the lock.
    """

    def __init__(self, call: SignStreamCall, progress: SignProgress) -> None:
        """Raises TypeError for an asynchronous iterable."""
        if not isinstance(call.items, Iterable):
            raise TypeError("the blocking client takes items from a blocking iterable only")
        self._progress = progress
        self._changed = threading.Condition()
        self._is_closed = False
        self._connection = 0
        self.failure: Exception | None = None
        self._taker = threading.Thread(target=self._take, args=(call.items,), daemon=True)
        self._taker.start()

    def messages(self) -> Iterator[bytes]:
        """What is sent on a new connection; ends with the items, or with a newer connection."""
        with self._changed:
            self._connection += 1
            connection = self._connection
            self._progress.open()
        return self._messages(connection)

    def _messages(self, connection: int) -> Iterator[bytes]:
        while True:
            with self._changed:
                while not self._progress.has_unsent:
                    if self._is_closed or self._progress.has_all:
                        return
                    self._changed.wait(_WAIT_S)
                    if connection != self._connection:
                        return
                if connection != self._connection or self._is_closed:
                    return
                message = self._progress.message()
            yield message

    def answered(self, answer: bytes) -> list[SignResult]:
        """Take an answer; see SignProgress.take."""
        with self._changed:
            results = self._progress.take(answer)
            self._changed.notify_all()
        return results

    @property
    def is_over(self) -> bool:
        """Whether all is answered."""
        with self._changed:
            return self._progress.is_over

    def close(self) -> None:
        """Take no more items."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _take(self, items: Iterable[SignItem]) -> None:
        source = iter(items)
        try:
            while self._has_room():
                item = next(source)
                with self._changed:
                    self._progress.add(item)
                    self._changed.notify_all()
        except StopIteration:
            pass
        except Exception as error:  # noqa: BLE001 - raised to the caller in its own thread
            self.failure = error
        finally:
            with self._changed:
                self._progress.has_all = True
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait for room; False once nobody wants more."""
        with self._changed:
            while not self._progress.has_room and not self._is_closed:
                self._changed.wait()
            return not self._is_closed
