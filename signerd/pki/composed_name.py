"""Common names as Korean accredited certificates have them: `<name>()<24 digits>`.

The digits are 0, bank (3), branch (3), date of issue (yyyymmdd) and running number (9). A Latin
name may stand in the parentheses.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from signerd.core.error import Internal

DIGITS: Final = 24
_RUNNING_DIGITS: Final = 9
# Other parentheses belong to the name, as in 은행(주).
_LATIN: Final = re.compile(r".+\([A-Za-z .'-]*\)")


@dataclass(frozen=True, slots=True)
class NameComposition:
    """How a profile composes common names. bank_code: three digits; zone: of the date of issue."""

    bank_code: str
    zone: ZoneInfo

    def compose(self, name: str, branch: str, issued_utc: datetime, running_number: int) -> str:
        """The common name for a checked name and branch.

        Raises Internal (RUNNING_NUMBER_TOO_LONG).
        """
        running = f"{running_number:0{_RUNNING_DIGITS}}"
        if len(running) != _RUNNING_DIGITS or running_number < 0:
            raise Internal(
                f"the running number of a common name has more than {_RUNNING_DIGITS} digits",
                reason="RUNNING_NUMBER_TOO_LONG",
            )
        day = issued_utc.astimezone(self.zone)
        return f"{with_parentheses(name)}0{self.bank_code}{branch}{day:%Y%m%d}{running}"


def real_name(name: str) -> str:
    """The name without parentheses that are empty or hold a Latin name."""
    return name.rpartition("(")[0] if _LATIN.fullmatch(name) else name


def with_parentheses(name: str) -> str:
    """The name itself when it ends with parentheses that are empty or hold a Latin name."""
    return name if _LATIN.fullmatch(name) else f"{name}()"
