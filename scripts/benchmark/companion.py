"""Processes that measure: started, made ready one after another, released together."""

import multiprocessing
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_SPAWN: Final = multiprocessing.get_context("spawn")
_READY_LIMIT_S: Final = 60.0
_END_LIMIT_S: Final = 5.0

R = TypeVar("R")
# What a measuring process runs: it calls the gate once it is ready, which returns when the
# measurement begins, and returns what it measured.
Measurement = Callable[..., R]


class Companion(Generic[R]):
    """One measuring process."""

    def __init__(self, measurement: Measurement[R], *arguments: object) -> None:
        """Start it; measurement(gate, *arguments) must be importable by name."""
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_run, args=(theirs, measurement, arguments), daemon=True
        )
        self._process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        """Raises RuntimeError when it ended or took too long."""
        self._receive(_READY_LIMIT_S)

    def begin(self) -> None:
        """Release it."""
        self._pipe.send(None)

    def result(self, limit_s: float) -> R:
        """What it measured. Raises RuntimeError when it ended without or took too long."""
        measured: R = self._receive(limit_s)
        return measured

    def end(self) -> None:
        """End it one way or the other."""
        self._pipe.close()
        self._process.join(_END_LIMIT_S)
        self._process.kill()
        self._process.join()

    def _receive(self, limit_s: float) -> Any:
        if not self._pipe.poll(limit_s):
            raise RuntimeError(f"a measuring process gave no answer within {limit_s:.0f} s")
        try:
            return self._pipe.recv()
        except EOFError:
            raise RuntimeError("a measuring process ended; its error stands above") from None


def run_together(companions: Sequence[Companion[R]], limit_s: float) -> list[R]:
    """Release all that are ready, and end them when all have answered or one has failed."""
    try:
        for companion in companions:
            companion.begin()
        return [companion.result(limit_s) for companion in companions]
    finally:
        for companion in companions:
            companion.end()


def start_in_turn(
    count: int, measurement: Measurement[R], *arguments: object
) -> list[Companion[R]]:
    """Start so many, each when the one before is ready: log-ins at the same moment disturb each
    other on SoftHSM."""
    companions: list[Companion[R]] = []
    try:
        for _ in range(count):
            companions.append(Companion(measurement, *arguments))
            companions[-1].wait_until_ready()
    except RuntimeError:
        for companion in companions:
            companion.end()
        raise
    return companions


def _run(
    pipe: "Connection[Any, Any]", measurement: Measurement[R], arguments: tuple[object, ...]
) -> None:
    def gate() -> None:
        pipe.send(None)
        pipe.recv()

    pipe.send(measurement(gate, *arguments))
