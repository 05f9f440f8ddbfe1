"""The settings of the daemon as validated, frozen values.

Relative paths are relative to the directory of the configuration file; `load_settings` makes them
absolute. Durations are seconds.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict

from signerd.config.address import parse_listen_address
from signerd.config.audit_settings import AuditSettings
from signerd.config.outbox_settings import OutboxSettings
from signerd.config.pkcs11_uri import parse_pkcs11_uri
from signerd.config.secret_source import secret_path
from signerd.config.section import PositiveSeconds, Section, TomlPath
from signerd.config.timestamping_settings import TimestampingSettings
from signerd.core.algorithm import KeyAlgorithm


def _check_listen(text: str) -> str:
    parse_listen_address(text)
    return text


def _check_uri(text: str) -> str:
    uri = parse_pkcs11_uri(text)
    if uri.pin_source is None:
        raise ValueError("say where the PIN is: add ?pin-source=file:/path or ?pin-source=env:NAME")
    _check_source(uri.pin_source)
    return text


def _check_source(text: str) -> str:
    if text:
        secret_path(text, Path("/"))
    return text


def _check_store_url(text: str) -> str:
    if "://" not in text:
        raise ValueError("use a SQLAlchemy URL such as sqlite:///signerd.db")
    if text.startswith("sqlite") and text.partition(":///")[2] in {"", ":memory:"}:
        raise ValueError("the processes share the database, so it must be a file")
    return text


def _check_verifier(text: str) -> str:
    if text and not text.startswith(("file:", "https://", "http://")):
        raise ValueError("use file:PATH or an https URL")
    return text


def _check_public_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme != "http" or not parts.hostname or text.endswith("/")):
        raise ValueError(
            "use an absolute http URL without / at the end; https would need the very check that "
            "it serves"
        )
    return text


Lifetime = Annotated[int, Field(ge=4, le=31_536_000)]
TokenUri = Annotated[str, AfterValidator(_check_uri)]


class ServerSettings(Section):
    """[server]: the node and its processes."""

    node: str = Field(
        default="local",
        pattern=r"^[a-z0-9-]{1,32}$",
        description="name of this node in the audit chain",
    )
    listen: Annotated[str, AfterValidator(_check_listen)] = Field(
        default="127.0.0.1:7443",
        description="host:port of the gRPC API over mutual TLS; IPv6 in brackets",
    )
    state_directory: TomlPath = Field(
        default=Path(), description="directory of database, sockets and run files"
    )
    fronts: int = Field(default=2, ge=1, le=64, description="front processes (gRPC servers)")
    max_message_bytes: int = Field(
        default=1_048_576, ge=4096, le=67_108_864, description="largest request"
    )
    default_deadline_s: PositiveSeconds = Field(
        default=30.0, description="for calls that bring none"
    )
    max_concurrent_calls: int = Field(
        default=1024, ge=1, le=100_000, description="calls in one front at a time"
    )
    drain_s: PositiveSeconds = Field(
        default=10.0, description="longest wait for running calls at stop"
    )


class TlsSettings(Section):
    """[tls]: PEM files; read again at SIGHUP."""

    certificate: TomlPath = Field(
        default=Path("tls/server.pem"), description="certificate chain of the server"
    )
    key: TomlPath = Field(
        default=Path("tls/server.key"), description="its private key, readable by the daemon only"
    )
    client_ca: TomlPath = Field(
        default=Path("tls/ca.pem"), description="CA of the client certificates"
    )


class AuthorityTokenSettings(Section):
    """[tokens.authority]: the token of the CA's own keys."""

    uri: TokenUri = Field(
        description="RFC 7512 URI that names token (and serial) and gives pin-source",
        examples=["pkcs11:token=signerd-authority?pin-source=file:pin"],
    )


