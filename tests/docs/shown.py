"""Compares output with what the README shows of another run."""

import re
from dataclasses import dataclass, field
from typing import Final

# Ids of every kind: serial numbers, credentials, fingerprints, digests, request ids; reference
# numbers and support references of enrolments.
_ID: Final = re.compile(
    r"\b(?:[0-9a-f]{16,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[0-9]{13}|[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5})\b"
)
# Certificates of the shipped profiles begin and end at midnight in Korea; anything else is now.
_DAY_END: Final = re.compile(r"\b\d{4}-\d\d-\d\d 14:59:59Z")
_TIME: Final = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ")
_VOLATILE: Final = (
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"\bpid \d+"), "pid N"),
    (re.compile(r"\bfront-\d\b"), "front-N"),
    (re.compile(r"\b\d+ records"), "N records"),
    (re.compile(r"\bon CRL from +\d+"), "on CRL from N"),
    (re.compile(r"\b\d+ in the database, \d+ in"), "N in the database, N in"),
    (re.compile(r"\bnewest is \d+"), "newest is N"),
    (re.compile(r"\b\d+ with a time stamp"), "N with a time stamp"),
    (re.compile(r"\bunder a checkpoint: \d+"), "under a checkpoint: N"),
    (re.compile(r"\bcheckpoint +\d+ of"), "checkpoint N of"),
    (re.compile(r"\bfront-N \d+, position \d+"), "front-N N, position N"),
    # The time in a time stamp is as long as its last digits that are not 0.
    (re.compile(r"(?m)^(message|time stamp) +\d+ bytes"), r"\1 N bytes"),
    # As openssl writes times.
    (re.compile(r"\b[A-Z][a-z][a-z] +\d+ \d\d:\d\d:\d\d \d{4} GMT"), "<time>"),
    (re.compile(r"(?m)^\d+ (?=<time>)"), "N "),
    # A one-time code.
    (re.compile(r"(?m)^\d{6}$"), "<code>"),
    (re.compile(r"(?m) $"), ""),
)


@dataclass(slots=True)
class Names:
    """Gives ids and expiry times names by their first appearance, so that the same id twice in
    the README has to be the same id twice in the run."""

    _known: dict[str, str] = field(default_factory=dict)

    def normalise(self, text: str) -> str:
        """The text with everything that differs from run to run replaced."""
        text = _ID.sub(self._name, text)
        text = _DAY_END.sub(self._name, text)
        text = _TIME.sub("<time>", text)
        for pattern, instead in _VOLATILE:
            text = pattern.sub(instead, text)
        return text

    def _name(self, found: re.Match[str]) -> str:
        return self._known.setdefault(found.group(), f"<{len(self._known)}>")


@dataclass(slots=True)
class Comparison:
    """The README's run beside the real one."""

    _shown: Names = field(default_factory=Names)
    _real: Names = field(default_factory=Names)
    _real_of: dict[str, str] = field(default_factory=dict)

    def compare(self, shown: str, real: str) -> tuple[str, str]:
        """Both without what differs from run to run; ids are remembered as pairs by their order."""
        self._real_of.update(zip(_ID.findall(shown), _ID.findall(real), strict=False))
        return self._shown.normalise(shown), self._real.normalise(real)

    def translated(self, command: str) -> str:
        """A command with the ids of the real run in place of those shown."""
        return _ID.sub(lambda found: self._real_of.get(found.group(), found.group()), command)
