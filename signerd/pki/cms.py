"""CMS SignedData (RFC 5652, 5) and its plain PKCS#7 form (RFC 2315, 9), without a private key.

A signer is prepared, what it has to sign is signed elsewhere, and what comes back is verified
before it is put together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp, x509

from signerd.core.algorithm import Hash, KeyAlgorithm, spec_of
from signerd.core.error import Internal, InvalidRequest
from signerd.pki.cms_algorithm import content_hash, digest_identifier, signature_identifier
from signerd.pki.signature import digest, verify_signature

DATA: Final = "data"
_SET_TAG: Final = b"\x31"
# RFC 5652, 11.3: UTCTime until then, GeneralizedTime from then on.
_FIRST_GENERALIZED_YEAR: Final = 2050


@dataclass(frozen=True, slots=True)
class CmsContent:
    """What is signed: the content itself, or for a detached signature its digest. content_type:
    as asn1crypto names it."""

    data: bytes | None
    digest: bytes = b""
    digest_hash: Hash | None = None
    content_type: str = DATA

    def digest_under(self, hash_: Hash) -> bytes:
        """The content's digest. Raises InvalidRequest (DIGEST_MISMATCH, DIGEST_LENGTH)."""
        if self.data is not None:
            return digest(hash_, self.data)
        if self.digest_hash is not hash_:
            given = self.digest_hash.value if self.digest_hash else "no"
            raise InvalidRequest(
                f"this key needs the {hash_.value} digest of the content, and the request has "
                f"{given} digest: send that one, or the content itself",
                reason="DIGEST_MISMATCH",
                field="digest",
            )
        if len(self.digest) != hash_.digest_size:
            raise InvalidRequest(
                f"a {hash_.value} digest has {hash_.digest_size} bytes, "
                f"this one has {len(self.digest)}",
                reason="DIGEST_LENGTH",
                field="digest",
            )
        return self.digest


@dataclass(frozen=True, slots=True)
class CmsSigner:
    """Who signs. certificate: DER; chain: certificates above it (DER), to go along; algorithm,
    spki (DER): of its key."""

    certificate: bytes
    algorithm: KeyAlgorithm
    spki: bytes
    chain: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PreparedSignerInfo:
    """A SignerInfo without its signature. attributes: SignedAttributes as they are signed, DER
    SET OF (RFC 5652, 5.4); None in the plain form. message: what the token signs, the digest, for
    Ed25519 the attributes themselves."""

    signer: CmsSigner
    content_hash: Hash
    attributes: bytes | None
    message: bytes
    message_hash: Hash | None = field(default=None)

    def assemble(self, signature: bytes) -> "SignedInfo":
        """With its signature, which is verified. Raises Internal (SIGNATURE_WRONG)."""
        signer = self.signer
        checked = verify_signature(signer.spki, signer.algorithm, self.message, signature)
        if not checked.is_valid:
            raise Internal(
                f"the signature for a SignedData is wrong: {checked.explanation}",
                reason="SIGNATURE_WRONG",
            )
        return SignedInfo(self, signature)


@dataclass(frozen=True, slots=True)
class SignedInfo:
    """A verified signature of one signer. time_stamp: TimeStampToken (ContentInfo, DER) over the
    signature, as RFC 3161, appendix A, has it."""

    prepared: PreparedSignerInfo
    signature: bytes
    time_stamp: bytes | None = None


def prepare_signer(
    signer: CmsSigner, content: CmsContent, *, signing_time_utc: datetime | None
) -> PreparedSignerInfo:
    """With signed attributes: content type, message digest, signing certificate (RFC 5035), and
    the signing time, unless that is None, as in time stamps. Raises InvalidRequest."""
    hash_ = content_hash(signer.algorithm)
    attributes = _signed_attributes(
        content.content_type,
        content.digest_under(hash_),
        x509.Certificate.load(signer.certificate),
        digest(Hash.SHA256, signer.certificate),
        signing_time_utc,
    ).dump()
    key_hash = spec_of(signer.algorithm).hash
    message = attributes if key_hash is None else digest(key_hash, attributes)
    return PreparedSignerInfo(signer, hash_, attributes, message, key_hash)


