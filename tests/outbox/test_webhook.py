"""SMS against an HTTP server, judged by the library of the Standard Webhooks project."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook as Judge
from standardwebhooks.webhooks import WebhookVerificationError

from signerd.config.secret_source import Secret
from signerd.core.boot import BootError
from signerd.core.message import Channel, MessageKind
from signerd.outbox.letter import DeliveryError
from signerd.outbox.webhook import Webhook, WebhookCarrier, WebhookKey
from tests.outbox.scenario import letter_of

_SECRET = "whsec_c2lnbmVyZCB0ZXN0IHNlY3JldCAwMTIzNDU2Nzg5"  # noqa: S105 - of a server in a test


@dataclass
class SmsService:
    """What it was sent, and how it answers."""

    url: str = ""
    status: int = 202
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        location = {"Location": self.url + "/elsewhere"}
        return web.Response(status=self.status, headers=location)


@pytest.fixture
async def service() -> AsyncIterator[SmsService]:
    service = SmsService()
    application = web.Application()
    application.router.add_post("/{path:.*}", service.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    service.url = f"http://{host}:{port}/send"
    yield service
    await runner.cleanup()


def _carrier(url: str, timeout_s: float = 20.0) -> WebhookCarrier:
    return WebhookCarrier(Webhook(url, WebhookKey(Secret(_SECRET)), None, timeout_s))


async def test_an_sms_is_handed_in(service: SmsService) -> None:
    """The service verifies whose it is, knows one that comes twice, and reads Korean."""
    # The judge refuses what is old.
    letter = replace(letter_of(MessageKind.CODE, Channel.SMS), time_utc=datetime.now(UTC))
    await _carrier(service.url).send(letter)
    await _carrier(service.url).send(letter)
    body, headers = service.bodies[0], service.headers[0]
    assert json.loads(body) == {
        "id": letter.message_id,
        "kind": "code",
        "to": "+821012345678",
        "text": letter.text.rstrip("\n"),
        "language": "ko",
    }
    assert "인증번호" in body.decode()
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert service.headers[1]["webhook-id"] == headers["webhook-id"] == letter.message_id
    assert headers["Idempotency-Key"] == f'"{letter.message_id}"'
    judge = Judge(_SECRET)
    judge.verify(body.decode(), dict(headers))
    with pytest.raises(WebhookVerificationError):
        judge.verify(body.decode().replace("042917", "042918"), dict(headers))
    with pytest.raises(WebhookVerificationError):
        Judge("whsec_" + "A" * 32).verify(body.decode(), dict(headers))


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(400, True), (410, True), (422, True), (401, False), (404, False), (429, False), (503, False)],
)
async def test_a_refusal_is_final_when_the_message_is_at_fault(
    service: SmsService,
    status: int,
    is_final: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    """What may be the configuration or the moment is tried again."""
    service.status = status
    with pytest.raises(DeliveryError, match=f"webhook: answered {status}") as refused:
        await _carrier(service.url).send(letter_of(MessageKind.CODE, Channel.SMS))
    assert refused.value.final is is_final


async def test_a_redirection_is_not_followed(service: SmsService) -> None:
    """A code goes to the configured service and to nobody that it names."""
    service.status = 307
    with pytest.raises(DeliveryError, match="answered 307"):
        await _carrier(service.url).send(letter_of(MessageKind.CODE, Channel.SMS))
    assert len(service.bodies) == 1


async def test_a_service_that_is_down_is_tried_again() -> None:
    """The problem names the kind of failure and neither number nor text."""
    with pytest.raises(DeliveryError, match="webhook: ClientConnector") as refused:
        await _carrier("http://127.0.0.1:9/send").send(letter_of(MessageKind.CODE, Channel.SMS))
    assert not refused.value.final


@pytest.mark.parametrize("secret", ["c2lnbmVyZA==", "whsec_***", "whsec_c2hvcnQ="])
def test_a_key_that_is_none_is_refused(secret: str) -> None:
    """At start, with the way to make one, and without the secret in the message."""
    with pytest.raises(BootError, match="openssl rand -base64 32") as refused:
        WebhookKey(Secret(secret))
    assert secret not in refused.value.message
