"""The README's fenced blocks, and a shell that runs the commands in them."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")

_FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK: Final = "@@done@@"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. kind: the word after the fence, such as "console"."""

    kind: str
    text: str

    def steps(self) -> "Iterator[Step]":
        """The commands of a console block, each with what is shown after it.

        A command begins with "$ " and goes on while its lines end with a backslash.
        """
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            count = 1 + next(n for n, line in enumerate(lines) if not line.endswith("\\"))
            yield Step("\n".join(lines[:count]), "\n".join(lines[count:]))


@dataclass(frozen=True, slots=True)
class Step:
    """A command and the output that the README shows for it."""

    command: str
    output: str


def blocks(*kinds: str) -> list[Block]:
    """The README's blocks of some kinds, in their order."""
    return [Block(*found.groups()) for found in _FENCE.finditer(README) if found[1] in kinds]


def section(title: str) -> str:
    """The text under a heading of level 2 or deeper, up to the next heading of its level."""
    found = re.search(rf"^(##+) {re.escape(title)}$", README, re.MULTILINE)
    assert found is not None, f"README has no section {title}"
    higher = rf"^#{{1,{len(found[1])}}} "
    return re.split(higher, README[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def table(text: str) -> list[list[str]]:
    """The cells of the first table in a text, without its head."""
    lines = re.search(r"(?:^\|.*\n)+", text + "\n", re.MULTILINE)
    assert lines is not None, "no table"
    rows = lines.group().splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


class Shell:
    """One bash for all commands, so that what one exports is there for the next."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=directory,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(self, command: str) -> str:
        """What it writes, standard error included. `echo $?` tells its status afterwards."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        keep = f"{{ status=$?; echo; echo {_MARK}; (exit $status); }}"
        self._bash.stdin.write(f"{{ {command}\n}} </dev/null; {keep}\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        for line in self._bash.stdout:
            if line.strip() == _MARK:
                return "".join(lines).removesuffix("\n").rstrip("\n")
            lines.append(line)
        raise AssertionError(f"the shell ended in: {command}\n{''.join(lines)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._bash.communicate("exit\n", timeout=30)