def prepare_plain_signer(signer: CmsSigner, content: CmsContent) -> PreparedSignerInfo:
    """Without signed attributes: the signature is over the content's own digest. Raises
    InvalidRequest (also FORM_UNSUPPORTED for Ed25519, which PKCS#7 does not know, and
    CONTENT_AMBIGUOUS)."""
    hash_ = spec_of(signer.algorithm).hash
    if hash_ is None:
        raise InvalidRequest(
            "PKCS#7 knows no Ed25519: sign in the CMS form, or with an RSA or ECDSA key",
            reason="FORM_UNSUPPORTED",
            field="form",
        )
    if content.data is not None and poses_as_attributes(content.data):
        raise InvalidRequest(
            "the content is itself a set of signed attributes, so its plain signature would also "
            "be one over another content: sign it in the CMS form",
            reason="CONTENT_AMBIGUOUS",
            field="data",
        )
    return PreparedSignerInfo(signer, hash_, None, content.digest_under(hash_), hash_)


def poses_as_attributes(content: bytes) -> bool:
    """Whether content is what a signature with signed attributes is made over (RFC 5652, 5.4). The
    signature of one form then is a signature of the other, over a content that nobody signed."""
    if not content.startswith(_SET_TAG):
        return False
    try:
        kinds = {one["type"].native for one in cms.CMSAttributes.load(content, strict=True)}
    except (ValueError, TypeError, KeyError):
        return False
    return "message_digest" in kinds


def build_signed_data(
    content: CmsContent,
    signers: Sequence[SignedInfo],
    *,
    is_detached: bool,
    certificates: Sequence[bytes] | None = None,
) -> bytes:
    """ContentInfo with SignedData, DER. certificates (DER): those that go along; None: all of the
    signers with their chains."""
    if content.data is None and not is_detached:
        raise ValueError("only the digest is known of what is to be attached")
    version = "v1" if content.content_type == DATA else "v3"
    if certificates is None:
        certificates = _all_certificates(signers)
    return _wrap(
        cms.SignedData(
            {
                "version": version,
                "digest_algorithms": _digest_algorithms(signers),
                "encap_content_info": _encapsulated(content, is_detached=is_detached),
                "certificates": [_choice(der) for der in certificates] or None,
                "signer_infos": [_signer_info(one) for one in signers],
            }
        )
    )


def add_signers(existing: cms.SignedData, signers: Sequence[SignedInfo]) -> bytes:
    """ContentInfo (DER) with the SignedData and more signers; those that were there stay byte for
    byte."""
    present = {choice.chosen.dump() for choice in existing["certificates"] or ()}
    certificates = [cms.CertificateChoices.load(c.dump()) for c in existing["certificates"] or ()]
    certificates += [_choice(der) for der in _all_certificates(signers) if der not in present]
    hashes = {one["algorithm"].native for one in existing["digest_algorithms"]}
    algorithms = [one.copy() for one in existing["digest_algorithms"]]
    algorithms += [
        one for one in _digest_algorithms(signers) if one["algorithm"].native not in hashes
    ]
    fields: dict[str, object] = {
        "version": existing["version"].native,
        "digest_algorithms": algorithms,
        "encap_content_info": existing["encap_content_info"].copy(),
        "certificates": certificates or None,
        "signer_infos": [
            *(one.copy() for one in existing["signer_infos"]),
            *(_signer_info(one) for one in signers),
        ],
    }
    if existing["crls"]:
        fields["crls"] = existing["crls"].copy()
    return _wrap(cms.SignedData(fields))


