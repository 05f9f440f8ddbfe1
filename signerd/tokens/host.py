"""The token host: the process that holds the PKCS#11 module and does nothing else."""

import contextlib
import itertools
import os
import select
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from signerd.config.settings import TokensSettings
from signerd.core.boot import BootError, ExitCode
from signerd.core.pulse import Pulse
from signerd.observability.event import LogEvent
from signerd.tokens.error import SessionLost
from signerd.tokens.frame import KeyUse, MalformedFrame
from signerd.tokens.handler import IDLE_ALLOWED_S, RequestHandler
from signerd.tokens.host_connection import HostConnection
from signerd.tokens.host_queue import HostQueue
from signerd.tokens.module import Pkcs11Module
from signerd.tokens.pin_latch import PinLatch
from signerd.tokens.resolve import token_specs
from signerd.tokens.token_set import TokenSet, require_boot_tokens, require_distinct_keys
from signerd.tokens.token_spec import Report

_BOOT_RETRY_S: Final = 5.0
_REPLACEMENT_RETRY_S: Final = 0.5
_BOOT_PAUSE_S: Final = 0.25
# However long each takes.
_BOOT_LEAST_TRIES: Final = 3
_IDLE_BEAT_S: Final = 1.0
_BACKLOG: Final = 128
# Answers are collected for about so long before they are sent together and connections are read.
_COLLECT_S: Final = 0.001


def run_token_host(
    settings: TokensSettings,
    *,
    name: str,
    socket_path: Path,
    pulse: Pulse,
    lifeline_fd: int,
    latch_directory: Path,
    log: Report,
    is_replacement: bool = False,
) -> None:
    """Serve fronts on a Unix socket until SIGTERM or until the parent is gone.

    Called in the main thread. lifeline_fd: end of a pipe whose other end the parent holds.
    latch_directory: shared by all hosts, must exist. is_replacement: the daemon has been up; a
    token that is missing or refuses its PIN is then no reason to end, because somebody has to
    tell callers why it is out of service and to notice when it is back. Raises BootError
    (CONFIG_INVALID, KEY_AMBIGUOUS, PIN_REFUSED, TOKEN_MISSING) when it cannot start.
    """
    authority, pool = token_specs(settings)
    if not settings.module.is_file():
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"tokens.module: there is no file {settings.module}; install the module or correct "
            "its path",
        )
    module = Pkcs11Module(settings.module, settings.environment, lock_directory=latch_directory)
    tokens = TokenSet(
        module,
        (authority, pool),
        PinLatch(latch_directory),
        log,
        lambda: pulse.beat(settings.call_limit_s),
    )
    _boot(tokens, pulse, log, is_replacement=is_replacement)
    handler = RequestHandler(settings, tokens, pool, pulse, log)
    opened = " ".join(str(ref) for ref in tokens.open_tokens())
    with _listening(socket_path) as listener, _stop_signal() as stop_fd:
        log(LogEvent.PROCESS_READY, {"host": name, "tokens": opened, "module": module.description})
        pulse.ready(IDLE_ALLOWED_S)
        _Loop(handler, pulse, log, listener, (lifeline_fd, stop_fd)).run()
    log(LogEvent.PROCESS_STOPPED, {"host": name})


def _boot(tokens: TokenSet, pulse: Pulse, log: Report, *, is_replacement: bool) -> None:
    """Open the tokens. SoftHSM hides a token while another process logs in to it, so that a
    missing one is looked for again for some seconds."""
    until = time.monotonic() + (_REPLACEMENT_RETRY_S if is_replacement else _BOOT_RETRY_S)
    for tries in itertools.count(1):
        try:
            tokens.open_all()
            require_boot_tokens(tokens)
        except (SessionLost, BootError) as error:
            failed = _as_boot_error(error)
            may_be_hidden = time.monotonic() < until or tries < _BOOT_LEAST_TRIES
            if failed.code is ExitCode.TOKEN_MISSING and may_be_hidden:
                pulse.beat(IDLE_ALLOWED_S)
                time.sleep(_BOOT_PAUSE_S)
                continue
            if not is_replacement or failed.code is ExitCode.CONFIG_INVALID:
                raise failed from error
            log(LogEvent.TOKEN_LOST, {"problem": failed.message})
        tokens.hold_all_keys()
        if not is_replacement:
            require_distinct_keys(tokens)
        return


