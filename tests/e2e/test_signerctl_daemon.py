"""signerctl against the daemon: two real programs, every command."""

import base64
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509

from examples.private_daemon import PrivateDaemon
from signerctl.exit_code import ExitCode
from tests.e2e.client_identity import TlsAuthority
from tests.e2e.openssl import openssl
from tests.e2e.state import free_port

_SIGNERCTL = str(Path(sys.executable).with_name("signerctl"))
_NAME = "홍길동()0089017202611220000001"
_DATA = "이체 1,000원".encode()


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.out.decode()

    @property
    def document(self) -> dict[str, str]:
        """The one JSON document on standard output."""
        found: dict[str, str] = json.loads(self.out)
        return found


Signerctl = Callable[..., Result]


@pytest.fixture(scope="module")
def run(daemon: PrivateDaemon) -> Signerctl:
    """Runs signerctl as one of the identities that init made, in an environment of its own."""
    tls = daemon.directory / "tls"

    def call(identity: str, *arguments: str, stdin: bytes = b"", **environment: str) -> Result:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("SIGNERD_")}
        done = subprocess.run(
            [_SIGNERCTL, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=120,
            env=kept
            | {
                "SIGNERD_TARGET": daemon.address,
                "SIGNERD_CA": str(tls / "ca.pem"),
                "SIGNERD_CERTIFICATE": str(tls / "clients" / f"{identity}.pem"),
                "SIGNERD_KEY": str(tls / "clients" / f"{identity}.key"),
                "LC_ALL": "C.UTF-8",
                "COLUMNS": "200",
            }
            | environment,
        )
        assert b"Traceback" not in done.stderr
        return Result(done.returncode, done.stdout, done.stderr.decode())

    return call


def _issue(run: Signerctl, *more: str, subscriber: str = "") -> dict[str, str]:
    done = run(
        "ra-officer",
        *("certificate", "issue", "--output", "json", "--profile", "personal", "--name", _NAME),
        *("--subscriber", subscriber or f"ctl-{uuid.uuid4().hex[:8]}"),
        *(more or ("--algorithm", "RSA_2048_PKCS1_SHA256")),
    )
    assert done.code == ExitCode.OK, done.err
    return done.document


@pytest.fixture(scope="module")
def issued(run: Signerctl) -> dict[str, str]:
    return _issue(run)


def test_issue_prints_a_table_for_people(run: Signerctl) -> None:
    """Name, credential and the Korean holder, under labels."""
    done = run(
        "ra-officer",
        *("certificate", "issue", "--subscriber", "ctl-table", "--profile", "personal"),
        *("--name", _NAME, "--algorithm", "EC_P256_SHA256", "--unit", "개인뱅킹"),
    )
    assert done.code == ExitCode.OK, done.err
    assert "certificates/" in done.text
    assert "credentials/" in done.text
    assert "홍길동" in done.text
    assert "개인뱅킹" in done.text
    assert "\\u" not in done.text


def test_a_trial_issues_nothing(run: Signerctl) -> None:
    """--validate-only says that all is good and leaves no certificate."""
    done = run(
        "ra-officer",
        *("certificate", "issue", "--subscriber", "ctl-dry", "--profile", "personal"),
        *("--name", _NAME, "--algorithm", "EC_P256_SHA256", "--validate-only"),
    )
    assert done.code == ExitCode.OK, done.err
    assert "nothing was issued" in done.text
    listed = run("ra-officer", "certificate", "list", "--subscriber", "ctl-dry", "-o", "json")
    assert (listed.code, listed.out) == (ExitCode.OK, b"")


@pytest.mark.parametrize("form", ["PEM", "DER"])
@pytest.mark.parametrize("through", ["file", "stdin"])
def test_a_request_of_openssl_is_certified(
    form: str, through: str, run: Signerctl, tmp_path: Path
) -> None:
    """--csr takes the request from a file or standard input; openssl accepts the result."""
    made = openssl(
        *("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-subj", "/CN=h"),
        *("-outform", form, "-out", "csr"),
        directory=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    csr = tmp_path / "csr"
    done = run(
        "ra-officer",
        *(
            "certificate",
            "issue",
            "--subscriber",
            "ctl-csr",
            "--profile",
            "tls-client",
            "-o",
            "json",
        ),
        *("--name", "app server", "--dns", "app.bank.example"),
        *("--csr", str(csr) if through == "file" else "-"),
        stdin=csr.read_bytes() if through == "stdin" else b"",
    )
    assert done.code == ExitCode.OK, done.err
    assert done.document["credential"] == ""
    exported = tmp_path / "leaf.pem"
    serial = done.document["serial_number"]
    out = run("ra-officer", "certificate", "export", serial, "--chain", "--out", str(exported))
    assert out.code == ExitCode.OK, out.err
    assert exported.read_text().count("BEGIN CERTIFICATE") == 3
    key = openssl("pkey", "-in", "key.pem", "-pubout", directory=tmp_path).stdout
    assert openssl("x509", "-in", str(exported), "-noout", "-pubkey").stdout == key


def test_what_is_signed_is_verified_by_openssl(
    run: Signerctl, issued: dict[str, str], tmp_path: Path
) -> None:
    """File in, signature file out, key and chain by signerctl; openssl judges, signerctl agrees."""
    credential = issued["credential"]
    files = {name: tmp_path / name for name in ("order", "order.sig", "key.pub", "chain.pem")}
    files["order"].write_bytes(_DATA)
    signed = run(
        "signer",
        *("sign", "--credential", credential),
        *("--in", str(files["order"]), "--out", str(files["order.sig"])),
    )
    assert signed.code == ExitCode.OK, signed.err
    assert "RSA_2048_PKCS1_SHA256" in signed.text
    assert len(files["order.sig"].read_bytes()) == 256
    key = run("signer", "key", "show", credential, "--out", str(files["key.pub"]))
    assert key.code == ExitCode.OK, key.err
    judged = openssl(
        *("dgst", "-sha256", "-verify", str(files["key.pub"])),
        *("-signature", str(files["order.sig"]), str(files["order"])),
    )
    assert judged.stdout == "Verified OK\n"
    good = ("verify", "--credential", credential, "--signature", str(files["order.sig"]))
    assert run("signer", *good, "--in", str(files["order"])).text.startswith("signature")
    assert run("signer", *good, stdin=_DATA).code == ExitCode.OK
    bad = run("signer", *good, stdin=_DATA + b"0")
    assert bad.code == ExitCode.NEGATIVE
    assert "NOT VALID" in bad.text
    chain = run("signer", "ca", "chain", "--out", str(files["chain.pem"]))
    assert chain.code == ExitCode.OK
    assert files["chain.pem"].read_text().count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize("encoding", ["raw", "base64", "hex"])
def test_signatures_go_through_pipes(
    encoding: str, run: Signerctl, issued: dict[str, str], tmp_path: Path
) -> None:
    """Data on standard input, signature on standard output, in each encoding and back."""
    credential = issued["credential"]
    signed = run("signer", "sign", "--credential", credential, "--encoding", encoding, stdin=_DATA)
    assert signed.code == ExitCode.OK, signed.err
    decode: dict[str, Callable[[bytes], bytes]] = {
        "raw": lambda data: data,
        "base64": base64.b64decode,
        "hex": lambda data: bytes.fromhex(data.decode()),
    }
    assert len(decode[encoding](signed.out)) == 256
    (tmp_path / "sig").write_bytes(signed.out)
    checked = run(
        "signer",
        *("verify", "--certificate", issued["name"], "--signature", str(tmp_path / "sig")),
        *("--encoding", encoding),
        stdin=_DATA,
    )
    assert checked.code == ExitCode.OK, checked.text


def test_a_digest_is_signed_as_its_data(
    run: Signerctl, issued: dict[str, str], tmp_path: Path
) -> None:
    """What `openssl dgst` prints can be given; PKCS#1 v1.5 gives the same signature."""
    (tmp_path / "order").write_bytes(_DATA)
    digest = openssl("dgst", "-r", "-sha256", str(tmp_path / "order")).stdout.split()[0]
    sign = ("sign", "--credential", issued["credential"], "--encoding", "hex")
    by_digest = run("signer", *sign, "--digest", f"sha256:{digest}")
    assert by_digest.code == ExitCode.OK, by_digest.err
    assert by_digest.out == run("signer", *sign, stdin=_DATA).out
    document = run("signer", *sign, "-o", "json", stdin=_DATA).document
    assert base64.b64decode(document["signature"]).hex() == by_digest.text.strip()


def test_a_certificate_is_shown_and_exported(run: Signerctl, issued: dict[str, str]) -> None:
    """By serial or by name, as table, as JSON, as PEM and as DER: the same certificate."""
    serial = issued["serial_number"]
    table = run("auditor", "certificate", "show", serial)
    assert "홍길동" in table.text
    shown = run("auditor", "certificate", "show", issued["name"], "-o", "json")
    assert shown.document == issued
    der = run("auditor", "certificate", "export", serial, "--format", "der").out
    assert der == base64.b64decode(issued["der"])
    pem = run("auditor", "certificate", "export", serial).out
    assert x509.load_pem_x509_certificate(pem) == x509.load_der_x509_certificate(der)


def test_the_life_of_a_certificate(run: Signerctl) -> None:
    """Issue, reissue, revoke, list: states, reasons and the refusal to sign with what is past."""
    subscriber = f"ctl-{uuid.uuid4().hex[:8]}"
    first = _issue(run, "--algorithm", "EC_P256_SHA256", subscriber=subscriber)
    trial = run("ra-officer", "certificate", "reissue", first["name"], "--validate-only")
    assert trial.code == ExitCode.OK, trial.err
    request_id = str(uuid.uuid4())
    reissue = ("certificate", "reissue", first["name"], "-o", "json", "--request-id", request_id)
    done = json.loads(run("ra-officer", *reissue).out)
    assert json.loads(run("ra-officer", *reissue).out) == done
    new = done["certificate"]
    assert (done["replaced"]["state"], new["state"]) == ("REVOKED", "ACTIVE")
    past = run("signer", "sign", "--credential", first["credential"], stdin=_DATA)
    assert (past.code, past.out) == (ExitCode.REFUSED, b"")
    assert "CREDENTIAL_RETIRED" in past.err
    asked = run("ra-officer", "certificate", "revoke", new["name"])
    assert asked.code == ExitCode.USAGE
    assert "--yes" in asked.err
    revoke = ("certificate", "revoke", new["name"], "--reason", "CESSATION_OF_OPERATION", "--yes")
    revoked = run("ra-officer", *revoke)
    assert revoked.code == ExitCode.OK, revoked.err
    assert "CESSATION_OF_OPERATION" in revoked.text
    assert run("ra-officer", *revoke).code == ExitCode.REFUSED
    listed = run("auditor", "certificate", "list", "--subscriber", subscriber, "-o", "json")
    lines = [json.loads(line) for line in listed.text.splitlines()]
    assert [line["name"] for line in lines] == [new["name"], first["name"]]
    assert lines[0]["revocation"]["reason"] == "CESSATION_OF_OPERATION"
    table = run("auditor", "certificate", "list", "--subscriber", subscriber, "--limit", "1")
    assert "홍길동" in table.text
    assert first["serial_number"] not in table.text
    active = run(
        "auditor",
        *("certificate", "list", "--subscriber", subscriber, "--state", "ACTIVE"),
        "-o",
        "json",
    )
    assert (active.code, active.out) == (ExitCode.OK, b"")


def test_the_daemon_shows_itself(run: Signerctl, issued: dict[str, str]) -> None:
    """Server, tokens, audit and health, for people and for programs."""
    assert "uri:spiffe://signerd.local/client/operator" in run("operator", "server", "info").text
    assert run("operator", "server", "info", "-o", "json").document["node"] == "local"
    table = run("operator", "token", "status").text
    assert "signerd-authority" in table
    assert "host-1" in table
    status = json.loads(run("operator", "token", "status", "-o", "json").out)
    assert [token["purpose"] for token in status["tokens"]][:2] == ["AUTHORITY", "SUBSCRIBER"]
    events = run("auditor", "audit", "list", "--resource", issued["name"], "-o", "json")
    (event,) = [json.loads(line) for line in events.text.splitlines()]
    assert event["kind"] == "certificate.issued"
    assert "certificate.issued" in run("auditor", "audit", "list", "--limit", "1000").text
    watch = ("audit", "watch", "--after", str(event["position"] - 1), "--limit", "1", "-o", "json")
    assert json.loads(run("auditor", *watch).out) == event
    health = run("operator", "health")
    assert health.code == ExitCode.OK
    assert "SERVING" in health.text
    assert run("operator", "health", "--service", "signerd.v1.Signing").code == ExitCode.OK
    assert run("operator", "health", "--service", "nothing").code == ExitCode.REFUSED


def test_the_operator_needs_no_certificate_on_the_machine(
    run: Signerctl, daemon: PrivateDaemon
) -> None:
    """The Unix socket, given by option or by environment."""
    target = f"unix:{daemon.directory}/run/admin.sock"
    nothing = {"SIGNERD_CA": "", "SIGNERD_CERTIFICATE": "", "SIGNERD_KEY": ""}
    by_option = run("operator", "--target", target, "server", "info", "-o", "json", **nothing)
    assert by_option.document["principal"] == "local:operator"
    by_environment = run("operator", "server", "info", SIGNERD_TARGET=target, **nothing)
    assert "local:operator" in by_environment.text


def test_exit_codes_tell_scripts_what_to_do(
    run: Signerctl, issued: dict[str, str], tmp_path: Path, daemon: PrivateDaemon
) -> None:
    """1 the answer is no, 2 usage, 3 refused, 4 try again, 5 not connected; each with advice and
    nothing on standard output, and as a document for programs."""
    sign = ("sign", "--credential", issued["credential"])
    (tmp_path / "sig").write_bytes(b"0")
    cases: list[tuple[ExitCode, str, Result]] = [
        (ExitCode.USAGE, "cannot read", run("signer", *sign, "--in", str(tmp_path / "none"))),
        (ExitCode.USAGE, "key file", run("signer", "ca", "chain", SIGNERD_KEY="/nowhere")),
        (
            ExitCode.REFUSED,
            "DIGEST_MISMATCH",
            run("signer", *sign, "--digest", "sha512:" + "0" * 128),
        ),
        (ExitCode.REFUSED, "PERMISSION_DENIED", run("auditor", *sign, stdin=b"0")),
        (ExitCode.REFUSED, "NOT_FOUND", run("auditor", "certificate", "show", "abcd")),
        (
            ExitCode.TRY_AGAIN,
            "DEADLINE_EXCEEDED",
            run("ra-officer", "--timeout", "0.001", "certificate", "show", issued["name"]),
        ),
        (
            ExitCode.NOT_CONNECTED,
            "address",
            run(
                "signer", "--timeout", "2", "ca", "chain", SIGNERD_TARGET=f"127.0.0.1:{free_port()}"
            ),
        ),
        (
            ExitCode.NOT_CONNECTED,
            "certificate",
            run(
                "signer",
                *("--timeout", "5", "ca", "chain"),
                SIGNERD_CA=str(_foreign_ca(tmp_path)),
            ),
        ),
    ]
    for code, word, result in cases:
        assert result.code == code, (word, result.err)
        assert word in result.err, result.err
        assert result.out == b""
        assert str(daemon.directory / "secrets") not in result.err
    document = json.loads(run("auditor", "-o", "json", "certificate", "show", "abcd").err)["error"]
    assert (document["reason"], document["exit_code"]) == ("NOT_FOUND", ExitCode.REFUSED)
    assert document["advice"]
    negative = run(
        "signer",
        *("verify", "--credential", issued["credential"], "--signature", str(tmp_path / "sig")),
        stdin=b"0",
    )
    assert negative.code == ExitCode.NEGATIVE


def _foreign_ca(directory: Path) -> Path:
    path = directory / "foreign.pem"
    path.write_bytes(TlsAuthority().pem)
    return path