class SubscriberTokensSettings(Section):
    """[tokens.subscribers]: the pool of tokens for subscriber keys."""

    uri: TokenUri = Field(
        description="RFC 7512 URI; its token attribute is the prefix of the pool's labels",
        examples=["pkcs11:token=signerd-subscribers?pin-source=file:pin"],
    )
    capacity: int = Field(default=1000, ge=1, le=1_000_000, description="most keys on one token")
    grow: bool = Field(
        default=False, description="add a token by itself when the last one fills (SoftHSM)"
    )
    so_pin_source: Annotated[str, AfterValidator(_check_source)] = Field(
        default="",
        description="where the SO PIN for new tokens is (file:/path or env:NAME); needed to grow",
    )
    ready_keys: dict[
        Annotated[KeyAlgorithm, Strict(strict=False)], Annotated[int, Field(ge=0, le=1000)]
    ] = Field(
        default_factory=dict,
        description="key pairs to make ahead in idle time, by algorithm, "
        "as in { RSA_2048_PKCS1_SHA256 = 20 }; each takes room as any other key does",
    )


class TokensSettings(Section):
    """[tokens]: the PKCS#11 module and the processes that hold it."""

    module: TomlPath = Field(
        description="PKCS#11 shared library", examples=["/usr/lib/softhsm/libsofthsm2.so"]
    )
    environment: dict[str, str] = Field(
        default_factory=dict,
        description="set in token hosts before the module is loaded; "
        "a value that begins with ./ is a path relative to the configuration file",
    )
    hosts: int = Field(default=2, ge=1, le=64, description="token host processes")
    call_limit_s: PositiveSeconds = Field(
        default=5.0, description="longest PKCS#11 call; a host beyond it is replaced"
    )
    generate_limit_s: PositiveSeconds = Field(default=60.0, description="longest key generation")
    queue_limit: int = Field(
        default=2048, ge=1, le=1_000_000, description="token requests waiting in one front"
    )
    authority: AuthorityTokenSettings
    subscribers: SubscriberTokensSettings


class AuthoritySettings(Section):
    """[authority]: the CA as init makes it. ocsp_days is used by the keeper, too."""

    country: str = Field(default="KR", pattern=r"^[A-Z]{2}$", description="C of the CA names")
    organization: str = Field(
        min_length=1,
        max_length=64,
        description="O of the CA names",
        examples=["Example Bank"],
    )
    root_common_name: str = Field(
        min_length=1,
        max_length=64,
        description="CN of the root CA",
        examples=["Example Bank Root CA"],
    )
    issuing_common_name: str = Field(
        min_length=1,
        max_length=64,
        description="CN of the issuing CA",
        examples=["Example Bank Issuing CA"],
    )
    algorithm: Annotated[KeyAlgorithm, Strict(strict=False)] = Field(
        default=KeyAlgorithm.RSA_2048_PKCS1_SHA256, description="algorithm of both CA keys"
    )
    root_years: int = Field(default=20, ge=1, le=40, description="validity of the root")
    issuing_years: int = Field(default=10, ge=1, le=30, description="validity of the issuing CA")
    # Every relying party understands it (RFC 6960, 4.3), and responses are signed ahead.
    ocsp_algorithm: Annotated[KeyAlgorithm, Strict(strict=False)] = Field(
        default=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
        description="algorithm of the key that signs OCSP responses",
    )
    ocsp_days: int = Field(
        default=90,
        ge=3,
        le=365,
        description="validity of its certificate, which is renewed when a third is left",
    )


class StoreSettings(Section):
    """[store]: the database."""

    url: Annotated[str, AfterValidator(_check_store_url)] = Field(
        default="sqlite:///signerd.db",
        description="SQLAlchemy URL; a relative SQLite path is under state_directory",
    )
    request_retention_days: int = Field(
        default=7, ge=1, le=365, description="how long request ids are remembered"
    )


class PolicySettings(Section):
    """[policy]: who may do what; read again at SIGHUP."""

    file: TomlPath = Field(default=Path("policy.toml"), description="grants")
    profiles: TomlPath = Field(
        default=Path("profiles"), description="directory of certificate profiles (*.toml)"
    )


class IdentitySettings(Section):
    """[identity]: how subscribers prove who they are."""

    rules: TomlPath | None = Field(
        default=None,
        description="proofs needed, lockout, lifetimes (TOML); none means the defaults",
        examples=["identity.toml"],
    )
    document_verifier: Annotated[str, AfterValidator(_check_verifier)] = Field(
        default="",
        description="who says whether identity documents are genuine: https URL of the bank's "
        "service, or file:PATH of a CSV file for test harnesses; empty refuses documents",
    )
    document_authorization_source: Annotated[str, AfterValidator(_check_source)] = Field(
        default="",
        description="where the value of the Authorization header for that service is, such as "
        "`Bearer …` (file:/path or env:NAME)",
    )
    document_ca_file: TomlPath | None = Field(
        default=None,
        description="CA certificates (PEM) to check the service with, instead of the system's",
        examples=["tls/document-ca.pem"],
    )
    document_timeout_s: PositiveSeconds = Field(
        default=5.0, description="longest time the service may take"
    )