def _as_boot_error(error: SessionLost | BootError) -> BootError:
    if isinstance(error, BootError):
        return error
    return BootError(ExitCode.TOKEN_MISSING, error.message)


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        mine = path.stat().st_ino
        listener.setblocking(False)  # noqa: FBT003 - the name says it
        listener.listen(_BACKLOG)
        try:
            yield listener
        finally:
            # A successor may have put its own socket there.
            with contextlib.suppress(OSError):
                if path.stat().st_ino == mine:
                    path.unlink()


@contextlib.contextmanager
def _stop_signal() -> Iterator[int]:
    """A descriptor that becomes readable at SIGTERM. SIGINT is the supervisor's: a terminal sends
    it to all processes of the group."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    before_int = signal.signal(signal.SIGINT, signal.SIG_IGN)
    before_fd = signal.set_wakeup_fd(writer)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(before_fd)
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, before_int)
        os.close(reader)
        os.close(writer)


class _Loop:
    """One thread: everything that waits on the connections is read at once, and again after each
    turn of work; answers are sent together."""

    def __init__(
        self,
        handler: RequestHandler,
        pulse: Pulse,
        log: Report,
        listener: socket.socket,
        stop_fds: tuple[int, ...],
    ) -> None:
        self._queue = HostQueue(handler)
        self._pulse = pulse
        self._log = log
        self._listener = listener
        self._stops = select.poll()
        for fd in stop_fds:
            self._stops.register(fd, select.POLLIN | select.POLLHUP)
        self._stop_fds = stop_fds
        self._selector = selectors.DefaultSelector()
        self._connections: list[HostConnection] = []
        self._events: dict[HostConnection, int] = {}

    def run(self) -> None:
        """Serve until one of the stop descriptors becomes readable."""
        for fd in self._stop_fds:
            self._selector.register(fd, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        try:
            while not self._should_stop():
                events = self._selector.select(0 if self._queue else _IDLE_BEAT_S)
                self._pulse.beat(IDLE_ALLOWED_S)
                for key, _ in events:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif isinstance(key.data, HostConnection):
                        self._read(key.data)
                self._work()
                for connection in list(self._connections):
                    self._flush(connection)
        finally:
            for connection in list(self._connections):
                self._close(connection)
            self._selector.close()

    def _should_stop(self) -> bool:
        return bool(self._stops.poll(0))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            sock, _ = self._listener.accept()
            connection = HostConnection(sock)
            self._connections.append(connection)
            self._events[connection] = selectors.EVENT_READ
            self._selector.register(sock, selectors.EVENT_READ, connection)

    def _read(self, connection: HostConnection) -> None:
        if connection.may_read:
            try:
                for request in connection.receive():
                    self._queue.put(connection, request)
            except MalformedFrame as error:
                self._log(LogEvent.WORK_FAILED, {"problem": f"malformed frame: {error}"})
                connection.close()

    def _work(self) -> None:
        """For a turn: then somebody may have come, or gone."""
        until = time.monotonic() + _COLLECT_S
        while (taken := self._queue.take()) is not None:
            connection, request = taken
            if not isinstance(request, KeyUse):
                # Nobody would learn of the key: its front has died or given up.
                if not connection.has_front:
                    self._close(connection)
                    return
                connection.flush()
            connection.add(self._queue.handle(request))
            if time.monotonic() >= until:
                return
        self._queue.step()

    def _flush(self, connection: HostConnection) -> None:
        connection.flush()
        if not connection.is_open:
            self._close(connection)
            return
        events = selectors.EVENT_READ if connection.may_read else 0
        events |= selectors.EVENT_WRITE if connection.has_unsent else 0
        if events != self._events[connection]:
            self._events[connection] = events
            self._selector.modify(connection.socket, events, connection)

    def _close(self, connection: HostConnection) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.socket)
        connection.close()
        self._queue.drop(connection)
        self._events.pop(connection, None)
        if connection in self._connections:
            self._connections.remove(connection)
