"""signerctl at a terminal of its own, answered as a person would."""

import os
import pty
import subprocess
from collections.abc import Sequence

from tests.client.signerctl_process import COMMAND, Signerctl, environment


def converse(
    signerctl: Signerctl, *arguments: str, answers: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    """Run with a terminal for all three streams; the exit code and everything that was to be seen.

    answers: what is typed once something new is asked for that ends so.
    """
    controller, terminal = pty.openpty()
    running = subprocess.Popen(
        (*COMMAND, *arguments),
        env=environment(SIGNERD_TARGET=signerctl.target),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        # It has no other terminal to ask at.
        start_new_session=True,
    )
    os.close(terminal)
    waiting, seen, read_to = list(answers), "", 0
    while True:
        try:
            seen += os.read(controller, 65536).decode()
        except OSError:
            break
        if waiting and seen[read_to:].endswith(waiting[0][0]):
            read_to = len(seen)
            os.write(controller, f"{waiting.pop(0)[1]}\n".encode())
    os.close(controller)
    return running.wait(timeout=60), seen
