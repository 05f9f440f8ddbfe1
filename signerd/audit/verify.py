"""Finds the first record of a chain that is not what was written."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from signerd.audit.canonical import encode_event
from signerd.audit.chain import EMPTY, ChainHead, hash_at
from signerd.audit.event import AuditRecord


class Fault(StrEnum):
    """What can be wrong with a chain."""

    FOREIGN = "belongs to another chain"
    MISSING = "is missing"
    REPEATED = "comes again or out of its order"
    UNLINKED = "does not hold the hash of the record before it"
    EDITED = "does not have the hash of its content"
    MOVED = "was stored before its predecessor"
    UNREADABLE = "cannot be read"
    CUT = "and all after it are missing"
    SURPLUS = "was never counted by the head of the chain"
    HEAD = "does not have the hash that the head of the chain names"
    UNCONFIRMED = "is not the one that a checkpoint was signed over"
    UNCONFIRMED_SOMEWHERE = "or one after it is not what the next checkpoint was signed over"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome for one chain.

    checked: records found good before the first bad one. fault is None when all are good;
    otherwise sequence is the place in the chain of the first bad record, and position its place
    in storage where it is known.
    """

    chain: str
    checked: int
    fault: Fault | None = None
    sequence: int = 0
    position: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None

    def __str__(self) -> str:
        if self.fault is None:
            return f"chain {self.chain}: {self.checked} records, all good"
        where = f" (position {self.position})" if self.position else ""
        return (
            f"chain {self.chain}: {self.checked} records good, "
            f"then record {self.sequence}{where} {self.fault}"
        )


class ChainVerifier:
    """Takes the records of one chain one by one, so that a chain need not fit into memory."""

    def __init__(self, chain: str, expected_head: ChainHead) -> None:
        self._chain = chain
        self._expected = expected_head
        self._required = 0
        self._head = EMPTY
        self._position = 0

    def take(self, record: AuditRecord) -> VerifyReport | None:
        """Check the next record; the report when it is bad, and then the work is over."""
        fault = self._fault_of(record)
        if fault is None:
            self._head = ChainHead(record.sequence, record.hash)
            self._position = record.position
            return None
        missing = fault is Fault.MISSING
        return VerifyReport(
            self._chain,
            self._head.length,
            fault,
            self._head.length + 1 if missing else record.sequence,
            0 if missing else record.position,
        )

    def expect(self, head: ChainHead) -> None:
        """The head as it stands now; a chain may grow while it is verified."""
        self._expected = head

    def require(self, length: int) -> None:
        """The chain has to be so long at least, whatever its head says."""
        self._required = max(self._required, length)

    @property
    def head(self) -> ChainHead:
        """How far the records taken reach."""
        return self._head

    def unconfirmed(self, record: AuditRecord) -> VerifyReport:
        """The report when the record taken last is in its place, but another one was signed."""
        return VerifyReport(
            self._chain,
            record.sequence - 1,
            Fault.UNCONFIRMED,
            record.sequence,
            record.position,
        )

    def unreadable(self, position: int) -> VerifyReport:
        """The report when the next record is there, at this position, but makes no sense."""
        length = self._head.length
        return VerifyReport(self._chain, length, Fault.UNREADABLE, length + 1, position)

    def finish(self) -> VerifyReport:
        """The report when all records were taken and none was bad."""
        length, expected = self._head.length, self._expected.length
        if length < max(expected, self._required):
            return VerifyReport(self._chain, length, Fault.CUT, length + 1)
        if length > expected:
            position = self._position if length == expected + 1 else 0
            return VerifyReport(self._chain, expected, Fault.SURPLUS, expected + 1, position)
        if self._head.hash != self._expected.hash:
            return VerifyReport(self._chain, length - 1, Fault.HEAD, length, self._position)
        return VerifyReport(self._chain, length)

    def _fault_of(self, record: AuditRecord) -> Fault | None:
        due = self._head.length + 1
        faults = (
            (record.chain != self._chain, Fault.FOREIGN),
            (record.sequence < due, Fault.REPEATED),
            (record.sequence > due, Fault.MISSING),
            (due > max(self._expected.length, self._required), Fault.SURPLUS),
            (record.previous_hash != self._head.hash, Fault.UNLINKED),
            (self._position > 0 and record.position <= self._position, Fault.MOVED),
        )
        found = next((fault for is_so, fault in faults if is_so), None)
        if found is None and not _is_own_hash(record):
            return Fault.EDITED
        return found


def _is_own_hash(record: AuditRecord) -> bool:
    try:
        encoded = encode_event(record.event)
        computed = hash_at(record.chain, record.sequence, record.previous_hash, encoded)
    except ValueError:
        return False
    return computed == record.hash


def verify_chain(
    records: Iterable[AuditRecord], expected_head: ChainHead, *, chain: str = ""
) -> VerifyReport:
    """Check the records of one chain in their order against the head that was kept apart.

    chain: its name; that of the first record when empty. Any edit, gap, swap, repetition or cut
    at either end is reported with the first record concerned.
    """
    verifier = ChainVerifier(chain, expected_head) if chain else None
    for record in records:
        verifier = verifier or ChainVerifier(record.chain, expected_head)
        report = verifier.take(record)
        if report is not None:
            return report
    return (verifier or ChainVerifier(chain, expected_head)).finish()
