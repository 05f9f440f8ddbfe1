"""The workers of a run, as the process that leads it sees them."""

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final, Self

from signerd_harness.plan import Command, Finished, Progress, WorkerPlan
from signerd_harness.worker import run_worker

_POLL_S: Final = 0.2
_END_LIMIT_S: Final = 2.0


class WorkerFailed(Exception):
    """A worker cannot go on; the message is for people."""


class Crew:
    """Starts a process for each plan; they end with the block."""

    def __init__(self, plans: Sequence[WorkerPlan]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes: list[BaseProcess] = []
        self.peak_kib: list[int] = [0] * len(plans)
        for plan in plans:
            ours, theirs = context.Pipe()
            process = context.Process(target=run_worker, args=(plan, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            _send(pipe, Command.END)
            # Also for one that is in the middle of something.
            pipe.close()
        for process in self._processes:
            end(process)

    def do(self, command: Command, heard: Callable[[Progress | None], None]) -> bool:
        """Let all do it and wait. heard: called with what they report, and from time to time with
        None. True when it was stopped by an interrupt (KeyboardInterrupt), at the second of which
        it is raised.

        Raises WorkerFailed.
        """
        for pipe in self._pipes:
            _send(pipe, command)
        waiting = list(self._pipes)
        problems: list[str] = []
        stopped = False
        while waiting:
            try:
                ready = wait(waiting, _POLL_S)
                for pipe in [one for one in waiting if one in ready]:
                    self._hear(pipe, waiting, problems, heard)
                heard(None)
            except KeyboardInterrupt:
                if stopped:
                    raise
                stopped = True
                for pipe in waiting:
                    _send(pipe, Command.STOP)
        if problems:
            raise WorkerFailed(problems[0])
        return stopped

    def _hear(
        self,
        pipe: Connection,
        waiting: list[Connection],
        problems: list[str],
        heard: Callable[[Progress | None], None],
    ) -> None:
        try:
            said = pipe.recv()
        except (EOFError, ConnectionResetError):
            waiting.remove(pipe)
            problems.append("a process of the harness has ended by itself")
            return
        if isinstance(said, Finished):
            waiting.remove(pipe)
            self.peak_kib[self._pipes.index(pipe)] = said.peak_kib
            if said.problem:
                problems.append(said.problem)
        else:
            heard(said)


def end(process: BaseProcess) -> None:
    """Wait until a process has ended whose pipe was closed; one that is too busy is made to."""
    process.join(_END_LIMIT_S)
    if process.is_alive():
        process.terminate()
        process.join()


def _send(pipe: Connection, command: Command) -> None:
    try:
        pipe.send(command)
    except (BrokenPipeError, ConnectionResetError):
        # It is noticed where its answer is waited for.
        return
