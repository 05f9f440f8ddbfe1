"""Whether the signatures in a SignedData are of its content (RFC 5652, 5.4 and 5.6).

Of what the signers' certificates are worth nothing is said here.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from asn1crypto import cms, core
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from signerd.core.algorithm import SPECS, Hash, KeyAlgorithm, KeyType, Padding
from signerd.pki.cms import DATA, CmsContent, poses_as_attributes
from signerd.pki.cms_read import (
    SignedData,
    attached_content,
    content_type,
    malformed,
    readable,
    signed_attributes,
)
from signerd.pki.key import PublicKey, UnusableKeyError, describe_key, require_usable
from signerd.pki.scheme import hash_algorithm
from signerd.pki.signature import digest

_HASHES: Final = frozenset(Hash)
_PADDINGS: Final = {"rsassa_pkcs1v15": Padding.PKCS1, "rsassa_pss": Padding.PSS}
_PADDING_NAMES: Final = {Padding.PKCS1: "PKCS#1", Padding.PSS: "PSS"}


class CmsFault(StrEnum):
    """In what way a signature does not hold."""

    CONTENT_MISSING = "CONTENT_MISSING"
    CONTENT_CHANGED = "CONTENT_CHANGED"
    CERTIFICATE_MISSING = "CERTIFICATE_MISSING"
    CERTIFICATE_MISMATCH = "CERTIFICATE_MISMATCH"
    ATTRIBUTES_INVALID = "ATTRIBUTES_INVALID"
    ALGORITHM_NOT_ACCEPTED = "ALGORITHM_NOT_ACCEPTED"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"


@dataclass(frozen=True, slots=True)
class CmsProblem:
    """One reason, for programs and for people."""

    fault: CmsFault
    text: str


class _Broken(Exception):
    def __init__(self, fault: CmsFault, text: str) -> None:
        super().__init__(text)
        self.problem = CmsProblem(fault, text)


@dataclass(frozen=True, slots=True)
class SignatureScheme:
    """How a signature was made. hash: of the content; padding: RSA only. algorithm: the domain's
    name where keys here sign so, otherwise None. title: for people."""

    hash: Hash
    padding: Padding | None
    salt_length: int
    algorithm: KeyAlgorithm | None
    title: str


@dataclass(frozen=True, slots=True)
class CheckedSigner:
    """One signer of a SignedData.

    problem: why the signature is not that of the certificate's key over the content; None when it
    is. certificate: DER, None where the message has none. signing_time_utc: as the signer claims.
    time_stamp: TimeStampToken (ContentInfo, DER) over signature.
    """

    problem: CmsProblem | None
    certificate: bytes | None
    scheme: SignatureScheme | None
    signing_time_utc: datetime | None
    has_signing_certificate: bool
    signature: bytes = field(repr=False)
    time_stamp: bytes | None = field(repr=False)


def check_signers(signed_data: SignedData, given: CmsContent | None) -> list[CheckedSigner]:
    """Every signer, in the order of the message. given: the content of a detached signature; for
    an attached one it has to be the same. Raises InvalidRequest (CMS_MALFORMED)."""
    with readable():
        attached = attached_content(signed_data)
        content = given if attached is None else CmsContent(attached)
        is_other = attached is not None and given is not None and not _is_same(given, attached)
        return [
            _Check(signed_data, signer, content, is_other=is_other).run()
            for signer in signed_data["signer_infos"]
        ]


class _Check:
    """One signer while it is looked at."""

    def __init__(
        self,
        signed_data: SignedData,
        signer: cms.SignerInfo,
        content: CmsContent | None,
        *,
        is_other: bool,
    ) -> None:
        self._signed_data = signed_data
        self._signer = signer
        self._content = content
        self._is_other = is_other
        # Before they are looked into: asn1crypto may encode anew what was read.
        self._attributes_der = _signed_attributes_der(signer)
        self._attributes = signed_attributes(signer)
        self._certificate = _find_certificate(signed_data, signer)
        self._scheme: SignatureScheme | None = None

    def run(self) -> CheckedSigner:
        """What was found."""
        problem = None
        try:
            self._judge()
        except _Broken as broken:
            problem = broken.problem
        attributes = self._attributes or {}
        return CheckedSigner(
            problem=problem,
            certificate=self._certificate,
            scheme=self._scheme,
            signing_time_utc=_signing_time(attributes),
            has_signing_certificate=bool(
                {"signing_certificate", "signing_certificate_v2"} & set(attributes)
            ),
            signature=self._signer["signature"].native,
            time_stamp=_time_stamp(self._signer),
        )

    def _judge(self) -> None:
        if self._certificate is None:
            raise _Broken(
                CmsFault.CERTIFICATE_MISSING,
                "the message has no certificate of this signer; have the signer send one along",
            )
        key = _public_key(self._certificate)
        scheme = self._scheme = _scheme_of(self._signer, key)
        self._require_content(scheme)
        if self._attributes is not None:
            _check_certificate_named(self._attributes, self._certificate)
            _verify(key, scheme, self._signer, self._attributes_der)
        elif self._content is not None and self._content.data is not None:
            _verify(key, scheme, self._signer, self._content.data)
        else:
            _verify(key, scheme, self._signer, None, self._content_digest(scheme))

    def _require_content(self, scheme: SignatureScheme) -> None:
        if self._content is None:
            raise _Broken(
                CmsFault.CONTENT_MISSING,
                "the signature is detached and its content was not sent; send data or digest",
            )
        if self._is_other:
            raise _Broken(
                CmsFault.CONTENT_CHANGED, "the message has another content in it than was sent"
            )
        kind = content_type(self._signed_data)
        if self._attributes is None:
            if kind != DATA:
                raise _Broken(
                    CmsFault.ATTRIBUTES_INVALID,
                    "a signature over something else than data has no signed attributes",
                )
            if poses_as_attributes(self._content.data or b""):
                raise _Broken(
                    CmsFault.ATTRIBUTES_INVALID,
                    "the content is a set of signed attributes: a signature over another content "
                    "was made to look like one over these",
                )
            return
        if _single(self._attributes, "content_type").native != kind:
            raise _Broken(
                CmsFault.ATTRIBUTES_INVALID, "the signed content type is not that of the content"
            )
        if _single(self._attributes, "message_digest").native != self._content_digest(scheme):
            raise _Broken(CmsFault.CONTENT_CHANGED, "the content is not the one that was signed")

    def _content_digest(self, scheme: SignatureScheme) -> bytes:
        content = self._content
        if content is None:
            raise ValueError("content is required before its digest")
        if content.data is None and content.digest_hash is not scheme.hash:
            raise _Broken(
                CmsFault.CONTENT_MISSING,
                f"this signer needs the {scheme.hash.value} digest of the content; send that one, "
                "or the content itself",
            )
        return content.digest_under(scheme.hash)


def _signed_attributes_der(signer: cms.SignerInfo) -> bytes:
    """As they were signed: a SET OF, not the [0] that it is in the message; empty without any."""
    attributes = signer["signed_attrs"]
    if isinstance(attributes, core.Void):
        return b""
    der: bytes = attributes.untag().dump()
    return der


def _is_same(given: CmsContent, attached: bytes) -> bool:
    if given.data is not None:
        return given.data == attached
    return given.digest_hash is not None and given.digest == digest(given.digest_hash, attached)


def _find_certificate(signed_data: SignedData, signer: cms.SignerInfo) -> bytes | None:
    sid = signer["sid"]
    for choice in signed_data["certificates"] or ():
        if choice.name != "certificate":
            continue
        certificate = choice.chosen
        if sid.name == "issuer_and_serial_number":
            wanted = sid.chosen
            is_it = (
                certificate.serial_number == wanted["serial_number"].native
                and certificate.issuer.dump() == wanted["issuer"].dump()
            )
        else:
            is_it = certificate.key_identifier == sid.chosen.native
        if is_it:
            der: bytes = certificate.dump()
            return der
    return None


def _public_key(certificate: bytes) -> PublicKey:
    try:
        return require_usable(x509.load_der_x509_certificate(certificate).public_key())
    except UnusableKeyError as error:
        raise _Broken(CmsFault.ALGORITHM_NOT_ACCEPTED, f"the signer's key: {error}") from error
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise _Broken(
            CmsFault.CERTIFICATE_MISSING, "the signer's certificate cannot be read"
        ) from error


def _scheme_of(signer: cms.SignerInfo, key: PublicKey) -> SignatureScheme:
    name = signer["digest_algorithm"]["algorithm"].native
    if name not in _HASHES:
        raise _not_accepted(f"digests of {name} are not accepted")
    hash_ = Hash(name)
    identifier = signer["signature_algorithm"]
    try:
        kind = identifier.signature_algo
        named_hash = None if kind == "ed25519" else _named_hash(identifier, kind)
    except ValueError as error:
        raise _not_accepted("the signature algorithm is not known") from error
    if named_hash not in {None, name}:
        raise _not_accepted(f"the signature is over {named_hash}, its digest is {name}")
    return _fitting(key, kind, hash_, _salt_length(identifier, kind, hash_))


def _named_hash(identifier: Any, kind: str) -> str | None:
    """The hash that the identifier itself names; rsaEncryption names none."""
    if identifier["algorithm"].native == "rsassa_pkcs1v15" and kind == "rsassa_pkcs1v15":
        return None
    named: str = identifier.hash_algo
    return named


def _salt_length(identifier: Any, kind: str, hash_: Hash) -> int:
    if kind != "rsassa_pss":
        return 0
    parameters = identifier["parameters"]
    masked = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    if masked != hash_.value:
        raise _not_accepted("the mask of the PSS signature is made with another hash")
    length: int = parameters["salt_length"].native
    return length


def _fitting(key: PublicKey, kind: str, hash_: Hash, salt_length: int) -> SignatureScheme:
    shown = describe_key(key)
    match key:
        case rsa.RSAPublicKey() if kind in _PADDINGS:
            chosen = _PADDINGS[kind]
            title = f"{shown} {_PADDING_NAMES[chosen]} {hash_.name}"
            found = _domain_algorithm(KeyType.RSA, key.key_size, chosen, hash_)
            return SignatureScheme(hash_, chosen, salt_length, found, title)
        case ec.EllipticCurvePublicKey() if kind == "ecdsa":
            found = _domain_algorithm(KeyType.EC, key.curve.key_size, None, hash_)
            return SignatureScheme(hash_, None, 0, found, f"{shown} {hash_.name}")
        case ed25519.Ed25519PublicKey() if kind == "ed25519":
            return SignatureScheme(hash_, None, 0, KeyAlgorithm.ED25519, shown)
        case _:
            raise _Broken(
                CmsFault.SIGNATURE_INVALID,
                f"the signature is said to be {kind}, and the key is {shown}",
            )


def _domain_algorithm(
    key_type: KeyType, bits: int, chosen: Padding | None, hash_: Hash
) -> KeyAlgorithm | None:
    for algorithm, spec in SPECS.items():
        if (spec.key_type, spec.bits, spec.padding, spec.hash) == (key_type, bits, chosen, hash_):
            return algorithm
    return None


def _verify(
    key: PublicKey,
    scheme: SignatureScheme,
    signer: cms.SignerInfo,
    signed: bytes | None,
    digest_: bytes = b"",
) -> None:
    """signed: what was signed; None where only its digest is known."""
    signature: bytes = signer["signature"].native
    hashed = digest_ if signed is None else digest(scheme.hash, signed)
    hash_ = hash_algorithm(scheme.hash)
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(signature, hashed, _rsa_padding(scheme), Prehashed(hash_))
            case ec.EllipticCurvePublicKey():
                key.verify(signature, hashed, ec.ECDSA(Prehashed(hash_)))
            case _:
                if signed is None:
                    raise _Broken(
                        CmsFault.CONTENT_MISSING,
                        "an Ed25519 signature without signed attributes needs the content itself",
                    )
                key.verify(signature, signed)
    # OverflowError: a salt longer than any number of the library.
    except (InvalidSignature, ValueError, OverflowError) as error:
        raise _Broken(
            CmsFault.SIGNATURE_INVALID,
            "the signature is not that of the certificate's key over these attributes and this "
            "content",
        ) from error


def _rsa_padding(scheme: SignatureScheme) -> padding.PKCS1v15 | padding.PSS:
    if scheme.padding is Padding.PKCS1:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(hash_algorithm(scheme.hash)), scheme.salt_length)


def _check_certificate_named(attributes: dict[str, Any], certificate: bytes) -> None:
    """RFC 5035, 4: the first one named is the signer's; so in RFC 2634, 5.4, by SHA-1."""
    if "signing_certificate" in attributes:
        named = _single(attributes, "signing_certificate")["certs"][0]["cert_hash"].native
        if named != hashlib.sha1(certificate, usedforsecurity=False).digest():
            raise _other_certificate()
    values = attributes.get("signing_certificate_v2")
    if values is None:
        return
    first = _single(attributes, "signing_certificate_v2")["certs"][0]
    name = first["hash_algorithm"]["algorithm"].native
    if name not in _HASHES:
        raise _not_accepted(f"the signer's certificate is named by a digest of {name}")
    if first["cert_hash"].native != digest(Hash(name), certificate):
        raise _other_certificate()


