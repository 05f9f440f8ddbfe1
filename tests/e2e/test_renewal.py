"""Renewal by a daemon whose clock is set ahead, into the last days of its certificates."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerctl.exit_code import ExitCode
from signerd_client import (
    Certificate,
    CertificateState,
    Client,
    KeyAlgorithm,
    RevocationReason,
    renewal_statement,
)
from signerd_client.certificate import pem_encode
from signerd_client.error import AlreadyExists, FailedPrecondition, InvalidRequest
from tests.e2e.openssl import openssl
from tests.e2e.signerctl import signerctl

# tls-client is valid for 90 days: renewable from the 60th on. personal is valid for 365.
_AHEAD = timedelta(days=70)
_ALGORITHMS = (
    KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    KeyAlgorithm.EC_P256_SHA256,
    KeyAlgorithm.ED25519,
)


def _issue(officer: Client, profile: str, algorithm: KeyAlgorithm) -> Certificate:
    subscriber = f"renew-{uuid.uuid4().hex[:12]}"
    return officer.issue_certificate(subscriber, profile, "Hong", key_algorithm=algorithm)


def _csr() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Past:
    """Certificates issued before the clock was set ahead; each test takes its own."""

    def __init__(self, officer: Client) -> None:
        self.of_algorithm = {one: _issue(officer, "tls-client", one) for one in _ALGORITHMS}
        self._spare = [
            _issue(officer, "tls-client", KeyAlgorithm.EC_P256_SHA256) for _ in range(10)
        ]
        self.far = _issue(officer, "personal", KeyAlgorithm.EC_P256_SHA256)
        self.of_csr = officer.issue_certificate("renew-csr", "tls-client", "app", csr=_csr())

    def take(self) -> Certificate:
        """One that nobody has used."""
        return self._spare.pop()


@pytest.fixture(scope="module")
def past_and_daemon() -> Iterator[tuple[Past, PrivateDaemon]]:
    """A daemon that issued at the machine's time and runs 70 days later."""
    settings = {"test.allow_clock_offset": "true"}
    with private_daemon(DaemonSize(fronts=2, hosts=2), settings) as running:
        with Client(running.target("ra-officer")) as officer:
            past = Past(officer)
        running.stop()
        running.start("--clock-offset", f"{_AHEAD.days}d")
        yield past, running


@pytest.fixture(scope="module")
def past(past_and_daemon: tuple[Past, PrivateDaemon]) -> Past:
    return past_and_daemon[0]


@pytest.fixture(scope="module")
def daemon(past_and_daemon: tuple[Past, PrivateDaemon]) -> PrivateDaemon:
    return past_and_daemon[1]


def _refusal(call: Callable[[], object]) -> str:
    with pytest.raises(FailedPrecondition) as refused:
        call()
    return refused.value.reason


@pytest.mark.parametrize("algorithm", _ALGORITHMS)
def test_a_renewed_certificate_ends_one_period_later(
    past: Past, signer: Client, algorithm: KeyAlgorithm, tmp_path: Path
) -> None:
    """Proven by the old key, whatever its kind: new key and serial, same holder, the old expiry
    plus 90 days; the old one is superseded and never signs again; openssl accepts the new one."""
    old = past.of_algorithm[algorithm]
    done = signer.renew(old.name)
    new = done.certificate
    assert (new.subject, new.profile, new.subscriber) == (old.subject, old.profile, old.subscriber)
    assert new.key_algorithm is algorithm
    assert new.not_after_time == old.not_after_time + timedelta(days=90)
    assert old.not_before_time + _AHEAD <= new.not_before_time < old.not_after_time
    assert (new.replaces, done.replaced.replaced_by) == (old.name, new.name)
    assert done.replaced.revocation is not None
    assert done.replaced.revocation.reason is RevocationReason.SUPERSEDED
    assert signer.sign(new.credential, data=b"1").certificate == new.name
    assert _refusal(lambda: signer.sign(old.credential, data=b"1")) == "CREDENTIAL_RETIRED"
    names = ("leaf", "issuing", "root")
    for name, der in zip(names, (new.der, *signer.get_ca_chain()), strict=True):
        (tmp_path / f"{name}.pem").write_text(pem_encode("CERTIFICATE", der))
    at = f"{(new.not_before_time + timedelta(hours=1)).timestamp():.0f}"
    judged = openssl(
        *("verify", "-x509_strict", "-purpose", "any", "-attime", at, "-CAfile", "root.pem"),
        *("-untrusted", "issuing.pem", "leaf.pem"),
        directory=tmp_path,
    )
    assert judged.stdout.strip() == "leaf.pem: OK", judged.stderr


def test_before_its_last_days_a_certificate_is_not_renewed(
    past: Past, signer: Client, auditor: Client
) -> None:
    """The refusal says from when on it can be; nothing is made. The day begins in Korea."""
    opens = past.far.not_after_time - timedelta(days=31) + timedelta(seconds=1)
    with pytest.raises(FailedPrecondition, match=f"from {opens:%Y-%m-%d %H:%M:%S} UTC") as refused:
        signer.renew(past.far.name)
    assert refused.value.reason == "RENEWAL_TOO_EARLY"
    assert refused.value.info.metadata["renewable_from"] == f"{opens:%Y-%m-%dT%H:%M:%SZ}"
    assert signer.get_certificate(past.far.name) == past.far
    kinds = [event.kind for event in auditor.list_audit_events(resource=past.far.name)]
    assert kinds == ["certificate.issued"]


