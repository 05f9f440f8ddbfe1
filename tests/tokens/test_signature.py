"""Signatures through client and host, judged by the openssl program."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from signerd.core.algorithm import Hash, KeyAlgorithm, Padding, spec_of
from signerd.core.error import InvalidRequest, TokenRefused
from signerd.core.value import KeyRef
from tests.tokens.conftest import connected, soon, token_labelled
from tests.tokens.soft_hsm import Stage

_DATA = "이체 지시서 1,000원".encode()


def openssl_verifies(
    algorithm: KeyAlgorithm, spki: bytes, message: bytes, signature: bytes
) -> bool:
    """What `openssl pkeyutl -verify` says of a signature over a digest (Ed25519: message)."""
    spec = spec_of(algorithm)
    options = ["-rawin"]
    if spec.hash is not None:
        options = ["-pkeyopt", f"digest:{spec.hash.value}"]
    if spec.padding is Padding.PSS and spec.hash is not None:
        options += ["-pkeyopt", "rsa_padding_mode:pss"]
        options += ["-pkeyopt", f"rsa_pss_saltlen:{spec.hash.digest_size}"]
    public = load_der_public_key(spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with tempfile.TemporaryDirectory(prefix="sd") as name:
        folder = Path(name)
        (folder / "public.pem").write_bytes(public)
        (folder / "message").write_bytes(message)
        (folder / "signature").write_bytes(signature)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem"]
        command += ["-in", "message", "-sigfile", "signature", *options]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True)
    return done.returncode == 0


def input_for(hash_: Hash | None, data: bytes) -> bytes:
    """What is handed to the token: the digest, or the data itself for Ed25519."""
    return data if hash_ is None else hashlib.new(hash_.value, data).digest()


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
async def test_signature_of_every_algorithm_is_valid(
    shared_stage: Stage, algorithm: KeyAlgorithm
) -> None:
    """A key of each algorithm is born protected and its signature satisfies openssl, for the
    signed input only."""
    async with connected(shared_stage) as client:
        token = (await token_labelled(client, "pool-1")).token
        key = KeyRef(token, os.urandom(16))
        made = await client.generate_key(key, algorithm, deadline=soon())
        message = input_for(spec_of(algorithm).hash, _DATA)
        signature = await client.sign(key, algorithm, message, deadline=soon())
    assert (made.local, made.always_sensitive, made.never_extractable) == (True, True, True)
    assert openssl_verifies(algorithm, made.spki, message, signature)
    other = input_for(spec_of(algorithm).hash, _DATA + b"0")
    assert not openssl_verifies(algorithm, made.spki, other, signature)


async def test_wrong_digest_length_is_refused(shared_stage: Stage) -> None:
    """A digest that the key's hash cannot have made does not reach the token."""
    async with connected(shared_stage) as client:
        key = KeyRef((await token_labelled(client, "pool-1")).token, os.urandom(16))
        algorithm = KeyAlgorithm.EC_P256_SHA256
        await client.generate_key(key, algorithm, deadline=soon())
        with pytest.raises(InvalidRequest) as caught:
            await client.sign(key, algorithm, bytes(48), deadline=soon())
    assert caught.value.reason == "DIGEST_LENGTH"


async def test_unknown_key_is_refused(shared_stage: Stage) -> None:
    """Signing with a CKA_ID that is on no key says so, also after the key was destroyed."""
    algorithm = KeyAlgorithm.EC_P256_SHA256
    async with connected(shared_stage) as client:
        key = KeyRef((await token_labelled(client, "pool-1")).token, os.urandom(16))
        await client.generate_key(key, algorithm, deadline=soon())
        await client.probe(key, algorithm, deadline=soon())
        assert await client.destroy_key(key, deadline=soon()) == 2
        with pytest.raises(TokenRefused) as caught:
            await client.probe(key, algorithm, deadline=soon())
        assert await client.destroy_key(key, deadline=soon()) == 0
    assert caught.value.reason == "KEY_NOT_FOUND"
