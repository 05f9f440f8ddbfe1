"""Core dumps: what a process holds in memory, written to a disk when it crashes."""

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def forbid_core_dumps() -> None:
    """Whatever ends this process, its memory, with PINs and personal data, is written nowhere.

    The limit is for files, and children inherit it. A program that the kernel pipes dumps into
    (core(5)) gets them in spite of it, but not from a process that is not dumpable (prctl(2)),
    which nobody but root can trace either; that each process has to say for itself.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
