"""Time stamps by openssl's authority, in proofs."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from signerd_client.audit_proof import AuditProof, ProofError, proof_from_wire
from signerd_client.proof_check import check_proof
from tests.client.pki import Identity
from tests.client.scripted_proof import ProofParts, identity, proof_parts

_CONFIGURATION = """
[tsa]
default_tsa = authority
[authority]
serial = {directory}/serial
default_policy = 1.2.3.4
signer_digest = {digest}
digests = sha256, sha384, sha512
accuracy = millisecs:500
ess_cert_id_alg = sha256
"""


def _stamped(proof: AuditProof) -> bytes:
    return proof.checkpoint + proof.checkpoint_signature


class Authority:
    """openssl as a time-stamping authority under the CA of the proof."""

    def __init__(self, directory: Path, certificate: Identity, *, digest: str = "sha256") -> None:
        self._directory = directory
        certificate.write(directory, "tsa")
        (directory / "serial").write_text("01")
        text = _CONFIGURATION.format(directory=directory, digest=digest)
        (directory / "tsa.conf").write_text(text)

    def stamp(self, data: bytes, digest: str = "sha256") -> bytes:
        """A token over data."""
        (self._directory / "data").write_bytes(data)
        query = ("-query", "-data", "data", f"-{digest}", "-cert", "-out", "query")
        reply = ("-reply", "-config", "tsa.conf", "-queryfile", "query", "-signer", "tsa.pem")
        for arguments in (query, (*reply, "-inkey", "tsa.key", "-token_out", "-out", "token")):
            subprocess.run(
                ["openssl", "ts", *arguments], cwd=self._directory, check=True, capture_output=True
            )
        return (self._directory / "token").read_bytes()


def _tsa(
    parts: ProofParts, *, is_critical: bool = True, issuer: Identity | None = None
) -> Identity:
    usages = [ExtendedKeyUsageOID.TIME_STAMPING]
    return identity("TSA", issuer or parts.root, usages, is_critical=is_critical)


def _proof(parts: ProofParts) -> AuditProof:
    return proof_from_wire(parts.response(), parts.signature)


def _check(proof: AuditProof, parts: ProofParts) -> datetime | None:
    return check_proof(proof, [parts.root.certificate.public_bytes(Encoding.DER)]).stamp_time


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_a_time_stamp_tells_the_time(tmp_path: Path, digest: str) -> None:
    """That of the authority, whatever digests it uses."""
    parts = proof_parts()
    proof = _proof(parts)
    before = datetime.now(UTC)
    token = Authority(tmp_path, _tsa(parts), digest=digest).stamp(_stamped(proof), digest)
    found = _check(replace(proof, time_stamp=token), parts)
    assert found is not None
    # To the second, as openssl writes it.
    assert -2 < (found - before).total_seconds() < 60


def test_a_time_stamp_of_something_else_is_noticed(tmp_path: Path) -> None:
    """The checkpoint alone is not enough: its signature is stamped too."""
    parts = proof_parts()
    proof = _proof(parts)
    token = Authority(tmp_path, _tsa(parts)).stamp(proof.checkpoint)
    with pytest.raises(ProofError, match="something else than this checkpoint"):
        _check(replace(proof, time_stamp=token), parts)


def test_only_an_authority_of_the_ca_stamps(tmp_path: Path) -> None:
    """Neither one of another CA nor another certificate of this one."""
    parts = proof_parts()
    proof = _proof(parts)
    other = identity("Other root")
    (tmp_path / "1").mkdir()
    token = Authority(tmp_path / "1", _tsa(parts, issuer=other)).stamp(_stamped(proof))
    with pytest.raises(ProofError, match="does not lead to a root"):
        _check(replace(proof, time_stamp=token), parts)


def test_a_changed_time_stamp_is_noticed(tmp_path: Path) -> None:
    """Whichever octet is another: it cannot be read, or it does not hold."""
    parts = proof_parts()
    proof = _proof(parts)
    token = Authority(tmp_path, _tsa(parts)).stamp(_stamped(proof))
    assert _check(replace(proof, time_stamp=token), parts)
    unnoticed = []
    for at in range(0, len(token), 7):
        changed = token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]
        try:
            _check(replace(proof, time_stamp=changed), parts)
        except ProofError:
            continue
        unnoticed.append(at)
    # Versions, the list of digests and parameters say nothing that is used.
    assert len(unnoticed) < 12
    with pytest.raises(ProofError, match="cannot be read"):
        _check(replace(proof, time_stamp=token[:-1]), parts)
    with pytest.raises(ProofError, match="cannot be read"):
        _check(replace(proof, time_stamp=b"\x30\x80\x00\x00"), parts)


def test_the_authority_must_be_named_for_that(tmp_path: Path) -> None:
    """openssl itself refuses a certificate without the purpose; a token by a customer's key does
    not come about."""
    parts = proof_parts()
    with pytest.raises(subprocess.CalledProcessError):
        Authority(tmp_path, parts.holder).stamp(b"x")
