"""Signatures: what is accepted, and the ways of being wrong."""

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from signerd.core.algorithm import Hash, KeyAlgorithm, KeyType, Padding, spec_of
from signerd.core.error import Internal, InvalidRequest
from signerd.pki.key import check_key_algorithm
from signerd.pki.signature import digest, verify_signature
from tests.pki.judge import openssl
from tests.pki.software_token import key_for, sign, spki_for

DATA = "이체 100,000원".encode()
EC_ALGORITHMS = [one for one in KeyAlgorithm if spec_of(one).key_type is KeyType.EC]
PSS_ALGORITHMS = [one for one in KeyAlgorithm if spec_of(one).padding is Padding.PSS]


def message_of(algorithm: KeyAlgorithm, data: bytes = DATA) -> bytes:
    """What a key of the algorithm signs."""
    hash_ = spec_of(algorithm).hash
    return data if hash_ is None else digest(hash_, data)


def is_valid(algorithm: KeyAlgorithm, signature: bytes, message: bytes | None = None) -> bool:
    """The verdict, which explains itself exactly when it is negative."""
    checked = verify_signature(
        spki_for(algorithm), algorithm, message or message_of(algorithm), signature
    )
    assert bool(checked.explanation) is not checked.is_valid
    return checked.is_valid


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_good_signatures_are_valid(algorithm: KeyAlgorithm) -> None:
    """A signature by the key over the message is valid, over another it is not."""
    signature = sign(algorithm, message_of(algorithm))
    assert is_valid(algorithm, signature)
    assert not is_valid(algorithm, signature, message_of(algorithm, DATA + b"0"))


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_damaged_signatures_are_invalid(algorithm: KeyAlgorithm) -> None:
    """Truncated, extended, empty, zero and bit-flipped signatures and another key's are invalid."""
    good = sign(algorithm, message_of(algorithm))
    flipped = [bytes([*good[:at], good[at] ^ 1, *good[at + 1 :]]) for at in (0, 1, len(good) // 2)]
    another = sign(algorithm, message_of(algorithm), "somebody")
    zero = bytes(len(good))
    for wrong in (good[:-1], good + b"\0", b"\0" + good, b"", zero, *flipped, another):
        assert not is_valid(algorithm, wrong)


@pytest.mark.parametrize("algorithm", EC_ALGORITHMS)
def test_ecdsa_is_strict_der_in_range(algorithm: KeyAlgorithm) -> None:
    """r||s, BER lengths, padded integers, zero and numbers beyond the group's order are invalid."""
    key = key_for(algorithm)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    size, order = spec_of(algorithm).bits // 8, key.curve.group_order
    good = sign(algorithm, message_of(algorithm))
    r, s = decode_dss_signature(good)
    raw = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    ber = b"\x30\x81" + good[1:]
    r_der = good[2 : 4 + good[3]]
    padded = bytes([0x30, good[1] + 1, 0x02, good[3] + 1, 0]) + r_der[2:] + good[4 + good[3] :]
    assert not is_valid(algorithm, raw)
    assert not is_valid(algorithm, ber)
    assert not is_valid(algorithm, padded)
    for pair in ((0, s), (r, 0), (r + order, s), (r, s + order), (r, order), (0, 0)):
        assert not is_valid(algorithm, encode_dss_signature(*pair))
    negative = b"\x02\x01\xff" + good[4 + good[3] :]
    assert not is_valid(algorithm, bytes([0x30, len(negative)]) + negative)
    # The other root is a valid ECDSA signature (SEC 1, 4.1.4): malleable, as the standard is.
    assert is_valid(algorithm, encode_dss_signature(r, order - s))


@pytest.mark.parametrize("algorithm", PSS_ALGORITHMS)
@pytest.mark.parametrize("salt", [0, 20, 31, 33, "max"])
def test_pss_salt_is_as_long_as_the_hash(algorithm: KeyAlgorithm, salt: int | str) -> None:
    """Any other salt length is invalid, though the key made it."""
    spec, key = spec_of(algorithm), key_for(algorithm)
    assert isinstance(key, rsa.RSAPrivateKey)
    hash_ = hashes.SHA256() if spec.hash is Hash.SHA256 else hashes.SHA512()
    length = padding.PSS.MAX_LENGTH if isinstance(salt, str) else salt
    signature = key.sign(
        message_of(algorithm), padding.PSS(padding.MGF1(hash_), length), Prehashed(hash_)
    )
    assert not is_valid(algorithm, signature)


def test_padding_and_hash_are_the_keys_own() -> None:
    """A PKCS#1 v1.5 signature is no PSS signature, and SHA-512 is not SHA-256."""
    pkcs1, pss = KeyAlgorithm.RSA_4096_PKCS1_SHA256, KeyAlgorithm.RSA_4096_PSS_SHA256
    assert not is_valid(pss, sign(pkcs1, message_of(pkcs1)))
    assert not is_valid(pkcs1, sign(pss, message_of(pss)))
    sha512 = KeyAlgorithm.RSA_4096_PKCS1_SHA512
    assert not is_valid(pkcs1, sign(sha512, message_of(sha512)))


def test_sha1_digest_info_is_not_taken_for_sha256() -> None:
    """A PKCS#1 v1.5 signature whose DigestInfo names another hash is invalid."""
    algorithm = KeyAlgorithm.RSA_2048_PKCS1_SHA256
    key = key_for(algorithm)
    assert isinstance(key, rsa.RSAPrivateKey)
    other = key.sign(message_of(algorithm), padding.PKCS1v15(), Prehashed(hashes.SHA3_256()))
    assert not is_valid(algorithm, other)


@pytest.mark.parametrize("algorithm", [one for one in KeyAlgorithm if spec_of(one).hash])
def test_a_digest_of_wrong_length_is_the_callers_fault(algorithm: KeyAlgorithm) -> None:
    """Neither valid nor invalid: the question is wrong."""
    with pytest.raises(InvalidRequest) as caught:
        verify_signature(spki_for(algorithm), algorithm, bytes(20), b"x")
    assert (caught.value.reason, caught.value.field) == ("DIGEST_LENGTH", "digest")


@pytest.mark.parametrize("claimed", list(KeyAlgorithm))
@pytest.mark.parametrize("actual", list(KeyAlgorithm))
def test_keys_have_the_type_and_size_they_claim(
    claimed: KeyAlgorithm, actual: KeyAlgorithm
) -> None:
    """A key passes for exactly the algorithms of its type and size."""
    spki, ours, theirs = spki_for(actual), spec_of(actual), spec_of(claimed)
    if (ours.key_type, ours.bits) == (theirs.key_type, theirs.bits):
        check_key_algorithm(spki, claimed)
        return
    with pytest.raises(Internal) as caught:
        check_key_algorithm(spki, claimed)
    assert caught.value.reason == "KEY_ALGORITHM_MISMATCH"


def test_a_compressed_point_is_not_the_usual_encoding(folder: Path) -> None:
    """An SPKI that would be certified in other bytes than were given is refused."""
    out = folder / "key.der"
    openssl(
        *("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "key.pem"),
    )
    openssl(
        *("ec", "-in", folder / "key.pem", "-pubout", "-conv_form", "compressed"),
        *("-outform", "DER", "-out", out),
    )
    with pytest.raises(Internal, match="usual encoding"):
        check_key_algorithm(out.read_bytes(), KeyAlgorithm.EC_P256_SHA256)


@pytest.mark.parametrize("hash_", list(Hash))
def test_digests_are_openssls(hash_: Hash) -> None:
    """The digest is what `openssl dgst` prints, and has the length its hash says."""
    said = openssl("dgst", f"-{hash_.value}", "-r", stdin=DATA).split()[0]
    assert digest(hash_, DATA).hex() == said == hashlib.new(hash_.value, DATA).hexdigest()
    assert len(digest(hash_, DATA)) == hash_.digest_size
