"""Values as JSON: field names of the API, times in RFC 3339 (UTC), bytes in base64."""

import base64
import dataclasses
import json
from collections.abc import Mapping
from datetime import date


def to_json(value: object) -> str:
    """One line, UTF-8 not escaped."""
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    match value:
        case date():  # or datetime, which is one
            return value.isoformat().replace("+00:00", "Z")
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            return {field.name: _plain(getattr(value, field.name)) for field in fields}
        case _:
            return value
