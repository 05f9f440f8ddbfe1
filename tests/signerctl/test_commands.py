"""Every command: what it asks, what it prints, what it writes."""

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.client.scripted_answer import CERTIFICATE_COUNT, EVENT_COUNT
from tests.client.scripted_daemon import SERVICES, ScriptedDaemon
from tests.client.signerctl_process import COMMANDS, ISSUE, Signerctl


def test_every_rpc_has_a_command(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Running each command reaches exactly the RPCs that the service descriptors list."""
    for command in COMMANDS.values():
        assert signerctl(*command).code in {0, 1}
    offered = {method.name for service in SERVICES for method in service.methods}
    assert set(daemon.script.requests) == offered


@pytest.mark.parametrize("rpc", sorted(COMMANDS))
def test_json_is_one_document_a_line(signerctl: Signerctl, rpc: str) -> None:
    """With --output json every line on standard output is a document, whatever the command."""
    result = signerctl(*COMMANDS[rpc], "--output", "json")
    lines = result.out.splitlines()
    if rpc == "Sign":  # an explicit encoding does not change the document
        assert len(lines) == 1
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert not result.err


def test_issue_prints_what_to_sign_with(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """A table for people with Korean text intact; the options arrive in the request."""
    result = signerctl(*ISSUE, "--unit", "개인", "--email", "h@example.com", "--key-group", "vip")
    assert result.code == 0
    assert "CN=홍길동" in result.out
    assert "credentials/0123456789abcdef0123456789abcdef" in result.out
    (request,) = daemon.script.requests["IssueCertificate"]
    assert request.subscriber == "subscribers/hong-gildong"
    assert list(request.subject.organizational_units) == ["개인"]
    assert (request.subject.email, request.key_group) == ("h@example.com", "vip")


def test_issue_for_a_csr_on_standard_input(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """'-' reads the request from standard input, unchanged."""
    command = ("certificate", "issue", "--subscriber", "h", "--profile", "p", "--name", "n")
    assert signerctl(*command, "--csr", "-", stdin=b"\x30\x00").code == 0
    assert daemon.script.requests["IssueCertificate"][0].csr == b"\x30\x00"


def test_validate_only_and_request_id_are_passed_on(
    daemon: ScriptedDaemon, signerctl: Signerctl
) -> None:
    """Every command that changes something takes both options."""
    request_id = "6f8c3a52-4b6c-4f57-a6b1-d3c9e1a7c0de"
    for act in ("Issue", "Reissue", "Renew", "Suspend", "Resume", "Revoke"):
        rpc = f"{act}Certificate"
        command = (*COMMANDS[rpc], "--validate-only", "--request-id", request_id)
        assert signerctl(*command).code == 0
        (request,) = daemon.script.requests[rpc]
        assert request.validate_only
        assert request.request_id == request_id


def test_a_renewal_brings_its_proof(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """Made by the certificate's key for this request, or as it stands in a file, which needs to
    say for which request it is."""
    assert signerctl("certificate", "renew", "4f").code == 0
    (request,) = daemon.script.requests["RenewCertificate"]
    name = daemon.answers.certificate_name
    daemon.answers.holder.key.public_key().verify(
        request.proof,
        f"signerd.v1 renewal of {name}, request {request.request_id}".encode(),
        ec.ECDSA(hashes.SHA256()),
    )
    proof = directory / "proof"
    proof.write_bytes(b"made elsewhere")
    command = ("certificate", "renew", "4f", "--proof", str(proof))
    assert signerctl(*command).code == 2
    assert signerctl(*command, "--request-id", request.request_id).code == 0
    assert daemon.script.requests["RenewCertificate"][1].proof == b"made elsewhere"
    assert len(daemon.script.requests["Sign"]) == 1


def test_a_suspension_shows_its_limit(signerctl: Signerctl) -> None:
    """Since when, until when it can be resumed, and which CRL shows it."""
    lines = signerctl("certificate", "suspend", "4f").out.splitlines()
    shown = {label.strip(): text for label, _, text in (line.partition("  ") for line in lines)}
    assert shown["state"].strip() == "SUSPENDED"
    assert shown["resumable"].strip() == "until 2026-09-01 14:59:59Z"
    assert shown["on CRL from"].strip() == "7"


def test_json_has_the_field_names_of_the_api(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Times are RFC 3339, bytes base64, Korean text is not escaped."""
    result = signerctl("-o", "json", "certificate", "show", "4f")
    document = json.loads(result.out)
    assert "홍길동" in result.out
    assert document["name"] == daemon.answers.certificate_name
    assert document["state"] == "ACTIVE"
    assert document["not_after_time"].endswith("Z")
    assert document["der"].startswith("MII")
    assert document["revocation"] is None
    message = daemon.answers.certificate().DESCRIPTOR
    assert set(document) == {field.name for field in message.fields}


def test_columns_line_up_with_korean_text(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Columns start at the same place on the screen although Hangul is two cells wide."""
    result = signerctl("certificate", "list")
    heading, *lines = result.out.splitlines()
    assert len(lines) == CERTIFICATE_COUNT
    cells = heading.index("STATE")
    for line in lines:
        width_before = line.index("ACTIVE") + len("홍길동")
        assert width_before == cells
    assert not any(line.endswith(" ") for line in lines)
    assert daemon.answers.certificate_name in lines[0]


def test_list_filters_and_limits(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Filters arrive in the request; a limit ends the listing without asking for more pages."""
    command = ("certificate", "list", "--subscriber", "hong", "--state", "ACTIVE", "--limit", "2")
    result = signerctl(*command, "--expires-from", "2027-03-01")
    assert len(result.out.splitlines()) == 3
    (request,) = daemon.script.requests["ListCertificates"]
    assert request.subscriber == "subscribers/hong"
    assert request.expire_time_from.ToJsonString() == "2027-03-01T00:00:00Z"


def test_signature_to_a_file_and_back(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """sign writes what verify accepts, and the key's own library accepts it too."""
    (directory / "order.xml").write_text("<이체/>")
    files = ("--in", f"{directory}/order.xml")
    out = directory / "order.sig"
    signed = signerctl("sign", "--credential", "c", *files, "--out", str(out))
    assert signed.code == 0
    assert "EC_P256_SHA256" in signed.out
    daemon.answers.holder.key.public_key().verify(
        out.read_bytes(), "<이체/>".encode(), ec.ECDSA(hashes.SHA256())
    )
    verified = signerctl("verify", "--credential", "c", *files, "--signature", str(out))
    assert (verified.code, verified.out.split()[:2]) == (0, ["signature", "valid"])
    other = signerctl("verify", "--certificate", "4f", "--signature", str(out), stdin=b"other")
    assert other.code == 1
    assert "NOT VALID" in other.out
    assert "not made by this key" in other.out


def test_signature_through_pipes(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """Standard input to standard output gives the raw signature and nothing else."""
    result = signerctl("sign", "--credential", "c", stdin=b"\x00\xff")
    public = daemon.answers.holder.key.public_key()
    public.verify(result.raw, b"\x00\xff", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("encoding", ["hex", "base64", "raw"])
def test_encodings_are_read_back(signerctl: Signerctl, directory: Path, encoding: str) -> None:
    """What sign writes in an encoding verify reads in it, here over a digest."""
    options = ("--digest", f"sha256:{'ab' * 32}", "--encoding", encoding)
    out = directory / "sig"
    assert signerctl("sign", "--credential", "c", *options, "--out", str(out)).code == 0
    result = signerctl("verify", "--credential", "c", *options, "--signature", str(out))
    assert result.code == 0


def test_certificates_are_exported(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """PEM, DER and PEM with the chain of the CA are files that other programs read."""
    holder = daemon.answers.holder.certificate
    pem = signerctl("certificate", "export", "4f")
    assert x509.load_pem_x509_certificate(pem.raw) == holder
    der = directory / "hong.der"
    assert signerctl("certificate", "export", "4f", "--format", "der", "--out", str(der)).code == 0
    assert x509.load_der_x509_certificate(der.read_bytes()) == holder
    chain = signerctl("certificate", "export", "4f", "--chain")
    assert x509.load_pem_x509_certificates(chain.raw) == [holder, daemon.answers.root.certificate]
    ca = signerctl("ca", "chain")
    assert x509.load_pem_x509_certificates(ca.raw) == [daemon.answers.root.certificate]


def test_public_keys_are_shown_and_written(
    daemon: ScriptedDaemon, signerctl: Signerctl, directory: Path
) -> None:
    """The PEM on the screen and in the file is the key's."""
    shown = signerctl("key", "show", "c")
    assert "EC_P256_SHA256" in shown.out
    out = directory / "key.pem"
    assert signerctl("key", "show", "c", "--out", str(out)).code == 0
    assert out.read_text() in shown.out
    assert load_pem_public_key(out.read_bytes()) == daemon.answers.holder.key.public_key()


def test_status_names_what_is_wrong(signerctl: Signerctl) -> None:
    """A token out of service stands out with its problem; the caller sees who it is."""
    status = signerctl("token", "status").out
    assert "OUT OF SERVICE" in status
    assert "the token is not present; insert it" in status
    assert "host-0" in status
    info = signerctl("server", "info").out
    assert "spiffe://bank.example/ra" in info
    assert "ra-officer" in info


def test_audit_events_are_listed_and_watched(signerctl: Signerctl) -> None:
    """The list is a table, the stream one line an event; both keep the order."""
    listed = signerctl("audit", "list").out.splitlines()
    assert len(listed) == EVENT_COUNT + 1
    assert listed[1].endswith("common_name=홍길동 serial=4f")
    watched = signerctl("audit", "watch", "--after", "2", "--limit", "2", "-o", "json").out
    assert [json.loads(line)["position"] for line in watched.splitlines()] == [3, 4]


def test_health_answers_in_its_exit_code(daemon: ScriptedDaemon, signerctl: Signerctl) -> None:
    """0 when serving, 1 when the daemon says that it is not."""
    assert signerctl("health").code == 0
    daemon.health.enter_graceful_shutdown()
    result = signerctl("health")
    assert (result.code, "NOT_SERVING" in result.out) == (1, True)
