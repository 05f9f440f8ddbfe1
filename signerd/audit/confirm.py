"""Whether records are those that a checkpoint was signed over."""

import hashlib

from signerd.audit.checkpoint import FINGERPRINT_BYTES, Checkpoint, fingerprint_of, leaf_of
from signerd.audit.event import AuditRecord
from signerd.audit.merkle import TreeHasher


class Confirmer:
    """Takes the records that one checkpoint covers, in the order of its tree.

    fingerprints: as kept with the checkpoint; those that are not the signed ones are of no use. A
    checkpoint whose predecessor is not known covers nobody knows what: then only the heads of its
    chains say anything, and with is_whole False nothing is said here.
    """

    def __init__(
        self, checkpoint: Checkpoint, fingerprints: bytes, *, is_whole: bool = True
    ) -> None:
        self._checkpoint = checkpoint
        self._fingerprints = b""
        if is_whole and are_signed(fingerprints, checkpoint):
            self._fingerprints = fingerprints
        self._is_whole = is_whole
        self._tree = TreeHasher()
        self._at = 0

    def begin(self, index: int) -> None:
        """The next record is the one of this leaf."""
        self._at = index

    def take(self, record: AuditRecord) -> bool:
        """The next record; False when it is certain that another one was signed here."""
        leaf = leaf_of(record.hash, record.position)
        if self._tree.size == self._at:
            self._tree.add(leaf)
        begin = self._at * FINGERPRINT_BYTES
        self._at += 1
        if not self._fingerprints:
            return True
        return self._fingerprints[begin : begin + FINGERPRINT_BYTES] == fingerprint_of(leaf)

    def agrees(self) -> bool:
        """Whether the records taken, all of them, are those of the signed root."""
        if not self._is_whole:
            return True
        reached = (self._tree.size, self._tree.root())
        return reached == (self._checkpoint.records, self._checkpoint.root)


def are_signed(fingerprints: bytes, checkpoint: Checkpoint) -> bool:
    """Whether these are the fingerprints that were signed with a checkpoint."""
    return hashlib.sha256(fingerprints).digest() == checkpoint.fingerprints_sha256
