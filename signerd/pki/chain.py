"""Whether certificates form a chain and match the keys that are held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
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


class ChainFault(Enum):
    """In what way a chain is not valid. BROKEN: not by time, so at no time."""

    TOO_EARLY = auto()
    TOO_LATE = auto()
    BROKEN = auto()


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """What is wrong with a certificate of a chain. place: 0 for the leaf. text: for people;
    advice: to those whose chain it is."""

    fault: ChainFault
    place: int
    text: str
    advice: str = ""


def examine_chain(links: Sequence[ChainLink], moment_utc: datetime) -> tuple[ChainProblem, ...]:
    """What keeps the certificates, leaf first, self-signed root last, from being a valid chain at
    a moment; empty when nothing does."""
    if not links:
        return (ChainProblem(ChainFault.BROKEN, 0, "the chain is empty"),)
    try:
        read = [_read(link.certificate) for link in links]
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        text = f"a certificate of the chain cannot be read: {error}"
        return (ChainProblem(ChainFault.BROKEN, 0, text),)
    problems: list[ChainProblem] = []
    for place, (one, link) in enumerate(zip(read, links, strict=True)):
        problems.extend(_own_problems(one, link.spki, moment_utc, place))
    for place, (one, above) in enumerate(pairwise(read)):
        problems.extend(_broken(_issuer_problems(one, above, place), place))
    problems.extend(_broken(_issuer_problems(read[-1], read[-1], 0), len(read) - 1))
    return tuple(problems)


def find_chain_problems(links: Sequence[ChainLink], now_utc: datetime) -> tuple[str, ...]:
    """The same now, one line a problem, with advice."""
    return tuple(
        f"{problem.text}; {problem.advice}" if problem.advice else problem.text
        for problem in examine_chain(links, now_utc)
    )


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


def _own_problems(
    one: _Read, spki: bytes | None, moment_utc: datetime, place: int
) -> Iterator[ChainProblem]:
    start, end = one.certificate.not_valid_before_utc, one.certificate.not_valid_after_utc
    if moment_utc < start:
        text = f"{one.title}: not valid before {start:{_TIME}}"
        yield ChainProblem(ChainFault.TOO_EARLY, place, text, "check the clock")
    if moment_utc > end:
        text = f"{one.title}: expired at {end:{_TIME}}"
        yield ChainProblem(ChainFault.TOO_LATE, place, text, "renew it")
    if spki is not None and spki != one.spki:
        text = f"{one.title}: is for another key than the one on the token"
        yield ChainProblem(ChainFault.BROKEN, place, text)


def _broken(texts: Sequence[str], place: int) -> Iterator[ChainProblem]:
    return (ChainProblem(ChainFault.BROKEN, place, text) for text in texts)


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
