"""Virtual IDs: the published vector, and which identity numbers are taken."""

from datetime import date

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from signerd.core.algorithm import Hash
from signerd.core.error import InvalidRequest
from signerd.core.record import SubjectRecord
from signerd.pki.identify_data import (
    IdentifyData,
    decode_identify_data,
    identify_data_name,
    read_identify_data,
)
from signerd.pki.signature import digest
from signerd.pki.vid import (
    IdentityNumber,
    hash_content,
    matches,
    parse_identity_number,
    virtual_id,
)
from tests.pki.judge import openssl
from tests.pki.npki import IDENTITY, RSA, SAMPLE, npki_certificate
from tests.pki.software_authority import NOW, authority_for, prepare_for, shipped
from tests.pki.software_token import spki_for

NUMBER = IdentityNumber("1234561234567")
RANDOM = bytes.fromhex("79EA7568A2D3776604E18BCD3A1B1B85B7DA0872")
VID = bytes.fromhex("17692c8dd00ead33791de0a64a937c60799634c64ac56fa57570c0e05252ab35")
TODAY = date(2026, 11, 24)


def test_the_published_vector() -> None:
    """HashContent, first hash and VID are those of the specification's example."""
    content = hash_content(NUMBER, RANDOM)
    assert content == bytes.fromhex(
        "3026130D3132333435363132333435363703150079EA7568A2D3776604E18BCD3A1B1B85B7DA0872"
    )
    assert digest(Hash.SHA256, content).hex() == (
        "cdff7f7c20b3219bc8ce65fe461cf826912718bf0f604cbb6e8216eac9564c30"
    )
    assert virtual_id(NUMBER, RANDOM, Hash.SHA256) == VID


def test_openssl_reads_hash_content() -> None:
    """A PrintableString and a BIT STRING without unused bits."""
    content = hash_content(IdentityNumber("1248100998"), RANDOM)
    lines = openssl("asn1parse", "-inform", "DER", stdin=content).splitlines()
    assert [line.split("prim:")[-1].split()[0] for line in lines[1:]] == ["PRINTABLESTRING", "BIT"]
    assert "1248100998" in lines[1]


def test_a_number_matches_its_own_vid_only() -> None:
    """Another number, random number or hash does not match."""
    assert matches(NUMBER, RANDOM, Hash.SHA256, VID)
    assert not matches(IdentityNumber("1234561234568"), RANDOM, Hash.SHA256, VID)
    assert not matches(NUMBER, RANDOM[::-1], Hash.SHA256, VID)
    assert not matches(NUMBER, RANDOM, Hash.SHA384, VID)
    assert not matches(NUMBER, RANDOM, Hash.SHA256, VID[:-1])


def test_a_short_random_number_is_refused() -> None:
    """Less than 160 bits would let the identity number be guessed from a certificate."""
    with pytest.raises(ValueError, match="160 bits"):
        virtual_id(NUMBER, RANDOM[:-1], Hash.SHA256)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("9001011234567", id="man of 1990"),
        pytest.param("0002294234567", id="29 February 2000"),
        pytest.param("2611243234567", id="born today"),
        pytest.param("8507015234567", id="foreigner"),
        pytest.param("1010108234567", id="foreigner of 2010"),
        pytest.param("1248100998", id="business"),
        pytest.param("2208162517", id="another business"),
    ],
)
def test_good_numbers_are_taken(text: str) -> None:
    """Resident numbers need no check digit: those issued since October 2020 have none."""
    assert parse_identity_number(text, field="identity_number", today=TODAY) == IdentityNumber(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "neither"),
        ("900101-1234567", "neither"),
        ("90010112345678", "neither"),
        ("9013011234567", "date of birth"),
        ("0102294234567", "date of birth"),
        ("1234561234567", "date of birth"),
        ("2611253234567", "yet to come"),
        ("9001010234567", "seventh"),
        ("9001019234567", "seventh"),
        ("900101123456x", "13 digits"),
        ("\uff19001011234567", "13 digits"),
        ("1248100999", "check digit"),
        ("124-81-009", "10 digits"),
        ("١٢٤٨١٠٠٩٩٨", "10 digits"),
    ],
)
def test_wrong_numbers_are_refused_without_being_repeated(text: str, problem: str) -> None:
    """The error says what is wrong and holds nothing of the number."""
    with pytest.raises(InvalidRequest, match=problem) as caught:
        parse_identity_number(text, field="identity_number", today=TODAY)
    error = caught.value
    assert (error.reason, error.field) == ("IDENTITY_NUMBER_INVALID", "identity_number")
    for part in {text[:6], text[-6:]} - {""}:
        assert part not in caught.value.message
        assert part not in repr(caught.value.metadata)


def test_an_identity_number_shows_itself_nowhere() -> None:
    """No text form shows the digits; HolderIdentity hides the random number."""
    for shown in (repr(NUMBER), str(NUMBER), f"{NUMBER}", repr([NUMBER])):
        assert "123456" not in shown
    assert "sealed_random" not in repr(IDENTITY)


def test_the_sample_holds_a_vid() -> None:
    """The real name and VID of the published sample are read."""
    data = read_identify_data(SAMPLE)
    assert data is not None
    assert (data.real_name, data.hash) == ("HKD", Hash.SHA256)
    assert data.virtual_id.hex().startswith("8ad4f673412f825d")


def test_a_certificate_gives_back_its_vid() -> None:
    """What was certified is read back; other certificates have none."""
    leaf = npki_certificate(shipped("npki-corporate"))
    assert read_identify_data(leaf) == IdentifyData(
        IDENTITY.real_name, Hash.SHA256, IDENTITY.virtual_id
    )
    authority = authority_for(RSA)
    for subject in (SubjectRecord("홍길동"), SubjectRecord("홍길동", email="a@bank.example")):
        prepared = prepare_for(authority, shipped("personal"), subject, spki_for(RSA))
        assert read_identify_data(authority.certify(prepared)) is None


def test_two_holders_are_none() -> None:
    """A certificate with two identifyData says nothing that can be relied on."""
    name = identify_data_name(IdentifyData("홍길동", Hash.SHA256, VID))
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, NOW, NOW)
        .add_extension(x509.SubjectAlternativeName([name, name]), critical=False)
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(ValueError, match="more than one"):
        read_identify_data(certificate.public_bytes(Encoding.DER))


@given(
    name=st.text(st.characters(codec="utf-8")),
    vid=st.binary(max_size=80),
    hash_=st.sampled_from(Hash),
)
def test_identify_data_survives_encoding(name: str, vid: bytes, hash_: Hash) -> None:
    """Any value that can be encoded is read back the same."""
    data = IdentifyData(name, hash_, vid)
    assert decode_identify_data(identify_data_name(data).value) == data


@given(junk=st.binary(max_size=64))
def test_junk_is_no_identify_data(junk: bytes) -> None:
    """Reading raises ValueError and nothing else."""
    with pytest.raises(ValueError, match=r"."):
        decode_identify_data(junk)
