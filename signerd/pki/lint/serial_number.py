"""Serial numbers are positive, at most 20 octets, and as random as ours are."""

from typing import Final

from signerd.pki.lint.rule import Rule, Specimen

_BITS: Final = 159


def _judge(specimen: Specimen) -> str | None:
    serial = specimen.tbs.serial
    if serial <= 0:
        return "the serial number is not positive"
    if serial.bit_length() != _BITS:
        return f"the serial number has {serial.bit_length()} bits instead of {_BITS}"
    return None


RULE: Final = Rule("serial-number", "RFC 5280, 4.1.2.2", _judge)
