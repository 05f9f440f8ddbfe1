"""Every key of the configuration with its type, range and default, taken from the models."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from signerd.config.settings import Settings


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One key. default is None when the key is required or unset by default."""

    path: tuple[str, ...]
    description: str
    allowed: str
    default: object
    example: object
    required: bool

    def __str__(self) -> str:
        return ".".join(self.path)


@functools.cache
def setting_keys() -> tuple[SettingKey, ...]:
    """All keys in the order of the models, subtables after the keys of their table."""
    return tuple(_walk(Settings, ()))


def _walk(section: type[BaseModel], above: tuple[str, ...]) -> Iterator[SettingKey]:
    schema = section.model_json_schema()
    tables: list[tuple[str, type[BaseModel]]] = []
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            tables.append((name, field.annotation))
        else:
            yield _key((*above, name), field, schema["properties"][name], schema)
    for name, table in tables:
        yield from _walk(table, (*above, name))


def _key(
    path: tuple[str, ...], field: FieldInfo, schema: Mapping[str, Any], whole: Mapping[str, Any]
) -> SettingKey:
    default = field.get_default(call_default_factory=True, validated_data={})
    return SettingKey(
        path=path,
        description=field.description or "",
        allowed=_allowed(schema, whole),
        default=None if default is PydanticUndefined else default,
        example=field.examples[0] if field.examples else None,
        required=field.is_required(),
    )


def _allowed(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return _allowed(schema["anyOf"][0], whole)
    if "$ref" in schema:
        return _allowed(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    kind = schema["type"]
    if kind in {"integer", "number"}:
        return _range(kind, schema)
    if kind == "object":
        return f"a table; each value {_allowed(schema['additionalProperties'], whole)}"
    return {"boolean": "true or false", "string": _string(schema)}[kind]


def _range(kind: str, schema: Mapping[str, Any]) -> str:
    noun = {"integer": "a whole number", "number": "a number"}[kind]
    most = f"{schema['maximum']:g}" if kind == "number" else str(schema["maximum"])
    if "exclusiveMinimum" in schema:
        return f"{noun} above {schema['exclusiveMinimum']:g} and up to {most}"
    return f"{noun} from {schema['minimum']} to {most}"


def _string(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "path":
        return "a path"
    if "pattern" in schema:
        return f"a string that matches {schema['pattern'].strip('^$')}"
    if "maxLength" in schema:
        return f"a string of {schema['minLength']} to {schema['maxLength']} characters"
    return "a string"
