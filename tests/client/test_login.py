"""Login statements as the client reads them."""

from datetime import UTC, datetime

import pytest

from signerd.core.value import CertificateId, SubscriberId
from signerd.signing import login_statement as daemon
from signerd_client import LoginStatement, login_statement
from signerd_client.login_call import sign_login

MADE = daemon.LoginStatement(
    relying_party="uri:spiffe://bank.example/shop",
    domain="상점.example: 2",
    nonce="A" * 43,
    expires_utc=datetime(2026, 11, 1, 0, 2, tzinfo=UTC),
    subscriber=SubscriberId("hong-gildong"),
    certificate=CertificateId("4f"),
)
TEXT = MADE.text()


def test_the_client_reads_what_the_daemon_made() -> None:
    """Every field comes out as it went in, and the bytes to sign are those of the daemon."""
    read = login_statement(TEXT)
    assert read == LoginStatement(
        MADE.relying_party,
        MADE.domain,
        MADE.nonce,
        MADE.expires_utc,
        "subscribers/hong-gildong",
        "certificates/4f",
    )
    assert read.data == TEXT.encode()
    assert login_statement(TEXT.encode()) == read
    assert daemon.is_login_statement(read.data)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "transfer 10,000",
        TEXT.replace("login", "transfer"),
        TEXT + "\n",
        TEXT + "\nand: transfer 10,000",
        TEXT + "\ndomain: evil.example",
        TEXT.replace("domain: ", "domain:"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("00:02:00Z", "00:02:00+00:00"),
        "\n".join(sorted(TEXT.split("\n"))),
    ],
)
def test_other_texts_are_not_signed_as_a_login(other: str) -> None:
    """What says more, less or otherwise than a statement is refused before anything is sent."""
    with pytest.raises(ValueError, match=r"."):
        login_statement(other)
    with pytest.raises(ValueError, match=r"."):
        sign_login("c", other, domain=MADE.domain)


def test_another_domains_challenge_is_not_signed() -> None:
    """Whoever passes on a challenge of somebody else gets no signature."""
    with pytest.raises(ValueError, match="passing on"):
        sign_login("c", TEXT, domain="bank.example")
