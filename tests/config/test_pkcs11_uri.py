"""PKCS#11 URIs: what is read, what is refused and with which words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.config.pkcs11_uri import Pkcs11Uri, parse_pkcs11_uri

_TEXT = st.text(st.characters(codec="utf-8", min_codepoint=0x20, exclude_characters="\x7f"))


def test_reads_token_serial_and_pin_source() -> None:
    """The three attributes the daemon uses arrive decoded."""
    uri = parse_pkcs11_uri("pkcs11:token=Bank%20CA;serial=1a2b?pin-source=file:/etc/signerd/pin")

    assert uri == Pkcs11Uri("Bank CA", "1a2b", "file:/etc/signerd/pin")


def test_token_alone_is_enough() -> None:
    """Serial and PIN source are None when the URI has none."""
    assert parse_pkcs11_uri("pkcs11:token=ca") == Pkcs11Uri("ca", None, None)


def test_percent_encoded_korean_is_utf8() -> None:
    """Percent-encoded octets are read as UTF-8, as RFC 7512 (2.3) asks."""
    assert parse_pkcs11_uri("pkcs11:token=%EC%9D%80%ED%96%89") == Pkcs11Uri("은행")


@given(
    token=_TEXT.filter(lambda text: 0 < len(text.encode()) <= 32),
    serial=st.none() | _TEXT.filter(lambda text: 0 < len(text.encode()) <= 16),
    pin_source=st.none() | _TEXT.filter(bool),
)
def test_every_uri_survives_writing_and_reading(
    token: str, serial: str | None, pin_source: str | None
) -> None:
    """A URI written by the program reads back as the same value, whatever is in it."""
    uri = Pkcs11Uri(token, serial, pin_source)

    assert parse_pkcs11_uri(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("token=ca", "begins with 'pkcs11:'"),
        ("pkcs11:", "token (label of the token) is missing"),
        ("pkcs11:serial=1", "token (label of the token) is missing"),
        ("pkcs11:token=", "token is empty"),
        ("pkcs11:token", "name=value"),
        ("pkcs11:token=a;token=b", "token stands there twice"),
        ("pkcs11:token=a;colour=red", "colour before '?' is not supported"),
        ("pkcs11:token=a;pin-source=file:/p", "pin-source before '?' is not supported"),
        ("pkcs11:token=a?serial=1", "serial after '?' is not supported"),
        ("pkcs11:token=a;slot-id=3", "slot numbers change"),
        ("pkcs11:token=a;object=k", "names a token, not a key"),
        ("pkcs11:token=a?module-path=/lib/x.so", "tokens.module"),
        ("pkcs11:token=a%2", "two hexadecimal digits"),
        ("pkcs11:token=a%zz", "two hexadecimal digits"),
        ("pkcs11:token=a%ff", "not UTF-8"),
        ("pkcs11:token=a%00", "control characters"),
        (f"pkcs11:token={'a' * 33}", "longer than the 32 bytes"),
        (f"pkcs11:token=a;serial={'1' * 17}", "longer than the 16 bytes"),
    ],
)
def test_mistakes_are_named(text: str, words: str) -> None:
    """Each mistake is refused with words that say which attribute and why."""
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_pkcs11_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:token=a?pin-value=s3cr3t",
        "pkcs11:token=a;pin-value=s3cr3t",
        "pkcs11:token=a?s3cr3t",
        "pkcs11:token=a?s3cr3t=1",
        "pkcs11:token=a?pin-source=s3cr3t%",
        "s3cr3t",
    ],
)
def test_no_refusal_repeats_a_pin(text: str) -> None:
    """A PIN written into the URI by mistake is refused and not shown."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        parse_pkcs11_uri(text)

    assert "s3cr3t" not in str(caught.value)
