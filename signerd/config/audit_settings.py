"""[audit]: checkpoints, the signed statements of what the audit chains are."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, Strict

from signerd.config.section import PositiveSeconds, Section, TomlPath
from signerd.core.algorithm import KeyAlgorithm


class AuditSettings(Section):
    """[audit]."""

    checkpoint_interval_s: PositiveSeconds = Field(
        default=60.0, description="longest time until new audit records are under a checkpoint"
    )
    checkpoint_records: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="so many new ones are not kept waiting; most under one checkpoint",
    )
    checkpoint_file: TomlPath = Field(
        default=Path("checkpoints.jsonl"),
        description="where checkpoints are written beside the database, best on other media; a "
        "relative path is under state_directory",
    )
    # Short signatures in proofs that travel; every HSM has it.
    algorithm: Annotated[KeyAlgorithm, Strict(strict=False)] = Field(
        default=KeyAlgorithm.EC_P256_SHA256,
        description="algorithm of the key that signs checkpoints",
    )
