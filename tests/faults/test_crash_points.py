"""SIGKILL at every named step of issuance, replacement, change, signing and clean-up."""

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from examples.private_daemon import DaemonSize, private_daemon
from signerd.core.fault import CLAIM_POINTS, LOGIN_POINTS, FaultPoint
from tests.faults.crash_case import CrashCase, CrashStage, Operation
from tests.faults.fault_order import SETTINGS
from tests.faults.judgement import judge_audit, judge_certificates, judge_keys, judge_tokens
from tests.faults.test_key_pool import READY_KEY_POINTS
from tests.faults.test_publisher_faults import STATUS_POINTS
from tests.outbox.test_delivery_kill import DELIVERY_POINTS
from tests.proof.test_checkpoint_kill import CHECKPOINT_POINTS

pytestmark = pytest.mark.long

# A case mostly waits: until a dead process counts as dead, until its successor is up.
_STAGES: Final = 3

_FOR_EVERY_CERTIFICATE: Final = (
    FaultPoint.ISSUE_BEFORE_RESERVE,
    FaultPoint.STORE_RESERVE_UNCOMMITTED,
    FaultPoint.ISSUE_RESERVED,
    FaultPoint.ISSUE_LINTED,
    FaultPoint.STORE_INTENT_UNCOMMITTED,
    FaultPoint.ISSUE_INTENT_RECORDED,
    FaultPoint.HOST_BEFORE_SIGN,
    FaultPoint.HOST_AFTER_SIGN,
    FaultPoint.ISSUE_SIGNED,
    FaultPoint.ISSUE_VERIFIED,
    FaultPoint.STORE_COMPLETE_UNCOMMITTED,
    FaultPoint.ISSUE_STORED,
)
_FOR_A_KEY: Final = (
    FaultPoint.HOST_BEFORE_GENERATE,
    FaultPoint.HOST_AFTER_GENERATE,
    FaultPoint.ISSUE_KEY_GENERATED,
)
_CLEAN_UP: Final = (
    FaultPoint.KEEPER_BEFORE_DESTROY,
    FaultPoint.HOST_BEFORE_DESTROY,
    FaultPoint.HOST_AFTER_DESTROY,
    FaultPoint.KEEPER_AFTER_DESTROY,
)
_SIGNING: Final = (
    FaultPoint.HOST_BEFORE_SIGN,
    FaultPoint.HOST_AFTER_SIGN,
    FaultPoint.SIGN_BEFORE_RECORD,
    FaultPoint.SIGN_RECORDED,
)


_CHANGE: Final = (
    FaultPoint.CHANGE_BEFORE_STORE,
    FaultPoint.STORE_CHANGE_UNCOMMITTED,
    FaultPoint.CHANGE_STORED,
)
# There the last days, in which certificates can be renewed, are all their days.
_PROFILES: Final = Path(__file__).with_name("profiles")


def _cases() -> Iterator[CrashCase]:
    for point in (*_FOR_EVERY_CERTIFICATE, *_FOR_A_KEY):
        yield CrashCase(Operation.ISSUE, (point,))
        yield CrashCase(Operation.REISSUE, (point,))
        yield CrashCase(Operation.RENEW, (point,))
    for point in _CHANGE:
        yield CrashCase(Operation.SUSPEND, (point,))
        yield CrashCase(Operation.RESUME, (point,))
        yield CrashCase(Operation.REVOKE, (point,))
    for point in _FOR_EVERY_CERTIFICATE:
        yield CrashCase(Operation.ISSUE_FOR_CSR, (point,))
    for point in _CLEAN_UP:
        yield CrashCase(Operation.REISSUE, (point,))
        # A key that nobody will use is left behind, and cleaning it up is disturbed as well.
        yield CrashCase(Operation.ISSUE, (FaultPoint.ISSUE_KEY_GENERATED, point))
    for point in _SIGNING:
        yield CrashCase(Operation.SIGN, (point,))


CASES: Final = tuple(_cases())

