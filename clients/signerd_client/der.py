"""As much of DER (X.690) as a time stamp needs: tags of one octet and lengths that are given."""

from dataclasses import dataclass
from typing import Final

INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT_0: Final = 0xA0

_MULTI_OCTET_TAG: Final = 0x1F
_LONG_FORM: Final = 0x80
_LONGEST_LENGTH: Final = 4


@dataclass(frozen=True, slots=True)
class Element:
    """tag: its identifier octet. content: without tag and length; encoding: with them."""

    tag: int
    content: bytes
    encoding: bytes

    def parts(self) -> list["Element"]:
        """The elements in it. Raises ValueError."""
        return read_elements(self.content)

    def expect(self, tag: int) -> "Element":
        """Itself. Raises ValueError when it is something else."""
        if self.tag != tag:
            raise ValueError(f"tag {self.tag:#x} stands where {tag:#x} belongs")
        return self

    def single(self) -> "Element":
        """The one element in it. Raises ValueError."""
        (one,) = self.parts()
        return one


def read_element(octets: bytes) -> Element:
    """One element and nothing after it. Raises ValueError."""
    (one,) = read_elements(octets)
    return one


def read_elements(octets: bytes) -> list[Element]:
    """Elements one after the other. Raises ValueError."""
    found, at = [], 0
    while at < len(octets):
        element = _read_at(octets, at)
        found.append(element)
        at += len(element.encoding)
    return found


def _read_at(octets: bytes, begin: int) -> Element:
    header = octets[begin : begin + 2]
    if len(header) != 2 or header[0] & _MULTI_OCTET_TAG == _MULTI_OCTET_TAG:  # noqa: PLR2004 - tag and length
        raise ValueError("not DER")
    at, length = begin + 2, header[1]
    if length & _LONG_FORM:
        count = length & ~_LONG_FORM
        digits = octets[at : at + count]
        if not 0 < count <= _LONGEST_LENGTH or len(digits) != count or not digits[0]:
            raise ValueError("not DER: a length")
        at, length = at + count, int.from_bytes(digits)
        if length < _LONG_FORM:
            raise ValueError("not DER: a length")
    content = octets[at : at + length]
    if len(content) != length:
        raise ValueError("not DER: the end is missing")
    return Element(header[0], content, octets[begin : at + length])


def object_identifier(element: Element) -> str:
    """Dotted. Raises ValueError."""
    content = element.expect(OBJECT_IDENTIFIER).content
    if not content or content[-1] & _LONG_FORM:
        raise ValueError("not an object identifier")
    arcs, value = [], 0
    for octet in content:
        value = value << 7 | octet & ~_LONG_FORM
        if not octet & _LONG_FORM:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))
