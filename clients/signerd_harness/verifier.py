"""A process of the run in which openssl verifies every signature."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from signerd_client import KeyAlgorithm
from signerd_harness.certificate_book import Held, read_held
from signerd_harness.evidence import Evidence, EvidenceReader
from signerd_harness.openssl import SignatureCheck

_POLL_S: Final = 0.1
_REPORT_S: Final = 0.5
_MOST_SAMPLES: Final = 20
# Beside a run, what is measured goes first.
_BESIDE_NICENESS: Final = 10


@dataclass(frozen=True, slots=True)
class VerifierPlan:
    """files: signatures and certificates of each worker. directory: for files of openssl; made.
    beside: whether acts go on meanwhile."""

    files: tuple[tuple[Path, Path], ...]
    directory: Path
    algorithm: KeyAlgorithm
    processes: int
    beside: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """How many were verified since the start. wrong: words about those that did not hold, of which
    there are `wrong_count`."""

    count: int
    wrong_count: int
    wrong: tuple[str, ...]


def run_verifier(plan: VerifierPlan, pipe: Connection) -> None:
    """Verify what is there once anything arrives through the pipe. With plan.beside it begins
    before, with what comes, and then ends with what is left.

    Sends Verified from time to time, and once more at the end before it closes the pipe.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if plan.beside:
        os.nice(_BESIDE_NICENESS)
    with suppress(EOFError, ConnectionError):
        if not plan.beside:
            pipe.recv()
        _Verifier(plan, pipe).run()
    pipe.close()


class _Verifier:
    def __init__(self, plan: VerifierPlan, pipe: Connection) -> None:
        self._plan = plan
        self._pipe = pipe
        self._lock = threading.Lock()
        self._is_last = threading.Event()
        if not plan.beside:
            self._is_last.set()
        self._count = 0
        self._wrong_count = 0
        self._wrong: list[str] = []

    def run(self) -> None:
        """Threads take turns at reading; each starts one openssl at a time and waits for it."""
        self._plan.directory.mkdir()
        waiting = self._evidence()
        with ThreadPoolExecutor(self._plan.processes) as pool:
            running = [
                pool.submit(self._work, waiting, number) for number in range(self._plan.processes)
            ]
            try:
                while not all(one.done() for one in running):
                    if self._pipe.poll(_REPORT_S) and not self._is_last.is_set():
                        self._pipe.recv()
                        self._is_last.set()
                    self._report()
            finally:
                self._is_last.set()
            for one in running:
                one.result()
        self._report()

    def _work(self, waiting: Iterator[tuple[Held, Evidence] | None], number: int) -> None:
        check = SignatureCheck(self._plan.directory / str(number), self._plan.algorithm)
        while True:
            with self._lock:
                try:
                    item = next(waiting)
                except StopIteration:
                    break
            if item is None:
                time.sleep(_POLL_S)
                continue
            held, evidence = item
            holds = check.holds(held.der, evidence)
            with self._lock:
                self._count += 1
                if not holds:
                    self._add_wrong(held, evidence)
        check.close()

    def _add_wrong(self, held: Held, evidence: Evidence) -> None:
        self._wrong_count += 1
        if len(self._wrong) < _MOST_SAMPLES:
            self._wrong.append(
                f"{held.name}: openssl does not verify {evidence.signature.hex()} over"
                f" {evidence.data[:80]!r}"
            )

    def _evidence(self) -> Iterator[tuple[Held, Evidence] | None]:
        """None where there is nothing more at the moment."""
        sources = [
            (EvidenceReader(signatures), os.open(certificates, os.O_RDONLY))
            for signatures, certificates in self._plan.files
        ]
        while True:
            is_last = self._is_last.is_set()
            found = False
            for reader, book in sources:
                for evidence in reader.read():
                    found = True
                    yield read_held(book, evidence.offset), evidence
            if is_last:
                break
            if not found:
                yield None
        for reader, book in sources:
            reader.close()
            os.close(book)

    def _report(self) -> None:
        with self._lock:
            self._pipe.send(Verified(self._count, self._wrong_count, tuple(self._wrong)))
