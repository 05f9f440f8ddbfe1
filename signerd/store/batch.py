"""What is written together: many callers' work in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from signerd.core.error import Internal, SignerdError, StoreUnavailable
from signerd.store.failure import translated

if TYPE_CHECKING:
    import asyncio

    from signerd.store.hot import HotTransaction
    from signerd.store.transaction import Transaction

_T = TypeVar("_T")
_R = TypeVar("_R")

Unit = Callable[["Transaction"], _T]
"""The work of one caller inside a transaction."""


@dataclass(frozen=True, slots=True, eq=False)
class Merger(Generic[_T, _R]):
    """The work of many callers at once, for what is asked too often to be done one by one.

    run: reads with a fixed number of statements, records events, writes nothing else, so that it
    runs without a savepoint; returns the result of each item, in their order. hot: the same for
    the usual case, where it is the only work of a batch; None for a case that it leaves to run.
    """

    run: Callable[[Transaction, Sequence[_T]], Sequence[_R]]
    hot: Callable[[HotTransaction, Sequence[_T]], Sequence[_R] | None] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One caller that waits: for a unit of its own, or for an item that is merged with others."""

    future: asyncio.Future[Any]
    unit: Unit[Any] | None = None
    merger: Merger[Any, Any] | None = None
    item: object = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a waiting caller is told once the transaction is committed."""

    future: asyncio.Future[Any]
    result: object = None
    error: Exception | None = None


def run_batch(transaction: Transaction, jobs: Sequence[Job]) -> list[Outcome]:
    """Run every job in an open transaction.

    Merged items come first: a signature that was asked for before a revocation is on record
    before it. A unit that raises harms no other; an error of the database is raised, because
    it may have ended the transaction for all.
    """
    merged: dict[Merger[Any, Any], list[Job]] = {}
    units: list[Job] = []
    for job in jobs:
        if job.merger is None:
            units.append(job)
        else:
            merged.setdefault(job.merger, []).append(job)
    outcomes: list[Outcome] = []
    for merger, group in merged.items():
        results = merger.run(transaction, [job.item for job in group])
        outcomes += [
            Outcome(job.future, result) for job, result in zip(group, results, strict=True)
        ]
    return outcomes + [_run_unit(transaction, job) for job in units]


def hot_merger(jobs: Sequence[Job]) -> Merger[Any, Any] | None:
    """The merger of a batch that is all its own and has a short way."""
    merger = jobs[0].merger
    if merger is None or merger.hot is None or any(job.merger is not merger for job in jobs):
        return None
    return merger


def run_hot(
    transaction: HotTransaction, merger: Merger[Any, Any], jobs: Sequence[Job]
) -> list[Outcome] | None:
    """Run every job of a merger the short way; None where that does not do."""
    if merger.hot is None:
        return None
    results = merger.hot(transaction, [job.item for job in jobs])
    if results is None:
        return None
    return [Outcome(job.future, result) for job, result in zip(jobs, results, strict=True)]


def failed(jobs: Sequence[Job], error: Exception) -> list[Outcome]:
    """Every caller is told of the same failure, each by an exception of its own."""
    return [Outcome(job.future, error=_copy(error)) for job in jobs]


def _run_unit(transaction: Transaction, job: Job) -> Outcome:
    if job.unit is None:
        raise ValueError("a job has a unit or a merger")
    mark = transaction.mark()
    savepoint = transaction.connection.begin_nested()
    try:
        with translated():
            result = job.unit(transaction)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its caller is told, and no other
        transaction.take_back(mark)
        savepoint.rollback()
        return Outcome(job.future, error=error)
    savepoint.commit()
    return Outcome(job.future, result)


def _copy(error: Exception) -> Exception:
    if not isinstance(error, SignerdError):
        copy: SignerdError = Internal(f"a batch of writes failed: {error!r}")
    else:
        copy = type(error)(
            error.message,
            reason=error.reason,
            metadata=error.metadata,
            retry_after_s=error.retry_after_s,
            field=error.field,
        )
    copy.__cause__ = error
    return copy
