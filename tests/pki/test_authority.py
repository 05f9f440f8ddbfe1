"""Root and issuing CA, and the chain they form with what they issue."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.boot import BootError, ExitCode
from signerd.core.error import Internal, WrongState
from signerd.pki.authority import AuthorityName, authority_validity, prepare_issuing, prepare_root
from signerd.pki.certificate import prepare_certificate
from signerd.pki.chain import ChainLink, find_chain_problems, require_chain
from signerd.pki.issuer import IssuerInfo
from signerd.pki.validity import validity_at
from tests.pki.judge import assert_openssl_verifies, assert_pkilint_clean, openssl_text
from tests.pki.software_authority import (
    NOW,
    SERIAL,
    SUBJECT,
    authority_for,
    prepare_for,
    shipped,
)
from tests.pki.software_token import sign, spki_for

EC = KeyAlgorithm.EC_P256_SHA256
ED = KeyAlgorithm.ED25519
NAME = AuthorityName("KR", "테스트은행", "루트")


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_openssl_and_pkilint_accept_the_cas(folder: Path, algorithm: KeyAlgorithm) -> None:
    """Root and issuing CA of every algorithm pass both judges."""
    authority = authority_for(algorithm)
    assert_openssl_verifies(folder, authority, [authority.root, authority.issuing])
    assert_pkilint_clean(folder, authority.root, authority.root)
    assert_pkilint_clean(folder, authority.issuing, authority.root)


def test_ca_extensions() -> None:
    """CA, path length and usage are there and critical; the root allows one CA below it."""
    authority = authority_for(EC)
    root, issuing = openssl_text(authority.root), openssl_text(authority.issuing)
    for text, length in ((root, 1), (issuing, 0)):
        assert (
            f"X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:{length}\n"
            in text
        )
        assert "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n" in text
    assert "Policy: X509v3 Any Policy" in issuing


def test_a_root_and_an_issuing_ca_of_different_algorithms(folder: Path) -> None:
    """An RSA-PSS root may certify an Ed25519 issuing CA: each signs in its own way."""
    above = authority_for(KeyAlgorithm.RSA_3072_PSS_SHA256)
    prepared = prepare_issuing(
        AuthorityName("KR", "테스트은행", "다른 발급"),
        ED,
        IssuerInfo(above.root, above.algorithm),
        spki=spki_for(ED, "issuing"),
        serial=SERIAL,
        now_utc=NOW,
        years=5,
    )
    der = prepared.assemble(sign(above.algorithm, prepared.message, "root"))
    assert_openssl_verifies(folder, above, [der])
    assert IssuerInfo(der, ED).spki == spki_for(ED, "issuing")


def test_long_names_stay_readable() -> None:
    """64 Korean characters in a CA's name fit, and a CA below copies them exactly."""
    prepared = prepare_root(
        AuthorityName("KR", "은" * 64, "루" * 64),
        EC,
        spki=spki_for(EC, "root"),
        serial=SERIAL,
        now_utc=NOW,
        years=20,
    )
    root = prepared.assemble(sign(EC, prepared.message, "root"))
    prepared = prepare_issuing(
        NAME,
        EC,
        IssuerInfo(root, EC),
        spki=spki_for(EC, "issuing"),
        serial=SERIAL,
        now_utc=NOW,
        years=5,
    )
    issuing = prepared.assemble(sign(EC, prepared.message, "root"))
    assert find_chain_problems([ChainLink(issuing), ChainLink(root)], NOW) == ()
    assert f"Issuer: C=KR, O={'은' * 64}, CN={'루' * 64}\n" in openssl_text(issuing)