class ActivationSettings(Section):
    """[activation]: the subscriber's agreement to the use of a key."""

    authorisation_lifetime_s: int = Field(
        default=300, ge=10, le=3600, description="how long an authorisation to sign is good"
    )
    most_signatures: int = Field(
        default=1000, ge=1, le=100_000, description="most signatures of one authorisation"
    )


class LoginSettings(Section):
    """[login]: challenges for relying parties."""

    challenge_lifetime_s: int = Field(
        default=120, ge=10, le=3600, description="how long a login challenge can be answered"
    )


class PublisherSettings(Section):
    """[publisher]: what relying parties are told, over HTTP."""

    enabled: bool = Field(default=True, description="make CRLs and OCSP responses and serve them")
    listen: Annotated[str, AfterValidator(_check_listen)] = Field(
        default="127.0.0.1:7480",
        description="host:port of plain HTTP for relying parties, who check certificates with it",
    )
    public_url: Annotated[str, AfterValidator(_check_public_url)] = Field(
        default="",
        description="what {publisher} in profiles stands for, without / at the end; empty means "
        "http:// and the listen address",
    )
    crl_lifetime_s: Lifetime = Field(
        default=86_400, description="thisUpdate to nextUpdate of full CRLs; renewed at half of it"
    )
    delta_crl_lifetime_s: Lifetime = Field(default=21_600, description="the same of delta CRLs")
    root_crl_lifetime_s: Lifetime = Field(
        default=2_592_000, description="the same of the root CA's CRL"
    )
    ocsp_lifetime_s: Lifetime = Field(default=43_200, description="the same of OCSP responses")
    cache_s: float = Field(
        default=60.0, ge=0, le=86_400, description="longest time that HTTP caches keep an answer"
    )
    exchange_s: PositiveSeconds = Field(
        default=15.0, description="longest time from a request's head to the end of the answer"
    )
    max_connections: int = Field(default=512, ge=1, le=100_000, description="open at a time")
    max_waiting: int = Field(
        default=128, ge=1, le=100_000, description="OCSP answers that wait for the token"
    )

    @property
    def url(self) -> str:
        """Where relying parties find it."""
        return self.public_url or f"http://{self.listen}"


class LogSettings(Section):
    """[log]: the structured log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severity written"
    )
    format: Literal["json", "text"] = Field(
        default="json", description="json for machines, text for people"
    )


class TestSettings(Section):
    """[test]: for test harnesses only."""

    __test__: ClassVar[bool] = False  # its name would make pytest collect it

    fault_directory: TomlPath | None = Field(
        default=None, description="arms the fault points (core/fault.py)", examples=["faults"]
    )
    allow_clock_offset: bool = Field(
        default=False, description="permits `signerd serve --clock-offset`"
    )


class SigningSettings(Section):
    """[signing]: signatures of subscribers."""

    verify_signatures: bool = Field(
        default=False,
        description="verify each subscriber's signature before it leaves (the CA's always are)",
    )


class Settings(Section):
    """The whole configuration."""

    server: ServerSettings = ServerSettings()
    tls: TlsSettings = TlsSettings()
    tokens: TokensSettings
    authority: AuthoritySettings
    signing: SigningSettings = SigningSettings()
    store: StoreSettings = StoreSettings()
    audit: AuditSettings = AuditSettings()
    policy: PolicySettings = PolicySettings()
    identity: IdentitySettings = IdentitySettings()
    activation: ActivationSettings = ActivationSettings()
    login: LoginSettings = LoginSettings()
    publisher: PublisherSettings = PublisherSettings()
    timestamping: TimestampingSettings = TimestampingSettings()
    outbox: OutboxSettings = OutboxSettings()
    log: LogSettings = LogSettings()
    test: TestSettings = TestSettings()