def _other_certificate() -> _Broken:
    return _Broken(
        CmsFault.CERTIFICATE_MISMATCH,
        "the signature names another certificate than the one in the message",
    )


def _single(attributes: dict[str, Any], kind: str) -> Any:
    """The one value of an attribute."""
    values = attributes.get(kind)
    if values is None or len(values) != 1:
        raise _Broken(
            CmsFault.ATTRIBUTES_INVALID,
            f"the signed attribute {kind.replace('_', ' ')} is missing or has not one value",
        )
    return values[0]


def _signing_time(attributes: dict[str, Any]) -> datetime | None:
    values = attributes.get("signing_time")
    if values is None or len(values) != 1:
        return None
    time = values[0].native
    return time.astimezone(UTC) if isinstance(time, datetime) else None


def _time_stamp(signer: cms.SignerInfo) -> bytes | None:
    for attribute in signer["unsigned_attrs"] or ():
        if attribute["type"].native == "signature_time_stamp_token":
            if len(attribute["values"]) != 1:
                raise malformed("has a time stamp attribute without exactly one value", "cms")
            der: bytes = attribute["values"][0].dump()
            return der
    return None


def _not_accepted(text: str) -> _Broken:
    return _Broken(CmsFault.ALGORITHM_NOT_ACCEPTED, text)
