"""Whether certificates form a chain and match the keys that are held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.core.error import WrongState
from signerd.pki.distinguished_name import display_name, read_name, tbs_of

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A certificate (DER) and the public key (SubjectPublicKeyInfo, DER) it has to hold; None when
    no key is at hand to compare."""

    certificate: bytes
    spki: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    certificate: x509.Certificate
    title: str
    subject: bytes
    issuer: bytes
    spki: bytes


def find_chain_problems(links: Sequence[ChainLink], now_utc: datetime) -> tuple[str, ...]:
    """What keeps the certificates, leaf first, self-signed root last, from being a valid chain now.

    One line a problem, for people; empty when there is none.
    """
    if not links:
        return ("the chain is empty",)
    try:
        read = [_read(link.certificate) for link in links]
    except ValueError as error:
        return (f"a certificate of the chain cannot be read: {error}",)
    problems: list[str] = []
    for one, link in zip(read, links, strict=True):
        problems.extend(_own_problems(one, link.spki, now_utc))
    for cas_below, (one, above) in enumerate(pairwise(read)):
        problems.extend(_issuer_problems(one, above, cas_below))
    problems.extend(_issuer_problems(read[-1], read[-1], 0))
    return tuple(problems)


def require_chain(links: Sequence[ChainLink], now_utc: datetime) -> None:
    """Raises WrongState (CHAIN_INVALID) with every problem."""
    problems = find_chain_problems(links, now_utc)
    if problems:
        raise WrongState("; ".join(problems), reason="CHAIN_INVALID")


def _read(certificate_der: bytes) -> _Read:
    certificate = x509.load_der_x509_certificate(certificate_der)
    tbs = tbs_of(certificate_der)
    return _Read(
        certificate=certificate,
        title=display_name(read_name(tbs.subject)),
        subject=b"".join(asn1.encode_der(one) for rdn in tbs.subject for one in rdn.as_list()),
        issuer=b"".join(asn1.encode_der(one) for rdn in tbs.issuer for one in rdn.as_list()),
        spki=certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


def _own_problems(one: _Read, spki: bytes | None, now_utc: datetime) -> list[str]:
    problems = []
    certificate = one.certificate
    if now_utc < certificate.not_valid_before_utc:
        start = certificate.not_valid_before_utc
        problems.append(
            f"{one.title}: not valid before {start:%Y-%m-%dT%H:%M:%SZ}; check the clock"
        )
    if now_utc > certificate.not_valid_after_utc:
        end = certificate.not_valid_after_utc
        problems.append(f"{one.title}: expired at {end:{_TIME}}; renew it")
    if spki is not None and spki != one.spki:
        problems.append(f"{one.title}: is for another key than the one on the token")
    return problems


def _issuer_problems(one: _Read, above: _Read, cas_below: int) -> list[str]:
    if one.issuer != above.subject:
        kind = "is not self-signed" if one is above else f"was not issued by {above.title}"
        return [f"{one.title}: {kind}"]
    problems = []
    try:
        one.certificate.verify_directly_issued_by(above.certificate)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        problems.append(f"{one.title}: its signature is not by the key of {above.title}")
    try:
        if not _may_issue(above.certificate, cas_below):
            problems.append(f"{above.title}: may not issue {one.title}")
    except (ValueError, x509.DuplicateExtension):
        problems.append(f"{above.title}: its extensions cannot be read")
    return problems


def _may_issue(issuer: x509.Certificate, cas_below: int) -> bool:
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    length = constraints.path_length
    return constraints.ca and usage.key_cert_sign and (length is None or length >= cas_below)
