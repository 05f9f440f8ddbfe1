"""Starts, watches and stops the processes of the daemon.

One thread and one loop: signals only enqueue, everything else is read from the children's return
codes and pulses.
"""

import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from structlog.typing import FilteringBoundLogger

from signerd.core.boot import BootError, ExitCode
from signerd.observability.event import LogEvent
from signerd.supervisor.child import Child, ChildSpec, ChildState, Group, describe_end
from signerd.supervisor.run_file import claim, clean, link_admin_socket, write_processes
from signerd.supervisor.signal_queue import SignalQueue

_STOP_ORDER: Final = (Group.FRONT, Group.PUBLISHER, Group.KEEPER, Group.HOST)
_RELOADED: Final = frozenset({Group.FRONT, Group.KEEPER})
# Python itself ends with 1 on an unexpected exception, so 1 is a crash and not a verdict.
_FINAL: Final = frozenset(ExitCode) - {ExitCode.OK, ExitCode.SOFTWARE, ExitCode.CHECK_FAILED}
_BOOT_ATTEMPTS: Final = 5
_ORPHAN_WAIT_S: Final = 60.0
_STALL_S: Final = 1.0


class Supervisor:
    """Keeps the children of a daemon running; `run` once."""

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        run_directory: Path,
        log: FilteringBoundLogger,
        poll_s: float = 0.1,
        orphan_wait_s: float = _ORPHAN_WAIT_S,
    ) -> None:
        self._run_directory = run_directory
        self._log = log
        self._poll_s = poll_s
        self._orphan_wait_s = orphan_wait_s
        self._children = [Child(spec, run_directory / f"{spec.name}.pulse") for spec in specs]
        self._signals = SignalQueue()
        self._inherited_fd = -1
        self._hosts_came_up = False
        self._others_came_up = False
        self._came_up = False
        self._held: set[Group] = set()
        self._failure: BootError | None = None
        self._admin_front = ""
        self._changed = True
        self._unpublished = False
        self._last_step_at = 0.0
        self._patient_until = 0.0

    def run(self) -> ExitCode:
        """Work until SIGTERM or SIGINT, or until a start fails in a way that restarts don't mend.

        Returns OK, or the exit code of the child that could not start, which has said why on
        standard error. Raises BootError when there is nobody else to say why.
        """
        with claim(self._run_directory, orphan_wait_s=self._orphan_wait_s) as inherited_fd:
            self._inherited_fd = inherited_fd
            with self._signals:
                self._log.info(LogEvent.SUPERVISOR_STARTED, children=len(self._children))
                try:
                    return self._serve()
                finally:
                    self._end_all()
                    clean(self._run_directory, (child.spec.name for child in self._children))
                    self._log.info(LogEvent.SUPERVISOR_STOPPED)

    def _serve(self) -> ExitCode:
        while True:
            self._step()
            if self._failure is not None:
                self._stop()
                if self._failure.message:
                    raise self._failure
                return self._failure.code
            for number in self._signals.wait(self._poll_s):
                if number == signal.SIGHUP:
                    self._reload()
                else:
                    self._log.info(LogEvent.STOP_REQUESTED, signal=number.name)
                    self._stop()
                    return ExitCode.OK

    def _step(self) -> None:
        self._notice_stall()
        self._reap()
        for child in self._children:
            if child.state in {ChildState.STARTING, ChildState.READY} and not child.killed_for:
                self._examine(child)
        # Each at its time: a daemon of which always one process or another is being replaced is up.
        if not self._came_up and all(one.was_ready for one in self._children):
            self._came_up = True
            self._log.info(LogEvent.SUPERVISOR_UP)
        if self._failure is None:
            self._start_due()
        self._publish()

    def _notice_stall(self) -> None:
        """When the machine stood still, the children did too: let them speak before judging."""
        now = time.monotonic()
        if now - self._last_step_at > self._poll_s + _STALL_S:
            self._patient_until = now + 2 * _STALL_S
        self._last_step_at = now

    def _examine(self, child: Child) -> None:
        vitals = child.vitals()
        if vitals.overdue_s > 0 and self._last_step_at >= self._patient_until:
            self._log.error(
                LogEvent.CHILD_HUNG,
                child=child.spec.name,
                child_pid=child.pid,
                state=child.state.value,
                overdue_s=round(vitals.overdue_s, 3),
            )
            child.kill("it gave no sign of life in the time it promised")
        elif vitals.is_ready and child.state is ChildState.STARTING:
            child.state = ChildState.READY
            child.was_ready = True
            child.ready_since = time.monotonic()
            self._log.info(LogEvent.CHILD_READY, child=child.spec.name, child_pid=child.pid)
            if child.reload_when_ready:
                child.reload_when_ready = False
                child.signal(signal.SIGHUP)
            self._changed = True

    def _start_due(self) -> None:
        hosts = self._of(Group.HOST)
        self._hosts_came_up |= all(host.state is ChildState.READY for host in hosts)
        # Hosts that log in at the same moment disturb each other on some tokens, so they start
        # one after another; at first each only when those before it are ready.
        if not any(host.state is ChildState.STARTING for host in hosts):
            turn = hosts
            if not self._hosts_came_up:
                turn = [host for host in hosts if host.state is not ChildState.READY][:1]
            due = [host for host in turn if self._is_due(host)]
            if due:
                self._start(min(due, key=lambda host: host.start_at))
        if self._hosts_came_up:
            others = [child for child in self._children if child.spec.group is not Group.HOST]
            self._others_came_up |= any(one.state is ChildState.READY for one in others)
            # What keeps one of them from starting keeps all: the first one says it for all.
            for child in others if self._others_came_up else others[:1]:
                if self._is_due(child):
                    self._start(child)

    def _is_due(self, child: Child) -> bool:
        return child.state is ChildState.WAITING and child.start_at <= time.monotonic()

    def _start(self, child: Child) -> None:
        try:
            child.start(self._inherited_fd, is_replacement=self._came_up)
        except OSError as error:
            self._lost(child, f"it could not be started: {error.strerror}")
        else:
            self._log.info(LogEvent.CHILD_STARTED, child=child.spec.name, child_pid=child.pid)
        self._changed = True

    def _reap(self) -> None:
        for child in self._children:
            code = child.reap()
            if code is None:
                continue
            self._changed = True
            if child.state is ChildState.STOPPING:
                child.state = ChildState.STOPPED
                self._log.info(
                    LogEvent.CHILD_STOPPED, child=child.spec.name, end=describe_end(code)
                )
            elif code in _FINAL and not self._came_up:
                child.state = ChildState.STOPPED
                self._failure = self._failure or BootError(ExitCode(code), "")
                self._log.info(LogEvent.BOOT_FAILED, child=child.spec.name, end=describe_end(code))
            else:
                if code == ExitCode.PIN_REFUSED:
                    self._hold(child.spec.group)
                self._lost(child, child.killed_for or describe_end(code))

    def _lost(self, child: Child, reason: str) -> None:
        """A child has ended that should not: plan its replacement."""
        delay_s = child.backoff.delay_s(child.healthy_s())
        child.ready_since = None
        child.restarts += 1
        child.start_at = time.monotonic() + delay_s
        held = child.spec.group in self._held
        child.state = ChildState.HELD if held else ChildState.WAITING
        self._log.error(
            LogEvent.CHILD_CRASHED,
            child=child.spec.name,
            reason=reason,
            restart_in_s=None if held else delay_s,
            restarts=child.restarts,
        )
        if not self._came_up and child.backoff.failures >= _BOOT_ATTEMPTS:
            self._failure = self._failure or BootError(
                ExitCode.SOFTWARE,
                f"{child.spec.name} ended {child.backoff.failures} times before the daemon was up "
                f"(last: {reason}); see the log for the cause",
            )

    def _hold(self, group: Group) -> None:
        """No more starts in a group: each would try the refused PIN again."""
        if group not in self._held:
            self._held.add(group)
            for child in self._of(group):
                if child.state is ChildState.WAITING:
                    child.state = ChildState.HELD
            self._log.error(
                LogEvent.CHILD_GROUP_HELD,
                group=group.value,
                reason="the token refused the PIN; correct it, then send SIGHUP",
            )

    def _reload(self) -> None:
        self._log.info(LogEvent.RELOAD_REQUESTED)
        for child in self._children:
            if child.spec.group in _RELOADED and child.state is ChildState.READY:
                child.signal(signal.SIGHUP)
            elif child.spec.group in _RELOADED and child.state is ChildState.STARTING:
                child.reload_when_ready = True
            elif child.state is ChildState.HELD:
                child.state = ChildState.WAITING
                child.start_at = 0.0
                child.backoff.reset()
                self._changed = True
        for group in self._held:
            self._log.info(LogEvent.CHILD_GROUP_RELEASED, group=group.value)
        self._held.clear()

    def _publish(self) -> None:
        """Tell the outside; what a full disk prevents is tried again."""
        ready = [one.spec.name for one in self._of(Group.FRONT) if one.state is ChildState.READY]
        try:
            if ready and self._admin_front not in ready:
                link_admin_socket(self._run_directory, ready[0])
                self._admin_front = ready[0]
                self._log.info(LogEvent.ADMIN_SOCKET_SWITCHED, front=ready[0])
            if self._changed:
                write_processes(self._run_directory, self._children)
                self._changed = False
        except OSError as error:
            if not self._unpublished:
                self._log.warning(LogEvent.RUN_FILE_FAILED, reason=error.strerror)
            self._unpublished = True
        else:
            self._unpublished = False

    def _stop(self) -> None:
        """Stop group by group, fronts first: they still need hosts for the calls they end."""
        for group in _STOP_ORDER:
            running = [child for child in self._of(group) if child.pid is not None]
            for child in running:
                child.state = ChildState.STOPPING
                child.signal(signal.SIGTERM)
            self._changed = True
            if not self._await_end(running):
                return

    def _await_end(self, children: Sequence[Child]) -> bool:
        """Wait for stopping children, each for at most its time; False for a second signal."""
        begin = time.monotonic()
        while any(child.pid is not None for child in children):
            self._publish()
            hurry = [one for one in self._signals.wait(self._poll_s) if one != signal.SIGHUP]
            self._reap()
            if hurry:
                self._log.warning(LogEvent.STOP_REQUESTED, signal=hurry[0].name, at_once=True)
                return False
            for child in children:
                late = time.monotonic() - begin > child.spec.stop_allowed_s
                if late and child.pid is not None and not child.killed_for:
                    self._log.warning(LogEvent.CHILD_KILLED, child=child.spec.name)
                    child.kill("it did not stop in time")
        return True

    def _end_all(self) -> None:
        """Leave nothing behind, whatever happened."""
        for child in self._children:
            if child.pid is not None:
                child.state = ChildState.STOPPING
                child.kill("the supervisor ends")
        while any(child.pid is not None for child in self._children):
            self._signals.wait(self._poll_s)
            self._reap()

    def _of(self, group: Group) -> list[Child]:
        return [child for child in self._children if child.spec.group is group]
