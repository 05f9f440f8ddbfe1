"""SIGKILL of the supervisor in the middle of an issuance, then a new start."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from examples.private_daemon import DaemonSize, private_daemon
from signerd.core.fault import FaultPoint
from signerd_client import Certificate, CertificateState
from tests.faults.crash_case import CrashStage
from tests.faults.fault_order import SETTINGS
from tests.faults.judgement import (
    judge_audit,
    judge_certificates,
    judge_keys,
    judge_tokens,
    refuse_signing,
)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def stage() -> Iterator[CrashStage]:
    """One daemon, which each test leaves running."""
    with private_daemon(DaemonSize(fronts=2, hosts=2), SETTINGS) as daemon:
        made = CrashStage(daemon)
        yield made
        made.close()


@pytest.mark.parametrize(
    "point",
    [
        FaultPoint.HOST_BEFORE_GENERATE,
        FaultPoint.ISSUE_INTENT_RECORDED,
        FaultPoint.STORE_COMPLETE_UNCOMMITTED,
    ],
)
def test_a_reissue_survives_the_end_of_the_whole_daemon(
    stage: CrashStage, point: FaultPoint
) -> None:
    """The process at the point and the supervisor die; the call that was under way ends well once
    the daemon is started again, and so does its repetition."""
    daemon, subscriber = stage.daemon, f"whole-{point}"
    old = stage.issue(subscriber)
    request_id = f"00000000-0000-4000-8000-{list(FaultPoint).index(point):012}"

    def reissue() -> Certificate:
        return stage.officer.reissue_certificate(old.name, request_id=request_id).certificate

    stage.orders.give(point)
    with ThreadPoolExecutor(1) as caller:
        called = caller.submit(reissue)
        assert stage.orders.wait_taken(point, 20)
        daemon.kill()
        daemon.start()
        new = called.result()
    assert reissue() == new
    listed = stage.officer.list_certificates(subscriber=subscriber)
    assert {it.name: it.state for it in listed} == {
        old.name: CertificateState.REVOKED,
        new.name: CertificateState.ACTIVE,
    }
    assert stage.signer.sign(new.credential, data=b"1").certificate == new.name
    refuse_signing(stage.signer, old.credential)
    judge_keys(daemon, judge_certificates(daemon).values())
    judge_tokens(daemon)
    judge_audit(daemon)
