"""Connections that cannot be made say why and what to do."""

import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from signerd_client import AsyncClient, Client, RetryPolicy, Target
from signerd_client.error import ConnectionFailed, InvalidTarget
from tests.client.pki import Trust, make_identity
from tests.client.scripted_daemon import ScriptedDaemon

IMPATIENT = RetryPolicy(unreachable_s=0.3)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a path short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="sd"))
    yield path
    shutil.rmtree(path)


def _failure(target: Target) -> ConnectionFailed:
    with Client(target, retry=IMPATIENT) as client, pytest.raises(ConnectionFailed) as caught:
        client.server_info(timeout_s=10)
    return caught.value


def test_a_unix_socket_is_served(directory: Path) -> None:
    """The local socket needs no TLS files."""
    with ScriptedDaemon(f"unix:{directory}/d.sock") as daemon:
        with Client(Target.unix(directory / "d.sock")) as client:
            assert client.server_info().process == "front-0"
        assert daemon.script.requests["GetServerInfo"]


def test_a_missing_socket_is_named(directory: Path) -> None:
    """The path is in the message and the advice is about the daemon."""
    error = _failure(Target.unix(directory / "none.sock"))
    assert error.reason == "SOCKET_MISSING"
    assert f"{directory}/none.sock" in error.message


def test_nothing_listening_is_said(trust: Trust) -> None:
    """Connection refused is told apart from everything else, after a short patience."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        start = time.monotonic()
        error = _failure(trust.target(f"127.0.0.1:{free.getsockname()[1]}"))
    assert error.reason == "CONNECTION_REFUSED"
    assert 0.2 < time.monotonic() - start < 5


def test_a_client_certificate_of_another_ca_is_suspected(
    trust: Trust, daemon: ScriptedDaemon
) -> None:
    """The daemon just closes; the advice asks the right question."""
    stranger = make_identity("stranger", issuer=make_identity("another CA"))
    error = _failure(trust.target(f"localhost:{daemon.port}", stranger))
    assert error.reason == "HANDSHAKE_CLOSED"
    assert "issued by the CA the daemon trusts" in error.advice
    assert not daemon.script.requests


def test_an_expired_client_certificate_is_found_out_locally(
    trust: Trust, daemon: ScriptedDaemon
) -> None:
    """The date of the caller's own certificate explains the refusal, and nothing is repeated."""
    expired = make_identity("client", issuer=trust.ca, days=(-10, -1))
    error = _failure(trust.target(f"localhost:{daemon.port}", expired))
    assert error.reason == "CLIENT_CERTIFICATE_EXPIRED"
    assert f"{expired.certificate.not_valid_after_utc:%Y-%m-%d}" in error.message
    assert error.hopeless


def test_a_client_certificate_of_the_future_is_found_out_locally(
    trust: Trust, daemon: ScriptedDaemon
) -> None:
    """A certificate that is not valid yet points at the clock."""
    early = make_identity("client", issuer=trust.ca, days=(1, 10))
    error = _failure(trust.target(f"localhost:{daemon.port}", early))
    assert error.reason == "CLIENT_CERTIFICATE_NOT_YET_VALID"


def test_a_daemon_of_another_ca_is_not_trusted(trust: Trust) -> None:
    """The caller is told to check the CA file."""
    impostor = make_identity("daemon", issuer=make_identity("another CA"), dns_names=["localhost"])
    with ScriptedDaemon("localhost:0", trust.server_credentials(impostor)) as daemon:
        error = _failure(trust.target(f"localhost:{daemon.port}"))
    assert error.reason == "SERVER_NOT_TRUSTED"
    assert "CA file" in error.advice


def test_an_expired_daemon_certificate_is_said(trust: Trust) -> None:
    """It is the operator's to renew."""
    old = make_identity("daemon", issuer=trust.ca, dns_names=["localhost"], days=(-10, -1))
    with ScriptedDaemon("localhost:0", trust.server_credentials(old)) as daemon:
        error = _failure(trust.target(f"localhost:{daemon.port}"))
    assert error.reason == "SERVER_CERTIFICATE_EXPIRED"


def test_another_host_name_is_said_and_can_be_given(trust: Trust, daemon: ScriptedDaemon) -> None:
    """The name in the daemon's certificate may differ from the address when it is named."""
    target = trust.target(f"127.0.0.1:{daemon.port}")
    assert _failure(target).reason == "SERVER_NAME_MISMATCH"
    files = target.tls_files
    assert files is not None
    named = Target.tls(
        target.address,
        ca=files.ca,
        certificate=files.certificate,
        key=files.key,
        server_name="localhost",
    )
    with Client(named) as client:
        assert client.server_info().process == "front-0"


def test_a_port_without_tls_is_said(trust: Trust) -> None:
    """Something else than the daemon's TLS port answers."""
    with ScriptedDaemon("localhost:0") as plain:
        error = _failure(trust.target(f"localhost:{plain.port}"))
    assert error.reason == "NOT_TLS"


def test_a_host_without_address_is_said(trust: Trust) -> None:
    """The name that cannot be resolved is in the message."""
    error = _failure(trust.target("no-such-host.invalid:7443"))
    assert error.reason == "NAME_NOT_RESOLVED"
    assert "no-such-host.invalid" in error.message


async def test_the_asynchronous_client_explains_alike(trust: Trust, daemon: ScriptedDaemon) -> None:
    """The same failure has the same reason through asyncio."""
    expired = make_identity("client", issuer=trust.ca, days=(-10, -1))
    async with AsyncClient(trust.target(f"localhost:{daemon.port}", expired)) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await client.server_info(timeout_s=10)
    assert caught.value.reason == "CLIENT_CERTIFICATE_EXPIRED"


def test_files_that_cannot_be_used_are_named(trust: Trust) -> None:
    """Missing, foreign and mismatching files are found before anything is sent."""
    target = trust.target("localhost:1")
    files = target.tls_files
    assert files is not None
    reasons = []
    for spoil in (
        lambda: files.key.write_bytes(make_identity("other").key_pem),
        lambda: files.key.write_text("no key"),
        lambda: files.certificate.write_text("no certificate"),
        files.ca.unlink,
    ):
        spoil()
        with pytest.raises(InvalidTarget) as caught:
            Client(target)
        reasons.append(caught.value.reason)
        assert str(trust.directory) in caught.value.message
    assert reasons == ["KEY_MISMATCH", "NOT_PEM", "NOT_PEM", "FILE_UNREADABLE"]


def test_the_environment_names_a_target() -> None:
    """host:port takes the three files, unix: takes none, and what is missing is said."""
    tls = {
        "SIGNERD_TARGET": "signerd.example:7443",
        "SIGNERD_CA": "ca.pem",
        "SIGNERD_CERTIFICATE": "me.pem",
        "SIGNERD_KEY": "me.key",
    }
    expected = Target.tls(
        "signerd.example:7443", ca=Path("ca.pem"), certificate=Path("me.pem"), key=Path("me.key")
    )
    assert Target.from_environment(tls) == expected
    local = Target.from_environment({"SIGNERD_TARGET": "unix:/run/signerd/d.sock"})
    assert local == Target.unix("/run/signerd/d.sock")
    with pytest.raises(InvalidTarget, match="no target"):
        Target.from_environment({})
    del tls["SIGNERD_KEY"]
    with pytest.raises(InvalidTarget, match="mutual TLS"):
        Target.from_environment(tls)