def _signed_attributes(
    content_type: str,
    message_digest: bytes,
    certificate: x509.Certificate,
    certificate_hash: bytes,
    signing_time_utc: datetime | None,
) -> cms.CMSAttributes:
    attributes = [
        _attribute("content_type", content_type),
        _attribute("message_digest", message_digest),
        _attribute("signing_certificate_v2", _signing_certificate(certificate, certificate_hash)),
    ]
    if signing_time_utc is not None:
        attributes.append(_attribute("signing_time", _time(signing_time_utc)))
    return cms.CMSAttributes(attributes)


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return settled(cms.CMSAttribute({"type": kind, "values": (value,)}))


def _signing_certificate(
    certificate: x509.Certificate, certificate_hash: bytes
) -> tsp.SigningCertificateV2:
    """RFC 5035, 3: SHA-256, the default, is left out in DER."""
    issuer = x509.GeneralName(name="directory_name", value=certificate.issuer)
    named = settled(
        tsp.IssuerSerial({"issuer": [issuer], "serial_number": certificate.serial_number})
    )
    first = settled(tsp.ESSCertIDv2({"cert_hash": certificate_hash, "issuer_serial": named}))
    return settled(tsp.SigningCertificateV2({"certs": [first]}))


def _time(time_utc: datetime) -> cms.Time:
    whole = time_utc.replace(microsecond=0)
    if whole.year < _FIRST_GENERALIZED_YEAR:
        return cms.Time(name="utc_time", value=core.UTCTime(whole))
    return cms.Time(name="generalized_time", value=core.GeneralizedTime(whole))


def _signer_info(signed: SignedInfo) -> cms.SignerInfo:
    prepared = signed.prepared
    certificate = x509.Certificate.load(prepared.signer.certificate)
    fields: dict[str, object] = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            name="issuer_and_serial_number",
            value=cms.IssuerAndSerialNumber(
                {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
            ),
        ),
        "digest_algorithm": digest_identifier(prepared.content_hash),
        "signature_algorithm": signature_identifier(prepared.signer.algorithm),
        "signature": signed.signature,
    }
    if prepared.attributes is not None:
        fields["signed_attrs"] = cms.CMSAttributes.load(prepared.attributes)
    if signed.time_stamp is not None:
        token = cms.ContentInfo.load(signed.time_stamp)
        fields["unsigned_attrs"] = [_attribute("signature_time_stamp_token", token)]
    return settled(cms.SignerInfo(fields))


def _encapsulated(content: CmsContent, *, is_detached: bool) -> object:
    inner: dict[str, object] = {"content_type": content.content_type}
    if content.content_type == DATA:
        if not is_detached:
            inner["content"] = core.OctetString(content.data)
        return cms.ContentInfo(inner)
    if not is_detached:
        inner["content"] = core.ParsableOctetString(content.data)
    return cms.EncapsulatedContentInfo(inner)


def _digest_algorithms(signers: Sequence[SignedInfo]) -> list[algos.DigestAlgorithm]:
    return [
        digest_identifier(hash_)
        for hash_ in dict.fromkeys(one.prepared.content_hash for one in signers)
    ]


def _all_certificates(signers: Sequence[SignedInfo]) -> list[bytes]:
    found: dict[bytes, None] = {}
    for one in signers:
        found[one.prepared.signer.certificate] = None
    for one in signers:
        found.update(dict.fromkeys(one.prepared.signer.chain))
    return list(found)


def _choice(der: bytes) -> cms.CertificateChoices:
    return cms.CertificateChoices(name="certificate", value=x509.Certificate.load(der))


def settled(value: Any) -> Any:
    """The same value as if it had been read: asn1crypto encodes what was built anew for each level
    that is built around it, twice and more."""
    return type(value).load(value.dump())


def _wrap(signed_data: cms.SignedData) -> bytes:
    info = cms.ContentInfo({"content_type": "signed_data", "content": signed_data})
    der: bytes = info.dump()
    return der
