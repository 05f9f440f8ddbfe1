"""What the way of a signature to the token and back is described with."""

from enum import IntEnum
from typing import NamedTuple

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.value import KeyRef


class Lane(IntEnum):
    """Who waits for a signature when the token is busy.

    INTERACTIVE goes first; BATCH takes what it leaves, which is everything while nobody else
    asks.
    """

    INTERACTIVE = 0
    BATCH = 1


class SignTask(NamedTuple):
    """What a token signs. message: a digest (Ed25519: the message)."""

    key: KeyRef
    algorithm: KeyAlgorithm
    message: bytes
