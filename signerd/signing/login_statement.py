"""What is signed to log in: a text that can be nothing else.

Its first line keeps it apart from everything else that a key signs. A signature over a statement
is one over bytes that begin with this line, a signature over a transaction one over bytes that do
not; to pass for each other the two would need the same digest. Signed attributes of CMS and
structures in DER begin with a tag, which is no letter of it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from signerd.core.error import InvalidRequest
from signerd.core.value import CertificateId, SubscriberId

LOGIN_PREFIX: Final = b"signerd.v1 login challenge\n"
LOGIN_PURPOSE: Final = "login"

_LONGEST_DOMAIN: Final = 100
_SPACES: Final = re.compile(r"\s\s|^\s|\s$")


@dataclass(frozen=True, slots=True)
class LoginStatement:
    """What a statement says. nonce: base64url without padding."""

    relying_party: str
    domain: str
    nonce: str
    expires_utc: datetime
    subscriber: SubscriberId | None
    certificate: CertificateId | None

    def text(self) -> str:
        """The statement in its one form."""
        lines = [
            LOGIN_PREFIX.decode().rstrip("\n"),
            f"relying party: {self.relying_party}",
            f"domain: {self.domain}",
            f"challenge: {self.nonce}",
            f"expires: {self.expires_utc.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        ]
        if self.subscriber is not None:
            lines.append(f"subscriber: subscribers/{self.subscriber}")
        if self.certificate is not None:
            lines.append(f"certificate: certificates/{self.certificate}")
        return "\n".join(lines)


def is_login_statement(data: bytes) -> bool:
    """Whether data would be signed to log in."""
    return data.startswith(LOGIN_PREFIX)


def check_purpose(purpose: str, content: bytes, *, is_data: bool) -> None:
    """A login is signed as such and nothing else is: so whoever signs knows, and the audit record
    of a login says so. A digest does not tell what it is of, so that it is for no login.

    Raises InvalidRequest (LOGIN_PURPOSE).
    """
    is_login = is_data and content.startswith(LOGIN_PREFIX)
    if is_login is (purpose == LOGIN_PURPOSE):
        return
    raise InvalidRequest(
        f'the data is a login challenge: send purpose "{LOGIN_PURPOSE}" if the customer wants to '
        "log in; it is no transaction"
        if is_login
        else f'purpose "{LOGIN_PURPOSE}" is for login challenges, sent as data; this is none',
        reason="LOGIN_PURPOSE",
        field="purpose",
    )


def check_domain(text: str) -> str:
    """The name by which customers know a relying party. Raises InvalidRequest (DOMAIN_INVALID)."""
    is_plain = text.isprintable() and _SPACES.search(text) is None
    if not (0 < len(text) <= _LONGEST_DOMAIN and is_plain):
        raise InvalidRequest(
            f"domain: send 1 to {_LONGEST_DOMAIN} printable characters without double spaces and "
            "spaces at the ends, such as bank.example",
            reason="DOMAIN_INVALID",
            field="domain",
        )
    return text
