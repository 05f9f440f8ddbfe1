"""Who a connection belongs to."""

import pytest

from signerd.core.error import Unauthenticated
from signerd.transport.principal import principal_of


def test_a_uri_names_the_caller_before_a_dns_name() -> None:
    """The SPIFFE way: one URI is the identity, other names do not matter."""
    auth = {"peer_uri": [b"spiffe://bank.example/app"], "peer_dns": [b"a.example", b"b.example"]}
    assert principal_of("ipv4:10.0.0.1:1", auth) == "uri:spiffe://bank.example/app"


def test_a_single_dns_name_names_the_caller() -> None:
    """DNS names compare without regard to case (RFC 4343)."""
    assert principal_of("ipv4:10.0.0.1:1", {"peer_dns": [b"App.Bank.Example"]}) == (
        "dns:app.bank.example"
    )


@pytest.mark.parametrize(
    "auth",
    [
        {},
        {"peer_uri": [b"spiffe://a/1", b"spiffe://a/2"]},
        {"peer_uri": [b"spiffe://a/1", b"spiffe://a/2"], "peer_dns": [b"a.example"]},
        {"peer_dns": [b"a.example", b"b.example"]},
        {"x509_common_name": [b"operator"]},
    ],
)
def test_an_ambiguous_certificate_names_nobody(auth: dict[str, list[bytes]]) -> None:
    """Two names, or none, are refused rather than chosen from; a common name is no name."""
    with pytest.raises(Unauthenticated):
        principal_of("ipv4:10.0.0.1:1", auth)


def test_the_local_socket_is_the_operators() -> None:
    """Only the daemon's user can open it."""
    assert principal_of("unix:", {}) == "local:operator"
