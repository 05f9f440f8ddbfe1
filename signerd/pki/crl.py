"""Certificate revocation lists (RFC 5280, section 5), full and delta; signed elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1

from signerd.core.algorithm import spec_of
from signerd.core.error import Internal
from signerd.core.lifecycle import RevocationReason
from signerd.core.record import RevokedEntry
from signerd.pki.assembly import Prepared, encode_signed, require_signature
from signerd.pki.der import TbsCertListDer
from signerd.pki.extension import CriticalExtension
from signerd.pki.issuer import IssuerInfo
from signerd.pki.scheme import hash_algorithm, rsa_padding
from signerd.pki.throwaway import throwaway_key

# RFC 5280, 5.2.3: verifiers handle numbers of up to 20 octets.
_NUMBER_LIMIT: Final = 1 << 159
_FLAGS: Final = {
    RevocationReason.KEY_COMPROMISE: x509.ReasonFlags.key_compromise,
    RevocationReason.AFFILIATION_CHANGED: x509.ReasonFlags.affiliation_changed,
    RevocationReason.SUPERSEDED: x509.ReasonFlags.superseded,
    RevocationReason.CESSATION_OF_OPERATION: x509.ReasonFlags.cessation_of_operation,
    RevocationReason.CERTIFICATE_HOLD: x509.ReasonFlags.certificate_hold,
    RevocationReason.PRIVILEGE_WITHDRAWN: x509.ReasonFlags.privilege_withdrawn,
    None: x509.ReasonFlags.remove_from_crl,
}


def _reason_code(flag: x509.ReasonFlags) -> x509.Extension[x509.ExtensionType]:
    code = x509.CRLReason(flag)
    return x509.Extension(code.oid, critical=False, value=code)


# RFC 5280, 5.3.1: the reason code SHOULD be absent instead of unspecified.
_ENTRY_EXTENSIONS: Final[
    dict[RevocationReason | None, list[x509.Extension[x509.ExtensionType]]]
] = {
    RevocationReason.UNSPECIFIED: [],
    **{reason: [_reason_code(flag)] for reason, flag in _FLAGS.items()},
}


@dataclass(frozen=True, slots=True)
class PreparedCrl(Prepared):
    """A CRL without its signature. tbs: TBSCertList, DER."""

    def assemble(self, signature: bytes) -> bytes:
        """The CRL (DER), its signature verified. Raises Internal (SIGNATURE_WRONG)."""
        require_signature(self.tbs, self.algorithm, self.signer_spki, signature, title="CRL")
        return _encode(self.tbs, signature)


def prepare_crl(
    issuer: IssuerInfo,
    entries: Sequence[RevokedEntry],
    *,
    number: int,
    base_number: int | None,
    this_update_utc: datetime,
    next_update_utc: datetime,
    delta_uris: Sequence[str] = (),
) -> PreparedCrl:
    """Encode a CRL of these entries, in their order, times cut to whole seconds.

    base_number: of the full CRL that a delta CRL changes; None for a full one. delta_uris: where
    the delta CRLs of a full one are found (freshestCRL, RFC 5280, 5.2.6); relying parties look
    for them only if they are told. There is no issuingDistributionPoint: it would be critical, and
    many relying parties refuse CRLs that have it. Raises Internal (LINT_FAILED) for what no CRL
    can say.
    """
    this_update, next_update = _second(this_update_utc), _second(next_update_utc)
    problems = [
        *_find_entry_problems(entries, is_delta=base_number is not None),
        *_find_number_problems(number, base_number),
    ]
    if next_update <= this_update:
        problems.append("its nextUpdate is not after its thisUpdate (5.1.2.5)")
    if delta_uris and base_number is not None:
        problems.append("a delta CRL names no delta CRLs (5.2.6)")
    if problems:
        raise Internal(f"the CRL was not signed: {'; '.join(problems)}", reason="LINT_FAILED")
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.name,
        last_update=this_update,
        next_update=next_update,
        # One by one, the builder would copy the list for each.
        revoked_certificates=[_encode_entry(entry) for entry in entries],
    )
    for extension, critical in _extensions(issuer, number, base_number, delta_uris):
        builder = builder.add_extension(extension, critical)
    spec = spec_of(issuer.algorithm)
    hash_ = None if spec.hash is None else hash_algorithm(spec.hash)
    crl = builder.sign(throwaway_key(spec), hash_, rsa_padding=rsa_padding(spec))
    return PreparedCrl(crl.tbs_certlist_bytes, issuer.algorithm, issuer.spki)


def assemble_crl(tbs: bytes, issuer: IssuerInfo, signature: bytes) -> bytes:
    """The CRL (DER), verified with the issuer's key. Raises Internal (SIGNATURE_WRONG)."""
    return PreparedCrl(tbs, issuer.algorithm, issuer.spki).assemble(signature)


def _find_entry_problems(entries: Sequence[RevokedEntry], *, is_delta: bool) -> Iterator[str]:
    serials = {entry.serial for entry in entries}
    if len(serials) < len(entries):
        yield "it lists a certificate twice"
    if any(serial <= 0 for serial in serials):
        yield "it lists a serial number that is not positive"
    if not is_delta and any(entry.reason is None for entry in entries):
        yield "a full CRL has no removeFromCRL (5.3.1)"


def _find_number_problems(number: int, base_number: int | None) -> Iterator[str]:
    if not 0 < number < _NUMBER_LIMIT:
        yield "its number is not a positive one of 20 octets (5.2.3)"
    if base_number is not None and not 0 < base_number < number:
        yield "its base has no earlier number (5.2.4)"


def _extensions(
    issuer: IssuerInfo, number: int, base_number: int | None, delta_uris: Sequence[str]
) -> Iterator[CriticalExtension]:
    yield x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None), False
    yield x509.CRLNumber(number), False
    if base_number is not None:
        yield x509.DeltaCRLIndicator(base_number), True
    if delta_uris:
        names = [x509.UniformResourceIdentifier(uri) for uri in delta_uris]
        yield x509.FreshestCRL([x509.DistributionPoint(names, None, None, None)]), False


def _encode_entry(entry: RevokedEntry) -> x509.RevokedCertificate:
    return x509.RevokedCertificateBuilder(
        entry.serial, _second(entry.since_utc), _ENTRY_EXTENSIONS[entry.reason]
    ).build()


def _encode(tbs: bytes, signature: bytes) -> bytes:
    return encode_signed(tbs, asn1.decode_der(TbsCertListDer, tbs).algorithm, signature)


def _second(time: datetime) -> datetime:
    """RFC 5280, 5.1.2.4: no fractions of a second."""
    return time.replace(microsecond=0)
