"""The calls of signerd.v1.CertificateAuthority that replace a certificate by a new one."""

from typing import Final, Literal, overload

from signerd.v1 import certificate_authority_pb2 as wire
from signerd_client.call import Call, decoder, new_request_id
from signerd_client.certificate import Certificate, Reissued, Renewed, certificate_from_wire
from signerd_client.name import certificate_name

_SERVICE: Final = "/signerd.v1.CertificateAuthority"


def renewal_statement(certificate: str, request_id: str) -> bytes:
    """What the key of a certificate signs as proof for `renew_certificate`, as data: it fits this
    certificate and the request with this id."""
    name = certificate_name(certificate)
    return f"signerd.v1 renewal of {name}, request {request_id}".encode()


@overload
def reissue_certificate(
    certificate: str,
    *,
    request_id: str | None = None,
    validate_only: Literal[False] = False,
    timeout_s: float | None = None,
) -> Call[Reissued]: ...
@overload
def reissue_certificate(
    certificate: str,
    *,
    request_id: str | None = None,
    validate_only: Literal[True],
    timeout_s: float | None = None,
) -> Call[Certificate]: ...
def reissue_certificate(
    certificate: str,
    *,
    request_id: str | None = None,
    validate_only: bool = False,
    timeout_s: float | None = None,
) -> Call[Reissued] | Call[Certificate]:
    """Replace a certificate that has not expired: new key, same holder, profile and expiry.

    The old certificate is revoked and its key never signs again from the answer on; one that was
    revoked before its expiry can be replaced too. With validate_only nothing changes and the
    certificate that would be replaced is returned.
    """
    request = wire.ReissueCertificateRequest(
        certificate=certificate_name(certificate),
        request_id=request_id or new_request_id(),
        validate_only=validate_only,
    )
    method, payload = f"{_SERVICE}/ReissueCertificate", request.SerializeToString()
    response = wire.ReissueCertificateResponse
    if validate_only:
        checked = decoder(response, lambda answer: certificate_from_wire(answer.replaced))
        return Call(method, payload, checked, timeout_s, request.request_id, is_change=True)
    reissued = decoder(
        response,
        lambda answer: Reissued(
            certificate_from_wire(answer.certificate), certificate_from_wire(answer.replaced)
        ),
    )
    return Call(method, payload, reissued, timeout_s, request.request_id, is_change=True)


@overload
def renew_certificate(
    certificate: str,
    proof: bytes,
    *,
    request_id: str,
    validate_only: Literal[False] = False,
    timeout_s: float | None = None,
) -> Call[Renewed]: ...
@overload
def renew_certificate(
    certificate: str,
    proof: bytes,
    *,
    request_id: str,
    validate_only: Literal[True],
    timeout_s: float | None = None,
) -> Call[Certificate]: ...
def renew_certificate(
    certificate: str,
    proof: bytes,
    *,
    request_id: str,
    validate_only: bool = False,
    timeout_s: float | None = None,
) -> Call[Renewed] | Call[Certificate]:
    """Replace an active certificate shortly before its expiry: new key, one more period.

    proof is a signature of the certificate's key over `renewal_statement(certificate, request_id)`;
    `renew` makes it too. The old certificate is revoked and its key never signs again from the
    answer on. With validate_only nothing changes and the certificate that would be replaced is
    returned.
    """
    request = wire.RenewCertificateRequest(
        certificate=certificate_name(certificate),
        proof=proof,
        request_id=request_id,
        validate_only=validate_only,
    )
    method, payload = f"{_SERVICE}/RenewCertificate", request.SerializeToString()
    response = wire.RenewCertificateResponse
    if validate_only:
        checked = decoder(response, lambda answer: certificate_from_wire(answer.replaced))
        return Call(method, payload, checked, timeout_s, request.request_id, is_change=True)
    renewed = decoder(
        response,
        lambda answer: Renewed(
            certificate_from_wire(answer.certificate), certificate_from_wire(answer.replaced)
        ),
    )
    return Call(method, payload, renewed, timeout_s, request.request_id, is_change=True)
