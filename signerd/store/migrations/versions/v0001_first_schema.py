"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("state IN ('RESERVED', 'INTENT')")


def upgrade() -> None:
    _create_keys()
    _create_certificates()
    _create_suspensions()
    _create_login()
    _create_activation()
    _create_status()
    _create_outbox()
    _create_journal()
    _create_enrolments()
    _create_audit()
    _create_checkpoints()
    _create_processes()


def _create_keys() -> None:
    op.create_table(
        "tokens",
        sa.Column("token_id", _ROW_NUMBER, nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("serial", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("key_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("key_count >= 0", name="ck_tokens_key_count"),
        sa.PrimaryKeyConstraint("token_id", name="pk_tokens"),
        sa.UniqueConstraint("label", "serial", name="uq_tokens_label_serial"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "subscribers",
        sa.Column("subscriber_id", sa.String(length=63), nullable=False),
        sa.Column("created_utc", sa.BigInteger(), nullable=False),
        sa.Column("registered_utc", sa.BigInteger(), nullable=True),
        sa.Column("erased_utc", sa.BigInteger(), nullable=True),
        sa.Column("real_name", sa.Text(), server_default="", nullable=False),
        sa.Column("branch", sa.String(length=3), server_default="", nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("virtual_id", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_random", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("subscriber_id", name="pk_subscribers"),
    )
    op.create_table(
        "subscriber_lookups",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("subscriber_id", sa.String(length=63), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.subscriber_id"],
            name="fk_subscriber_lookups_subscriber_id",
        ),
        sa.PrimaryKeyConstraint("kind", "mac", "subscriber_id", name="pk_subscriber_lookups"),
    )
    op.create_index(
        "ix_subscriber_lookups_subscriber_id",
        "subscriber_lookups",
        ["subscriber_id"],
        unique=False,
    )
    op.create_table(
        "credentials",
        sa.Column("credential_id", sa.String(length=32), nullable=False),
        sa.Column("token_id", _ROW_NUMBER, nullable=False),
        sa.Column("cka_id", sa.LargeBinary(), nullable=False),
        sa.Column("subscriber_id", sa.String(length=63), nullable=False),
        sa.Column("key_group", sa.String(length=63), nullable=False),
        sa.Column("activation", sa.String(length=16), nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("spki", sa.LargeBinary(), nullable=True),
        sa.Column("is_local", sa.Boolean(), nullable=True),
        sa.Column("is_always_sensitive", sa.Boolean(), nullable=True),
        sa.Column("is_never_extractable", sa.Boolean(), nullable=True),
        sa.Column("created_utc", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.subscriber_id"], name="fk_credentials_subscriber_id"
        ),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.token_id"], name="fk_credentials_token_id"),
        sa.PrimaryKeyConstraint("credential_id", name="pk_credentials"),
        sa.UniqueConstraint("cka_id", name="uq_credentials_cka_id"),
    )
    op.create_index(
        "ix_credentials_state_created_utc", "credentials", ["state", "created_utc"], unique=False
    )
    op.create_table(
        "ready_keys",
        sa.Column("cka_id", sa.LargeBinary(), nullable=False),
        sa.Column("token_id", _ROW_NUMBER, nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("spki", sa.LargeBinary(), nullable=True),
        sa.Column("is_local", sa.Boolean(), nullable=True),
        sa.Column("is_always_sensitive", sa.Boolean(), nullable=True),
        sa.Column("is_never_extractable", sa.Boolean(), nullable=True),
        sa.Column("created_utc", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.token_id"], name="fk_ready_keys_token_id"),
        sa.PrimaryKeyConstraint("cka_id", name="pk_ready_keys"),
    )
    op.create_index(
        "ix_ready_keys_state_algorithm_created_utc",
        "ready_keys",
        ["state", "algorithm", "created_utc"],
        unique=False,
    )
    op.create_table(
        "system_keys",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("token_label", sa.String(length=32), nullable=False),
        sa.Column("token_serial", sa.String(length=32), nullable=False),
        sa.Column("cka_id", sa.LargeBinary(), nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=False),
        sa.Column("spki", sa.LargeBinary(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("next_tbs", sa.LargeBinary(), nullable=True),
        sa.Column("is_local", sa.Boolean(), nullable=True),
        sa.Column("is_always_sensitive", sa.Boolean(), nullable=True),
        sa.Column("is_never_extractable", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("role", name="pk_system_keys"),
    )


def _create_certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("certificate_id", sa.String(length=40), nullable=False),
        sa.Column("subscriber_id", sa.String(length=63), nullable=False),
        sa.Column("credential_id", sa.String(length=32), nullable=True),
        sa.Column("profile", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_record", sa.Text(), nullable=False),
        sa.Column("not_before_utc", sa.BigInteger(), nullable=False),
        sa.Column("not_after_utc", sa.BigInteger(), nullable=False),
        sa.Column("created_utc", sa.BigInteger(), nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=True),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("key_group", sa.String(length=63), nullable=False),
        sa.Column("activation", sa.String(length=16), nullable=False),
        sa.Column("branch", sa.String(length=3), server_default="", nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=True),
        sa.Column("virtual_id", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_random", sa.LargeBinary(), nullable=True),
        sa.Column("revoked_utc", sa.BigInteger(), nullable=True),
        sa.Column("revocation_reason", sa.Integer(), nullable=True),
        sa.Column("replaces", sa.String(length=40), nullable=True),
        sa.Column("suspended_utc", sa.BigInteger(), nullable=True),
        sa.Column("suspension_limit_utc", sa.BigInteger(), nullable=True),
        sa.Column("crl_number", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credentials.credential_id"], name="fk_certificates_credential_id"
        ),
        sa.ForeignKeyConstraint(
            ["replaces"], ["certificates.certificate_id"], name="fk_certificates_replaces"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.subscriber_id"], name="fk_certificates_subscriber_id"
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_certificates"),
        sa.UniqueConstraint("credential_id", name="uq_certificates_credential_id"),
        sa.UniqueConstraint("replaces", name="uq_certificates_replaces"),
    )
    op.create_index(
        "ix_certificates_state_not_after_utc",
        "certificates",
        ["state", "not_after_utc"],
        unique=False,
    )
    op.create_index(
        "ix_certificates_state_profile_branch_not_after_utc",
        "certificates",
        ["state", "profile", "branch", "not_after_utc"],
        unique=False,
    )
    op.create_index("ix_certificates_crl_number", "certificates", ["crl_number"], unique=False)
    op.create_index(
        "ix_certificates_created_utc_certificate_id",
        "certificates",
        ["created_utc", "certificate_id"],
        unique=False,
    )
    op.create_index(
        "ix_certificates_not_after_utc", "certificates", ["not_after_utc"], unique=False
    )
    op.create_index(
        "ix_certificates_subscriber_id_created_utc",
        "certificates",
        ["subscriber_id", "created_utc"],
        unique=False,
    )


def _create_suspensions() -> None:
    op.create_table(
        "suspensions",
        sa.Column("suspension_number", _ROW_NUMBER, nullable=False),
        sa.Column("certificate_id", sa.String(length=40), nullable=False),
        sa.Column("begin_utc", sa.BigInteger(), nullable=False),
        sa.Column("end_utc", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.certificate_id"],
            name="fk_suspensions_certificate_id",
        ),
        sa.PrimaryKeyConstraint("suspension_number", name="pk_suspensions"),
    )
    op.create_index(
        "ix_suspensions_certificate_id", "suspensions", ["certificate_id"], unique=False
    )


def _create_login() -> None:
    op.create_table(
        "login_challenges",
        sa.Column("statement_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("expires_utc", sa.BigInteger(), nullable=False),
        sa.Column("subscriber_id", sa.String(length=63), nullable=True),
        sa.Column("certificate_id", sa.String(length=64), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("used_utc", sa.BigInteger(), nullable=True),
        sa.Column("used_request_id", sa.String(length=64), nullable=True),
        sa.Column("used_content_sha256", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("statement_sha256", name="pk_login_challenges"),
    )
    op.create_index(
        "ix_login_challenges_expires_utc", "login_challenges", ["expires_utc"], unique=False
    )


def _create_activation() -> None:
    op.create_table(
        "activations",
        sa.Column("credential_id", sa.String(length=32), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credentials.credential_id"], name="fk_activations_credential_id"
        ),
        sa.PrimaryKeyConstraint("credential_id", name="pk_activations"),
    )
    op.create_table(
        "authorisations",
        sa.Column("authorisation_id", sa.String(length=32), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("credential_id", sa.String(length=32), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("digests", sa.Text(), nullable=True),
        sa.Column("expires_utc", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("remaining >= 0", name="ck_authorisations_remaining"),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credentials.credential_id"],
            name="fk_authorisations_credential_id",
        ),
        sa.PrimaryKeyConstraint("authorisation_id", name="pk_authorisations"),
    )
    for column in ("credential_id", "expires_utc"):
        op.create_index(f"ix_authorisations_{column}", "authorisations", [column], unique=False)
    op.create_table(
        "authorisation_uses",
        sa.Column("authorisation_id", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authorisation_id"],
            ["authorisations.authorisation_id"],
            name="fk_authorisation_uses_authorisation_id",
        ),
        sa.PrimaryKeyConstraint(
            "authorisation_id", "request_id", "digest", name="pk_authorisation_uses"
        ),
    )


def _create_status() -> None:
    sequence = op.create_table(
        "crl_sequence",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_crl_sequence"),
    )
    op.bulk_insert(sequence, [{"name": name, "next_number": 1} for name in ("issuing", "root")])
    op.create_table(
        "crls",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("crl_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("base_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_base", sa.Boolean(), nullable=False),
        sa.Column("this_update_utc", sa.BigInteger(), nullable=False),
        sa.Column("next_update_utc", sa.BigInteger(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "crl_number", "base_number", name="pk_crls"),
    )
    op.create_table(
        "ocsp_responses",
        sa.Column("certificate_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("this_update_utc", sa.BigInteger(), nullable=False),
        sa.Column("next_update_utc", sa.BigInteger(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.certificate_id"],
            name="fk_ocsp_responses_certificate_id",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_ocsp_responses"),
    )
    op.create_index(
        "ix_ocsp_responses_next_update_utc", "ocsp_responses", ["next_update_utc"], unique=False
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("occasion", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subscriber_id", sa.String(length=63), nullable=False),
        sa.Column("certificate_id", sa.String(length=40), nullable=True),
        sa.Column("channel", sa.String(length=8), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_utc", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_utc", sa.BigInteger(), nullable=False),
        sa.Column("expires_utc", sa.BigInteger(), nullable=True),
        sa.Column("sent_utc", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.certificate_id"],
            name="fk_outbox_certificate_id",
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.subscriber_id"], name="fk_outbox_subscriber_id"
        ),
        sa.PrimaryKeyConstraint("message_id", name="pk_outbox"),
        sa.UniqueConstraint("occasion", name="uq_outbox_occasion"),
    )
    for columns in (
        ["state", "next_attempt_utc"],
        ["created_utc", "message_id"],
        ["subscriber_id", "created_utc"],
        ["certificate_id"],
    ):
        op.create_index(f"ix_outbox_{'_'.join(columns)}", "outbox", columns, unique=False)


def _create_journal() -> None:
    op.create_table(
        "issuances",
        sa.Column("issuance_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("method", sa.String(length=128), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("subscriber_id", sa.String(length=63), nullable=False),
        sa.Column("profile", sa.String(length=63), nullable=False),
        sa.Column("subject_record", sa.Text(), nullable=False),
        sa.Column("certificate_id", sa.String(length=40), nullable=False),
        sa.Column("not_before_utc", sa.BigInteger(), nullable=False),
        sa.Column("not_after_utc", sa.BigInteger(), nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=True),
        sa.Column("credential_id", sa.String(length=32), nullable=True),
        sa.Column("csr_spki", sa.LargeBinary(), nullable=True),
        sa.Column("key_group", sa.String(length=63), nullable=False),
        sa.Column("activation", sa.String(length=16), nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=True),
        sa.Column("virtual_id", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_random", sa.LargeBinary(), nullable=True),
        sa.Column("running_number", sa.BigInteger(), nullable=True),
        sa.Column("replaces", sa.String(length=40), nullable=True),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("tbs", sa.LargeBinary(), nullable=True),
        sa.Column("refusal_reason", sa.String(length=64), nullable=True),
        sa.Column("refusal_message", sa.Text(), nullable=True),
        sa.Column("created_utc", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credentials.credential_id"], name="fk_issuances_credential_id"
        ),
        sa.ForeignKeyConstraint(
            ["replaces"], ["certificates.certificate_id"], name="fk_issuances_replaces"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.subscriber_id"], name="fk_issuances_subscriber_id"
        ),
        sa.PrimaryKeyConstraint("issuance_id", name="pk_issuances"),
        sa.UniqueConstraint("certificate_id", name="uq_issuances_certificate_id"),
        sa.UniqueConstraint("credential_id", name="uq_issuances_credential_id"),
    )
    op.create_index("ix_issuances_subscriber_id", "issuances", ["subscriber_id"], unique=False)
    op.create_index(
        "ix_issuances_open",
        "issuances",
        ["created_utc"],
        unique=False,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index(
        "uq_issuances_open_replaces",
        "issuances",
        ["replaces"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.create_table(
        "identity_failures",
        sa.Column("certificate_id", sa.String(length=40), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("release_utc", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_identity_failures"),
    )
    op.create_table(
        "requests",
        sa.Column("request_number", _ROW_NUMBER, nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("method", sa.String(length=128), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("issuance_id", sa.String(length=64), nullable=True),
        sa.Column("certificate_id", sa.String(length=40), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_utc", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.certificate_id"], name="fk_requests_certificate_id"
        ),
        sa.ForeignKeyConstraint(
            ["issuance_id"], ["issuances.issuance_id"], name="fk_requests_issuance_id"
        ),
        sa.PrimaryKeyConstraint("request_number", name="pk_requests"),
        sa.UniqueConstraint(
            "principal", "method", "request_id", name="uq_requests_principal_method_request_id"
        ),
    )
    op.create_index("ix_requests_created_utc", "requests", ["created_utc"], unique=False)


def _create_enrolments() -> None:
    for name, column in (
        ("passwords", sa.Column("record", sa.Text(), nullable=False)),
        ("biometric_keys", sa.Column("spki", sa.LargeBinary(), nullable=False)),
    ):
        op.create_table(
            name,
            sa.Column("subscriber_id", sa.String(length=63), nullable=False),
            column,
            sa.ForeignKeyConstraint(
                ["subscriber_id"],
                ["subscribers.subscriber_id"],
                name=f"fk_{name}_subscriber_id",
            ),
            sa.PrimaryKeyConstraint("subscriber_id", name=f"pk_{name}"),
        )
    op.create_table(
        "enrolments",
        sa.Column("enrolment_id", sa.String(length=32), nullable=False),
        sa.Column("subscriber_id", sa.String(length=63), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("support_reference", sa.String(length=16), nullable=False),
        sa.Column("opened_utc", sa.BigInteger(), nullable=False),
        sa.Column("expires_utc", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.String(length=63), nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=True),
        sa.Column("key_group", sa.String(length=63), nullable=False),
        sa.Column("activation", sa.String(length=16), nullable=False),
        sa.Column("old_certificate", sa.String(length=40), nullable=True),
        sa.Column("certificate_id", sa.String(length=40), nullable=True),
        sa.Column("proven", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("release_utc", sa.BigInteger(), nullable=True),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("reference_mac", sa.LargeBinary(), nullable=True),
        sa.Column("authorisation", sa.Text(), nullable=True),
        sa.Column("claim_principal", sa.Text(), nullable=False),
        sa.Column("claim_request_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.certificate_id"],
            name="fk_enrolments_certificate_id",
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.subscriber_id"], name="fk_enrolments_subscriber_id"
        ),
        sa.PrimaryKeyConstraint("enrolment_id", name="pk_enrolments"),
        sa.UniqueConstraint("reference_mac", name="uq_enrolments_reference_mac"),
        sa.UniqueConstraint("support_reference", name="uq_enrolments_support_reference"),
    )
    op.create_index(
        "ix_enrolments_opened_utc_enrolment_id",
        "enrolments",
        ["opened_utc", "enrolment_id"],
        unique=False,
    )
    op.create_index(
        "ix_enrolments_subscriber_id_opened_utc",
        "enrolments",
        ["subscriber_id", "opened_utc"],
        unique=False,
    )


def _create_audit() -> None:
    op.create_table(
        "audit_events",
        sa.Column("position", _ROW_NUMBER, nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_events"),
        sa.UniqueConstraint("chain", "sequence", name="uq_audit_events_chain_sequence"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_audit_events_kind_position", "audit_events", ["kind", "position"], unique=False
    )
    op.create_index(
        "ix_audit_events_resource_position", "audit_events", ["resource", "position"], unique=False
    )
    op.create_table(
        "audit_heads",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_audit_heads"),
    )


def _create_checkpoints() -> None:
    op.create_table(
        "audit_checkpoints",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprints", sa.LargeBinary(), nullable=False),
        sa.Column("time_stamp", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_audit_checkpoints"),
    )
    op.create_table(
        "audit_coverage",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("length", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["audit_checkpoints.number"], name="fk_audit_coverage_number"
        ),
        sa.PrimaryKeyConstraint("chain", "length", name="pk_audit_coverage"),
    )
    op.create_table(
        "audit_wishes",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_audit_wishes"),
    )


def _create_processes() -> None:
    op.create_table(
        "instances",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.String(length=64), nullable=False),
        sa.Column("started_utc", sa.BigInteger(), nullable=False),
        sa.Column("beat_utc", sa.BigInteger(), nullable=False),
        sa.Column("ended_utc", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", name="pk_instances"),
    )
    op.create_index("ix_instances_node_slot", "instances", ["node", "slot"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("expires_utc", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
