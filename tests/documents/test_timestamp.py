"""Time stamps over gRPC and HTTP; `openssl ts` asks for them and judges them."""

import hashlib
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import tsp

from examples.private_daemon import PrivateDaemon
from signerd.pki.timestamp import TimeStampResponseDer
from signerd_client import Client, KeyAlgorithm
from signerd_client.error import InvalidRequest
from tests.documents.conftest import CmsJudge, Issue
from tests.e2e.openssl import openssl
from tests.e2e.signerctl import signerctl

_DATA = b"a contract\n"
_QUERY_TYPE = "application/timestamp-query"


@pytest.fixture
def folder(tmp_path: Path, root_pem: Path) -> Path:
    """With the data and the root in it."""
    assert root_pem.parent == tmp_path
    (tmp_path / "data").write_bytes(_DATA)
    return tmp_path


def _query(folder: Path, *options: str) -> bytes:
    done = openssl(
        *("ts", "-query", "-data", str(folder / "data"), "-out", str(folder / "query")), *options
    )
    assert done.returncode == 0, done.stderr
    return (folder / "query").read_bytes()


def _verify(folder: Path, response: bytes, *against: str, untrusted: Path | None = None) -> str:
    """ "" when openssl accepts it."""
    (folder / "response").write_bytes(response)
    extra = () if untrusted is None else ("-untrusted", str(untrusted))
    done = openssl(
        *("ts", "-verify", "-in", str(folder / "response")),
        *(against or ("-queryfile", str(folder / "query"))),
        *("-CAfile", str(folder / "root.pem"), *extra),
    )
    return "" if done.returncode == 0 else done.stderr + done.stdout


def _post(daemon: PrivateDaemon, body: bytes, kind: str = _QUERY_TYPE) -> tuple[int, str, bytes]:
    request = urllib.request.Request(  # noqa: S310 - our own daemon
        f"{daemon.publisher_url}/tsa", body, {"Content-Type": kind}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own daemon
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers["Content-Type"], refused.read()


def _rejection(response: bytes) -> tuple[str, set[str]]:
    parsed = TimeStampResponseDer.load(response, strict=True)
    status = parsed["status"]
    assert parsed["time_stamp_token"].native is None
    return status["status"].native, status["fail_info"].native


@pytest.mark.parametrize("options", [["-cert"], ["-cert", "-sha512"], ["-cert", "-no_nonce"]])
def test_openssl_gets_a_time_stamp_over_http(
    daemon: PrivateDaemon, folder: Path, options: list[str]
) -> None:
    """With curl, as everybody does; then its own verification holds, and not for other data."""
    _query(folder, *options)
    done = subprocess.run(
        [
            *("curl", "-sS", "-H", f"Content-Type: {_QUERY_TYPE}", "--data-binary", "@query"),
            *("-o", "response", "-w", "%{http_code} %{content_type}"),
            f"{daemon.publisher_url}/tsa",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout == "200 application/timestamp-reply"
    response = (folder / "response").read_bytes()
    assert _verify(folder, response) == ""
    (folder / "other").write_bytes(b"another contract\n")
    assert "mismatch" in _verify(folder, response, "-data", str(folder / "other"))


def test_without_certificates_the_asker_has_them(
    daemon: PrivateDaemon, officer: Client, signer: Client, folder: Path
) -> None:
    """A request without certReq gets none (RFC 3161, 2.4.1)."""
    query = _query(folder)
    _, _, response = _post(daemon, query)
    token = tsp.TimeStampResp.load(response)["time_stamp_token"]
    assert not token["content"]["certificates"].native
    assert "certificate" in _verify(folder, response)
    with_them = signer.create_timestamp(digest=hashlib.sha256(_DATA).digest())
    (folder / "response").write_bytes(with_them.response)
    (folder / "token").write_bytes(with_them.token)
    done = openssl(*("pkcs7", "-inform", "DER", "-in", str(folder / "token"), "-print_certs"))
    (folder / "chain.pem").write_text(done.stdout)
    assert _verify(folder, response, untrusted=folder / "chain.pem") == ""
    assert officer.get_ca_chain()


def test_a_time_stamp_says_what_it_should(signer: Client, auditor: Client) -> None:
    """Policy, accuracy, nonce, who, and a serial number of its own; and it is on record."""
    digest = hashlib.sha384(_DATA).digest()
    stamps = [signer.create_timestamp(digest=digest, nonce=b"\x01\x02") for _ in range(2)]
    infos: list[Any] = [
        tsp.ContentInfo.load(one.token)["content"]["encap_content_info"]["content"].parsed.native
        for one in stamps
    ]
    assert infos[0]["serial_number"] != infos[1]["serial_number"]
    for stamp, info in zip(stamps, infos, strict=True):
        assert info["policy"] == stamp.policy == "1.3.6.1.4.1.99999.2"
        assert info["message_imprint"]["hashed_message"] == digest
        assert info["nonce"] == 0x0102
        assert info["accuracy"]["seconds"] == 1
        assert info["tsa"]["common_name"] == "signerd test issuing CA TSA"
        assert info["gen_time"] == stamp.time
        (event,) = auditor.list_audit_events(resource=f"timestamps/{stamp.serial_number}")
        assert event.kind == "timestamp.created"
        assert event.details["digest"] == f"sha384:{digest.hex()}"


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"no request", "bad_data_format"),
        (b"", "bad_data_format"),
        (bytes(5000), ""),
    ],
)
def test_a_malformed_request_is_answered_as_the_rfc_says(
    daemon: PrivateDaemon, body: bytes, failure: str
) -> None:
    """With a rejection; one that is too long for the server with 413."""
    status, kind, response = _post(daemon, body)
    if not failure:
        assert status == 413
        return
    assert (status, kind) == (200, "application/timestamp-reply")
    assert _rejection(response) == ("rejection", {failure})


