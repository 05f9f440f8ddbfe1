"""Addresses to listen on."""

import pytest

from signerd.config.address import ListenAddress, parse_listen_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:7443", ListenAddress("127.0.0.1", 7443)),
        ("signer.bank.example:1", ListenAddress("signer.bank.example", 1)),
        ("[::1]:65535", ListenAddress("::1", 65535)),
        ("[0:0:0::1]:7443", ListenAddress("::1", 7443)),
    ],
)
def test_reads_names_and_addresses(text: str, address: ListenAddress) -> None:
    """Host names, IPv4 and bracketed IPv6 addresses are read."""
    assert parse_listen_address(text) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("7443", "use host:port"),
        (":7443", "use host:port"),
        ("localhost:0", "from 1 to 65535"),
        ("localhost:65536", "from 1 to 65535"),
        ("localhost:https", "from 1 to 65535"),
        ("localhost:٣", "from 1 to 65535"),
        ("::1:7443", r"put an IPv6 address in brackets: \[::1\]:7443"),
        ("[localhost]:7443", "no IPv6 address"),
        ("-bad-:7443", "neither a name nor"),
        ("a b:7443", "neither a name nor"),
    ],
)
def test_mistakes_say_what_to_write(text: str, words: str) -> None:
    """Each mistake is refused with the right form."""
    with pytest.raises(ValueError, match=words):
        parse_listen_address(text)
