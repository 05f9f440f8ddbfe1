"""Who is let in: TLS, the names in client certificates, the local socket."""

import stat
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from grpc import StatusCode

from examples.private_daemon import PrivateDaemon
from signerd.policy.permission import Role
from signerd.v1 import admin_pb2 as pb
from signerd_client import Client, Target
from signerd_client.error import ConnectionFailed, PermissionDenied
from tests.e2e.client_identity import Identity, TlsAuthority
from tests.e2e.raw_call import RawCaller
from tests.e2e.waiting import wait_until

_INFO = "/signerd.v1.Admin/GetServerInfo"
_URI = "spiffe://signerd.local/client/operator"
_OPERATOR: list[x509.GeneralName] = [x509.UniformResourceIdentifier(_URI)]

Made = Callable[[PrivateDaemon], Identity | None]


def _channel(daemon: PrivateDaemon, identity: Identity | None) -> grpc.Channel:
    ca = (daemon.directory / "tls" / "ca.pem").read_bytes()
    pair = (None, None) if identity is None else (identity.key, identity.certificate)
    return grpc.secure_channel(daemon.address, grpc.ssl_channel_credentials(ca, *pair))


def _own(daemon: PrivateDaemon) -> TlsAuthority:
    return TlsAuthority(daemon.directory / "tls")


def _servers_own(daemon: PrivateDaemon) -> Identity:
    tls = daemon.directory / "tls"
    return Identity((tls / "server.pem").read_bytes(), (tls / "server.key").read_bytes())


_STRANGERS: dict[str, Made] = {
    "without a certificate": lambda _: None,
    "with a certificate of another CA": lambda _: TlsAuthority().issue(_OPERATOR),
    "with an expired certificate": lambda daemon: _own(daemon).issue(_OPERATOR, expired=True),
    "with a certificate for servers": _servers_own,
}


@pytest.mark.parametrize("who", _STRANGERS)
def test_a_stranger_gets_no_connection(who: str, daemon: PrivateDaemon) -> None:
    """TLS ends it: no call reaches the daemon, not even health or reflection."""
    with _channel(daemon, _STRANGERS[who](daemon)) as channel:
        for rpc in (_INFO, "/grpc.health.v1.Health/Check", "/no/such"):
            refusal = RawCaller(channel, daemon).refused(rpc, b"", timeout_s=10)
            assert refusal.code is StatusCode.UNAVAILABLE
            assert not refusal.reason


def test_nothing_is_said_without_tls(daemon: PrivateDaemon) -> None:
    """The TCP port speaks TLS alone."""
    with grpc.insecure_channel(daemon.address) as channel:
        refusal = RawCaller(channel, daemon).refused(_INFO, b"", timeout_s=10)
        assert refusal.code is StatusCode.UNAVAILABLE


def test_the_client_library_says_why_it_gets_no_connection(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    """An expired certificate is named as such, with what to do."""
    files = tmp_path / "c.pem", tmp_path / "c.key"
    _own(daemon).issue(_OPERATOR, expired=True).write(*files)
    ca = daemon.directory / "tls" / "ca.pem"
    target = Target.tls(daemon.address, ca=ca, certificate=files[0], key=files[1])
    with Client(target, timeout_s=10) as client, pytest.raises(ConnectionFailed) as failed:
        client.server_info()
    assert "expired" in failed.value.message


@pytest.mark.parametrize(
    "names",
    [
        [x509.UniformResourceIdentifier(_URI), x509.UniformResourceIdentifier(_URI + "2")],
        [x509.DNSName("a.bank.example"), x509.DNSName("b.bank.example")],
        [x509.RFC822Name("kim@bank.example")],
        [],
    ],
    ids=["two URIs", "two DNS names", "e-mail only", "no name"],
)
def test_a_certificate_names_exactly_one_principal(
    names: list[x509.GeneralName], daemon: PrivateDaemon
) -> None:
    """Ambiguous or nameless: UNAUTHENTICATED for every call, with advice; the log has it."""
    before = len(daemon.log())
    with _channel(daemon, _own(daemon).issue(names)) as channel:
        for rpc in (_INFO, "/grpc.health.v1.Health/Check"):
            refusal = RawCaller(channel, daemon).refused(rpc, b"")
            assert (refusal.code, refusal.reason) == (
                StatusCode.UNAUTHENTICATED,
                "CERTIFICATE_NAMES_NO_PRINCIPAL",
            )
            assert "subjectAltName" in refusal.message
            assert refusal.request_id
    assert daemon.log()[before:].count("CERTIFICATE_NAMES_NO_PRINCIPAL") == 2


@pytest.mark.parametrize(
    ("names", "principal"),
    [
        ([x509.UniformResourceIdentifier("spiffe://bank/nobody")], "uri:spiffe://bank/nobody"),
        ([x509.DNSName("Nobody.Bank.example")], "dns:nobody.bank.example"),
        (
            [x509.UniformResourceIdentifier("spiffe://bank/nobody"), x509.DNSName("localhost")],
            "uri:spiffe://bank/nobody",
        ),
    ],
)
def test_a_principal_without_a_grant_may_do_nothing(
    names: list[x509.GeneralName], principal: str, daemon: PrivateDaemon
) -> None:
    """Known and denied; the refusal names the principal, so that it can be granted."""
    with _channel(daemon, _own(daemon).issue(names)) as channel:
        refusal = RawCaller(channel, daemon).refused(_INFO, b"")
        assert (refusal.code, refusal.reason) == (
            StatusCode.PERMISSION_DENIED,
            "PERMISSION_DENIED",
        )
        assert principal in refusal.message


def test_whoever_opens_the_socket_is_the_operator(daemon: PrivateDaemon) -> None:
    """No certificate is needed there; the operator's role is all that it gives."""
    with Client(Target.unix(daemon.directory / "run" / "admin.sock")) as client:
        info = client.server_info()
        assert (info.principal, info.roles) == ("local:operator", ("operator",))
        assert client.token_status().tokens
        with pytest.raises(PermissionDenied):
            client.sign("ab", data=b"order")


def test_every_front_has_a_socket_of_its_own(daemon: PrivateDaemon) -> None:
    """The one the operator uses leads to one of them."""
    for front in ("front-0", "front-1"):
        path = daemon.directory / "run" / f"admin-{front}.sock"
        wait_until(path.exists, f"{front} is up")
        with grpc.insecure_channel(f"unix:{path}") as channel:
            answer = RawCaller(channel, daemon).send(_INFO, b"", pb.GetServerInfoResponse)
            assert answer.process == front


def test_files_are_for_the_daemons_user_alone(daemon: PrivateDaemon) -> None:
    """Directories of sockets, keys and PINs may be entered by nobody else; secrets are 0600."""

    def mode(name: str) -> int:
        return stat.S_IMODE((daemon.directory / name).stat().st_mode)

    for name in ("", "run", "secrets", "softhsm", "latch", "tls/clients"):
        assert mode(name) == 0o700, name
    for name in (
        *("secrets/user.pin", "secrets/so.pin", "tls/ca.key", "tls/server.key", "signerd.db"),
        *(f"tls/clients/{role.value}.key" for role in Role),
    ):
        assert mode(name) == 0o600, name
    sockets = [path for path in daemon.directory.rglob("*") if path.is_socket()]
    assert len(sockets) >= 4
    assert {path.parent for path in sockets} == {daemon.directory / "run"}
