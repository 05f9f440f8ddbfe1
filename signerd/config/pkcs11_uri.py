"""PKCS#11 URIs (RFC 7512) as far as they name a token and say where its PIN is."""

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

_SCHEME: Final = "pkcs11:"
_LABEL_BYTES: Final = 32  # CK_TOKEN_INFO.label
_SERIAL_BYTES: Final = 16  # CK_TOKEN_INFO.serialNumber
_PATH_ATTRIBUTES: Final = frozenset({"token", "serial"})
_QUERY_ATTRIBUTES: Final = frozenset({"pin-source"})
_REFUSED: Final = {
    "pin-value": "a PIN does not belong in a configuration file; "
    "put it in a file and name that with pin-source=file:/path",
    "module-path": "the module is named by tokens.module",
    "module-name": "the module is named by tokens.module",
    "slot-id": "slot numbers change; name the token by token and serial",
    "object": "the URI names a token, not a key",
    "id": "the URI names a token, not a key",
    "type": "the URI names a token, not a key",
}
# RFC 7512, 2.3: pk11-res-avail and the unreserved characters, per component.
_SAFE_IN_PATH: Final = "-._~:[]@!$'()*+,=&"
_SAFE_IN_QUERY: Final = "-._~:[]@!$'()*+,=/?|"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_VALUE: Final = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """A token by label and, where given, serial number; pin_source as `read_secret` takes it."""

    token: str
    serial: str | None = None
    pin_source: str | None = None

    def with_pin_source(self, pin_source: str) -> "Pkcs11Uri":
        """The same token with its PIN elsewhere."""
        return replace(self, pin_source=pin_source)

    def __str__(self) -> str:
        """The URI, percent-encoded."""
        path = f"token={quote(self.token, safe=_SAFE_IN_PATH)}"
        if self.serial is not None:
            path += f";serial={quote(self.serial, safe=_SAFE_IN_PATH)}"
        if self.pin_source is None:
            return _SCHEME + path
        return f"{_SCHEME}{path}?pin-source={quote(self.pin_source, safe=_SAFE_IN_QUERY)}"


def parse_pkcs11_uri(text: str) -> Pkcs11Uri:
    """Read a URI such as `pkcs11:token=ca;serial=1a2b?pin-source=file:/etc/signerd/pin`.

    Raises ValueError saying what is wrong; the message never holds a value of the URI, which
    might be a PIN.
    """
    if not text.startswith(_SCHEME):
        raise ValueError(f"a PKCS#11 URI begins with {_SCHEME!r}")
    path, _, query = text.removeprefix(_SCHEME).partition("?")
    found = _attributes(path, ";", _PATH_ATTRIBUTES, "before '?'")
    found |= _attributes(query, "&", _QUERY_ATTRIBUTES, "after '?'")
    if "token" not in found:
        raise ValueError("the attribute token (label of the token) is missing")
    _check_length("token", found["token"], _LABEL_BYTES)
    if "serial" in found:
        _check_length("serial", found["serial"], _SERIAL_BYTES)
    return Pkcs11Uri(found["token"], found.get("serial"), found.get("pin-source"))


def _attributes(part: str, separator: str, known: frozenset[str], place: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in part.split(separator) if part else ():
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"write name=value, separated by {separator!r}, {place}")
        if name in _REFUSED:
            raise ValueError(f"the attribute {name} is refused: {_REFUSED[name]}")
        if name not in known:
            raise ValueError(_unknown(name, place))
        if name in found:
            raise ValueError(f"the attribute {name} stands there twice")
        found[name] = _decode(name, value)
    return found


def _unknown(name: str, place: str) -> str:
    shown = name if re.fullmatch(r"[a-z-]{1,24}", name) else "with an unusual name"
    return (
        f"the attribute {shown} {place} is not supported; "
        "use pkcs11:token=LABEL;serial=SERIAL?pin-source=SOURCE"
    )


def _decode(name: str, value: str) -> str:
    if not value:
        raise ValueError(f"the attribute {name} is empty")
    if _VALUE.fullmatch(value) is None:
        raise ValueError(f"the attribute {name} has a '%' that two hexadecimal digits don't follow")
    octets = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), value.encode()
    )
    try:
        decoded = octets.decode()
    except UnicodeDecodeError:
        raise ValueError(f"the attribute {name} is not UTF-8 once decoded") from None
    if _CONTROL.search(decoded):
        raise ValueError(f"the attribute {name} has control characters")
    return decoded


def _check_length(name: str, value: str, most: int) -> None:
    if len(value.encode()) > most:
        raise ValueError(f"the attribute {name} is longer than the {most} bytes PKCS#11 has for it")
