"""CRLs and OCSP responses before pkilint's RFC 5280 and RFC 6960 sets."""

from pathlib import Path

import pytest
from pkilint.bin import (  # type: ignore[import-untyped] # pkilint has no types
    lint_crl,
    lint_ocsp_response,
)

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.lifecycle import RevocationReason
from signerd.core.record import RevokedEntry
from signerd.pki.ocsp import CertIdHash, OcspQuery, OcspRevoked, OcspStatus
from tests.pki.judge import pkilint_codes
from tests.pki.software_authority import NOW, SERIAL, authority_for
from tests.pki.software_status import DAY, crl_of, ocsp_response, root_crl_of

EVERY_REASON = [RevokedEntry(SERIAL + reason, NOW - DAY, reason) for reason in RevocationReason]
CHANGED = [RevokedEntry(SERIAL, NOW, RevocationReason.KEY_COMPROMISE)]
REMOVED = RevokedEntry(SERIAL + RevocationReason.CERTIFICATE_HOLD, NOW - DAY, None)
STATUSES: tuple[OcspStatus | OcspRevoked, ...] = (
    OcspStatus.GOOD,
    OcspStatus.UNKNOWN,
    *(OcspRevoked(NOW - DAY, reason) for reason in RevocationReason),
)


def crl_findings(folder: Path, crl: bytes, kind: str = "CRL") -> set[str]:
    """What the CRL linter finds. kind: ARL for one of CA certificates."""
    file = folder / "judged.crl"
    file.write_bytes(crl)
    return pkilint_codes(lint_crl.main, "-t", kind, "-p", "PKIX", file)


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_pkilint_finds_nothing_in_crls(tmp_path: Path, algorithm: KeyAlgorithm) -> None:
    """Empty, with every reason, delta, and the root's, under each algorithm."""
    authority = authority_for(algorithm)
    full = crl_of(authority, EVERY_REASON)
    delta = crl_of(authority, [*CHANGED, REMOVED], number=2, base_number=1)
    for crl in (crl_of(authority), full, delta):
        assert crl_findings(tmp_path, crl) == set()
    assert crl_findings(tmp_path, root_crl_of(authority), "ARL") == set()


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_pkilint_finds_nothing_in_ocsp_responses(tmp_path: Path, algorithm: KeyAlgorithm) -> None:
    """Every status and reason, both hashes, with and without nonce, under each algorithm."""
    authority, file = authority_for(algorithm), tmp_path / "judged.ocsp"
    for hash_ in CertIdHash:
        for nonce in (None, b"n" * 32):
            for status in STATUSES:
                query = OcspQuery(SERIAL, hash_, nonce=nonce)
                file.write_bytes(ocsp_response(authority, query, status))
                assert pkilint_codes(lint_ocsp_response.main, file) == set()


def test_pkilint_finds_what_is_wrong(tmp_path: Path) -> None:
    """The judge objects to a CRL without a number and to a response that is not a basic one."""
    authority, file = authority_for(KeyAlgorithm.ED25519), tmp_path / "judged.ocsp"
    crl_number, another = b"\x55\x1d\x14", b"\x55\x1d\x63"
    unnumbered = crl_of(authority).replace(crl_number, another, 1)
    assert "pkix.crl_number_missing" in crl_findings(tmp_path, unnumbered)
    basic = bytes.fromhex("2b0601050507300101")
    response = ocsp_response(authority, OcspQuery(SERIAL), OcspStatus.GOOD)
    file.write_bytes(response.replace(basic, basic[:-1] + b"\x63", 1))
    assert "pkix.ocsp_response_is_not_basic" in pkilint_codes(lint_ocsp_response.main, file)
