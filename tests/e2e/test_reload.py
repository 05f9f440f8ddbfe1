"""SIGHUP: policy, profiles and TLS material change while connections stand."""

import ssl
import uuid
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.pki.profile_directory import shipped_profiles
from signerd_client import Certificate, Client, KeyAlgorithm
from signerd_client.error import InvalidRequest, NotFound, PermissionDenied
from tests.e2e.client_identity import TlsAuthority
from tests.e2e.reloading import REFUSED, reload
from tests.e2e.waiting import wait_until

_FRONTS = 2
_AUDITOR = "uri:spiffe://signerd.local/client/auditor"
_SIGNER_TOO = f'\n[[grant]]\nprincipal = "{_AUDITOR}"\nrole = "signer"\nsubscribers = ["*"]\n'


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    with private_daemon(DaemonSize(fronts=_FRONTS, hosts=1)) as running:
        # A front that is still starting would end with a broken file, and the daemon with it.
        wait_until(lambda: "supervisor.up" in running.log(), "every process is up")
        yield running


@pytest.fixture
def files(bank: PrivateDaemon) -> Iterator[Path]:
    """The state directory, whose policy, profiles and TLS files are put back afterwards."""
    kept = {
        path: path.read_bytes()
        for name in ("policy.toml", "profiles/*.toml", "tls/server.*")
        for path in bank.directory.glob(name)
    }
    yield bank.directory
    for extra in set((bank.directory / "profiles").iterdir()) - set(kept):
        extra.unlink()
    for path, content in kept.items():
        path.write_bytes(content)
    reload(bank)


def _may_sign(client: Client) -> bool:
    try:
        client.get_public_key("ab" * 16)
    except PermissionDenied:
        return False
    except NotFound:
        return True
    raise AssertionError("a key that is not there was found")


def _policies_on_record(client: Client) -> int:
    return sum(1 for _ in client.list_audit_events(kind="policy.loaded"))


def test_a_grant_comes_and_goes_without_a_restart(bank: PrivateDaemon, files: Path) -> None:
    """On a standing connection and in every front; the change of policy is on record."""
    policy = files / "policy.toml"
    before, processes = policy.read_text(), bank.processes()
    with Client(bank.target("auditor")) as client:
        recorded = _policies_on_record(client)
        assert not _may_sign(client)
        policy.write_text(before + _SIGNER_TOO)
        reload(bank)
        assert _may_sign(client)
        assert client.server_info().roles == ("auditor", "signer")
        for _ in range(8):  # a connection each, so that both fronts are asked
            with Client(bank.target("auditor")) as another:
                assert _may_sign(another)
        policy.write_text(before)
        reload(bank)
        assert not _may_sign(client)
        assert _policies_on_record(client) == recorded + 2 * _FRONTS
    assert bank.processes() == processes


def test_a_stream_ends_with_its_grant(bank: PrivateDaemon, files: Path) -> None:
    """Who watches the audit and loses the role sees nothing of what comes after."""
    policy = files / "policy.toml"
    with Client(bank.target("auditor")) as client, Client(bank.target("operator")) as operator:
        events = client.watch_audit_events(after_position=0)
        assert next(events).kind == "authority.created"
        policy.write_text(policy.read_text().replace(_AUDITOR, _AUDITOR + "-no-more"))
        reload(bank)
        latest = max(event.position for event in operator.list_audit_events())
        seen: list[int] = []
        with pytest.raises(PermissionDenied):
            seen.extend(event.position for event in events)
        assert max(seen, default=0) <= latest


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("policy.toml", "[[grant]\n", "policy.toml"),
        ("policy.toml", '[[grant]]\nprincipal = "kim"\nrole = "signer"\n', "kim"),
        ("policy.toml", '[[grant]]\nprincipal = "dns:a"\nrole = "boss"\n', "role"),
        ("policy.toml", None, "policy.toml"),
        ("profiles/new.toml", "name = 1\n", "new.toml"),
        ("tls/server.pem", "no certificate\n", "server.pem"),
        ("tls/server.key", "no key\n", "server.key"),
    ],
)
def test_a_broken_file_changes_nothing(
    name: str, content: str | None, complaint: str, bank: PrivateDaemon, files: Path
) -> None:
    """The log says which file and why; what was good stays in force, all of it."""
    policy = files / "policy.toml"
    if name != "policy.toml":
        policy.write_text(policy.read_text() + _SIGNER_TOO)
    if content is None:
        policy.unlink()
    else:
        (files / name).write_text(content)
    with Client(bank.target("auditor")) as client:
        said = reload(bank, REFUSED)
        for line in said:
            assert line["level"] == "error"
            assert complaint in line["explanation"]
            assert "Traceback" not in line["explanation"]
        assert not _may_sign(client)
        assert client.server_info().profiles == tuple(
            sorted(Path(name).stem for name in shipped_profiles())
        )
    with Client(bank.target("signer")) as signer:
        assert _may_sign(signer)


def test_a_profile_can_be_added_and_taken_away(bank: PrivateDaemon, files: Path) -> None:
    """Certificates are issued under it at once, and no longer after it is gone; what was issued
    before is still the answer to a retry."""
    text = (files / "profiles" / "tls-client.toml").read_text()
    added = files / "profiles" / "branch.toml"
    added.write_text(text.replace('name = "tls-client"', 'name = "branch"'))
    with Client(bank.target("ra-officer")) as officer:

        def issue(request_id: str = "") -> Certificate:
            return officer.issue_certificate(
                "branch-1",
                "branch",
                "ATM",
                key_algorithm=KeyAlgorithm.EC_P256_SHA256,
                request_id=request_id,
            )

        with pytest.raises(InvalidRequest, match="PROFILE_UNKNOWN"):
            issue()
        reload(bank)
        request_id = str(uuid.uuid4())
        issued = issue(request_id)
        assert issued.profile == "branch"
        assert "branch" in officer.server_info().profiles
        added.unlink()
        reload(bank)
        with pytest.raises(InvalidRequest, match="PROFILE_UNKNOWN"):
            issue()
        assert issue(request_id) == issued


def _presented(daemon: PrivateDaemon) -> int:
    """The serial number of the certificate that a new connection is shown."""
    host, _, port = daemon.address.partition(":")
    return x509.load_pem_x509_certificate(
        ssl.get_server_certificate((host, int(port))).encode()
    ).serial_number


def test_a_renewed_certificate_is_shown_to_new_connections(
    bank: PrivateDaemon, files: Path
) -> None:
    """All of them, in every front; connections that stand go on."""
    tls = files / "tls"
    old = _presented(bank)
    with Client(bank.target("operator")) as standing:
        standing.server_info()
        identity = TlsAuthority(tls).issue([x509.IPAddress(ip_address("127.0.0.1"))])
        identity.write(tls / "server.pem", tls / "server.key")
        reload(bank)
        new = x509.load_pem_x509_certificate(identity.certificate).serial_number
        assert new != old
        assert {_presented(bank) for _ in range(12)} == {new}
        with Client(bank.target("operator")) as fresh:
            fresh.server_info()
        standing.server_info()
