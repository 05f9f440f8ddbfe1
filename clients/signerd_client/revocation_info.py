"""OCSP responses and CRLs, for what has to be validated when nobody answers any more."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from asn1crypto import crl, x509
from cryptography import x509 as certificates
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from signerd_client.error import ErrorDetail, Unavailable

_TIMEOUT_S: Final = 10.0
# For a publisher that says when to come again, as one does that has just been started.
_PATIENCE_S: Final = 15.0
_LARGEST: Final = 64 * 1024 * 1024
_SCHEMES: Final = ("http://", "https://")
_FRESHEST_CRL: Final = "freshest_crl"


def fetch_crls(of: Iterable[x509.Certificate]) -> list[bytes]:
    """The CRLs (DER) that the certificates name, and the delta CRLs that those name (RFC 5280,
    5.2.6), which pyHanko asks for and does not fetch. Raises Unavailable."""
    found: dict[str, bytes] = {}
    for certificate in of:
        for point in certificate.crl_distribution_points:
            _fetch_into(found, point)
    for der in list(found.values()):
        for point in _freshest(der):
            _fetch_into(found, point)
    return list(found.values())


def fetch_ocsp_responses(certificate_der: bytes, issuer_der: bytes) -> list[bytes]:
    """What those whom a certificate names for it say of it: OCSPResponse, DER. Raises
    Unavailable."""
    certificate = certificates.load_der_x509_certificate(certificate_der)
    issuer = certificates.load_der_x509_certificate(issuer_der)
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303 - names, protects nothing (RFC 5019, 2.1.1)
    request = builder.build().public_bytes(Encoding.DER)
    return [
        _fetch(url, request, {"Content-Type": "application/ocsp-request"})
        for url in _ocsp_urls(certificate)
    ]


def _ocsp_urls(certificate: certificates.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(
            certificates.AuthorityInformationAccess
        ).value
    except certificates.ExtensionNotFound:
        return []
    return [
        one.access_location.value
        for one in access
        if one.access_method == AuthorityInformationAccessOID.OCSP
        and one.access_location.value.startswith(_SCHEMES)
    ]


def _fetch_into(found: dict[str, bytes], point: Any) -> None:
    url = point.url
    if url is not None and url.startswith(_SCHEMES) and url not in found:
        found[url] = _fetch(url)


def _freshest(der: bytes) -> Iterator[Any]:
    for extension in crl.CertificateList.load(der)["tbs_cert_list"]["crl_extensions"] or ():
        if extension["extn_id"].native == _FRESHEST_CRL:
            yield from extension["extn_value"].parsed


def _fetch(
    url: str, body: bytes | None = None, headers: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310 - scheme checked
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - scheme checked
                content: bytes = answer.read(_LARGEST)
        except OSError as error:
            wait_s = _retry_after_s(error)
            if wait_s is None or time.monotonic() + wait_s > until:
                raise _unavailable(url, error) from error
            time.sleep(wait_s)
        else:
            return content


def _retry_after_s(error: OSError) -> float | None:
    """What the server says (RFC 9110, 10.2.3: seconds); None where it says nothing."""
    if not isinstance(error, urllib.error.HTTPError):
        return None
    error.close()
    if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
        return None
    said = error.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else None


def _unavailable(url: str, error: OSError) -> Unavailable:
    return Unavailable(
        ErrorDetail(
            message=f"{url} does not say whether the certificate is revoked: {error}",
            reason="REVOCATION_INFO_UNAVAILABLE",
            advice=Unavailable.advice_of_family,
        )
    )
