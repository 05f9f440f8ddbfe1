"""The verdict on signed documents, over values: every way in which one does not count."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp

from signerd.core.algorithm import Hash, KeyAlgorithm
from signerd.core.error import InvalidRequest
from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.standing import CertificateHistory
from signerd.pki import cms_verify
from signerd.pki.cms import (
    CmsContent,
    CmsSigner,
    PreparedSignerInfo,
    SignedInfo,
    build_signed_data,
    prepare_plain_signer,
    prepare_signer,
)
from signerd.pki.service_certificate import prepare_time_stamping
from signerd.pki.signature import digest
from signerd.pki.timestamp import TimeStampPlan, TimeStampQuery, prepare_time_stamp
from signerd.policy.algorithm import AlgorithmPolicy
from signerd.signing.standing import StandingJudge
from signerd.signing.verify_cms import CmsVerdict, TimeBasis, VerifyCms
from signerd.signing.verify_timestamp import VerifyTimestamp
from tests.pki.software_authority import NOW, SERIAL
from tests.pki.software_token import sign, spki_for
from tests.signing.test_standing import CA, DER, EC, HOUR, IN_FORCE, RECORD, Later, OneCertificate

_CONTENT = CmsContent(b"a transfer of 10,000 won")
_SIGNER = CmsSigner(DER, EC, spki_for(EC), (CA.issuing,))
_STAMPER_SPKI = spki_for(EC, "stamper")
_STAMPER = CmsSigner(
    CA.certify(
        prepare_time_stamping(
            CA.issuer,
            EC,
            spki=_STAMPER_SPKI,
            serial=SERIAL + 77,
            now_utc=NOW,
            days=2000,
            name="테스트 TSA",
        )
    ),
    EC,
    _STAMPER_SPKI,
    (CA.issuing,),
)
_PLAN = TimeStampPlan("1.2.3", 1_000_000)


def _stamp(signature: bytes, time_utc: datetime) -> bytes:
    query = TimeStampQuery(Hash.SHA256, digest(Hash.SHA256, signature))
    prepared = prepare_time_stamp(query, _STAMPER, _PLAN, serial=SERIAL, time_utc=time_utc)
    return prepared.assemble(sign(EC, prepared.signer.message, "stamper"))


def _signed(
    *,
    claimed_utc: datetime | None = NOW,
    stamped_utc: datetime | None = None,
    content: CmsContent = _CONTENT,
    signer: CmsSigner = _SIGNER,
) -> bytes:
    """claimed_utc: None for the plain form."""
    prepared = (
        prepare_plain_signer(signer, content)
        if claimed_utc is None
        else prepare_signer(signer, content, signing_time_utc=claimed_utc)
    )
    info = prepared.assemble(sign(signer.algorithm, prepared.message))
    if stamped_utc is not None:
        info = SignedInfo(prepared, info.signature, _stamp(info.signature, stamped_utc))
    return build_signed_data(content, [info], is_detached=False)


async def _verdict(
    message: bytes,
    *,
    history: CertificateHistory | None = IN_FORCE,
    content: CmsContent | None = None,
    own_key: bytes = _STAMPER_SPKI,
) -> CmsVerdict:
    clock = Later()
    judge = StandingJudge(OneCertificate(history), (CA.issuing, CA.root), AlgorithmPolicy, clock)
    return await VerifyCms(judge, VerifyTimestamp(judge, own_key, clock), clock).verify(
        message, content
    )


async def _codes(message: bytes, **options: Any) -> list[str]:
    verdict = await _verdict(message, **options)
    (signer,) = verdict.signers
    codes = [one.code.value for one in signer.problems]
    assert verdict.is_valid is not bool(codes)
    return codes


def _revoked(after: timedelta, reason: RevocationReason) -> CertificateHistory:
    return CertificateHistory(
        replace(
            RECORD,
            state=CertificateState.REVOKED,
            revoked_utc=NOW + after,
            revocation_reason=reason,
        )
    )


def _changed(message: bytes, path: tuple[Any, ...], value: object) -> bytes:
    """The message with a part of its SignedData replaced."""
    info = asn1_cms.ContentInfo.load(message)
    part = info["content"]
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    changed: bytes = info.dump(force=True)
    return changed


async def test_a_signature_in_force_counts() -> None:
    """By the time that its signer claims; and it has its content with it."""
    verdict = await _verdict(_signed(claimed_utc=NOW + HOUR))
    assert verdict.is_valid
    assert verdict.content == _CONTENT.data
    (signer,) = verdict.signers
    assert (signer.basis, signer.judged_utc) == (TimeBasis.CLAIMED, NOW + HOUR)


async def test_a_time_stamp_counts_more_than_a_claim() -> None:
    """It is somebody else's word."""
    verdict = await _verdict(_signed(stamped_utc=NOW + HOUR))
    (signer,) = verdict.signers
    assert verdict.is_valid
    assert (signer.basis, signer.judged_utc) == (TimeBasis.TIME_STAMP, NOW + HOUR)
    assert signer.stamp is not None
    assert signer.stamp.is_valid


