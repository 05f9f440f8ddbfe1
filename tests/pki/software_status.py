"""What an authority says of its certificates: CRLs, and OCSP responses of a delegated signer."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.record import RevokedEntry
from signerd.pki.crl import prepare_crl
from signerd.pki.issuer import IssuerInfo
from signerd.pki.ocsp import (
    OcspQuery,
    OcspResponder,
    OcspRevoked,
    OcspStatus,
    prepare_ocsp_response,
)
from signerd.pki.service_certificate import prepare_ocsp_signer
from tests.pki.software_authority import NOW, SERIAL, Authority, authority_for
from tests.pki.software_token import sign, spki_for

DAY = timedelta(days=1)


def crl_of(
    authority: Authority,
    entries: Sequence[RevokedEntry] = (),
    *,
    number: int = 1,
    base_number: int | None = None,
    delta_uris: Sequence[str] = ("http://pki.example.com/delta.crl",),
) -> bytes:
    """A CRL of the issuing CA."""
    prepared = prepare_crl(
        authority.issuer,
        entries,
        number=number,
        base_number=base_number,
        this_update_utc=NOW,
        next_update_utc=NOW + DAY,
        delta_uris=delta_uris if base_number is None else (),
    )
    return prepared.assemble(sign(authority.algorithm, prepared.message, "issuing"))


def root_crl_of(authority: Authority) -> bytes:
    """The root's CRL, which lists nothing."""
    prepared = prepare_crl(
        IssuerInfo(authority.root, authority.algorithm),
        (),
        number=1,
        base_number=None,
        this_update_utc=NOW,
        next_update_utc=NOW + DAY,
    )
    return prepared.assemble(sign(authority.algorithm, prepared.message, "root"))


@cache
def responder_for(algorithm: KeyAlgorithm) -> OcspResponder:
    """The delegated OCSP signer of the CA with this algorithm, its own key of the same."""
    authority = authority_for(algorithm)
    prepared = prepare_ocsp_signer(
        authority.issuer,
        algorithm,
        spki=spki_for(algorithm, "ocsp"),
        serial=SERIAL + 1000,
        now_utc=NOW,
        days=30,
        name="OCSP signer",
    )
    return OcspResponder(authority.certify(prepared), algorithm)


def ocsp_response(
    authority: Authority, query: OcspQuery, status: OcspStatus | OcspRevoked
) -> bytes:
    """The signed answer to a query."""
    prepared = prepare_ocsp_response(
        responder_for(authority.algorithm),
        authority.issuer,
        query,
        status,
        this_update_utc=NOW,
        next_update_utc=NOW + DAY,
    )
    return prepared.assemble(sign(authority.algorithm, prepared.message, "ocsp"))
