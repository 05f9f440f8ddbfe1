"""What must hold of a daemon after whatever was done to it, judged from outside."""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from examples.private_daemon import PrivateDaemon
from signerd.core.value import TokenRef, credential_id_of
from signerd.tokens.client import TokenClient
from signerd_client import Certificate, CertificateState, Client
from signerd_client.certificate import pem_encode
from signerd_client.error import FailedPrecondition
from signerd_client.server import TokenPurpose
from tests.faults.scene import query

# The keeper's lease (10 s) must run out after the keeper was killed, and stragglers, keys that a
# host made for a caller that had died, are looked for a minute after.
SETTLED_WITHIN_S: Final = 100.0
_POLL_S: Final = 0.5
_CALL_S: Final = 30.0
_AT_ONCE: Final = 500
_THREADS: Final = 8


def all_certificates(daemon: PrivateDaemon) -> dict[str, Certificate]:
    """Every certificate in the store, by name; no name twice."""
    with Client(daemon.target("ra-officer"), timeout_s=60) as officer:
        listed = list(officer.list_certificates(page_size=500))
    named = {certificate.name: certificate for certificate in listed}
    assert len(named) == len(listed)
    return named


def judge_certificates(daemon: PrivateDaemon) -> dict[str, Certificate]:
    """Serials and keys are unique, each certificate says of itself what the store says of it, and
    openssl accepts every chain. Returns all, by name."""
    named = all_certificates(daemon)
    parsed = {name: x509.load_der_x509_certificate(it.der) for name, it in named.items()}
    assert len({it.serial_number for it in parsed.values()}) == len(parsed)
    for name, certificate in parsed.items():
        assert f"{certificate.serial_number:x}" == named[name].serial_number.lstrip("0")
    keys = [
        parsed[name]
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        for name, it in named.items()
        if it.credential
    ]
    assert len(set(keys)) == len(keys)
    with Client(daemon.target("ra-officer")) as officer:
        chain = officer.get_ca_chain()
    _judge_chains(chain, [it.der for it in named.values()])
    for it in named.values():
        if it.replaces:
            assert named[it.replaces].replaced_by == it.name
            assert named[it.replaces].state is CertificateState.REVOKED
    return named


def judge_keys(daemon: PrivateDaemon, certificates: Iterable[Certificate]) -> None:
    """Active certificates with a key on the token sign; others are refused."""
    with (
        Client(daemon.target("signer"), timeout_s=60) as signer,
        ThreadPoolExecutor(_THREADS) as threads,
    ):
        list(threads.map(lambda it: judge_key(signer, it), certificates))


def judge_key(signer: Client, certificate: Certificate) -> None:
    """A certificate's key signs, or is refused for the state that the certificate is in."""
    if not certificate.credential:
        return
    if certificate.state is CertificateState.SUSPENDED:
        refuse_signing(signer, certificate.credential, "CREDENTIAL_SUSPENDED")
        return
    if certificate.state is not CertificateState.ACTIVE:
        refuse_signing(signer, certificate.credential)
        return
    signed = signer.sign(certificate.credential, data=b"still there")
    assert signed.certificate == certificate.name
    verdict = signer.verify(signed.signature, certificate=certificate.name, data=b"still there")
    assert verdict.valid


def refuse_signing(signer: Client, credential: str, reason: str = "CREDENTIAL_RETIRED") -> None:
    """A key that does not sign is refused, by the name of the reason."""
    with pytest.raises(FailedPrecondition) as refused:
        signer.sign(credential, data=b"too late")
    assert refused.value.reason == reason


def judge_tokens(daemon: PrivateDaemon) -> None:
    """Once the keeper has done its work, the subscriber tokens hold exactly the keys of the active
    and suspended certificates and those that lie ready, and the registry counts them rightly."""
    until = time.monotonic() + SETTLED_WITHIN_S
    while True:
        wanted = {
            it.credential
            for it in all_certificates(daemon).values()
            if it.credential and it.state is not CertificateState.REVOKED
        }
        ready = query(daemon, "SELECT cka_id FROM ready_keys WHERE state = 'READY'")
        wanted |= {f"credentials/{credential_id_of(cka_id)}" for (cka_id,) in ready}
        found, counted = asyncio.run(_keys_on_tokens(daemon))
        if (sorted(wanted), len(wanted)) == (found, counted):
            return
        if time.monotonic() > until:
            break
        time.sleep(_POLL_S)
    orphans, lost = sorted(set(found) - wanted), sorted(wanted - set(found))
    raise AssertionError(f"orphans {orphans}, lost {lost}, {counted} counted, {len(found)} found")


def judge_audit(daemon: PrivateDaemon) -> None:
    """`signerd audit verify` finds the chains whole."""
    done = daemon.run("audit", "verify")
    assert done.returncode == 0, done.stdout + done.stderr


async def _keys_on_tokens(daemon: PrivateDaemon) -> tuple[list[str], int]:
    """Credentials of the private keys on all subscriber tokens as a token host lists them, and
    the registry's count."""
    with Client(daemon.target("operator")) as operator:
        tokens = [
            it for it in operator.token_status().tokens if it.purpose is TokenPurpose.SUBSCRIBER
        ]
    run = daemon.directory / "run"
    client = TokenClient({it.stem: it for it in run.glob("host-*.sock")}, queue_limit=100)
    await client.start()
    found = []
    try:
        for token in tokens:
            ref = TokenRef(token.label, token.serial)
            keys = await client.list_keys(ref, deadline=time.monotonic() + _CALL_S)
            found += [f"credentials/{credential_id_of(key.cka_id)}" for key in keys]
    finally:
        await client.close()
    return sorted(found), sum(token.key_count for token in tokens)


def _judge_chains(chain: list[bytes], leaves: list[bytes]) -> None:
    issuing, root = chain
    with tempfile.TemporaryDirectory(prefix="sd") as name:
        directory = Path(name)
        (directory / "issuing.pem").write_text(pem_encode("CERTIFICATE", issuing))
        (directory / "root.pem").write_text(pem_encode("CERTIFICATE", root))
        for start in range(0, len(leaves), _AT_ONCE):
            paths = []
            for number, leaf in enumerate(leaves[start : start + _AT_ONCE]):
                paths.append(directory / f"{number}.pem")
                paths[-1].write_text(pem_encode("CERTIFICATE", leaf))
            done = subprocess.run(
                [
                    *("openssl", "verify", "-x509_strict", "-purpose", "any"),
                    *("-CAfile", str(directory / "root.pem")),
                    *("-untrusted", str(directory / "issuing.pem"), *map(str, paths)),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert done.stdout.count(": OK") == len(paths)
