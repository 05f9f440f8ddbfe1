"""Requests of keys that are not certified, as openssl makes them."""

import uuid
from pathlib import Path

import pytest

from examples.private_daemon import PrivateDaemon
from signerd_client import Client
from signerd_client.error import InvalidRequest
from tests.e2e.openssl import openssl
from tests.e2e.stored import assert_nothing_stored, stored

_KEYS: dict[str, tuple[tuple[str, ...], str]] = {
    "RSA of 1024 bit": (("-algorithm", "RSA", "-pkeyopt", "bits:1024"), "CSR_KEY_WEAK"),
    "RSA with exponent 3": (
        ("-algorithm", "RSA", "-pkeyopt", "bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"),
        "CSR_KEY_WEAK",
    ),
    "RSA for PSS alone": (("-algorithm", "RSA-PSS", "-pkeyopt", "bits:2048"), "CSR_KEY_TYPE"),
    "secp256k1": (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "CSR_KEY_TYPE"),
    "P-521": (("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"), "CSR_KEY_TYPE"),
    "spelled-out curve": (
        (
            *("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-pkeyopt", "ec_param_enc:explicit"),
        ),
        "CSR_KEY_TYPE",
    ),
    "Ed448": (("-algorithm", "ED448"), "CSR_KEY_TYPE"),
    "DSA": (("-paramfile", "dsa.parameters"), "CSR_KEY_TYPE"),
}


def _run(directory: Path, *arguments: str) -> None:
    done = openssl(*arguments, directory=directory)
    assert done.returncode == 0, done.stderr


def _csr(directory: Path, key: tuple[str, ...], *more: str) -> bytes:
    if "dsa.parameters" in key:
        parameters = ("-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:2048")
        _run(directory, "genpkey", "-genparam", *parameters, "-out", "dsa.parameters")
    _run(directory, "genpkey", *key, "-out", "key.pem")
    _run(directory, *("req", "-new", "-key", "key.pem", "-subj", "/CN=h", "-out", "csr"), *more)
    return (directory / "csr").read_bytes()


def _refusal(daemon: PrivateDaemon, csr: bytes) -> InvalidRequest:
    before = stored(daemon)
    with Client(daemon.target("ra-officer")) as officer, pytest.raises(InvalidRequest) as refused:
        officer.issue_certificate(f"csr-{uuid.uuid4().hex[:8]}", "tls-client", "host", csr=csr)
    assert_nothing_stored(daemon, before)
    assert [violation.field for violation in refused.value.field_violations] == ["csr"]
    return refused.value


@pytest.mark.parametrize("kind", _KEYS)
def test_a_weak_or_foreign_key_is_not_certified(
    kind: str, daemon: PrivateDaemon, tmp_path: Path
) -> None:
    """Refused for its key, with what would be accepted; no certificate is made."""
    key, reason = _KEYS[kind]
    refusal = _refusal(daemon, _csr(tmp_path, key))
    assert refusal.reason == reason, refusal
    assert [one for one in ("P-256", "RSA", "named curve") if one in refusal.message]


@pytest.mark.parametrize("hash_", ["-sha1", "-md5"])
def test_a_request_signed_with_a_broken_hash_is_refused(
    hash_: str, daemon: PrivateDaemon, tmp_path: Path
) -> None:
    """A good key proves nothing under SHA-1 or MD5."""
    csr = _csr(tmp_path, ("-algorithm", "RSA", "-pkeyopt", "bits:2048"), hash_)
    assert _refusal(daemon, csr).reason == "CSR_SIGNATURE_WEAK"


def test_a_request_that_claims_the_signature_of_another_is_refused(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    """Whoever sends the public key of somebody else cannot have signed with it."""
    rsa = ("-algorithm", "RSA", "-pkeyopt", "bits:2048")
    first = _csr(tmp_path, rsa, "-outform", "DER")
    second = _csr(tmp_path, rsa, "-outform", "DER")
    assert len(first) == len(second)
    refusal = _refusal(daemon, first[:-256] + second[-256:])
    assert refusal.reason == "CSR_SIGNATURE_INVALID"
