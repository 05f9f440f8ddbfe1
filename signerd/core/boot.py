"""Failures that end a process at start, each with the exit code that says why.

The supervisor and service managers read the code: all of these mean that starting again without
a change does not help. Numbers follow sysexits.h where it has one that fits.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of `signerd` and of its processes."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 64
    KEY_AMBIGUOUS = 65
    TOKEN_MISSING = 69
    SOFTWARE = 70
    STORE_BROKEN = 74
    PIN_REFUSED = 77
    CONFIG_INVALID = 78
    ADDRESS_IN_USE = 79


class BootError(Exception):
    """A process cannot start; message is one line that says what is wrong and how to mend it."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
