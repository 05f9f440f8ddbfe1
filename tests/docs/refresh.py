"""Writes what the worked example's commands answer now into the README, and the table of the
configuration: python -m tests.docs.refresh. Look at the difference before you commit it."""

import re

from signerd.config.document import render_table
from tests.docs.console import README, ROOT, Step, blocks
from tests.docs.replay import replay


def main() -> None:
    """Refresh README.md."""
    text = README
    with replay() as run:
        for block in blocks("console", "python"):
            steps: list[Step] = []
            for shown, real in run.follow(block):
                run.comparison.compare(shown.output, real.output)
                steps.append(real)
            if steps:
                fresh = "".join(f"$ {step.command}\n{_line(step.output)}" for step in steps)
                text = text.replace(f"```console\n{block.text}```", f"```console\n{fresh}```")
    table = re.compile(r"^\| key \| default \|.*?(?=^$)", re.MULTILINE | re.DOTALL)
    text = table.sub(lambda _: render_table() + "\n", text, count=1)
    (ROOT / "README.md").write_text(text, encoding="utf-8")


def _line(output: str) -> str:
    return f"{output}\n" if output else ""


if __name__ == "__main__":
    main()
