"""Proofs of signatures that strangers check: signerctl without a daemon, and openssl."""

import hashlib
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd_client import Certificate, Client, KeyAlgorithm, Signature
from signerd_client.audit_proof import AuditProof, ProofError
from signerd_client.batch_call import SignItem
from signerd_client.certificate import pem_encode
from signerd_client.error import InvalidRequest, NotFound
from signerd_client.proof_check import check_proof
from tests.e2e.signerctl import signerctl

_SCRIPT = Path(__file__).parents[2] / "examples" / "check_proof.sh"
_ORDER = "이체 10,000원".encode()
_ALGORITHMS = (
    KeyAlgorithm.EC_P256_SHA256,
    KeyAlgorithm.EC_P384_SHA384,
    KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    KeyAlgorithm.RSA_2048_PSS_SHA256,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """A daemon, files beside it, and a certificate for each algorithm with a signature."""

    daemon: PrivateDaemon
    directory: Path
    certificates: dict[KeyAlgorithm, Certificate]
    signatures: dict[KeyAlgorithm, bytes]

    @property
    def root(self) -> Path:
        return self.directory / "root.pem"

    def prove(self, algorithm: KeyAlgorithm) -> Path:
        """The proof of a signature, in a file."""
        out = self.directory / f"{algorithm}.zip"
        with Client(self.daemon.target("auditor")) as auditor:
            proof = auditor.prove_audit_record(
                credential=self.certificates[algorithm].credential,
                signature=self.signatures[algorithm],
            )
        out.write_bytes(proof.to_zip())
        return out

    def judge(self, proof: Path, *document: Path, root: Path | None = None) -> str:
        """What openssl and sha256sum say of a proof; "" when they refuse it."""
        with tempfile.TemporaryDirectory(prefix="sd") as unpacked:
            with zipfile.ZipFile(proof) as archive:
                archive.extractall(unpacked)
            done = subprocess.run(
                [_SCRIPT, unpacked, root or self.root, *document],
                capture_output=True,
                text=True,
                check=False,
            )
        return done.stdout if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with (
        tempfile.TemporaryDirectory(prefix="sd") as directory,
        private_daemon(DaemonSize(fronts=1, hosts=1)) as daemon,
        Client(daemon.target("ra-officer")) as officer,
        Client(daemon.target("signer")) as signer,
    ):
        certificates = {
            algorithm: officer.issue_certificate(
                f"cust-{number}", "personal", "홍길동", key_algorithm=algorithm
            )
            for number, algorithm in enumerate(_ALGORITHMS)
        }
        signatures = {
            algorithm: signer.sign(certificate.credential, data=_ORDER).signature
            for algorithm, certificate in certificates.items()
        }
        made = Bench(daemon, Path(directory), certificates, signatures)
        made.root.write_text(pem_encode("CERTIFICATE", officer.get_ca_chain()[-1]))
        (made.directory / "order").write_bytes(_ORDER)
        yield made


@pytest.fixture
def auditor(bench: Bench) -> Iterator[Client]:
    with Client(bench.daemon.target("auditor")) as client:
        yield client


@pytest.mark.parametrize("algorithm", _ALGORITHMS)
def test_strangers_accept_a_proof(bench: Bench, algorithm: KeyAlgorithm) -> None:
    """A script of openssl and sha256sum says that checkpoint, certificate, signature and document
    belong together, and so does our own check."""
    proof, order = bench.prove(algorithm), bench.directory / "order"
    said = bench.judge(proof, order)
    assert "the record is under checkpoint" in said
    assert "Time stamp: " in said
    assert "CN=홍길동" in said
    assert "the document is what was signed" in said
    read = AuditProof.from_zip(proof.read_bytes())
    proven = check_proof(read, [proof_root(bench)], data=_ORDER)
    assert proven.is_verified
    assert proven.stamp_time is not None
    # The authority has the same clock, and stamps at once.
    assert 0 <= (proven.stamp_time - proven.checkpoint_time).total_seconds() < 30


def test_signerctl_writes_and_checks_a_proof(bench: Bench) -> None:
    """What one command writes, the other checks without reaching a daemon; both say whose it is.
    For what is no proof the exit code is 1."""
    signature, proof = bench.directory / "signature", bench.directory / "proof.zip"
    order = bench.directory / "order"
    algorithm = KeyAlgorithm.EC_P256_SHA256
    signature.write_bytes(bench.signatures[algorithm])
    credential = bench.certificates[algorithm].credential
    done = signerctl(
        bench.daemon,
        "auditor",
        *("audit", "prove", str(signature), "--credential", credential, "--out", str(proof)),
    )
    assert done.returncode == 0, done.stderr
    assert bench.judge(proof, order)
    done = signerctl(
        bench.daemon,
        "nobody",
        *("audit", "check-proof", str(proof), "--ca", str(bench.root), "--in", str(order)),
        *("--checkpoint-file", str(bench.daemon.directory / "checkpoints.jsonl")),
    )
    assert done.returncode == 0, done.stdout
    assert "is the one on record, by this certificate" in done.stdout
    assert "are what was signed" in done.stdout
    done = signerctl(
        bench.daemon, "nobody", "audit", "check-proof", str(order), "--ca", str(bench.root)
    )
    assert done.returncode == 1
    assert "NOT PROVEN" in done.stdout


def test_strangers_refuse_what_does_not_fit(bench: Bench) -> None:
    """Another document, another root, another signature, another member."""
    proof = bench.prove(KeyAlgorithm.EC_P256_SHA256)
    # The signature's own hash is on record too, but as that of a signature.
    other = bench.directory / "other"
    other.write_bytes(bench.signatures[KeyAlgorithm.EC_P256_SHA256])
    assert bench.judge(proof)
    assert not bench.judge(proof, other)
    assert not bench.judge(proof, root=bench.daemon.directory / "tls" / "ca.pem")
    with zipfile.ZipFile(proof) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changes = {
        "record.bin": members["record.bin"].replace(b"signer", b"nobody"),
        "path.txt": members["path.txt"].replace(b"position ", b"position 1"),
        "checkpoint.txt": members["checkpoint.txt"].replace(b"number ", b"number 1"),
        "checkpoint.sig": members["signature.bin"],
        "checkpoint.tst": members["checkpoint.tst"][:-1] + b"x",
        "audit.pem": members["certificate.pem"],
        "certificate.pem": members["audit.pem"],
        "signature.bin": members["checkpoint.sig"],
    }
    for name, content in changes.items():
        changed = bench.directory / "changed.zip"
        with zipfile.ZipFile(changed, "w") as archive:
            for member, original in members.items():
                archive.writestr(member, content if member == name else original)
        assert not bench.judge(changed), name
        with pytest.raises(ProofError):
            check_proof(AuditProof.from_zip(changed.read_bytes()), [proof_root(bench)])


def test_a_record_is_proven_at_once(bench: Bench, auditor: Client) -> None:
    """Nobody waits for the interval of checkpoints: the keeper makes one for who asks."""
    with Client(bench.daemon.target("signer")) as signer:
        credential = bench.certificates[KeyAlgorithm.EC_P256_SHA256].credential
        numbers = set()
        for number in range(2):
            signed = signer.sign(credential, data=b"%d" % number)
            proof = auditor.prove_audit_record(credential=credential, signature=signed.signature)
            proven = check_proof(proof, proof.ca_certificates[-1:], data=b"%d" % number)
            assert proven.is_verified
            numbers.add(proven.checkpoint)
    assert len(numbers) == 2


def test_any_record_is_found(bench: Bench, auditor: Client) -> None:
    """By its position, by the digest that was signed, and without saying whose signature it is."""
    roots = [proof_root(bench)]
    first = auditor.prove_audit_record(position=1)
    assert check_proof(first, roots).record.kind == "authority.created"
    algorithm = KeyAlgorithm.RSA_2048_PSS_SHA256
    certificate = bench.certificates[algorithm]
    (issued,) = (
        event
        for event in auditor.list_audit_events(resource=certificate.name)
        if event.kind == "certificate.issued"
    )
    proof = auditor.prove_audit_record(position=issued.position)
    assert proof.certificate == certificate.der
    assert check_proof(proof, roots).signer.startswith("CN=홍길동")
    digest = f"sha256:{hashlib.sha256(_ORDER).hexdigest()}"
    by_digest = auditor.prove_audit_record(credential=certificate.credential, digest=digest)
    of_all = auditor.prove_audit_record(signature=bench.signatures[algorithm])
    assert by_digest.position == of_all.position
    assert check_proof(of_all, roots, data=_ORDER).is_verified


def test_a_signature_of_a_batch_is_found(bench: Bench, auditor: Client) -> None:
    """The record of several has each, and the proof is of that one and its document."""
    credential = bench.certificates[KeyAlgorithm.EC_P256_SHA256].credential
    documents = [b"batch %d" % number for number in range(5)]
    with Client(bench.daemon.target("signer")) as signer:
        items = [SignItem(data=document) for document in documents]
        signed = signer.batch_sign(items, credential=credential)[3]
    assert isinstance(signed, Signature)
    proof = auditor.prove_audit_record(credential=credential, signature=signed.signature)
    path = bench.directory / "batch.zip"
    path.write_bytes(proof.to_zip())
    for number, document in enumerate(documents):
        file = bench.directory / "document"
        file.write_bytes(document)
        assert bool(bench.judge(path, file)) is (number == 3)
    assert check_proof(proof, [proof_root(bench)], data=documents[3]).is_verified


def test_what_is_not_on_record_is_not_proven(bench: Bench, auditor: Client) -> None:
    """A signature that nobody made here, a position that is none, a question that is none."""
    credential = bench.certificates[KeyAlgorithm.EC_P256_SHA256].credential
    with pytest.raises(NotFound):
        auditor.prove_audit_record(credential=credential, signature=b"forged")
    with pytest.raises(NotFound):
        auditor.prove_audit_record(signature=b"forged")
    with pytest.raises(NotFound):
        auditor.prove_audit_record(position=1_000_000)
    with pytest.raises(InvalidRequest):
        auditor.prove_audit_record(credential=credential, digest="sha256:00")
    with pytest.raises(ValueError, match="one of"):
        auditor.prove_audit_record()


def proof_root(bench: Bench) -> bytes:
    """The root CA's certificate, DER."""
    with Client(bench.daemon.target("auditor")) as client:
        return client.get_ca_chain()[-1]
