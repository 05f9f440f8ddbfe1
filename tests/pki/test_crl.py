"""CRLs as other programs see them."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import Internal
from signerd.core.lifecycle import RevocationReason
from signerd.core.record import RevokedEntry
from signerd.pki.crl import assemble_crl, prepare_crl
from tests.pki.judge import openssl
from tests.pki.software_authority import (
    NOW,
    SERIAL,
    SUBJECT,
    Authority,
    authority_for,
    prepare_for,
    shipped,
)
from tests.pki.software_status import DAY, crl_of, root_crl_of
from tests.pki.software_token import sign, spki_for

EC = KeyAlgorithm.EC_P256_SHA256
LEAF = SERIAL + 2
HOLD = RevocationReason.CERTIFICATE_HOLD
ENTRY = RevokedEntry(LEAF, NOW - DAY, RevocationReason.KEY_COMPROMISE)


def crl_text(crl: bytes) -> str:
    """`openssl crl -text`, names in UTF-8."""
    return openssl(
        *("crl", "-inform", "DER", "-noout", "-text"),
        *("-nameopt", "utf8,sep_comma_plus_space"),
        stdin=crl,
    )


def judge_leaf(
    folder: Path, authority: Authority, crls: Sequence[bytes], *options: str
) -> tuple[str, ...]:
    """What `openssl verify -crl_check_all` says of a certificate (SERIAL + 2): "OK" or errors."""
    leaf = folder / "leaf.der"
    leaf.write_bytes(
        authority.certify(prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC)))
    )
    root, issuing, lists = (folder / f"{name}.pem" for name in ("root", "issuing", "crls"))
    root.write_text(openssl("x509", "-inform", "DER", stdin=authority.root))
    issuing.write_text(openssl("x509", "-inform", "DER", stdin=authority.issuing))
    lists.write_text(
        "".join(
            openssl("crl", "-inform", "DER", stdin=crl) for crl in (root_crl_of(authority), *crls)
        )
    )
    done = subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-crl_check_all", *options),
            *("-CAfile", root, "-untrusted", issuing, "-CRLfile", lists, leaf),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        assert done.stdout == f"{leaf}: OK\n"
        return ("OK",)
    return tuple(re.findall(r"lookup: (.*)", done.stderr))


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_openssl_accepts_crls_of_every_algorithm(folder: Path, algorithm: KeyAlgorithm) -> None:
    """Under each issuer algorithm, the CRL's signature is good and decides whether a certificate
    is revoked."""
    authority = authority_for(algorithm)
    assert judge_leaf(folder, authority, [crl_of(authority)]) == ("OK",)
    revoked = crl_of(authority, [replace(ENTRY, serial=LEAF + 1), ENTRY])
    assert judge_leaf(folder, authority, [revoked]) == ("certificate revoked",)
    issuing, file = folder / "issuing.pem", folder / "crl.der"
    file.write_bytes(revoked)
    # The verdict is on standard error: the exit status is 0 either way.
    done = subprocess.run(
        ["openssl", "crl", "-inform", "DER", "-noout", "-CAfile", issuing, "-in", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "verify OK\n")


def test_a_crl_holds_what_rfc_5280_says() -> None:
    """Version, issuer, times, extensions with criticality, and reasons: none for unspecified."""
    authority = authority_for(EC)
    entries = [
        RevokedEntry(LEAF + reason, NOW - timedelta(hours=reason), reason)
        for reason in RevocationReason
    ]
    crl = crl_of(authority, entries, number=0x1234567890)
    text = crl_text(crl)
    assert "Version 2 (0x1)" in text
    assert "Issuer: C=KR, O=테스트은행, CN=테스트 발급 인증기관\n" in text
    assert re.findall(r"X509v3 ([^:]+): (critical)?", text.split("Revoked Certificates")[0]) == [
        ("Authority Key Identifier", ""),
        ("CRL Number", ""),
        ("Freshest CRL", ""),
    ]
    assert re.search(r"CRL Number: \n\s+(0x1234567890|78187493520)\n", text)
    assert "URI:http://pki.example.com/delta.crl" in text
    assert re.findall(r"Reason Code: \n\s+(.*)", text) == [
        "Key Compromise",
        "Affiliation Changed",
        "Superseded",
        "Cessation Of Operation",
        "Certificate Hold",
        "Privilege Withdrawn",
    ]
    parsed = x509.load_der_x509_crl(crl)
    assert [(one.serial_number, one.revocation_date_utc) for one in parsed] == [
        (entry.serial, entry.since_utc) for entry in entries
    ]
    assert (parsed.last_update_utc, parsed.next_update_utc) == (NOW, NOW + DAY)


def test_an_empty_crl_has_no_list() -> None:
    """revokedCertificates is absent when nothing is revoked (RFC 5280, 5.1.2.6)."""
    assert "No Revoked Certificates." in crl_text(crl_of(authority_for(EC), delta_uris=()))


def test_a_delta_crl_says_so() -> None:
    """The indicator is critical and names the base; removeFromCRL is written; no freshestCRL."""
    gone = replace(ENTRY, reason=None)
    text = crl_text(crl_of(authority_for(EC), [gone], number=7, base_number=5))
    assert re.findall(r"X509v3 ([^:]+): (critical)?\n\s+(.*)", text)[1:] == [
        ("CRL Number", "", "7"),
        ("Delta CRL Indicator", "critical", "5"),
        ("CRL Reason Code", "", "Remove From CRL"),
    ]


def test_times_are_whole_seconds_in_utc() -> None:
    """Fractions are cut and other zones converted; from 2050 on it is GeneralizedTime
    (RFC 5280, 5.1.2.4)."""
    authority = authority_for(EC)
    seoul = timezone(timedelta(hours=9))
    start = datetime(2049, 12, 31, 23, 0, 0, 999_999, tzinfo=UTC)
    prepared = prepare_crl(
        authority.issuer,
        [RevokedEntry(1, start.astimezone(seoul), HOLD)],
        number=1,
        base_number=None,
        this_update_utc=start.astimezone(seoul),
        next_update_utc=start + timedelta(hours=2),
    )
    assert prepared.tbs.count(b"\x17\x0d491231230000Z") == 2
    assert prepared.tbs.count(b"\x18\x0f20500101010000Z") == 1


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_a_wrong_signature_makes_no_crl(algorithm: KeyAlgorithm) -> None:
    """Signatures over other bytes, by another key, or of no meaning are refused; the right one
    gives the prepared bytes unchanged."""
    authority = authority_for(algorithm)
    prepared = prepare_crl(
        authority.issuer,
        [ENTRY],
        number=1,
        base_number=None,
        this_update_utc=NOW,
        next_update_utc=NOW + DAY,
    )
    good = sign(algorithm, prepared.message, "issuing")
    other_bytes = sign(algorithm, replace(prepared, tbs=prepared.tbs + b"x").message, "issuing")
    other_key = sign(algorithm, prepared.message, "somebody")
    for wrong in (other_bytes, other_key, b"x" * len(good), b""):
        with pytest.raises(Internal) as caught:
            assemble_crl(prepared.tbs, authority.issuer, wrong)
        assert caught.value.reason == "SIGNATURE_WRONG"
    parsed = x509.load_der_x509_crl(assemble_crl(prepared.tbs, authority.issuer, good))
    assert (parsed.tbs_certlist_bytes, parsed.signature) == (prepared.tbs, good)


@pytest.mark.parametrize(
    ("entries", "number", "base_number", "next_update_utc", "delta_uris", "problem"),
    [
        ([ENTRY, replace(ENTRY, reason=HOLD)], 2, None, NOW + DAY, (), "twice"),
        ([replace(ENTRY, serial=0)], 2, None, NOW + DAY, (), "not positive"),
        ([replace(ENTRY, reason=None)], 2, None, NOW + DAY, (), "removeFromCRL"),
        ([], 0, None, NOW + DAY, (), "number"),
        ([], 1 << 159, None, NOW + DAY, (), "20 octets"),
        ([], 2, 2, NOW + DAY, (), "earlier number"),
        ([], 2, 0, NOW + DAY, (), "earlier number"),
        ([], 2, None, NOW, (), "nextUpdate"),
        ([], 2, 1, NOW + DAY, ("http://pki.example.com/delta.crl",), "names no delta"),
    ],
)
def test_what_no_crl_can_say_is_not_signed(
    *,
    entries: list[RevokedEntry],
    number: int,
    base_number: int | None,
    next_update_utc: datetime,
    delta_uris: Sequence[str],
    problem: str,
) -> None:
    """Contradictions are stopped before a key is used."""
    with pytest.raises(Internal, match=problem) as caught:
        prepare_crl(
            authority_for(EC).issuer,
            entries,
            number=number,
            base_number=base_number,
            this_update_utc=NOW,
            next_update_utc=next_update_utc,
            delta_uris=delta_uris,
        )
    assert caught.value.reason == "LINT_FAILED"


@pytest.mark.parametrize(
    ("at_base", "changes", "verdict"),
    [
        ([], [ENTRY], "certificate revoked"),
        ([replace(ENTRY, reason=HOLD)], [replace(ENTRY, reason=None)], "OK"),
        ([replace(ENTRY, reason=HOLD)], [ENTRY], "certificate revoked"),
        ([ENTRY], [], "certificate revoked"),
        ([], [], "OK"),
    ],
)
def test_openssl_follows_delta_crls(
    folder: Path, at_base: list[RevokedEntry], changes: list[RevokedEntry], verdict: str
) -> None:
    """openssl judges by base and delta together: revoked since, off hold since, and unchanged."""
    authority = authority_for(EC)
    base = crl_of(authority, at_base, number=1)
    delta = crl_of(authority, changes, number=2, base_number=1)
    options = ("-use_deltas", "-extended_crl")
    assert judge_leaf(folder, authority, [base, delta], *options) == (verdict,)
    without = "certificate revoked" if at_base else "OK"
    assert judge_leaf(folder, authority, [base]) == (without,)


def test_ten_thousand_entries_are_kept_in_order() -> None:
    """A large CRL holds every entry it was given."""
    authority = authority_for(EC)
    entries = [replace(ENTRY, serial=SERIAL + index) for index in range(10_000)]
    crl = crl_of(authority, entries)
    assert [one.serial_number for one in x509.load_der_x509_crl(crl)] == [
        entry.serial for entry in entries
    ]
