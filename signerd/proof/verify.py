"""Verify all there is: chains, checkpoints, and the checkpoint file."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

from signerd.audit.chain import EMPTY, ChainHead
from signerd.audit.checkpoint import (
    FIRST_PREVIOUS,
    Checkpoint,
    SignedCheckpoint,
    parse_checkpoint,
)
from signerd.audit.confirm import Confirmer, are_signed
from signerd.audit.verify import Fault, VerifyReport
from signerd.proof.judge import CheckpointJudge
from signerd.proof.ports import CheckpointReader, Trail, Walk

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with checkpoints: from one number to another; 0 is none in particular."""

    first: int
    last: int
    problem: str

    def __str__(self) -> str:
        if not self.first:
            return f"checkpoints: {self.problem}"
        if self.first == self.last:
            return f"checkpoint {self.first} {self.problem}"
        return f"checkpoints {self.first} to {self.last}: each {self.problem}"


@dataclass(slots=True)
class TrailReport:
    """The outcome.

    stored, filed: how many checkpoints are in the store and in the file. stamped: those with a time
    stamp. uncovered: good records that no checkpoint covers yet. newest: the last one believed.
    """

    chains: list[VerifyReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    stored: int = 0
    filed: int = 0
    stamped: int = 0
    uncovered: int = 0
    newest: Checkpoint | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.findings and all(report.ok for report in self.chains)


@dataclass(frozen=True, slots=True)
class _Testimony:
    """What store and file say of one checkpoint."""

    number: int
    stored: SignedCheckpoint | None
    filed: SignedCheckpoint | None


@dataclass(frozen=True, slots=True)
class _Believed:
    signed: SignedCheckpoint
    checkpoint: Checkpoint


class VerifyTrail:
    """Goes through the checkpoints in order, and through the records that each covers.

    Of a checkpoint that store and file tell differently the file's is believed, if the audit key
    signed it: so the first record is named that is no longer what it was, even where whoever
    changed it brought all of the database into line.
    """

    def __init__(
        self,
        trail: Trail,
        store: CheckpointReader,
        filed: Iterator[SignedCheckpoint],
        judge: CheckpointJudge,
    ) -> None:
        """filed: what the checkpoint file holds, in its order."""
        self._trail = trail
        self._store = store
        self._filed = filed
        self._judge = judge
        self._report = TrailReport()
        self._walks: dict[str, Walk] = {}
        self._previous: _Believed | None = None

    async def run(self) -> TrailReport:
        """The daemon may go on writing meanwhile. Memory does not grow with the number of records.

        Raises StoreUnavailable, and ServiceUnavailable when the file cannot be read.
        """
        if self._judge.problem:
            self._find(0, self._judge.problem)
        due = 1
        async for testimony in self._testimonies():
            if testimony.number != due:
                self._find(due, "is missing")
            believed = self._believe(testimony)
            if believed is not None:
                self._report.stamped += bool(believed.signed.time_stamp)
                await self._confirm(believed)
                self._previous = believed
            due = testimony.number + 1
        for chain in sorted({*await self._trail.chains(), *self._walks}):
            await self._finish(chain)
        previous = self._previous
        self._report.newest = None if previous is None else previous.checkpoint
        return self._report

    async def _testimonies(self) -> AsyncIterator[_Testimony]:
        """Of every number that store or file has, in order."""
        # The file first: what it holds has been in the store before.
        filed = next(self._filed, None)
        async for stored in self._stored():
            while filed is not None and filed.number < stored.number:
                yield self._told(_Testimony(filed.number, None, filed))
                filed = self._next_filed(filed)
            if filed is not None and filed.number == stored.number:
                yield self._told(_Testimony(stored.number, stored, filed))
                filed = self._next_filed(filed)
            else:
                yield self._told(_Testimony(stored.number, stored, None))
        while filed is not None:
            yield self._told(_Testimony(filed.number, None, filed))
            filed = self._next_filed(filed)

    async def _stored(self) -> AsyncIterator[SignedCheckpoint]:
        number = 0
        while portion := await self._store.after(number, _AT_ONCE):
            for signed in portion:
                if signed.number <= number:
                    self._find(number + 1, "has no number in the database")
                    return
                number = signed.number
                yield signed

    def _next_filed(self, last: SignedCheckpoint) -> SignedCheckpoint | None:
        filed = next(self._filed, None)
        while filed is not None and filed.number <= last.number:
            if (filed.number, filed.text) != (last.number, last.text):
                self._find(filed.number, "comes again in the checkpoint file, out of its order")
            filed = next(self._filed, None)
        if filed is not None and filed.number != last.number + 1:
            self._find(last.number + 1, "is not in the checkpoint file, where others follow it")
        return filed

    def _told(self, testimony: _Testimony) -> _Testimony:
        self._report.stored += testimony.stored is not None
        self._report.filed += testimony.filed is not None
        return testimony

    def _believe(self, testimony: _Testimony) -> _Believed | None:
        """The checkpoint as it was signed; None when nobody has that."""
        stored = self._read(testimony.number, testimony.stored, "in the database")
        if testimony.filed == testimony.stored:
            return stored
        filed = self._read(testimony.number, testimony.filed, "in the checkpoint file")
        if filed is None:
            return stored
        if testimony.stored is None:
            self._find(
                testimony.number,
                "is in the checkpoint file and not in the database, which was put back to an older "
                "state or lost it",
            )
        elif testimony.stored.text != filed.signed.text:
            self._find(testimony.number, "in the database is another than in the checkpoint file")
        elif testimony.stored.time_stamp != filed.signed.time_stamp:
            self._find(
                testimony.number,
                "in the database has another time stamp than in the checkpoint file",
            )
        elif stored is not None and are_signed(stored.signed.fingerprints, stored.checkpoint):
            return stored
        return filed

    def _read(self, number: int, signed: SignedCheckpoint | None, where: str) -> _Believed | None:
        """What the audit key signed; None, with a finding, when it did not sign this."""
        if signed is None:
            return None
        try:
            checkpoint = parse_checkpoint(signed.text)
        except ValueError:
            self._find(number, f"{where} cannot be read")
            return None
        problem = (
            f"is really checkpoint {checkpoint.number}"
            if checkpoint.number != number
            else self._judge.problem_of(signed, checkpoint) or self._unlinked(checkpoint)
        )
        if problem:
            self._find(number, f"{where} {problem}")
            return None
        if problem := self._judge.stamp_problem(signed):
            self._find(number, f"{where} {problem}")
        if not are_signed(signed.fingerprints, checkpoint):
            self._find(number, f"{where} has other fingerprints than were signed with it")
        return _Believed(signed, checkpoint)

    def _unlinked(self, checkpoint: Checkpoint) -> str:
        previous = self._previous
        if checkpoint.number == 1:
            expected = FIRST_PREVIOUS
        elif previous is not None and previous.checkpoint.number == checkpoint.number - 1:
            expected = previous.signed.hash
        else:
            return ""
        return "" if checkpoint.previous_hash == expected else "does not continue the one before it"

    async def _confirm(self, believed: _Believed) -> None:
        checkpoint, previous = believed.checkpoint, self._previous
        before = {} if previous is None else dict(previous.checkpoint.chains)
        if any(checkpoint.length_of(chain) < head.length for chain, head in before.items()):
            self._find(checkpoint.number, "goes back behind the one before it")
        is_whole = checkpoint.number == (1 if previous is None else previous.checkpoint.number + 1)
        confirmer = Confirmer(checkpoint, believed.signed.fingerprints, is_whole=is_whole)
        is_intact, index = True, 0
        for chain, head in checkpoint.chains:
            walk, known = self._walk(chain), before.get(chain, EMPTY).length
            walk.require(head)
            if head.length > known:
                confirmer.begin(index)
                await walk.advance(head.length, confirmer.take)
                index += head.length - known
            is_intact = _is_at(walk, chain, head, known) and is_intact
        if is_intact and not confirmer.agrees():
            self._find(checkpoint.number, "is over other records than these")

    async def _finish(self, chain: str) -> None:
        report = await self._walk(chain).finish()
        self._report.chains.append(report)
        if report.ok:
            previous = self._previous
            covered = 0 if previous is None else previous.checkpoint.length_of(chain)
            self._report.uncovered += report.checked - covered

    def _walk(self, chain: str) -> Walk:
        if chain not in self._walks:
            self._walks[chain] = self._trail.walk(chain)
        return self._walks[chain]

    def _find(self, number: int, problem: str) -> None:
        findings = self._report.findings
        if findings and (findings[-1].last, findings[-1].problem) == (number - 1, problem):
            findings[-1] = replace(findings[-1], last=number)
        else:
            findings.append(Finding(number, number, problem))


def _is_at(walk: Walk, chain: str, head: ChainHead, known: int) -> bool:
    """Whether a chain is what a checkpoint says. known: how far it was as the one before said."""
    if walk.report is None and walk.head.length == head.length and walk.head.hash != head.hash:
        walk.report = VerifyReport(chain, known, Fault.UNCONFIRMED_SOMEWHERE, known + 1)
    return walk.report is None and walk.head.length >= head.length
