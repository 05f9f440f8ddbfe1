"""Key pairs made ahead: issue and reissue take one, and the keeper makes another."""

from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd_client import Certificate, Client, KeyAlgorithm
from signerd_client.server import TokenPurpose
from tests.e2e.waiting import wait_until
from tests.faults.scene import query

_WANTED = 2


@pytest.fixture(scope="module")
def pool_daemon() -> Iterator[PrivateDaemon]:
    """Two ready RSA keys."""
    wanted = f"{{ RSA_2048_PKCS1_SHA256 = {_WANTED} }}"
    with private_daemon(
        DaemonSize(fronts=2, hosts=2), {"tokens.subscribers.ready_keys": wanted}
    ) as running:
        yield running


def _ready(daemon: PrivateDaemon) -> dict[bytes, bytes]:
    """SubjectPublicKeyInfo of the ready keys by CKA_ID, oldest first."""
    rows = query(
        daemon, "SELECT cka_id, spki FROM ready_keys WHERE state = 'READY' ORDER BY created_utc"
    )
    return dict(rows)


def _wait_until_full(daemon: PrivateDaemon) -> dict[bytes, bytes]:
    wait_until(lambda: len(_ready(daemon)) == _WANTED, "the pool is full")
    return _ready(daemon)


def _require_taken(certificate: Certificate, ready: dict[bytes, bytes]) -> None:
    """It is for the key that had been ready for longest."""
    cka_id = bytes.fromhex(certificate.credential.removeprefix("credentials/"))
    assert cka_id == next(iter(ready))
    public_key = x509.load_der_x509_certificate(certificate.der).public_key()
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki == ready[cka_id]


def test_issue_and_reissue_take_a_ready_key(pool_daemon: PrivateDaemon) -> None:
    """The oldest one, which signs then; another is made in its place. The record of the issuance
    says of it what the token said, and the token's count is of all keys."""
    with (
        Client(pool_daemon.target("ra-officer")) as officer,
        Client(pool_daemon.target("signer")) as signer,
        Client(pool_daemon.target("auditor")) as auditor,
    ):
        ready = _wait_until_full(pool_daemon)
        others = _key_count(pool_daemon)
        issued = officer.issue_certificate(
            "cust-pool", "personal", "홍길동", key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256
        )
        _require_taken(issued, ready)
        ready = _wait_until_full(pool_daemon)
        reissued = officer.reissue_certificate(issued.name).certificate
        _require_taken(reissued, ready)
        signed = signer.sign(reissued.credential, data=b"order")
        assert signer.verify(signed.signature, certificate=reissued.name, data=b"order").valid
        for certificate in (issued, reissued):
            made, *_ = auditor.list_audit_events(resource=certificate.name)
            said = {name: made.details[name] for name in made.details if name.startswith("key_")}
            assert said == {
                "key_local": "True",
                "key_always_sensitive": "True",
                "key_never_extractable": "True",
            }
    _wait_until_full(pool_daemon)
    # The key of the certificate that was replaced goes.
    wait_until(lambda: _key_count(pool_daemon) == others + 1, "the token's count is right")


def test_another_algorithm_takes_none(pool_daemon: PrivateDaemon) -> None:
    """Its key is made when it is asked for, as ever."""
    ready = _wait_until_full(pool_daemon)
    with Client(pool_daemon.target("ra-officer")) as officer:
        issued = officer.issue_certificate(
            "cust-other", "tls-client", "Other", key_algorithm=KeyAlgorithm.EC_P256_SHA256
        )
    assert bytes.fromhex(issued.credential.removeprefix("credentials/")) not in ready
    assert _ready(pool_daemon) == ready


def test_no_keys_are_made_ahead_by_default(daemon: PrivateDaemon) -> None:
    """Who does not ask for it gets no key that nobody asked for."""
    assert query(daemon, "SELECT * FROM ready_keys") == []


def _key_count(daemon: PrivateDaemon) -> int:
    with Client(daemon.target("operator")) as operator:
        return sum(
            token.key_count
            for token in operator.token_status().tokens
            if token.purpose is TokenPurpose.SUBSCRIBER
        )