# On ways that no call begins: each has a test of its own.
_ELSEWHERE: Final = {
    *CLAIM_POINTS,
    *LOGIN_POINTS,
    FaultPoint.STORE_ACTIVATION_UNCOMMITTED,
    *DELIVERY_POINTS,
    *READY_KEY_POINTS,
    FaultPoint.KEEPER_MAIL_HALF_WRITTEN,
    FaultPoint.KEEPER_SIGNER_RECORDED,
    FaultPoint.KEEPER_SIGNER_SIGNED,
    *STATUS_POINTS,
    *CHECKPOINT_POINTS,
}


def _name(case: CrashCase) -> str:
    return f"{case.operation}-{'+'.join(case.points)}"


class Rehearsal:
    """Plays cases on several daemons at once and keeps what came of each."""

    def __init__(self, stages: list[CrashStage]) -> None:
        self.stages = stages
        self._failures: dict[CrashCase, Exception] = {}
        self._played: set[CrashCase] = set()
        self._lock = threading.Lock()

    def play(self, cases: list[CrashCase]) -> None:
        """Play each once, on whichever daemon is free."""
        waiting: queue.SimpleQueue[CrashCase] = queue.SimpleQueue()
        for case in cases:
            waiting.put(case)
        with ThreadPoolExecutor(len(self.stages)) as pool:
            for done in [pool.submit(self._play_on, stage, waiting) for stage in self.stages]:
                done.result()

    def verdict(self, case: CrashCase) -> None:
        """Raise what the case failed with."""
        assert case in self._played
        if case in self._failures:
            raise self._failures[case]

    def _play_on(self, stage: CrashStage, waiting: "queue.SimpleQueue[CrashCase]") -> None:
        while True:
            try:
                case = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                stage.play(case)
            except Exception as error:  # noqa: BLE001 - raised again in the test of the case
                with self._lock:
                    self._failures[case] = error
            with self._lock:
                self._played.add(case)


def _chosen(request: pytest.FixtureRequest) -> list[CrashCase]:
    """The cases that this run of pytest selected."""
    chosen = (
        item.callspec.params.get("case")
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    )
    return [case for case in chosen if isinstance(case, CrashCase)]


@pytest.fixture(scope="module")
def rehearsal(request: pytest.FixtureRequest) -> Iterator[Rehearsal]:
    """All chosen cases, played."""
    settings = SETTINGS | {"policy.profiles": f'"{_PROFILES}"'}
    with ExitStack() as stack:

        def stage() -> CrashStage:
            daemon = stack.enter_context(private_daemon(DaemonSize(fronts=2, hosts=2), settings))
            made = CrashStage(daemon)
            stack.callback(made.close)
            return made

        played = Rehearsal([stage() for _ in range(_STAGES)])
        played.play(_chosen(request))
        yield played


def test_every_fault_point_has_a_case() -> None:
    """A new fault point cannot be added without being died at; issuance, reissue and renewal each
    at more than twelve."""
    died_at = {point for case in CASES for point in case.points}
    assert died_at | _ELSEWHERE == set(FaultPoint)
    for operation in (Operation.ISSUE, Operation.REISSUE, Operation.RENEW):
        points = {point for case in CASES if case.operation is operation for point in case.points}
        assert len(points) >= 12


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_a_crash_costs_nothing(rehearsal: Rehearsal, case: CrashCase) -> None:
    """The client's retries end in one certificate or one change, repeated calls return it; its key
    signs, and that of one that was replaced, suspended or revoked does not; exactly the ordered
    processes died."""
    rehearsal.verdict(case)


@pytest.mark.parametrize("number", range(_STAGES))
def test_what_remains_is_whole(rehearsal: Rehearsal, number: int) -> None:
    """After all crashes: serials unique, chains good, keys on the tokens those of the active
    certificates and no other, audit chains whole."""
    daemon = rehearsal.stages[number].daemon
    judge_keys(daemon, judge_certificates(daemon).values())
    judge_tokens(daemon)
    judge_audit(daemon)