def test_validity_of_cas() -> None:
    """A CA begins the day before, ends after whole years, and survives 29 February."""
    leap = datetime(2028, 3, 1, 12, tzinfo=UTC)
    start, end = authority_validity(leap, 1)
    assert start == datetime(2028, 2, 29, tzinfo=UTC)
    assert end == datetime(2029, 2, 28, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("hour", [0, 8, 15, 23])
def test_a_certificate_of_the_first_day_begins_within_its_ca(hour: int) -> None:
    """Whole Korean days reach back before the CA was made, but not before it is valid."""
    now = datetime(2026, 5, 5, hour, tzinfo=UTC)
    start, end = authority_validity(now, 10)
    assert validity_at(shipped("personal"), now, end)[0] >= start


def test_the_issuing_ca_ends_before_the_root() -> None:
    """More years than the root has left is a mistake in the configuration."""
    with pytest.raises(BootError, match="issuing_years") as caught:
        prepare_issuing(
            NAME,
            EC,
            IssuerInfo(authority_for(EC).root, EC),
            spki=spki_for(EC, "issuing"),
            serial=SERIAL,
            now_utc=NOW,
            years=21,
        )
    assert caught.value.code is ExitCode.CONFIG_INVALID


def test_ca_names_are_judged() -> None:
    """An invisible character in a configured name is a mistake in the configuration."""
    with pytest.raises(BootError, match=r"authority\.organization"):
        AuthorityName("KR", "은행\u200b", "루트").name()
    with pytest.raises(BootError, match="common name"):
        AuthorityName("KR", "은행", "").name()


def test_a_key_of_another_kind_is_refused() -> None:
    """A token that returns a P-256 key for an Ed25519 root gets no certificate."""
    with pytest.raises(Internal) as caught:
        prepare_root(NAME, ED, spki=spki_for(EC), serial=SERIAL, now_utc=NOW, years=1)
    assert caught.value.reason == "KEY_ALGORITHM_MISMATCH"


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_a_good_chain_has_no_problem(algorithm: KeyAlgorithm) -> None:
    """Leaf, issuing CA and root with their keys are a chain, and so are the CAs alone."""
    authority = authority_for(algorithm)
    leaf = authority.certify(prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC)))
    links = [
        ChainLink(leaf, spki_for(EC)),
        ChainLink(authority.issuing, spki_for(algorithm, "issuing")),
        ChainLink(authority.root, spki_for(algorithm, "root")),
    ]
    require_chain(links, NOW)
    require_chain(links[1:], NOW)


def test_every_break_of_a_chain_is_named() -> None:
    """Another key, a wrong time, a missing link, another CA, garbage and nothing are told apart."""
    authority, other = authority_for(EC), authority_for(ED)
    leaf = authority.certify(prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC)))
    good = [ChainLink(leaf), ChainLink(authority.issuing), ChainLink(authority.root)]

    def problems(*links: ChainLink, now: datetime = NOW) -> str:
        return "; ".join(find_chain_problems(links, now))

    wrong_key = ChainLink(authority.issuing, spki_for(EC, "somebody"))
    assert problems(*good) == ""
    assert "another key than the one on the token" in problems(good[0], wrong_key, good[2])
    assert "CN=홍길동" in problems(*good, now=NOW + timedelta(days=400))
    assert "expired at" in problems(*good, now=NOW + timedelta(days=400))
    assert "check the clock" in problems(*good, now=NOW - timedelta(days=3))
    assert "was not issued by" in problems(good[0], good[2])
    assert "is not self-signed" in problems(good[0], good[1])
    assert "signature is not by the key" in problems(good[0], good[1], ChainLink(other.root))
    assert "cannot be read" in problems(ChainLink(b"x"), good[1])
    assert problems() == "the chain is empty"
    with pytest.raises(WrongState) as caught:
        require_chain([good[0]], NOW)
    assert caught.value.reason == "CHAIN_INVALID"


def test_a_certificate_without_ca_rights_issues_nothing() -> None:
    """A chain whose middle is an end entity is refused even with good signatures."""
    authority = authority_for(EC)
    middle_der = authority.certify(
        prepare_for(authority, shipped("personal"), SUBJECT, spki_for(EC, "middle"))
    )
    middle = x509.load_der_x509_certificate(middle_der)
    rogue = IssuerInfo(middle_der, EC)
    prepared = prepare_certificate(
        shipped("personal"),
        rogue,
        SUBJECT,
        spki=spki_for(EC),
        serial=SERIAL + 9,
        not_before_utc=middle.not_valid_before_utc,
        not_after_utc=middle.not_valid_after_utc,
    )
    leaf = prepared.assemble(sign(EC, prepared.message, "middle"))
    links = [leaf, middle_der, authority.issuing, authority.root]
    problems = find_chain_problems([ChainLink(link) for link in links], NOW)
    assert any("may not issue" in problem for problem in problems)
