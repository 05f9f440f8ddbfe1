"""Merkle trees as RFC 6962, 2.1 makes them, with SHA-256.

A leaf is hashed after the octet 00, two subtrees after 01, so that neither passes for the other.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


class PathStep(NamedTuple):
    """A sibling on the way from a leaf to the root. is_left: on which side of us it stands."""

    is_left: bool
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees."""
    return hashlib.sha256(_NODE + left + right).digest()


class TreeHasher:
    """The root of a tree whose leaves come one by one; keeps a hash for each level only."""

    def __init__(self) -> None:
        # Roots of full subtrees, the largest first: one for each bit of the number of leaves.
        self._full: list[bytes] = []
        self.size = 0

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        self._full.append(leaf)
        self.size += 1
        size = self.size
        while not size & 1:
            right = self._full.pop()
            self._full[-1] = node_hash(self._full[-1], right)
            size >>= 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._full:
            return EMPTY_ROOT
        *above, root = self._full
        for left in reversed(above):
            root = node_hash(left, root)
        return root


def audit_path(leaves: Sequence[bytes], index: int) -> list[PathStep]:
    """From the leaf with this index up to the root (RFC 6962, 2.1.1); leaves: hashes of all.

    Raises IndexError.
    """
    if not 0 <= index < len(leaves):
        raise IndexError("no such leaf")
    path = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(PathStep(sibling < index, level[sibling]))
        # A last one without a sibling goes up as it is.
        level = [
            node_hash(*level[at : at + 2]) if at + 1 < len(level) else level[at]
            for at in range(0, len(level), 2)
        ]
        index //= 2
    return path


def root_of(leaf: bytes, path: Sequence[PathStep]) -> bytes:
    """The root that a path leads to from the hash of a leaf."""
    reached = leaf
    for is_left, sibling in path:
        reached = node_hash(sibling, reached) if is_left else node_hash(reached, sibling)
    return reached
