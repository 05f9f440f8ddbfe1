"""What a key on the token signs and what it refuses, without a daemon."""

import copy
import hashlib
import pickle

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from signerd_client import KeyAlgorithm
from signerd_client.error import Corrupted
from signerd_client.key_scheme import KeyScheme
from signerd_client.remote_key import (
    RemoteEcPrivateKey,
    RemoteEd25519PrivateKey,
    RemoteRsaPrivateKey,
)
from tests.client.software_key import SoftwareDaemon, remote_key

ORDER = b"payment order"
SHA256 = hashes.SHA256()
PKCS1 = KeyAlgorithm.RSA_2048_PKCS1_SHA256
PSS_KEY = KeyAlgorithm.RSA_2048_PSS_SHA256
_RSA = rsa.generate_private_key(65537, 2048)
_EC = ec.generate_private_key(ec.SECP256R1())
_ED = ed25519.Ed25519PrivateKey.generate()


def _rsa(algorithm: KeyAlgorithm) -> tuple[RemoteRsaPrivateKey, SoftwareDaemon]:
    padding = KeyScheme.of(algorithm).rsa_padding
    assert padding is not None
    daemon = SoftwareDaemon(
        lambda request: _RSA.sign(request.digest.sha256, padding, Prehashed(SHA256))
    )
    key = remote_key(algorithm, _RSA, daemon)
    assert isinstance(key, RemoteRsaPrivateKey)
    return key, daemon


def _ec() -> tuple[RemoteEcPrivateKey, SoftwareDaemon]:
    scheme = ec.ECDSA(Prehashed(SHA256))
    daemon = SoftwareDaemon(lambda request: _EC.sign(request.digest.sha256, scheme))
    key = remote_key(KeyAlgorithm.EC_P256_SHA256, _EC, daemon)
    assert isinstance(key, RemoteEcPrivateKey)
    return key, daemon


def _ed() -> tuple[RemoteEd25519PrivateKey, SoftwareDaemon]:
    daemon = SoftwareDaemon(lambda request: _ED.sign(request.data))
    key = remote_key(KeyAlgorithm.ED25519, _ED, daemon)
    assert isinstance(key, RemoteEd25519PrivateKey)
    return key, daemon


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_every_algorithm_has_a_scheme(algorithm: KeyAlgorithm) -> None:
    """Hash and padding are those in the algorithm's name."""
    scheme = KeyScheme.of(algorithm)
    hash_name = "" if scheme.hash_algorithm is None else type(scheme.hash_algorithm).__name__
    assert hash_name in algorithm
    assert (scheme.hash_algorithm is None) is (algorithm is KeyAlgorithm.ED25519)
    assert isinstance(scheme.rsa_padding, PSS) is ("_PSS_" in algorithm)
    assert isinstance(scheme.rsa_padding, PKCS1v15) is ("_PKCS1_" in algorithm)


def test_large_data_stays_here_and_its_digest_is_sent() -> None:
    """A gigabyte would need no more: the request holds 32 bytes of it."""
    data = b"x" * 3_000_000
    key, daemon = _rsa(PKCS1)
    signature = key.sign(data, PKCS1v15(), SHA256)
    key.public_key().verify(signature, data, PKCS1v15(), SHA256)
    (request,) = daemon.requests
    assert request.digest.sha256 == hashlib.sha256(data).digest()
    assert request.ByteSize() < 200


def test_a_digest_of_another_library_is_signed_as_it_is() -> None:
    """Prehashed means that data is the digest."""
    digest = hashlib.sha256(ORDER).digest()
    rsa_key, _ = _rsa(PKCS1)
    ec_key, _ = _ec()
    signature = rsa_key.sign(digest, PKCS1v15(), Prehashed(SHA256))
    rsa_key.public_key().verify(signature, ORDER, PKCS1v15(), SHA256)
    signature = ec_key.sign(bytearray(digest), ec.ECDSA(Prehashed(SHA256)))
    ec_key.public_key().verify(signature, ORDER, ec.ECDSA(SHA256))


@pytest.mark.parametrize("salt", [PSS.DIGEST_LENGTH, 32])
def test_the_pss_salt_is_as_long_as_the_digest(salt: int) -> None:
    """Both ways of saying so are understood."""
    key, _ = _rsa(PSS_KEY)
    signature = key.sign(ORDER, PSS(MGF1(SHA256), salt), SHA256)
    key.public_key().verify(signature, ORDER, PSS(MGF1(SHA256), 32), SHA256)


def test_ed25519_signs_the_data_itself() -> None:
    """There is no digest of it that a verifier would take."""
    key, daemon = _ed()
    key.public_key().verify(key.sign(memoryview(ORDER)), ORDER)
    assert daemon.requests[0].data == ORDER
    assert key.hash_algorithm is None


