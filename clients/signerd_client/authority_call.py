"""The calls of signerd.v1.CertificateAuthority that issue, and those that look one up."""

from collections.abc import Sequence
from typing import Final, Literal, overload

from signerd.v1 import certificate_authority_pb2 as wire
from signerd_client.activation import ActivationMode, mode_to_wire
from signerd_client.algorithm import KeyAlgorithm, algorithm_to_wire
from signerd_client.call import Call, decoder, new_request_id
from signerd_client.certificate import Certificate, certificate_from_wire
from signerd_client.name import certificate_name, subscriber_name

_SERVICE: Final = "/signerd.v1.CertificateAuthority"


@overload
def issue_certificate(
    subscriber: str,
    profile: str,
    common_name: str,
    *,
    key_algorithm: KeyAlgorithm | str | None = None,
    csr: bytes | None = None,
    organizational_units: Sequence[str] = (),
    email: str = "",
    branch: str = "",
    dns_names: Sequence[str] = (),
    identity_number: str = "",
    key_group: str = "",
    activation: ActivationMode | str = ActivationMode.NONE,
    request_id: str | None = None,
    validate_only: Literal[False] = False,
    timeout_s: float | None = None,
) -> Call[Certificate]: ...
@overload
def issue_certificate(
    subscriber: str,
    profile: str,
    common_name: str,
    *,
    key_algorithm: KeyAlgorithm | str | None = None,
    csr: bytes | None = None,
    organizational_units: Sequence[str] = (),
    email: str = "",
    branch: str = "",
    dns_names: Sequence[str] = (),
    identity_number: str = "",
    key_group: str = "",
    activation: ActivationMode | str = ActivationMode.NONE,
    request_id: str | None = None,
    validate_only: bool,
    timeout_s: float | None = None,
) -> Call[Certificate | None]: ...
def issue_certificate(
    subscriber: str,
    profile: str,
    common_name: str,
    *,
    key_algorithm: KeyAlgorithm | str | None = None,
    csr: bytes | None = None,
    organizational_units: Sequence[str] = (),
    email: str = "",
    branch: str = "",
    dns_names: Sequence[str] = (),
    identity_number: str = "",
    key_group: str = "",
    activation: ActivationMode | str = ActivationMode.NONE,
    request_id: str | None = None,
    validate_only: bool = False,
    timeout_s: float | None = None,
) -> Call[Certificate] | Call[Certificate | None]:
    """Issue a certificate to a subscriber, who is made on first use.

    Exactly one of key_algorithm (a key is made on the token) and csr (PKCS#10, DER or PEM)
    is given; otherwise ValueError. With validate_only everything is checked, nothing is made
    and None is returned. identity_number is for profiles that certify a virtual ID: used for that
    and forgotten. activation REQUIRED: the key signs with the subscriber's agreement only.
    request_id is a UUID; give your own to be able to repeat the call later.
    """
    if (key_algorithm is None) == (csr is None):
        raise ValueError("give either key_algorithm or csr")
    request = wire.IssueCertificateRequest(
        subscriber=subscriber_name(subscriber),
        profile=profile,
        subject=wire.Subject(
            common_name=common_name,
            organizational_units=organizational_units,
            email=email,
            branch=branch,
            dns_names=dns_names,
            identity_number=identity_number,
        ),
        key_group=key_group,
        activation=mode_to_wire(activation),
        request_id=request_id or new_request_id(),
        validate_only=validate_only,
    )
    if csr is not None:
        request.csr = csr
    elif key_algorithm is not None:
        request.key_algorithm = algorithm_to_wire(key_algorithm)
    method, payload = f"{_SERVICE}/IssueCertificate", request.SerializeToString()
    response = wire.IssueCertificateResponse
    if validate_only:
        checked = decoder(response, _nothing)
        return Call(method, payload, checked, timeout_s, request.request_id, is_change=True)
    issued = decoder(response, lambda answer: certificate_from_wire(answer.certificate))
    return Call(method, payload, issued, timeout_s, request.request_id, is_change=True)


def get_certificate(certificate: str, *, timeout_s: float | None = None) -> Call[Certificate]:
    """Return one certificate, by name or serial number."""
    return Call(
        f"{_SERVICE}/GetCertificate",
        wire.GetCertificateRequest(name=certificate_name(certificate)).SerializeToString(),
        decoder(
            wire.GetCertificateResponse, lambda answer: certificate_from_wire(answer.certificate)
        ),
        timeout_s,
    )


def get_ca_chain(*, timeout_s: float | None = None) -> Call[list[bytes]]:
    """Return the issuing CA's certificate first and the root last; DER."""
    return Call(
        f"{_SERVICE}/GetCaChain",
        wire.GetCaChainRequest().SerializeToString(),
        decoder(wire.GetCaChainResponse, lambda answer: list(answer.certificates)),
        timeout_s,
    )


def _nothing(_answer: wire.IssueCertificateResponse) -> Certificate | None:
    return None
