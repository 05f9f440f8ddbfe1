"""SMS through a service of the bank, called over HTTP as the Standard Webhooks say
(standardwebhooks.com, version 1): JSON with an identifier and an HMAC."""

import base64
import binascii
import hashlib
import hmac
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from signerd.config.secret_source import Secret
from signerd.core.boot import BootError, ExitCode
from signerd.outbox.letter import DeliveryError, Letter

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every such secret begins with
_SECRET_BYTES: Final = range(24, 65)
_OK: Final = range(200, 300)
# The same request will never be taken: malformed, gone, too large, not to be processed.
_FINAL: Final = frozenset({400, 410, 413, 422})


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where SMS are handed in. ca_file: None for the CAs of the system."""

    url: str
    key: "WebhookKey"
    ca_file: Path | None
    timeout_s: float


class WebhookKey:
    """The key both sides know; no print shows it."""

    __slots__ = ("_key",)

    def __init__(self, secret: Secret) -> None:
        """Raises BootError (CONFIG_INVALID) when it is not "whsec_" and the base64 of 24 to 64
        bytes."""
        text = secret.reveal()
        try:
            self._key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
        except binascii.Error:
            self._key = b""
        if not text.startswith(_SECRET_PREFIX) or len(self._key) not in _SECRET_BYTES:
            raise BootError(
                ExitCode.CONFIG_INVALID,
                f"outbox.webhook.secret_source: the secret must be {_SECRET_PREFIX} and the base64 "
                "of 24 to 64 random bytes; make one with: "
                f'echo "{_SECRET_PREFIX}$(openssl rand -base64 32)"',
            )

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """Value of webhook-signature. timestamp: Unix seconds."""
        content = f"{message_id}.{timestamp}.".encode() + body
        mac = hmac.new(self._key, content, hashlib.sha256).digest()
        return f"v1,{base64.b64encode(mac).decode()}"


class WebhookCarrier:
    """Hands SMS to a service, one call each."""

    def __init__(self, webhook: Webhook) -> None:
        """Raises BootError (CONFIG_INVALID) for a CA file that is none."""
        self._webhook = webhook
        try:
            self._tls = ssl.create_default_context(cafile=webhook.ca_file)
        except (OSError, ssl.SSLError):
            raise BootError(
                ExitCode.CONFIG_INVALID,
                f"outbox.webhook.ca_file: {webhook.ca_file} is no file of CA certificates in PEM",
            ) from None

    async def send(self, letter: Letter) -> None:
        """See the port. The service is told the same id each time: by it a call that comes again
        is recognised."""
        body = json.dumps(
            {
                "id": letter.message_id,
                "kind": letter.kind.value,
                "to": letter.address,
                "text": letter.text.rstrip("\n"),
                "language": letter.language,
            },
            ensure_ascii=False,
        ).encode()
        timestamp = int(letter.time_utc.timestamp())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": f'"{letter.message_id}"',
            "webhook-id": letter.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": self._webhook.key.sign(letter.message_id, timestamp, body),
        }
        limit = aiohttp.ClientTimeout(total=self._webhook.timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(
                    self._webhook.url,
                    data=body,
                    headers=headers,
                    ssl=self._tls,
                    # An SMS with a code goes to nobody but the one who is configured.
                    allow_redirects=False,
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DeliveryError(f"webhook: {type(error).__name__}", final=False) from None
        if status not in _OK:
            raise DeliveryError(f"webhook: answered {status}", final=status in _FINAL)