def test_only_the_old_key_over_this_request_proves_it(
    past: Past, officer: Client, signer: Client
) -> None:
    """Rubbish, no proof, another key, another request's proof, another certificate's: each is
    refused with the bytes to sign, and the certificate stays as it is."""
    old, other = past.take(), past.take()
    request_id = str(uuid.uuid4())
    for proof in (
        b"",
        b"rubbish",
        signer.sign(other.credential, data=renewal_statement(old.name, request_id)).signature,
        signer.prove_renewal(old.name, str(uuid.uuid4())),
        signer.prove_renewal(other.name, request_id),
        signer.sign(old.credential, data=b"order").signature,
    ):
        for trial in (True, False):
            with pytest.raises(InvalidRequest) as refused:
                officer.renew_certificate(
                    old.name, proof, request_id=request_id, validate_only=trial
                )
            assert refused.value.reason == "PROOF_WRONG"
            assert renewal_statement(old.name, request_id).decode() in refused.value.message
    assert officer.get_certificate(old.name) == old
    proof = signer.prove_renewal(old.name, request_id)
    checked = officer.renew_certificate(old.name, proof, request_id=request_id, validate_only=True)
    assert checked == old
    renewed = officer.renew_certificate(old.name, proof, request_id=request_id)
    assert renewed.replaced.state is CertificateState.REVOKED


def test_a_proof_fits_the_request_id_as_it_was_written(past: Past, signer: Client) -> None:
    """Upper-case UUIDs are what some platforms make; the proof is over what was sent."""
    old, request_id = past.take(), str(uuid.uuid4()).upper()
    assert signer.renew(old.name, request_id=request_id).replaced.name == old.name


def test_the_same_renewal_again_is_the_same_answer(past: Past, signer: Client) -> None:
    """Although the old key can no longer prove it; with other content the id is refused, and a new
    request is told that it came too late."""
    old, other, request_id = past.take(), past.take(), str(uuid.uuid4())
    first = signer.renew(old.name, request_id=request_id)
    assert signer.renew(old.name, request_id=request_id) == first
    with pytest.raises(AlreadyExists):
        signer.renew(other.name, request_id=request_id)
    assert _refusal(lambda: signer.renew(old.name)) == "CERTIFICATE_REPLACED"


def test_what_is_not_active_is_not_renewed(past: Past, officer: Client, signer: Client) -> None:
    """On hold, revoked, or with a key that is elsewhere."""
    held, revoked = past.take(), past.take()
    request_id = str(uuid.uuid4())
    proof = signer.prove_renewal(held.name, request_id)
    officer.suspend_certificate(held.name)
    assert (
        _refusal(lambda: signer.renew_certificate(held.name, proof, request_id=request_id))
        == "CERTIFICATE_SUSPENDED"
    )
    officer.revoke_certificate(revoked.name, RevocationReason.UNSPECIFIED)
    assert _refusal(lambda: signer.renew(revoked.name)) == "CERTIFICATE_REVOKED"
    assert _refusal(lambda: officer.renew(past.of_csr.name)) == "CSR_CERTIFICATE"


def test_the_audit_tells_a_renewal_from_a_reissue(
    past: Past, signer: Client, auditor: Client
) -> None:
    """The new certificate was renewed from the old one, whose end is on record too."""
    old = past.take()
    new = signer.renew(old.name).certificate
    (made,) = auditor.list_audit_events(resource=new.name)
    assert (made.kind, made.details["replaces"]) == ("certificate.renewed", old.name)
    kinds = [event.kind for event in auditor.list_audit_events(resource=old.name)]
    assert kinds == ["certificate.issued", "certificate.revoked"]


def test_automation_counts_days_by_the_daemons_clock(past: Past, daemon: PrivateDaemon) -> None:
    """needs-renewal and expiring say what the daemon would do, though the machine's own clock is
    months behind."""
    left = (past.of_csr.not_after_time - datetime.now(UTC) - _AHEAD).days

    def needs_renewal(certificate: Certificate, within: str) -> int:
        asked = ("certificate", "needs-renewal", certificate.name, "--within", within, "--quiet")
        return signerctl(daemon, "auditor", *asked).returncode

    assert needs_renewal(past.far, "30d") == ExitCode.OK
    assert needs_renewal(past.of_csr, f"{left + 1}d") == ExitCode.RENEWAL_DUE
    assert needs_renewal(past.of_csr, f"{left - 1}d") == ExitCode.OK
    listed = signerctl(daemon, "auditor", "certificate", "expiring", "-o", "json").stdout
    lines = [json.loads(line) for line in listed.splitlines()]
    soon = {line["certificate"]["name"]: line["days_left"] for line in lines}
    assert soon[past.of_csr.name] in {left, left - 1}
    assert past.far.name not in soon
