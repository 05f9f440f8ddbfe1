"""A running daemon whose keeper is killed over a checkpoint."""

import pytest

from examples.private_daemon import DaemonSize
from signerd.core.fault import FaultPoint
from signerd_client import Client
from signerd_client.proof_check import check_proof
from tests.faults.fault_order import SETTINGS, FaultOrders
from tests.faults.judgement import judge_audit
from tests.faults.scene import BACK_S, faulty_daemon, issue, wait_until_well

pytestmark = pytest.mark.long


def test_a_proof_comes_although_the_keeper_dies_over_it() -> None:
    """Killed between signature and storage of the checkpoint that somebody waits for: the client
    tries again by itself, and the next keeper makes it. Without an authority there is no time
    stamp, and nothing else is missing."""
    settings = SETTINGS | {"timestamping.enabled": "false"}
    with faulty_daemon(DaemonSize(fronts=1, hosts=1), settings) as daemon:
        orders = FaultOrders(daemon)
        with (
            Client(daemon.target("ra-officer")) as officer,
            Client(daemon.target("signer")) as signer,
            Client(daemon.target("auditor")) as auditor,
        ):
            credential = issue(officer).credential
            first = signer.sign(credential, data=b"1")
            auditor.prove_audit_record(credential=credential, signature=first.signature)
            signed = signer.sign(credential, data=b"2")
            orders.give(FaultPoint.KEEPER_CHECKPOINT_SIGNED)
            proof = auditor.prove_audit_record(
                credential=credential, signature=signed.signature, timeout_s=2 * BACK_S
            )
            assert orders.is_taken(FaultPoint.KEEPER_CHECKPOINT_SIGNED)
            proven = check_proof(proof, proof.ca_certificates[-1:], data=b"2")
            assert proven.checkpoint >= 2
            assert proven.stamp_time is None
        wait_until_well(daemon)
        judge_audit(daemon)
        assert "; 0 with a time stamp" in daemon.run("audit", "verify").stdout