@pytest.mark.parametrize(
    "padding",
    [
        PSS(MGF1(SHA256), PSS.MAX_LENGTH),
        PSS(MGF1(SHA256), PSS.AUTO),
        PSS(MGF1(SHA256), 20),
        PSS(MGF1(hashes.SHA1()), 32),  # noqa: S303 - refused
        PKCS1v15(),
        OAEP(MGF1(SHA256), SHA256, None),
    ],
)
def test_another_padding_is_refused_before_the_daemon_is_asked(
    padding: PSS | PKCS1v15 | OAEP,
) -> None:
    """The error says which padding the key has."""
    key, daemon = _rsa(PSS_KEY)
    with pytest.raises(UnsupportedAlgorithm, match=r"PSS\(MGF1\(SHA256\(\)\), PSS.DIGEST_LENGTH"):
        key.sign(ORDER, padding, SHA256)
    assert not daemon.requests


@pytest.mark.parametrize(
    "algorithm",
    [
        hashes.SHA512(),
        hashes.SHA3_256(),
        Prehashed(hashes.SHA384()),
        Prehashed(hashes.SHA3_256()),
        Prehashed(hashes.SHA512_256()),
        NoDigestInfo(),
    ],
)
def test_another_hash_is_refused_before_the_daemon_is_asked(
    algorithm: hashes.HashAlgorithm | Prehashed | NoDigestInfo,
) -> None:
    """Also one with digests of the same length, which nobody would notice later."""
    rsa_key, rsa_daemon = _rsa(PKCS1)
    digest = hashlib.sha256(ORDER).digest()
    with pytest.raises(UnsupportedAlgorithm, match="signs with sha256 only"):
        rsa_key.sign(digest, PKCS1v15(), algorithm)
    assert not rsa_daemon.requests
    if not isinstance(algorithm, NoDigestInfo):
        ec_key, ec_daemon = _ec()
        with pytest.raises(UnsupportedAlgorithm, match="ask for SHA256"):
            ec_key.sign(digest, ec.ECDSA(algorithm))
        assert not ec_daemon.requests


def test_a_digest_of_the_wrong_length_is_refused() -> None:
    """Such as its hexadecimal form."""
    key, daemon = _rsa(PKCS1)
    digest = hashlib.sha256(ORDER).hexdigest().encode()
    with pytest.raises(ValueError, match="32 bytes, not 64"):
        key.sign(digest, PKCS1v15(), Prehashed(SHA256))
    assert not daemon.requests


def test_deterministic_signatures_are_refused() -> None:
    """Builders can ask for them, tokens cannot make them."""
    key, daemon = _ec()
    with pytest.raises(UnsupportedAlgorithm, match="RFC 6979"):
        key.sign(ORDER, ec.ECDSA(SHA256, deterministic_signing=True))
    assert not daemon.requests


def test_no_way_of_a_private_key_leads_out() -> None:
    """Export, numbers, decryption and key agreement say that the key stays on the token."""
    rsa_key, (ec_key, _), (ed_key, _) = _rsa(PKCS1)[0], _ec(), _ed()
    export = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    peer = ec.generate_private_key(ec.SECP256R1()).public_key()
    for attempt in (
        *(lambda key=key: key.private_bytes(*export) for key in (rsa_key, ec_key, ed_key)),
        rsa_key.private_numbers,
        ec_key.private_numbers,
        ed_key.private_bytes_raw,
    ):
        with pytest.raises(UnsupportedAlgorithm, match="never leaves the token"):
            attempt()
    with pytest.raises(UnsupportedAlgorithm, match="decrypts nothing"):
        rsa_key.decrypt(b"", PKCS1v15())
    with pytest.raises(UnsupportedAlgorithm, match="agrees on no key"):
        ec_key.exchange(ec.ECDH(), peer)
    with pytest.raises(TypeError, match="pass its name"):
        pickle.dumps(rsa_key)


def test_a_copy_is_the_same_key() -> None:
    """Keys are names, and show nothing else."""
    for key in (_rsa(PKCS1)[0], _ec()[0], _ed()[0]):
        assert copy.copy(key) is key
        assert copy.deepcopy(key) is key
        assert repr(key) == f"<{type(key).__name__} credentials/c {key.key_algorithm}>"
        assert (key.credential, key.certificate) == ("credentials/c", "certificates/4f")
    assert _rsa(PKCS1)[0].key_size == 2048
    assert (_ec()[0].key_size, _ec()[0].curve.name) == (256, "secp256r1")


def test_a_signature_of_another_key_is_not_passed_on() -> None:
    """Builders would take any bytes; the key does not."""
    other = ed25519.Ed25519PrivateKey.generate()
    key = remote_key(
        KeyAlgorithm.ED25519, _ED, SoftwareDaemon(lambda request: other.sign(request.data))
    )
    assert isinstance(key, RemoteEd25519PrivateKey)
    with pytest.raises(Corrupted, match="not of its key"):
        key.sign(ORDER)


def test_a_key_of_a_later_version_says_so() -> None:
    """The daemon may know algorithms that this client does not."""
    with pytest.raises(UnsupportedAlgorithm, match="does not know"):
        KeyScheme.of(None)
