"""Where the API listens."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A TCP address; host is a name or an IP address without brackets."""

    host: str
    port: int


def parse_listen_address(text: str) -> ListenAddress:
    """Read `host:port`, an IPv6 address in brackets: `[::1]:7443`.

    Port 0 is refused: the fronts share one port and each would get its own. Raises ValueError.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError("use host:port, for example 127.0.0.1:7443 or [::1]:7443")
    if not (port.isascii() and port.isdigit()) or not 1 <= int(port) <= _HIGHEST_PORT:
        raise ValueError(f"the port must be a number from 1 to {_HIGHEST_PORT}")
    if host.startswith("[") and host.endswith("]"):
        return ListenAddress(_ipv6(host[1:-1]), int(port))
    if ":" in host:
        raise ValueError(f"put an IPv6 address in brackets: [{host}]:{port}")
    if _HOST_NAME.fullmatch(host) is None:
        raise ValueError("the host is neither a name nor an IP address")
    return ListenAddress(host, int(port))


def _ipv6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError("what stands in the brackets is no IPv6 address") from None
