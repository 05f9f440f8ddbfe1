"""What is accepted as a signature, against Wycheproof and NIST."""

import pytest

from signerd.core.algorithm import KeyAlgorithm
from tests.pki.vector import SignatureVector, is_accepted, nist_rsa, wycheproof

_FILES = {
    "ecdsa_secp256r1_sha256_test": KeyAlgorithm.EC_P256_SHA256,
    "ecdsa_secp384r1_sha384_test": KeyAlgorithm.EC_P384_SHA384,
    "ed25519_test": KeyAlgorithm.ED25519,
    "rsa_pss_2048_sha256_mgf1_32_test": KeyAlgorithm.RSA_2048_PSS_SHA256,
    "rsa_pss_3072_sha256_mgf1_32_test": KeyAlgorithm.RSA_3072_PSS_SHA256,
    "rsa_pss_4096_sha256_mgf1_32_test": KeyAlgorithm.RSA_4096_PSS_SHA256,
    "rsa_pss_4096_sha512_mgf1_64_test": KeyAlgorithm.RSA_4096_PSS_SHA512,
}
_PKCS1_FILES = {
    ("rsa_pkcs1_2048_sig_gen_test", "SHA-256"): KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    ("rsa_pkcs1_3072_sig_gen_test", "SHA-256"): KeyAlgorithm.RSA_3072_PKCS1_SHA256,
    ("rsa_pkcs1_4096_sig_gen_test", "SHA-256"): KeyAlgorithm.RSA_4096_PKCS1_SHA256,
    ("rsa_pkcs1_4096_sig_gen_test", "SHA-512"): KeyAlgorithm.RSA_4096_PKCS1_SHA512,
}
# Good signatures of another form than ours: r and s side by side, and salts of another length.
_OTHER_FORMS = {
    "ecdsa_secp256r1_sha256_p1363_test": KeyAlgorithm.EC_P256_SHA256,
    "ecdsa_secp384r1_sha384_p1363_test": KeyAlgorithm.EC_P384_SHA384,
    "rsa_pss_2048_sha256_mgf1_0_test": KeyAlgorithm.RSA_2048_PSS_SHA256,
    "rsa_pss_2048_sha256_mgf1sha1_20_test": KeyAlgorithm.RSA_2048_PSS_SHA256,
    "rsa_pss_4096_sha512_mgf1_32_test": KeyAlgorithm.RSA_4096_PSS_SHA512,
}
# Keys of small order, for which anybody can sign, and RSA with exponent 3: refused. A component of
# small order in an honest key does not help a forger: OpenSSL's word on it counts.
_OUR_WORD = {"SmallOrderPublicKey": False, "SmallPublicKey": False, "MixedOrderPublicKey": None}


def _expected(vector: SignatureVector) -> bool | None:
    """None where both are right."""
    if vector.verdict != "acceptable":
        return vector.verdict == "valid"
    (flag,) = vector.flags
    return _OUR_WORD[flag]


@pytest.mark.parametrize("file", _FILES)
def test_wycheproof_is_followed(file: str) -> None:
    """Every invalid signature is refused, every valid one accepted, and what is left to us is
    decided."""
    seen: set[str] = set()
    for vector in wycheproof(file):
        expected = _expected(vector)
        seen.add(vector.verdict)
        assert expected in (None, is_accepted(vector, _FILES[file])), vector.name
    assert seen >= {"valid", "invalid"}


@pytest.mark.parametrize(("file", "hash_name"), _PKCS1_FILES)
def test_wycheproof_pkcs1_is_followed(file: str, hash_name: str) -> None:
    """PKCS#1 v1.5 has no negative vectors there; the good ones are accepted but for keys with a
    small exponent."""
    algorithm = _PKCS1_FILES[file, hash_name]
    vectors = list(wycheproof(file, hash_name=hash_name))
    assert vectors
    for vector in vectors:
        assert is_accepted(vector, algorithm) is _expected(vector), vector.name


@pytest.mark.parametrize("file", _OTHER_FORMS)
def test_other_forms_of_good_signatures_are_refused(file: str) -> None:
    """One key signs in one form: what is valid there is no signature of ours."""
    vectors = [vector for vector in wycheproof(file) if vector.verdict == "valid"]
    assert vectors
    for vector in vectors:
        assert not is_accepted(vector, _OTHER_FORMS[file]), vector.name


@pytest.mark.parametrize("bits", [2048, 3072])
def test_nist_pkcs1_is_followed(bits: int) -> None:
    """FIPS 186-3 SigVer15: changed messages, keys, signatures and paddings are refused, good ones
    accepted."""
    algorithm = KeyAlgorithm(f"RSA_{bits}_PKCS1_SHA256")
    verdicts = set()
    for vector, _ in nist_rsa("PKCS1-v1.5/SigVer15_186-3.rsp", bits, "SHA256"):
        verdicts.add(vector.verdict)
        assert is_accepted(vector, algorithm) is (vector.verdict == "valid"), vector.name
    assert verdicts == {"valid", "invalid"}


@pytest.mark.parametrize("bits", [2048, 3072])
def test_nist_pss_is_followed(bits: int) -> None:
    """FIPS 186-3 SigVerPSS: the same, and a salt of another length than the hash's is refused
    too."""
    algorithm = KeyAlgorithm(f"RSA_{bits}_PSS_SHA256")
    vectors = list(nist_rsa("PKCS1-PSS/SigVerPSS_186-3.rsp", bits, "SHA256"))
    assert vectors
    for vector, salt_bytes in vectors:
        expected = vector.verdict == "valid" and salt_bytes == 32
        assert is_accepted(vector, algorithm) is expected, vector.name
