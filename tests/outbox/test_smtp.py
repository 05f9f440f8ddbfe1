"""E-mail against a mail server that is not ours."""

import email
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from email.policy import default
from pathlib import Path

import pytest

from signerd.config.secret_source import Secret
from signerd.outbox.letter import DeliveryError
from signerd.outbox.smtp import SmtpCarrier, SmtpSecurity, SmtpServer
from tests.client.pki import make_identity
from tests.outbox.scenario import (
    BANK,
    PASSWORD,
    SENDER,
    USER,
    MailServer,
    letter_of,
    mail_server,
    server_at,
)


def _carrier(server: SmtpServer) -> SmtpCarrier:
    return SmtpCarrier(server, bank=BANK, sender=SENDER)


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """Of a server whose CA stands in ca.pem."""
    authority = make_identity("Mail CA")
    authority.write(tmp_path, "ca")
    chain = make_identity("localhost", issuer=authority, dns_names=["localhost"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*chain.write(tmp_path, "server"))
    return context


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


async def test_a_mail_is_handed_in(server: MailServer) -> None:
    """To the one recipient, from the sender, Korean intact."""
    letter = letter_of()
    await _carrier(server_at(server.port)).send(letter)
    assert server.envelopes == [(SENDER, ["hong@customer.example"])]
    mail = email.message_from_bytes(server.mails[0], policy=default)
    assert mail["Subject"] == letter.subject
    assert mail["Message-ID"] == f"<{letter.message_id}@bank.example>"


async def test_tls_and_login(tmp_path: Path, tls: ssl.SSLContext) -> None:
    """STARTTLS with the server checked, then the password from the configured source."""
    with mail_server(tls, login=True) as server:
        right = server_at(
            server.port,
            security=SmtpSecurity.STARTTLS,
            ca_file=tmp_path / "ca.pem",
            username=USER,
            password=Secret(PASSWORD),
        )
        await _carrier(right).send(letter_of())
        _carrier(right).check()
        assert len(server.mails) == 1


async def test_a_wrong_password_waits_for_the_operator(tmp_path: Path, tls: ssl.SSLContext) -> None:
    """It is tried again, for the message is good; no problem text tells the password."""
    with mail_server(tls, login=True) as server:
        wrong = server_at(
            server.port,
            security=SmtpSecurity.STARTTLS,
            ca_file=tmp_path / "ca.pem",
            username=USER,
            password=Secret("battery staple"),
        )
        # Some servers say so, others end the connection after the second way of logging in.
        problem = "user name and password refused with 535|at STARTTLS or login"
        with pytest.raises(DeliveryError, match=problem) as refused:
            await _carrier(wrong).send(letter_of())
        assert not refused.value.final
        assert "battery" not in refused.value.problem
        with pytest.raises(DeliveryError, match=problem):
            _carrier(wrong).check()
        assert not server.mails


async def test_a_server_that_is_another_gets_nothing(tls: ssl.SSLContext) -> None:
    """A certificate that no known CA made ends it before anything is said."""
    with mail_server(tls) as server:
        strict = server_at(server.port, security=SmtpSecurity.STARTTLS)
        with pytest.raises(DeliveryError, match="certificate of the server") as refused:
            await _carrier(strict).send(letter_of())
        assert not refused.value.final
        assert not server.mails


async def test_no_starttls_no_mail(server: MailServer) -> None:
    """Who asks for encryption never sends in clear."""
    strict = server_at(server.port, security=SmtpSecurity.STARTTLS)
    with pytest.raises(DeliveryError, match="does not offer") as refused:
        await _carrier(strict).send(letter_of())
    assert not refused.value.final
    assert not server.mails


@pytest.mark.parametrize(
    ("answer", "is_final", "problem"),
    [
        ("550 5.1.1 <hong@customer.example> unknown", True, "refused with 550 5.1.1"),
        ("450 4.2.1 mailbox of hong is busy", False, "refused with 450 4.2.1"),
    ],
)
async def test_what_is_refused_for_good_is_not_tried_again(
    server: MailServer,
    answer: str,
    is_final: bool,  # noqa: FBT001 - a parameter of pytest
    problem: str,
) -> None:
    """5xx is final, 4xx is not; the server's words, which repeat the address, are not kept."""
    for what in ("recipient", "data"):
        server.recipient_answer = server.data_answer = ""
        setattr(server, f"{what}_answer", answer)
        with pytest.raises(DeliveryError, match=problem) as refused:
            await _carrier(server_at(server.port)).send(letter_of())
        assert refused.value.final is is_final
        assert "hong" not in refused.value.problem


async def test_nobody_answers() -> None:
    """A server that is down, or no mail server at all, is tried again."""
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with pytest.raises(DeliveryError, match="SMTP: Connection refused") as refused:
            await _carrier(server_at(port)).send(letter_of())
        assert not refused.value.final
        silent.listen()
        with pytest.raises(DeliveryError, match="SMTP: ") as refused:
            await _carrier(server_at(port, timeout_s=0.2)).send(letter_of())
        assert not refused.value.final
