"""A front's connection as the token host sees it."""

import contextlib
import select
import socket
from typing import Final

from signerd.tokens.frame import Answer, Request, append_frame, take_requests

_READ_BYTES: Final = 1 << 20
_UNSENT_MOST: Final = 8 << 20


class HostConnection:
    """Buffers of one connection. It never blocks: what the front does not take stays here, and
    while that is much, nothing more is read from it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)  # noqa: FBT003 - the name says it
        self.socket = sock
        self.is_open = True
        self._received = bytearray()
        self._unsent = bytearray()

    @property
    def has_unsent(self) -> bool:
        """True when answers wait for the front to read."""
        return bool(self._unsent)

    @property
    def may_read(self) -> bool:
        """False while the front does not take its answers."""
        return len(self._unsent) < _UNSENT_MOST

    @property
    def has_front(self) -> bool:
        """False once the front has closed its end, though requests of it may be unread."""
        poll = select.poll()
        poll.register(self.socket, 0)  # POLLHUP comes unasked (poll(2))
        return not poll.poll(0)

    def receive(self) -> list[Request]:
        """The complete requests of everything that is waiting. Raises MalformedFrame."""
        try:
            data = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.is_open = False
            return []
        self._received += data
        return take_requests(self._received)

    def add(self, answer: Answer) -> None:
        """Put an answer with those to be sent."""
        append_frame(self._unsent, answer)

    def flush(self) -> None:
        """Send what the socket takes now."""
        if not self._unsent:
            return
        try:
            sent = self.socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            self.is_open = False
            return
        del self._unsent[:sent]

    def close(self) -> None:
        """End it; the front gives its open requests to another host."""
        self.is_open = False
        with contextlib.suppress(OSError):
            self.socket.close()
