"""How far a stream of signatures has come: what was taken, sent and answered."""

import time
from collections import deque
from typing import Final

from signerd.v1 import signing_pb2 as wire
from signerd_client.batch_call import SignItem, SignResult, SignStreamCall, result_of
from signerd_client.checksum import require
from signerd_client.error import SignerdError
from signerd_client.retry import Attempts, RetryPolicy

# The most that the daemon takes in one message.
_MESSAGE_MOST: Final = 1000
# And so many bytes, a quarter of what a daemon takes by default; one item alone may be longer.
_MESSAGE_BYTES: Final = 262_144


class SignProgress:
    """Of one stream. Not for several threads at once.

    Requests are numbered from 1, over all connections that the stream needs.
    """

    def __init__(self, call: SignStreamCall, policy: RetryPolicy, patience_s: float) -> None:
        """patience_s: longest time without an answer while the connection is broken."""
        self._call = call
        self._policy = policy
        self._patience_s = patience_s
        self._attempts: Attempts | None = None
        self._end = None if call.timeout_s is None else time.monotonic() + call.timeout_s
        self._unanswered: deque[wire.SignRequest] = deque()
        self._first = 1
        self._unsent = 1
        self.has_all = False

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the stream is to end, never negative; None when it has no end."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    @property
    def has_room(self) -> bool:
        """Whether another item may be taken."""
        return len(self._unanswered) < self._call.in_flight

    @property
    def has_unsent(self) -> bool:
        """Whether there is something to send."""
        return self._unsent < self._first + len(self._unanswered)

    @property
    def is_over(self) -> bool:
        """Whether all is answered."""
        return self.has_all and not self._unanswered

    def add(self, item: SignItem) -> None:
        """Take an item. Raises ValueError for contradictory content."""
        self._unanswered.append(item.to_wire())

    def open(self) -> None:
        """On a new connection everything unanswered is sent again."""
        self._unsent = self._first

    def message(self) -> bytes:
        """What is to be sent now."""
        requests = self._next_requests()
        message = wire.SignStreamRequest(
            sequence=self._unsent,
            requests=requests,
            lane=wire.LANE_INTERACTIVE if self._call.interactive else wire.LANE_BATCH,
        )
        self._unsent += len(requests)
        return message.SerializeToString()

    def _next_requests(self) -> list[wire.SignRequest]:
        start = self._unsent - self._first
        requests: list[wire.SignRequest] = []
        size = 0
        for place in range(start, min(len(self._unanswered), start + _MESSAGE_MOST)):
            size += self._unanswered[place].ByteSize()
            if requests and size > _MESSAGE_BYTES:
                break
            requests.append(self._unanswered[place])
        return requests

    def take(self, answer: bytes) -> list[SignResult]:
        """The results in an answer. Raises Corrupted for those of something else, DecodeError."""
        message = wire.SignStreamResponse.FromString(answer)
        count = len(message.results)
        sent = self._unsent - self._first
        require(message.sequence == self._first and count <= sent, "the order of the results")
        for _ in range(count):
            self._unanswered.popleft()
        self._first += count
        self._attempts = None
        return [result_of(one) for one in message.results]

    def delay_after(self, error: SignerdError) -> float | None:
        """Seconds to wait before connecting again; None when the error stands."""
        if self._attempts is None:
            patience = self._patience_s if self._end is None else self._end - time.monotonic()
            self._attempts = Attempts(self._policy, patience)
        return self._attempts.delay_after(error)
