"""Two private keys under one CKA_ID: nobody can tell which is meant, so neither signs."""

import time
from collections.abc import Iterator

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon
from signerd.core.boot import ExitCode
from signerd_client import Client
from signerd_client.error import FailedPrecondition
from tests.faults.scene import (
    BACK_S,
    faulty_daemon,
    issue,
    kill_hosts,
    on_token,
    one_attempt,
    place_of,
    query,
    refused_start,
    signs,
    wait_until,
    wait_until_well,
)


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    """One for all tests here: each takes away what it adds."""
    with faulty_daemon(DaemonSize(fronts=2, hosts=2)) as running:
        yield running


def test_a_key_whose_id_another_key_carries_does_not_sign(daemon: PrivateDaemon) -> None:
    """A host that holds the right key goes on with it; one that has to look for it refuses, and
    no signature by the other key is ever answered. The other keys are not concerned."""
    with Client(daemon.target("ra-officer")) as officer:
        doubled, single = issue(officer).credential, issue(officer).credential
    label, cka_id = place_of(daemon, doubled)
    with one_attempt(daemon, "signer") as signer:
        assert _is_signed_rightly(signer, doubled)
        on_token(daemon, "add-key", "--label", label, "--id", cka_id.hex())
        assert on_token(daemon, "list-private", "--label", label).split().count(cka_id.hex()) == 2
        assert _is_signed_rightly(signer, doubled)
        kill_hosts(daemon)
        wait_until_well(daemon)
        for _ in range(5):
            with pytest.raises(FailedPrecondition) as refused:
                signer.sign(doubled, data=b"order")
            assert refused.value.reason == "AMBIGUOUS_KEY"
            assert cka_id.hex() in refused.value.message
            assert signs(signer, single)
        on_token(daemon, "destroy-added", "--label", label)
        wait_until(lambda: signs(signer, doubled), BACK_S, "signs once the other key is gone")
        assert _is_signed_rightly(signer, doubled)


@pytest.mark.parametrize("role", ["ROOT", "ISSUING", "PROBE"])
def test_two_keys_under_one_id_of_the_ca_refuse_the_start(role: str, daemon: PrivateDaemon) -> None:
    """One line names token and CKA_ID; without the second key the daemon starts."""
    ((label, cka_id),) = query(
        daemon,
        "SELECT token_label, cka_id FROM system_keys WHERE role = ?",
        role,
    )
    daemon.stop()
    on_token(daemon, "add-key", "--label", label, "--id", cka_id.hex())
    begin = time.monotonic()
    code, line = refused_start(daemon)
    assert code == ExitCode.KEY_AMBIGUOUS
    assert cka_id.hex() in line
    assert label in line
    assert time.monotonic() - begin < BACK_S
    on_token(daemon, "destroy-added", "--label", label)
    daemon.start()


def _is_signed_rightly(signer: Client, credential: str) -> bool:
    signed = signer.sign(credential, data=b"order")
    return signer.verify(signed.signature, credential=credential, data=b"order").valid
