"""Login by certificate: challenges, what is signed to log in, and verdicts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from signerd_client.certificate import CertificateState
from signerd_client.signature import Problem

LOGIN_PREFIX: Final = "signerd.v1 login challenge"
LOGIN_PURPOSE: Final = "login"

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_REQUIRED: Final = ("relying party", "domain", "challenge", "expires")
_OPTIONAL: Final = ("subscriber", "certificate")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge as the relying party gets it. statement: what the customer's key is to sign, as
    data, in UTF-8. expire_time: the last moment at which a response is accepted."""

    statement: str
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class LoginStatement:
    """What a statement says, for whoever is to sign it. domain: what the customer knows the
    relying party by. subscriber, certificate: resource names, empty where anybody may answer."""

    relying_party: str
    domain: str
    challenge: str
    expire_time: datetime
    subscriber: str = ""
    certificate: str = ""

    @property
    def data(self) -> bytes:
        """The bytes to sign."""
        lines = [
            LOGIN_PREFIX,
            f"relying party: {self.relying_party}",
            f"domain: {self.domain}",
            f"challenge: {self.challenge}",
            f"expires: {self.expire_time.astimezone(UTC):{_TIME}}",
        ]
        if self.subscriber:
            lines.append(f"subscriber: {self.subscriber}")
        if self.certificate:
            lines.append(f"certificate: {self.certificate}")
        return "\n".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Login:
    """Whether a response counts, and whose it is.

    valid: the subscriber is logged in, and the challenge used. The names are empty and the state
    None for the certificate of another CA.
    """

    valid: bool
    problems: tuple[Problem, ...]
    subscriber: str
    certificate: str
    certificate_state: CertificateState | None

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the problems."""
        return tuple(problem.code for problem in self.problems)


def login_statement(statement: str | bytes) -> LoginStatement:
    """Read a statement before it is signed: show its domain to the customer, sign its data.

    Raises ValueError for anything else: a text that says more, less or in another form than a
    statement does is not to be signed as one.
    """
    text = statement.decode() if isinstance(statement, bytes) else statement
    first, *lines = text.split("\n")
    fields = dict(line.partition(": ")[::2] for line in lines)
    if first != LOGIN_PREFIX or not set(_REQUIRED) <= set(fields) <= {*_REQUIRED, *_OPTIONAL}:
        raise ValueError("this is no login challenge of signerd; do not sign it as one")
    read = LoginStatement(
        relying_party=fields["relying party"],
        domain=fields["domain"],
        challenge=fields["challenge"],
        expire_time=datetime.strptime(fields["expires"], _TIME).replace(tzinfo=UTC),
        subscriber=fields.get("subscriber", ""),
        certificate=fields.get("certificate", ""),
    )
    if read.data != text.encode():
        raise ValueError("this login challenge is not in its one form; do not sign it")
    return read