@pytest.mark.parametrize(
    ("options", "failure"),
    [
        (["-sha1", "-cert"], "bad_alg"),
        (["-sha256", "-tspolicy", "1.2.3.4"], "unaccepted_policy"),
    ],
)
def test_what_is_not_stamped_is_refused(
    daemon: PrivateDaemon, signer: Client, folder: Path, options: list[str], failure: str
) -> None:
    """Over HTTP as the RFC says, readable for openssl; over gRPC with a reason."""
    query = _query(folder, *options)
    status, _, response = _post(daemon, query)
    assert status == 200
    assert _rejection(response) == ("rejection", {failure})
    (folder / "response").write_bytes(response)
    shown = openssl("ts", "-reply", "-in", str(folder / "response"), "-text")
    assert "Status: Rejected." in shown.stdout, shown
    with pytest.raises(InvalidRequest) as caught:
        signer.create_timestamp(request=query)
    assert caught.value.reason == f"TIME_STAMP_{failure.upper()}"


def test_another_content_type_is_refused(daemon: PrivateDaemon, folder: Path) -> None:
    """And GET is no way to ask."""
    assert _post(daemon, _query(folder), "text/plain")[0] == 415
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{daemon.publisher_url}/tsa", timeout=20)  # noqa: S310 - our own daemon
    with caught.value as refused:
        assert refused.code == 405


def test_a_signed_document_has_its_time_stamp_in_it(
    signer: Client, issued: Issue, judge: CmsJudge, folder: Path
) -> None:
    """Over the signature (RFC 3161, appendix A); openssl verifies both."""
    signed = signer.sign_cms(
        issued(KeyAlgorithm.RSA_2048_PKCS1_SHA256).credential, data=_DATA, with_time_stamp=True
    )
    assert judge.accepts(signed.cms, _DATA, is_detached=False) == ""
    (info,) = tsp.ContentInfo.load(signed.cms)["content"]["signer_infos"]
    (attribute,) = info["unsigned_attrs"]
    assert attribute["type"].native == "signature_time_stamp_token"
    (folder / "token").write_bytes(attribute["values"][0].dump())
    (folder / "signature").write_bytes(info["signature"].native)
    done = openssl(
        *("ts", "-verify", "-token_in", "-in", str(folder / "token")),
        *("-data", str(folder / "signature"), "-CAfile", str(folder / "root.pem")),
    )
    assert done.returncode == 0, done.stderr
    stamped = signed.signers[0].time_stamp_time
    assert stamped is not None


def test_the_command_line_stamps(daemon: PrivateDaemon, folder: Path) -> None:
    """Only the digest leaves; openssl verifies what was written."""
    done = signerctl(
        daemon,
        "signer",
        *("timestamp", "create", "--in", str(folder / "data"), "--out", str(folder / "made.tsr")),
    )
    assert done.returncode == 0, done.stderr
    assert "policy" in done.stdout
    response = (folder / "made.tsr").read_bytes()
    assert _verify(folder, response, "-data", str(folder / "data")) == ""
