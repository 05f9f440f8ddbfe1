"""The proof of a renewal, and suspension, as values."""

from datetime import UTC, datetime

import grpc
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from signerd_client import AsyncClient, CertificateState, Client, Target, renewal_statement
from signerd_client.error import PermissionDenied
from tests.client.scripted_answer import SUSPENSION_LIMIT
from tests.client.scripted_daemon import ScriptedDaemon, refuse

_ID = "6f8c3a52-4b6c-4f57-a6b1-d3c9e1a7c0de"
_RETIRED = refuse(
    grpc.StatusCode.FAILED_PRECONDITION, "never signs again", reason="CREDENTIAL_RETIRED"
)


def test_the_statement_is_the_one_of_the_api() -> None:
    """Name and request id stand in it as they are sent; a bare serial number is completed."""
    wanted = f"signerd.v1 renewal of certificates/4f0a, request {_ID}".encode()
    for certificate in ("certificates/4f0a", "4f0a", "4F:0A"):
        assert renewal_statement(certificate, _ID) == wanted


def test_renew_makes_the_proof(daemon: ScriptedDaemon, client: Client) -> None:
    """The old key signs the statement of the very request that is sent."""
    renewed = client.renew(daemon.answers.certificate_name)
    assert renewed.replaced.state is CertificateState.REVOKED
    (request,) = daemon.script.requests["RenewCertificate"]
    statement = renewal_statement(request.certificate, request.request_id)
    public = daemon.answers.holder.key.public_key()
    public.verify(request.proof, statement, ec.ECDSA(hashes.SHA256()))


async def test_renew_makes_the_proof_asynchronously(daemon: ScriptedDaemon, target: Target) -> None:
    """There too, for a request id of one's own."""
    async with AsyncClient(target) as client:
        await client.renew("4f", request_id=_ID)
    (request,) = daemon.script.requests["RenewCertificate"]
    assert request.request_id == _ID
    statement = renewal_statement(daemon.answers.certificate_name, _ID)
    public = daemon.answers.holder.key.public_key()
    public.verify(request.proof, statement, ec.ECDSA(hashes.SHA256()))


def test_a_repetition_is_sent_though_the_old_key_is_done(
    daemon: ScriptedDaemon, client: Client
) -> None:
    """The daemon knows the request and answers with what it made."""
    daemon.script.next_calls("Sign", _RETIRED)
    client.renew("4f", request_id=_ID)
    (request,) = daemon.script.requests["RenewCertificate"]
    assert (request.proof, request.request_id) == (b"", _ID)


def test_whoever_may_not_sign_is_told(daemon: ScriptedDaemon, client: Client) -> None:
    """A proof that cannot be made for another reason is that error, and nothing is renewed."""
    daemon.script.next_calls("Sign", refuse(grpc.StatusCode.PERMISSION_DENIED, "not you"))
    with pytest.raises(PermissionDenied):
        client.renew("4f")
    assert not daemon.script.requests["RenewCertificate"]


def test_validate_only_shows_the_old_certificate(daemon: ScriptedDaemon, client: Client) -> None:
    """Nothing is made."""
    checked = client.renew_certificate("4f", b"proof", request_id=_ID, validate_only=True)
    assert checked.revocation is None
    assert daemon.script.requests["RenewCertificate"][0].validate_only


def test_suspension_says_since_when_and_until_when(client: Client) -> None:
    """Times are aware; a certificate that is not on hold has none."""
    suspended = client.suspend_certificate("4f")
    assert suspended.state is CertificateState.SUSPENDED
    assert suspended.suspension is not None
    assert suspended.suspension.suspend_time == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert suspended.suspension.limit_time == SUSPENSION_LIMIT
    assert suspended.crl_number == 7
    resumed = client.resume_certificate("4f")
    assert (resumed.state, resumed.suspension) == (CertificateState.ACTIVE, None)
