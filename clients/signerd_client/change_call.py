"""The calls of signerd.v1.CertificateAuthority that change the state of a certificate."""

from collections.abc import Callable
from typing import Final, Protocol

from signerd.v1 import certificate_authority_pb2 as wire
from signerd.v1 import types_pb2
from signerd_client.call import Call, decoder, new_request_id
from signerd_client.certificate import (
    Certificate,
    RevocationReason,
    certificate_from_wire,
    reason_to_wire,
)
from signerd_client.name import certificate_name

_SERVICE: Final = "/signerd.v1.CertificateAuthority"


class _Answer(Protocol):
    @property
    def certificate(self) -> types_pb2.Certificate: ...


def suspend_certificate(
    certificate: str,
    *,
    request_id: str | None = None,
    validate_only: bool = False,
    timeout_s: float | None = None,
) -> Call[Certificate]:
    """Put an active certificate on hold; its key does not sign from the answer on.

    It can be resumed for six months, after which it is revoked. Returns the certificate,
    suspended; with validate_only as it stands.
    """
    request = wire.SuspendCertificateRequest(
        certificate=certificate_name(certificate),
        request_id=request_id or new_request_id(),
        validate_only=validate_only,
    )
    decode = decoder(wire.SuspendCertificateResponse, _certificate)
    return _call("SuspendCertificate", request, decode, timeout_s)


def resume_certificate(
    certificate: str,
    *,
    request_id: str | None = None,
    validate_only: bool = False,
    timeout_s: float | None = None,
) -> Call[Certificate]:
    """Take a certificate off hold; its key signs again, and its expiry is what it was.

    Returns the certificate, active; with validate_only as it stands.
    """
    request = wire.ResumeCertificateRequest(
        certificate=certificate_name(certificate),
        request_id=request_id or new_request_id(),
        validate_only=validate_only,
    )
    decode = decoder(wire.ResumeCertificateResponse, _certificate)
    return _call("ResumeCertificate", request, decode, timeout_s)


def revoke_certificate(
    certificate: str,
    reason: RevocationReason | str,
    *,
    request_id: str | None = None,
    validate_only: bool = False,
    timeout_s: float | None = None,
) -> Call[Certificate]:
    """Revoke a certificate for good; its key never signs again from the answer on.

    Returns the certificate, revoked; with validate_only as it stands.
    """
    request = wire.RevokeCertificateRequest(
        certificate=certificate_name(certificate),
        reason=reason_to_wire(reason),
        request_id=request_id or new_request_id(),
        validate_only=validate_only,
    )
    decode = decoder(wire.RevokeCertificateResponse, _certificate)
    return _call("RevokeCertificate", request, decode, timeout_s)


def _call(
    method: str,
    request: wire.SuspendCertificateRequest
    | wire.ResumeCertificateRequest
    | wire.RevokeCertificateRequest,
    decode: Callable[[bytes], Certificate],
    timeout_s: float | None,
) -> Call[Certificate]:
    payload = request.SerializeToString()
    method = f"{_SERVICE}/{method}"
    return Call(method, payload, decode, timeout_s, request.request_id, is_change=True)


def _certificate(answer: _Answer) -> Certificate:
    return certificate_from_wire(answer.certificate)
