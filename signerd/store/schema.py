"""The tables. What a migration makes and what stands here is compared by a test."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from signerd.store.column import RowNumber, UtcMicroseconds

REVISION: Final = "0001"
"""The migration that makes these tables. Known here so that a start need not load Alembic."""

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_OPEN = text("state IN ('RESERVED', 'INTENT')")

tokens: Final = Table(
    "tokens",
    metadata,
    Column("token_id", RowNumber, primary_key=True),
    Column("label", String(32), nullable=False),
    Column("serial", String(32), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("capacity", Integer, nullable=False),
    # Kept in the transactions that reserve and destroy keys: counting credentials at each
    # issuance would cost more with every certificate ever issued.
    Column("key_count", Integer, nullable=False),
    UniqueConstraint("label", "serial"),
    CheckConstraint("key_count >= 0", name="key_count"),
    sqlite_autoincrement=True,
)

subscribers: Final = Table(
    "subscribers",
    metadata,
    Column("subscriber_id", String(63), primary_key=True),
    Column("created_utc", UtcMicroseconds, nullable=False),
    # NULL while nobody has registered it: it came into being with its first certificate.
    Column("registered_utc", UtcMicroseconds),
    Column("erased_utc", UtcMicroseconds),
    Column("real_name", Text, nullable=False, server_default=""),
    Column("branch", String(3), nullable=False, server_default=""),
    # Personal data, encrypted under a key on the token.
    Column("sealed", LargeBinary),
    # The VID and its random number, encrypted under a key on the token; NULL where there is none.
    Column("virtual_id", LargeBinary),
    Column("sealed_random", LargeBinary),
)

# By what a registered subscriber is found: hashes under a key on the token.
subscriber_lookups: Final = Table(
    "subscriber_lookups",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("mac", LargeBinary, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.subscriber_id"), primary_key=True),
    Index(None, "subscriber_id"),
)

# What subscribers prove their identity with: argon2id hashes with their history and failures
# (JSON), and public keys.
passwords: Final = Table(
    "passwords",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.subscriber_id"), primary_key=True),
    Column("record", Text, nullable=False),
)
biometric_keys: Final = Table(
    "biometric_keys",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.subscriber_id"), primary_key=True),
    Column("spki", LargeBinary, nullable=False),
)

credentials: Final = Table(
    "credentials",
    metadata,
    Column("credential_id", String(32), primary_key=True),
    Column("token_id", ForeignKey("tokens.token_id"), nullable=False),
    Column("cka_id", LargeBinary, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.subscriber_id"), nullable=False),
    Column("key_group", String(63), nullable=False),
    # Whether the key signs with its subscriber's agreement only.
    Column("activation", String(16), nullable=False),
    Column("algorithm", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("spki", LargeBinary),
    # As read back from the token after generation; NULL where it does not tell.
    Column("is_local", Boolean),
    Column("is_always_sensitive", Boolean),
    Column("is_never_extractable", Boolean),
    Column("created_utc", UtcMicroseconds, nullable=False),
    UniqueConstraint("cka_id"),
    Index(None, "state", "created_utc"),
)

# Key pairs made ahead. One that an issuance takes goes from here to credentials.
ready_keys: Final = Table(
    "ready_keys",
    metadata,
    Column("cka_id", LargeBinary, primary_key=True),
    Column("token_id", ForeignKey("tokens.token_id"), nullable=False),
    Column("algorithm", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    # The process that makes it; empty when it was given up.
    Column("owner", String(64), nullable=False),
    # As in credentials.
    Column("spki", LargeBinary),
    Column("is_local", Boolean),
    Column("is_always_sensitive", Boolean),
    Column("is_never_extractable", Boolean),
    Column("created_utc", UtcMicroseconds, nullable=False),
    Index(None, "state", "algorithm", "created_utc"),
)

certificates: Final = Table(
    "certificates",
    metadata,
    Column("certificate_id", String(40), primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.subscriber_id"), nullable=False),
    Column("credential_id", ForeignKey("credentials.credential_id")),
    Column("profile", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("subject_record", Text, nullable=False),
    Column("not_before_utc", UtcMicroseconds, nullable=False),
    Column("not_after_utc", UtcMicroseconds, nullable=False),
    Column("created_utc", UtcMicroseconds, nullable=False),
    Column("algorithm", String(32)),
    Column("der", LargeBinary, nullable=False),
    Column("key_group", String(63), nullable=False),
    # Whether the key signs with its subscriber's agreement only.
    Column("activation", String(16), nullable=False),
    # As in subject_record, where no query finds it; empty where none was given.
    Column("branch", String(3), nullable=False, server_default=""),
    # Who holds it, where it has a VID, as in subscribers. The random number is erased with the
    # subscriber's personal data.
    Column("holder_name", Text),
    Column("virtual_id", LargeBinary),
    Column("sealed_random", LargeBinary),
    Column("revoked_utc", UtcMicroseconds),
    Column("revocation_reason", Integer),
    Column("replaces", ForeignKey("certificates.certificate_id")),
    Column("suspended_utc", UtcMicroseconds),
    Column("suspension_limit_utc", UtcMicroseconds),
    # The first CRL that shows the latest suspension, resumption or revocation.
    Column("crl_number", BigInteger),
    UniqueConstraint("credential_id"),
    UniqueConstraint("replaces"),
    Index(None, "created_utc", "certificate_id"),
    Index(None, "state", "not_after_utc"),
    # Everything that certificates are counted by: counting reads no certificate.
    Index(None, "state", "profile", "branch", "not_after_utc"),
    Index(None, "crl_number"),
    Index(None, "subscriber_id", "created_utc"),
    Index(None, "not_after_utc"),
)

# When certificates were on hold: signatures are judged by the moment at which they were made.
suspensions: Final = Table(
    "suspensions",
    metadata,
    Column("suspension_number", RowNumber, primary_key=True),
    Column("certificate_id", ForeignKey("certificates.certificate_id"), nullable=False),
    Column("begin_utc", UtcMicroseconds, nullable=False),
    # When it was resumed or revoked; NULL while it is on hold.
    Column("end_utc", UtcMicroseconds),
    Index(None, "certificate_id"),
)

issuances: Final = Table(
    "issuances",
    metadata,
    Column("issuance_id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("principal", Text, nullable=False),
    Column("method", String(128), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("content_sha256", LargeBinary, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.subscriber_id"), nullable=False),
    Column("profile", String(63), nullable=False),
    Column("subject_record", Text, nullable=False),
    # The serial number, written as the id of the certificate it is for.
    Column("certificate_id", String(40), nullable=False),
    Column("not_before_utc", UtcMicroseconds, nullable=False),
    Column("not_after_utc", UtcMicroseconds, nullable=False),
    Column("algorithm", String(32)),
    Column("credential_id", ForeignKey("credentials.credential_id")),
    Column("csr_spki", LargeBinary),
    Column("key_group", String(63), nullable=False),
    # Whether the key signs with its subscriber's agreement only.
    Column("activation", String(16), nullable=False),
    # As in certificates.
    Column("holder_name", Text),
    Column("virtual_id", LargeBinary),
    Column("sealed_random", LargeBinary),
    # Of the common name, where the profile composes it.
    Column("running_number", BigInteger),
    Column("replaces", ForeignKey("certificates.certificate_id")),
    # What happens to the replaced one: "reissue" or "renew".
    Column("act", String(16), nullable=False),
    Column("tbs", LargeBinary),
    Column("refusal_reason", String(64)),
    Column("refusal_message", Text),
    Column("created_utc", UtcMicroseconds, nullable=False),
    UniqueConstraint("certificate_id"),
    UniqueConstraint("credential_id"),
    Index(None, "subscriber_id"),
    Index("ix_issuances_open", "created_utc", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index(
        "uq_issuances_open_replaces",
        "replaces",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
)

# Applications. Their story is on record under their resource name.
enrolments: Final = Table(
    "enrolments",
    metadata,
    Column("enrolment_id", String(32), primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.subscriber_id"), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("support_reference", String(16), nullable=False),
    Column("opened_utc", UtcMicroseconds, nullable=False),
    Column("expires_utc", UtcMicroseconds, nullable=False),
    Column("profile", String(63), nullable=False),
    Column("algorithm", String(32)),
    Column("key_group", String(63), nullable=False),
    # Whether the key signs with its subscriber's agreement only.
    Column("activation", String(16), nullable=False),
    # What was asked for; of a refused application it need not exist.
    Column("old_certificate", String(40)),
    Column("certificate_id", ForeignKey("certificates.certificate_id")),
    Column("proven", Text, nullable=False),
    # Of documents and biometric assertions.
    Column("failures", Integer, nullable=False),
    Column("release_utc", UtcMicroseconds),
    # One-time codes by factor and the authorisation, as JSON: keyed hashes only.
    Column("codes", Text, nullable=False),
    Column("reference_mac", LargeBinary),
    Column("authorisation", Text),
    # Who has used the authorisation; empty before.
    Column("claim_principal", Text, nullable=False),
    Column("claim_request_id", String(64), nullable=False),
    UniqueConstraint("support_reference"),
    UniqueConstraint("reference_mac"),
    Index(None, "opened_utc", "enrolment_id"),
    Index(None, "subscriber_id", "opened_utc"),
)

# Numbers that no two issuances share.
counters: Final = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("next_number", BigInteger, nullable=False),
)

# Challenges that customers log in with, by the hash of what is signed.
login_challenges: Final = Table(
    "login_challenges",
    metadata,
    Column("statement_sha256", LargeBinary, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("expires_utc", UtcMicroseconds, nullable=False),
    # Who may answer; they need not exist.
    Column("subscriber_id", String(63)),
    Column("certificate_id", String(64)),
    # Responses that did not count.
    Column("failures", Integer, nullable=False),
    # The call that used it up.
    Column("used_utc", UtcMicroseconds),
    Column("used_request_id", String(64)),
    Column("used_content_sha256", LargeBinary),
    Index(None, "expires_utc"),
)

# What subscribers agree with to the use of a key: PIN (argon2id of a keyed hash), one-time code and
# the failures of both, as JSON.
activations: Final = Table(
    "activations",
    metadata,
    Column("credential_id", ForeignKey("credentials.credential_id"), primary_key=True),
    Column("record", Text, nullable=False),
)

# Agreements that were given.
authorisations: Final = Table(
    "authorisations",
    metadata,
    Column("authorisation_id", String(32), primary_key=True),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("credential_id", ForeignKey("credentials.credential_id"), nullable=False),
    Column("principal", Text, nullable=False),
    # Signatures that it is still good for.
    Column("remaining", Integer, nullable=False),
    # SHA-256 of each message that alone may be signed, as JSON; NULL where any may be.
    Column("digests", Text),
    Column("expires_utc", UtcMicroseconds, nullable=False),
    CheckConstraint("remaining >= 0", name="remaining"),
    Index(None, "credential_id"),
    Index(None, "expires_utc"),
)

# What was signed under them, so that a repeated call is not counted twice.
authorisation_uses: Final = Table(
    "authorisation_uses",
    metadata,
    Column("authorisation_id", ForeignKey("authorisations.authorisation_id"), primary_key=True),
    Column("request_id", String(64), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("signatures", Integer, nullable=False),
)

# Wrong identity numbers in a row that were tried on a certificate's VID.
identity_failures: Final = Table(
    "identity_failures",
    metadata,
    # It may be in the making: then a retry of its issuance was made with another number.
    Column("certificate_id", String(40), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("release_utc", UtcMicroseconds),
)

requests: Final = Table(
    "requests",
    metadata,
    Column("request_number", RowNumber, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("method", String(128), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("content_sha256", LargeBinary, nullable=False),
    # What the call made or changed: at most one of the two; neither, and it was what the call
    # names.
    Column("issuance_id", ForeignKey("issuances.issuance_id")),
    Column("certificate_id", ForeignKey("certificates.certificate_id")),
    # Of calls that count tries: what they were answered, sealed.
    Column("answer", LargeBinary),
    Column("created_utc", UtcMicroseconds, nullable=False),
    UniqueConstraint("principal", "method", "request_id"),
    Index(None, "created_utc"),
)

audit_events: Final = Table(
    "audit_events",
    metadata,
    Column("position", RowNumber, primary_key=True),
    Column("chain", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    # An integer and no UtcMicroseconds: this is the table of the signing path.
    Column("time_us", BigInteger, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("principal", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("chain", "sequence"),
    Index(None, "resource", "position"),
    Index(None, "kind", "position"),
    sqlite_autoincrement=True,
)

audit_heads: Final = Table(
    "audit_heads",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("length", BigInteger, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
)

# What the audit key has signed; see audit/checkpoint.py.
audit_checkpoints: Final = Table(
    "audit_checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("fingerprints", LargeBinary, nullable=False),
    Column("time_stamp", LargeBinary),
)

# How far each checkpoint reaches in the chains that have grown since the one before: by this the
# checkpoint of a record is found.
audit_coverage: Final = Table(
    "audit_coverage",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("length", BigInteger, primary_key=True, autoincrement=False),
    Column("number", ForeignKey("audit_checkpoints.number"), nullable=False),
)

# How far somebody who waits wants the next checkpoint to reach.
audit_wishes: Final = Table(
    "audit_wishes",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("length", BigInteger, nullable=False),
)

# A row for each CA: the number its next CRL will have. Whoever changes what CRLs show reads it,
# whoever makes a CRL raises it, each in the transaction of that act: so a change knows its CRL.
crl_sequence: Final = Table(
    "crl_sequence",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("next_number", BigInteger, nullable=False),
)

crls: Final = Table(
    "crls",
    metadata,
    # Whose, as in crl_sequence.
    Column("name", String(16), primary_key=True),
    Column("crl_number", BigInteger, primary_key=True, autoincrement=False),
    # Of the full CRL that a delta CRL changes; 0 for a full one. A full and a delta CRL of the same
    # moment have the same number (RFC 5280, 5.2.4).
    Column("base_number", BigInteger, primary_key=True, autoincrement=False),
    # Whether delta CRLs are made relative to it, until the next such one.
    Column("is_base", Boolean, nullable=False),
    Column("this_update_utc", UtcMicroseconds, nullable=False),
    Column("next_update_utc", UtcMicroseconds, nullable=False),
    Column("der", LargeBinary, nullable=False),
)

ocsp_responses: Final = Table(
    "ocsp_responses",
    metadata,
    Column("certificate_id", ForeignKey("certificates.certificate_id"), primary_key=True),
    # Of the certificate, as the response says it.
    Column("state", String(16), nullable=False),
    Column("this_update_utc", UtcMicroseconds, nullable=False),
    Column("next_update_utc", UtcMicroseconds, nullable=False),
    Column("der", LargeBinary, nullable=False),
    Index(None, "next_update_utc"),
)

# Messages to subscribers. What is told of a certificate is put in together with the act itself.
outbox: Final = Table(
    "outbox",
    metadata,
    Column("message_id", String(32), primary_key=True),
    # What it tells of; the same is not told twice.
    Column("occasion", String(160), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.subscriber_id"), nullable=False),
    Column("certificate_id", ForeignKey("certificates.certificate_id")),
    # NULL until it is known by what way the subscriber is reached.
    Column("channel", String(8)),
    Column("details", Text, nullable=False),
    # What is personal, encrypted under a key on the token.
    Column("sealed", LargeBinary),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_utc", UtcMicroseconds, nullable=False),
    Column("next_attempt_utc", UtcMicroseconds, nullable=False),
    Column("expires_utc", UtcMicroseconds),
    Column("sent_utc", UtcMicroseconds),
    Column("problem", Text, nullable=False),
    UniqueConstraint("occasion"),
    Index(None, "state", "next_attempt_utc"),
    Index(None, "created_utc", "message_id"),
    Index(None, "subscriber_id", "created_utc"),
    Index(None, "certificate_id"),
)

system_keys: Final = Table(
    "system_keys",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("token_label", String(32), nullable=False),
    Column("token_serial", String(32), nullable=False),
    Column("cka_id", LargeBinary, nullable=False),
    Column("algorithm", String(32), nullable=False),
    # NULL: a secret key.
    Column("spki", LargeBinary),
    Column("certificate", LargeBinary),
    # TBSCertificate of the next certificate, from before the issuing key signs it until it is
    # there.
    Column("next_tbs", LargeBinary),
    # As read back from the token after generation; NULL where it does not tell.
    Column("is_local", Boolean),
    Column("is_always_sensitive", Boolean),
    Column("is_never_extractable", Boolean),
)

instances: Final = Table(
    "instances",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("node", String(64), nullable=False),
    Column("slot", String(64), nullable=False),
    Column("started_utc", UtcMicroseconds, nullable=False),
    Column("beat_utc", UtcMicroseconds, nullable=False),
    Column("ended_utc", UtcMicroseconds),
    Index(None, "node", "slot"),
)

leases: Final = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("expires_utc", UtcMicroseconds, nullable=False),
)
