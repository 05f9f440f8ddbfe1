"""Log fields that look like secrets, emptied before they are written.

The last line of defence: no caller should log a secret, and this is what happens when one does.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

_HIDDEN: Final = "***"
_SECRET_WORD: Final = re.compile(
    r"(?:^|_)(?:pins?|passwords?|passwd|passphrases?|secrets?|idn|code)(?:_|$)"
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HARMLESS: Final = frozenset(
    {"exit_code", "status_code", "grpc_code", "error_code", "pin_source", "so_pin_source"}
)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name may hold a secret."""
    snake = _CAMEL.sub("_", name).replace("-", "_").lower()
    return snake not in _HARMLESS and _SECRET_WORD.search(snake) is not None


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """structlog processor: replace the values of secret-looking names, also in nested tables."""
    for name, value in event.items():
        if is_secret_name(name):
            event[name] = _HIDDEN
        elif isinstance(value, Mapping | list | tuple):
            event[name] = _redacted(value)
    return event


def _redacted(value: object) -> object:
    if isinstance(value, Mapping):
        return {
            str(name): _HIDDEN if is_secret_name(str(name)) else _redacted(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    return value
