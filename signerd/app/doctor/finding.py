"""The outcome of a check."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from signerd.core.boot import BootError
from signerd.core.error import SignerdError


class Verdict(StrEnum):
    """NOTE is worth knowing and no failure."""

    OK = "ok"
    NOTE = "note"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and if it is wrong, how to mend it."""

    check: str
    verdict: Verdict
    text: str

    def __str__(self) -> str:
        return f"{self.verdict:<6}  {self.check:<22}  {self.text}"


class Findings:
    """The findings of one run, told as they come."""

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def ok(self, check: str, text: str) -> None:
        """As it should be."""
        self.all.append(Finding(check, Verdict.OK, text))

    def note(self, check: str, text: str) -> None:
        """Worth knowing."""
        self.all.append(Finding(check, Verdict.NOTE, text))

    def failed(self, check: str, text: str) -> None:
        """Wrong; text ends with what to do."""
        self.all.append(Finding(check, Verdict.FAILED, text))

    @contextmanager
    def guard(self, check: str) -> Iterator[None]:
        """Turn a failure of ours inside the block into a failed finding."""
        try:
            yield
        except (BootError, SignerdError) as error:
            self.failed(check, error.message)

    @property
    def is_good(self) -> bool:
        """Whether nothing failed."""
        return all(finding.verdict is not Verdict.FAILED for finding in self.all)