async def test_revocation_before_and_after_the_time_stamp() -> None:
    """What was stamped before the revocation counts, even after a compromise; later not."""
    message = _signed(stamped_utc=NOW + HOUR)
    for reason in (RevocationReason.KEY_COMPROMISE, RevocationReason.SUPERSEDED):
        assert await _codes(message, history=_revoked(2 * HOUR, reason)) == []
        assert await _codes(message, history=_revoked(HOUR / 2, reason)) == ["CERTIFICATE_REVOKED"]


async def test_a_claimed_time_is_worth_nothing_after_a_compromise() -> None:
    """Who stole the key claims any time; after another revocation the claim stands."""
    message = _signed(claimed_utc=NOW)
    compromised = _revoked(HOUR, RevocationReason.KEY_COMPROMISE)
    assert await _codes(message, history=compromised) == ["CERTIFICATE_REVOKED"]
    assert await _codes(message, history=_revoked(HOUR, RevocationReason.SUPERSEDED)) == []


async def test_without_any_time_the_certificate_counts_as_it_is_now() -> None:
    """The plain form says none, and ten years on the certificate has ended."""
    verdict = await _verdict(_signed(claimed_utc=None))
    (signer,) = verdict.signers
    assert signer.basis is TimeBasis.NOW
    assert signer.is_intact
    assert "CERTIFICATE_EXPIRED" in [one.code for one in signer.problems]


async def test_an_expired_certificate_is_told_by_the_time_stamp() -> None:
    """Signed, as it claims, in time; stamped two years too late."""
    message = _signed(stamped_utc=NOW + timedelta(days=731))
    assert await _codes(message) == ["CERTIFICATE_EXPIRED"]


async def test_a_time_stamp_of_something_else_is_none() -> None:
    """It is told, and the claim decides, for anybody may have put it there."""
    prepared = prepare_signer(_SIGNER, _CONTENT, signing_time_utc=NOW)
    signature = sign(EC, prepared.message)
    for wrong in (_stamp(b"another signature", NOW), _signed()):
        message = build_signed_data(
            _CONTENT, [SignedInfo(prepared, signature, wrong)], is_detached=False
        )
        verdict = await _verdict(message)
        (signer,) = verdict.signers
        assert signer.basis is TimeBasis.CLAIMED
        assert signer.why_no_stamp or (signer.stamp and not signer.stamp.is_valid)


async def test_a_time_stamp_by_nobody_known_is_none() -> None:
    """Its certificate has to be that of the daemon's own authority."""
    verdict = await _verdict(_signed(stamped_utc=NOW + HOUR), own_key=b"another")
    (signer,) = verdict.signers
    assert signer.basis is TimeBasis.CLAIMED
    assert signer.stamp is not None
    assert [one.code for one in signer.stamp.problems] == ["CERTIFICATE_UNKNOWN"]


@pytest.mark.parametrize("time", [b"00000101000000Z", b"20261301000000Z"])
async def test_a_time_stamp_without_a_time_is_none(time: bytes) -> None:
    """One that no calendar has, put there by anybody: it says nothing of the signature."""
    stamped = NOW + HOUR
    message = _signed(stamped_utc=stamped)
    written = f"{stamped:%Y%m%d%H%M%S}Z".encode()
    assert written in message
    (signer,) = (await _verdict(message.replace(written, time))).signers
    assert signer.basis is TimeBasis.CLAIMED
    assert signer.why_no_stamp


def test_a_certificate_named_by_sha_1_is_compared_too() -> None:
    """The attribute of RFC 2634 counts as naming the signer's certificate, so it has to."""

    def named(certificate: bytes) -> dict[str, Any]:
        # By RFC 2634, 5.4.
        sha1 = hashlib.sha1(certificate, usedforsecurity=False).digest()
        value = tsp.SigningCertificate({"certs": [{"cert_hash": sha1}]})
        return {"signing_certificate": [value]}

    cms_verify._check_certificate_named(named(DER), DER)
    with pytest.raises(cms_verify._Broken):
        cms_verify._check_certificate_named(named(CA.root), DER)


def test_a_signature_of_2050_can_be_made() -> None:
    """From then on times are written with four digits of the year (RFC 5652, 11.3)."""
    late = datetime(2051, 2, 3, tzinfo=UTC)
    prepared = prepare_signer(_SIGNER, _CONTENT, signing_time_utc=late)
    assert b"20510203000000Z" in (prepared.attributes or b"")


