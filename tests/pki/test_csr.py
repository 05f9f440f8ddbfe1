"""Requests made by openssl: which public keys are taken, and why others are refused."""

from pathlib import Path

import pytest

from signerd.core.error import InvalidRequest
from signerd.pki.csr import MAX_CSR_BYTES, parse_csr
from signerd.pki.key import KeyKind
from tests.pki.judge import openssl
from tests.pki.software_authority import shipped

RSA = ("-newkey", "rsa:2048")


def request(folder: Path, *options: str, form: str = "DER") -> bytes:
    """A request by the openssl program."""
    out = folder / "request"
    openssl(
        *("req", "-new", "-nodes", "-keyout", folder / "new.pem", "-subj", "/CN=x"),
        *(*options, "-outform", form, "-out", out),
    )
    return out.read_bytes()


def request_with_key(folder: Path, *genpkey: str) -> bytes:
    """A request for a key by `openssl genpkey`."""
    key = folder / "key.pem"
    openssl("genpkey", *genpkey, "-out", key)
    out = folder / "request"
    openssl("req", "-new", "-key", key, "-subj", "/CN=x", "-outform", "DER", "-out", out)
    return out.read_bytes()


def reason_of(data: bytes) -> str:
    """Why a request is refused."""
    with pytest.raises(InvalidRequest) as caught:
        parse_csr(data)
    assert caught.value.field == "csr"
    return caught.value.reason


def ec_key(curve: str, *, encoding: str = "named_curve") -> tuple[str, ...]:
    """Options of genpkey for a curve."""
    return (
        *("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}"),
        *("-pkeyopt", f"ec_param_enc:{encoding}"),
    )


@pytest.mark.parametrize(
    ("genpkey", "kind", "description"),
    [
        (("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), KeyKind.RSA, "RSA 2048"),
        (("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"), KeyKind.RSA, "RSA 3072"),
        (ec_key("P-256"), KeyKind.EC_P256, "EC P-256"),
        (ec_key("P-384"), KeyKind.EC_P384, "EC P-384"),
        (("-algorithm", "ED25519"), KeyKind.ED25519, "Ed25519"),
    ],
)
def test_good_requests_give_their_key(
    folder: Path, genpkey: tuple[str, ...], kind: KeyKind, description: str
) -> None:
    """The SPKI is the one openssl writes for the key."""
    parsed = parse_csr(request_with_key(folder, *genpkey))
    openssl(
        *("pkey", "-in", folder / "key.pem", "-pubout", "-outform", "DER"),
        *("-out", folder / "public.der"),
    )
    assert parsed.spki == (folder / "public.der").read_bytes()
    assert (parsed.kind, parsed.description) == (kind, description)


def test_pem_and_pss_signatures_are_taken(folder: Path) -> None:
    """PEM is as good as DER; a PSS signature by an rsaEncryption key is fine."""
    assert parse_csr(request(folder, *RSA, form="PEM")).kind is KeyKind.RSA
    pss = request(folder, *RSA, "-sigopt", "rsa_padding_mode:pss")
    assert parse_csr(pss).kind is KeyKind.RSA


@pytest.mark.parametrize(
    "options",
    [
        ("rsa_keygen_bits:1024",),
        ("rsa_keygen_bits:512",),
        ("rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"),
        ("rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:17"),
    ],
)
def test_weak_keys_are_refused(folder: Path, options: tuple[str, ...]) -> None:
    """RSA below 2048 bits or with a small exponent is CSR_KEY_WEAK."""
    data = request_with_key(folder, "-algorithm", "RSA", "-pkeyopt", *options)
    assert reason_of(data) == "CSR_KEY_WEAK"


@pytest.mark.parametrize(
    "genpkey",
    [
        ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
        ec_key("secp224r1"),
        ec_key("P-521"),
        ec_key("secp256k1"),
        ec_key("brainpoolP256r1"),
        ec_key("P-256", encoding="explicit"),
        ("-algorithm", "ED448"),
    ],
)
def test_foreign_keys_are_refused(folder: Path, genpkey: tuple[str, ...]) -> None:
    """Other types, curves and encodings of the key are CSR_KEY_TYPE."""
    assert reason_of(request_with_key(folder, *genpkey)) == "CSR_KEY_TYPE"


def test_dsa_is_refused(folder: Path) -> None:
    """A DSA key is CSR_KEY_TYPE."""
    parameters = folder / "dsa.pem"
    openssl(
        *("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024"),
        *("-out", parameters),
    )
    assert reason_of(request_with_key(folder, "-paramfile", str(parameters))) == "CSR_KEY_TYPE"


@pytest.mark.parametrize("hash_", ["-sha1", "-md5", "-sha224", "-sha3-256"])
def test_weak_signatures_are_refused(folder: Path, hash_: str) -> None:
    """Hashes other than SHA-256, SHA-384 and SHA-512 are CSR_SIGNATURE_WEAK."""
    assert reason_of(request(folder, *RSA, hash_)) == "CSR_SIGNATURE_WEAK"


@pytest.mark.parametrize("position", [-1, -100])
def test_a_bad_signature_is_refused(folder: Path, position: int) -> None:
    """One flipped bit of the signature is CSR_SIGNATURE_INVALID."""
    damaged = bytearray(request(folder, *RSA))
    damaged[position] ^= 1
    assert reason_of(bytes(damaged)) == "CSR_SIGNATURE_INVALID"


def test_a_request_signed_by_another_key_is_refused(folder: Path) -> None:
    """A signature that is good, but by another key of the same type, is CSR_SIGNATURE_INVALID."""
    mine, other = request(folder, *RSA), request(folder, *RSA)
    assert reason_of(mine[:-256] + other[-256:]) == "CSR_SIGNATURE_INVALID"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"hello",
        b"\x30\x80\x00\x00",
        b"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
        b"-----BEGIN CERTIFICATE REQUEST-----\nMA==\n",
        "요청".encode(),
    ],
)
def test_garbage_is_refused(data: bytes) -> None:
    """What is no request is CSR_MALFORMED."""
    assert reason_of(data) == "CSR_MALFORMED"


def test_truncated_and_padded_requests_are_refused(folder: Path) -> None:
    """A byte too few or too many is CSR_MALFORMED."""
    good = request(folder, *RSA)
    assert reason_of(good[:-1]) == "CSR_MALFORMED"
    assert reason_of(good + b"\x00") == "CSR_MALFORMED"


def test_size_is_bounded() -> None:
    """More than 16 KiB is not even parsed."""
    assert reason_of(b"\x30" * (MAX_CSR_BYTES + 1)) == "CSR_TOO_LARGE"


def test_the_profile_decides_which_request_keys_come(folder: Path) -> None:
    """personal takes no request; tls-client takes P-256, and does not once it is struck out."""
    spki = parse_csr(request_with_key(folder, *ec_key("P-256"))).spki
    with pytest.raises(InvalidRequest) as caught:
        shipped("personal").check_csr_key(spki)
    assert caught.value.reason == "CSR_NOT_ALLOWED"
    shipped("tls-client").check_csr_key(spki)
