"""Biometric assertions, signed by real keys."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from signerd.core.error import SignerdError
from signerd.core.value import EnrolmentId, SubscriberId
from signerd.identity.biometric import check_biometric_key, verify_assertion
from signerd.pki.key import spki_of
from tests.identity.scene import ENROLMENT, SUBSCRIBER, after

P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
STATEMENT = (
    "signerd.v1 biometric proof for enrolments/enrolment-1 of subscribers/cust-1 "
    "at 2026-11-24T03:00:00Z"
)


def by_p256(data: bytes) -> bytes:
    return P256.sign(data, ec.ECDSA(hashes.SHA256()))


def by_rsa(data: bytes) -> bytes:
    return RSA.sign(data, padding.PKCS1v15(), hashes.SHA256())


SIGNERS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "P-256": (spki_of(P256.public_key()), by_p256),
    "RSA": (spki_of(RSA.public_key()), by_rsa),
    "Ed25519": (spki_of(ED25519.public_key()), ED25519.sign),
}


def refused(
    statement: str = STATEMENT,
    *,
    signer: str = "P-256",
    seconds: float = 1,
    signature: bytes | None = None,
) -> str | None:
    """The reason of the refusal; None where it is accepted."""
    spki, sign = SIGNERS[signer]
    try:
        verify_assertion(
            spki,
            statement,
            sign(statement.encode()) if signature is None else signature,
            enrolment=ENROLMENT,
            subscriber=SUBSCRIBER,
            now_utc=after(seconds),
        )
    except SignerdError as error:
        return error.reason
    return None


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_fresh_statement_of_the_registered_key_proves(signer: str) -> None:
    """Each kind of key is registered and its signature accepted."""
    check_biometric_key(SIGNERS[signer][0])

    assert refused(signer=signer) is None


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_signature_of_another_key_or_statement_is_refused(signer: str) -> None:
    """The signature must be of this key over exactly this statement."""
    _, sign = SIGNERS[signer]
    other = STATEMENT.replace("03:00:00Z", "03:00:01Z")

    assert refused(signer=signer, signature=sign(other.encode())) == "BIOMETRIC_SIGNATURE_WRONG"
    assert refused(signer=signer, signature=b"") == "BIOMETRIC_SIGNATURE_WRONG"
    foreign = ec.generate_private_key(ec.SECP256R1()).sign(
        STATEMENT.encode(), ec.ECDSA(hashes.SHA256())
    )
    assert refused(signer=signer, signature=foreign) == "BIOMETRIC_SIGNATURE_WRONG"


@pytest.mark.parametrize(
    ("old", "new"), [("enrolment-1", "enrolment-2"), ("cust-1", "cust-2"), ("cust-1", "cust-10")]
)
def test_a_statement_proves_nothing_elsewhere(old: str, new: str) -> None:
    """A statement for another enrolment or subscriber is refused, so none is used twice."""
    assert refused(STATEMENT.replace(old, new)) == "BIOMETRIC_STATEMENT_FOREIGN"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-31, "BIOMETRIC_STATEMENT_STALE"),
        (-30, None),
        (150, None),
        (151, "BIOMETRIC_STATEMENT_STALE"),
        (86_400, "BIOMETRIC_STATEMENT_STALE"),
    ],
)
def test_a_statement_is_good_for_two_minutes(seconds: int, expected: str | None) -> None:
    """Two minutes, and half a minute for a clock that is off either way."""
    assert refused(seconds=seconds) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "",
        STATEMENT + "\n",
        " " + STATEMENT,
        STATEMENT.replace(" at ", "  at "),
        STATEMENT.replace("Z", "+00:00"),
        STATEMENT.replace("Z", ""),
        STATEMENT.replace("T", " "),
        STATEMENT.replace("11-24", "13-24"),
        STATEMENT.replace("2026", "٢٠٢٦"),
        STATEMENT.replace("v1", "v2"),
        STATEMENT.replace("cust-1", "cust-1/x"),
        "x" * 100_000,
    ],
)
def test_only_the_exact_form_is_a_statement(statement: str) -> None:
    """Anything that could be read in two ways is refused, though it is signed."""
    assert refused(statement) == "BIOMETRIC_STATEMENT_MALFORMED"


def test_fractions_of_a_second_are_taken() -> None:
    """Apps give milliseconds or nanoseconds."""
    assert refused(STATEMENT.replace("Z", ".123Z")) is None
    assert refused(STATEMENT.replace("Z", ".123456789Z")) is None


@pytest.mark.parametrize(
    "spki",
    [
        b"",
        b"no key",
        spki_of(rsa.generate_private_key(65537, 1024).public_key()),  # noqa: S505 - to be refused
        spki_of(ec.generate_private_key(ec.SECP384R1()).public_key()),
    ],
    ids=["empty", "noise", "RSA 1024", "P-384"],
)
def test_other_keys_are_not_registered(spki: bytes) -> None:
    """Weak keys, other curves and noise are refused with what to register instead."""
    with pytest.raises(SignerdError) as caught:
        check_biometric_key(spki)
    assert caught.value.reason == "BIOMETRIC_KEY_UNUSABLE"
    assert "register a P-256" in caught.value.message


def test_a_key_that_is_not_usable_proves_nothing() -> None:
    """A record that lost its key refuses, whatever is signed."""
    with pytest.raises(SignerdError) as caught:
        verify_assertion(
            b"",
            STATEMENT,
            b"",
            enrolment=EnrolmentId("enrolment-1"),
            subscriber=SubscriberId("cust-1"),
            now_utc=after(0),
        )
    assert caught.value.reason == "BIOMETRIC_KEY_UNUSABLE"
