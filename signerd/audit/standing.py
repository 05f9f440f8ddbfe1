"""How far the chains have come, and how far they are under a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from signerd.audit.chain import ChainHead
from signerd.audit.checkpoint import SignedCheckpoint


class RecordLink(NamedTuple):
    """What binds a record to its place."""

    sequence: int
    previous_hash: bytes
    hash: bytes
    position: int


@dataclass(frozen=True, slots=True)
class TrailStanding:
    """newest: the last checkpoint, without its fingerprints. heads: of every chain. wishes: how far
    somebody who waits wants a chain to be covered."""

    newest: SignedCheckpoint | None
    heads: Mapping[str, ChainHead]
    wishes: Mapping[str, int]