async def test_changed_content_is_found() -> None:
    """Attached, and where another content is sent along."""
    message = _signed()
    other = asn1_cms.OctetString(b"a transfer of 90,000 won")
    assert await _codes(_changed(message, ("encap_content_info", "content"), other)) == [
        "CONTENT_CHANGED"
    ]
    assert await _codes(message, content=CmsContent(b"other")) == ["CONTENT_CHANGED"]


async def test_a_changed_attribute_is_found() -> None:
    """The signing time is set back by a year."""
    message = _signed()
    info = asn1_cms.ContentInfo.load(message)
    for attribute in info["content"]["signer_infos"][0]["signed_attrs"]:
        if attribute["type"].native == "signing_time":
            time = asn1_cms.Time(name="utc_time", value=asn1_cms.UTCTime(NOW - HOUR))
            attribute["values"] = [time]
    codes = await _codes(info.dump(force=True))
    assert codes[0] == "SIGNATURE_INVALID"


async def test_attributes_are_no_content() -> None:
    """Who takes the signed attributes away and puts them in the content's place has a signature
    that holds, over something that nobody meant to sign; it is neither verified nor made."""
    prepared = prepare_signer(_SIGNER, _CONTENT, signing_time_utc=NOW)
    signature = sign(EC, prepared.message)
    stolen = CmsContent(prepared.attributes)
    disguised = PreparedSignerInfo(_SIGNER, Hash.SHA256, None, prepared.message, Hash.SHA256)
    message = build_signed_data(stolen, [disguised.assemble(signature)], is_detached=False)
    assert "ATTRIBUTES_INVALID" in await _codes(message)
    with pytest.raises(InvalidRequest) as caught:
        prepare_plain_signer(_SIGNER, stolen)
    assert caught.value.reason == "CONTENT_AMBIGUOUS"


async def test_a_changed_signature_is_found() -> None:
    """One bit, and no signature at all."""
    message = _signed()
    signature = asn1_cms.ContentInfo.load(message)["content"]["signer_infos"][0]["signature"].native
    for wrong in (signature[:-1] + bytes([signature[-1] ^ 1]), b""):
        changed = _changed(message, ("signer_infos", 0, "signature"), wrong)
        assert await _codes(changed) == ["SIGNATURE_INVALID"]


async def test_another_certificate_is_found() -> None:
    """One for the same key, with the same name and number, but not the one that signed
    (RFC 5035); and none."""
    message = _signed()
    other = _STAMPER.certificate
    wrong_signer = replace(_SIGNER, certificate=other)
    forged = _signed(signer=wrong_signer)
    assert "SIGNATURE_INVALID" in await _codes(forged)
    empty = _changed(message, ("certificates",), [])
    assert await _codes(empty) == ["CERTIFICATE_MISSING"]


async def test_a_stranger_is_told() -> None:
    """A certificate that this CA did not issue, or does not know."""
    assert await _codes(_signed(), history=None) == ["CERTIFICATE_UNKNOWN"]


async def test_a_message_without_signers_is_not_valid() -> None:
    """As the certificates of the publisher are handed out."""
    verdict = await _verdict(build_signed_data(_CONTENT, [], is_detached=False))
    assert [one.code for one in verdict.problems] == ["NOT_SIGNED"]
    assert not verdict.is_valid


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
async def test_every_algorithm_is_known(algorithm: KeyAlgorithm) -> None:
    """The signature holds, whatever this certificate, which is unknown, is worth."""
    spki = spki_for(algorithm)
    prepared = prepare_time_stamping(
        CA.issuer, algorithm, spki=spki, serial=SERIAL + 9, now_utc=NOW, days=9, name="x"
    )
    signer = CmsSigner(CA.certify(prepared), algorithm, spki)
    verdict = await _verdict(_signed(signer=signer))
    assert verdict.signers[0].is_intact
    scheme = verdict.signers[0].checked.scheme
    assert scheme is not None
    assert scheme.algorithm is algorithm


@pytest.mark.parametrize("message", [b"", b"x", bytes(200), _signed()[:-5], _signed() + b"0"])
async def test_what_is_no_message_is_refused(message: bytes) -> None:
    """Before anything is judged."""
    with pytest.raises(InvalidRequest) as caught:
        await _verdict(message)
    assert caught.value.reason == "CMS_MALFORMED"


@pytest.mark.parametrize("position", [5, 17, 29, 41])
async def test_no_broken_message_is_a_defect(position: int) -> None:
    """A message with a byte changed is refused or found not valid, and never breaks anything."""
    message = bytearray(_signed(stamped_utc=NOW))
    for offset in range(position, len(message), 53):
        broken = bytearray(message)
        broken[offset] ^= 0x55
        try:
            await _verdict(bytes(broken))
        except InvalidRequest:
            continue
