"""What the kernel says of its own clock (adjtimex(2))."""

import ctypes
import os
import time
from typing import Final

from signerd.signing.clock_gate import ClockReading

_STA_UNSYNC: Final = 0x0040
_TIME_ERROR: Final = 5
# A reading between which the process was put aside for longer says nothing; it is taken again.
_LONGEST_READING_S: Final = 0.01
_TRIES: Final = 5


class _Timex(ctypes.Structure):
    """struct timex of Linux on 64-bit machines."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", ctypes.c_long * 2),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


def read_kernel_clock() -> ClockReading:
    """Wall clock, clock since boot, and whether something keeps the wall clock right."""
    buffer = _Timex(modes=0)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(buffer))
    is_refused = state < 0
    problem = os.strerror(ctypes.get_errno()) if is_refused else ""
    wall_s, boot_s = _read_together()
    return ClockReading(
        wall_s=wall_s,
        boot_s=boot_s,
        is_synchronised=not is_refused and state != _TIME_ERROR and not buffer.status & _STA_UNSYNC,
        most_error_us=buffer.maxerror,
        problem=problem,
    )


def _read_together() -> tuple[float, float]:
    """Both clocks at the same moment."""
    wall = middle = 0.0
    for _ in range(_TRIES):
        before = time.clock_gettime(time.CLOCK_BOOTTIME)
        wall = time.time()
        after = time.clock_gettime(time.CLOCK_BOOTTIME)
        middle = (before + after) / 2
        if after - before < _LONGEST_READING_S:
            break
    return wall, middle
