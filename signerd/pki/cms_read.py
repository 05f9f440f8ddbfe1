"""Reading CMS SignedData of others (RFC 5652, 5), also in the plain PKCS#7 form.

What is read here came from anybody: every way in which it can be wrong is an InvalidRequest.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from asn1crypto import cms, core
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import InvalidVersion

from signerd.core.algorithm import Hash
from signerd.core.error import InvalidRequest
from signerd.pki.cms import CmsContent, add_signers

_PEM: Final = re.compile(rb"-----BEGIN (?:CMS|PKCS7)-----\s+([A-Za-z0-9+/=\s]+?)-----END ")
# Nobody signs with so many; each costs a verification.
MOST_SIGNER_INFOS: Final = 64
_HASHES: Final = frozenset(Hash)

SignedData: TypeAlias = Any
"""asn1crypto.cms.SignedData, read whole, so that nothing in it raises later."""


def read_signed_data(encoded: bytes, *, field: str = "cms") -> SignedData:
    """The SignedData of a ContentInfo, DER or BER, or PEM (RFC 7468, 8 and 9).

    Raises InvalidRequest (CMS_MALFORMED).
    """
    found = _PEM.search(encoded)
    with readable(field):
        der = base64.b64decode(found[1]) if found else encoded
        info = cms.ContentInfo.load(der, strict=True)
        if info["content_type"].native != "signed_data":
            raise malformed("is no SignedData", field)
        signed_data = info["content"]
        # Parsed lazily otherwise.
        _touch(signed_data)
    if len(signed_data["signer_infos"]) > MOST_SIGNER_INFOS:
        raise malformed(f"has more than {MOST_SIGNER_INFOS} signers", field)
    return signed_data


@contextmanager
def readable(field: str = "cms") -> Iterator[None]:
    """Whatever parsers raise over what somebody sent is the sender's fault: InvalidRequest
    (CMS_MALFORMED)."""
    try:
        yield
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
        InvalidVersion,
        UnsupportedAlgorithm,
    ) as error:
        raise malformed("cannot be read as ContentInfo with SignedData", field) from error


def attached_content(signed_data: SignedData) -> bytes | None:
    """The content; None for a detached signature."""
    content = signed_data["encap_content_info"]["content"]
    if isinstance(content, (core.Void, core.Null)):
        return None
    if isinstance(content, (core.OctetString, core.ParsableOctetString)):
        return bytes(content)
    # PKCS#7 (RFC 2315, 9.3): what is signed is the content of the value, without tag and length.
    inner: bytes = content.contents
    return inner


def content_type(signed_data: SignedData) -> str:
    """As asn1crypto names it, otherwise the dotted form."""
    native: str = signed_data["encap_content_info"]["content_type"].native
    return native


def require_same_content(
    signed_data: SignedData, given: CmsContent | None, *, is_detached: bool
) -> CmsContent:
    """The content for another signer of a SignedData.

    Raises InvalidRequest (CONTENT_MISMATCH, CONTENT_MISSING, DETACHED_MISMATCH, CMS_MALFORMED).
    """
    with readable():
        # What cannot be put together again is found before anything is signed for it.
        add_signers(signed_data, [])
    if content_type(signed_data) != "data":
        raise malformed("is over something else than data, to which no signer is added", "cms")
    attached = attached_content(signed_data)
    if is_detached is (attached is not None):
        has = "has its content attached" if attached is not None else "has no content attached"
        raise InvalidRequest(
            f"the SignedData {has}: set detached accordingly",
            reason="DETACHED_MISMATCH",
            field="detached",
        )
    if attached is None:
        if given is None:
            raise InvalidRequest(
                "the SignedData is detached: send its content as data, or the digest",
                reason="CONTENT_MISSING",
                field="data",
            )
        return _require_digested(signed_data, given)
    known = CmsContent(attached)
    if given is not None and not _is_same(given, known):
        raise _mismatch()
    return known


def signed_attributes(signer: cms.SignerInfo) -> dict[str, Any] | None:
    """Values of the signed attributes by type; None in the plain form. Raises InvalidRequest for
    one that is there twice or has not exactly one value (RFC 5652, 5.3 and 11)."""
    attributes = signer["signed_attrs"]
    if isinstance(attributes, core.Void) or not len(attributes):
        return None
    found: dict[str, Any] = {}
    for attribute in attributes:
        kind = attribute["type"].native
        if kind in found:
            raise malformed(f"has the signed attribute {kind} twice", "cms")
        found[kind] = attribute["values"]
    return found


def malformed(what: str, field: str) -> InvalidRequest:
    """The refusal of something that is no SignedData as it should be."""
    return InvalidRequest(
        f"{field}: the message {what}; send a CMS SignedData (RFC 5652) in DER",
        reason="CMS_MALFORMED",
        field=field,
    )


def _touch(signed_data: SignedData) -> None:
    """Parse everything that is looked at later."""
    for algorithm in signed_data["digest_algorithms"]:
        algorithm["algorithm"].native  # noqa: B018 - parsing is the purpose
    attached_content(signed_data)
    for choice in signed_data["certificates"] or ():
        if choice.name == "certificate":
            choice.chosen.serial_number  # noqa: B018 - parsing is the purpose
    for signer in signed_data["signer_infos"]:
        signer["signature_algorithm"].native  # noqa: B018 - parsing is the purpose
        signer["digest_algorithm"].native  # noqa: B018 - parsing is the purpose
        signer["sid"].chosen.native  # noqa: B018 - parsing is the purpose
        signer["signature"].native  # noqa: B018 - parsing is the purpose
        # Not the values of attributes: asn1crypto encodes anew, slowly, what was read so.
        for part in ("signed_attrs", "unsigned_attrs"):
            for attribute in signer[part] or ():
                attribute["type"].native  # noqa: B018 - parsing is the purpose


def _require_digested(signed_data: SignedData, given: CmsContent) -> CmsContent:
    """As far as the message digests of those who signed it show."""
    for signer in signed_data["signer_infos"]:
        name = signer["digest_algorithm"]["algorithm"].native
        with readable():
            attributes = signed_attributes(signer) or {}
            values = attributes.get("message_digest")
            known = None if values is None else values[0].native
        if known is None or name not in _HASHES:
            continue
        is_known = given.data is not None or given.digest_hash == name
        if is_known and given.digest_under(Hash(name)) != known:
            raise _mismatch()
    return given


def _is_same(given: CmsContent, known: CmsContent) -> bool:
    if given.data is not None:
        return given.data == known.data
    return given.digest_hash is not None and given.digest == known.digest_under(given.digest_hash)


def _mismatch() -> InvalidRequest:
    return InvalidRequest(
        "the SignedData is over another content than the one sent: sign the same one",
        reason="CONTENT_MISMATCH",
        field="content",
    )
