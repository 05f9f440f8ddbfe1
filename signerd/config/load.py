"""The configuration file, read and checked."""

import difflib
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from signerd.config.check import contradictions
from signerd.config.key import SettingKey, setting_keys
from signerd.config.resolve import resolve_paths
from signerd.config.settings import Settings
from signerd.config.toml_file import invalid_file, read_toml

# A value of these may hold a secret that was put in the wrong place, so messages leave it out.
_UNSHOWN: Final = frozenset({"uri", "url", "so_pin_source", "environment"})
_SHOWN_LENGTH: Final = 40


def load_settings(path: Path) -> Settings:
    """Read, check and resolve the configuration file: every path of the result is absolute.

    Raises BootError (CONFIG_INVALID) whose message has one line for each mistake, beginning with
    the file and the key.
    """
    path = path.absolute()
    document = read_toml(path)
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise invalid_file(path, (_problem(detail) for detail in details)) from None
    settings = resolve_paths(settings, path.parent)
    if problems := list(contradictions(settings)):
        raise invalid_file(path, problems)
    return settings


def _problem(detail: ErrorDetails) -> str:
    location = tuple(str(part) for part in detail["loc"])
    name = ".".join(location)
    known = next((key for key in setting_keys() if key.path == location), None)
    match detail["type"]:
        case "extra_forbidden":
            return _unknown(location)
        case "missing":
            return f"{name} is missing: {known.description}" if known else f"[{name}] is missing"
        case "model_type" | "model_attributes_type":
            return f"{name} is a table; write [{name}]"
        case "value_error":
            reason = str(detail["ctx"]["error"])
        case _:
            reason = f"use {known.allowed}" if known else detail["msg"]
    return f"{name}{_shown(location, detail['input'])}: {reason}{_meaning(known)}"


def _meaning(known: SettingKey | None) -> str:
    return f" ({known.description})" if known else ""


def _shown(location: tuple[str, ...], value: object) -> str:
    if not _UNSHOWN.isdisjoint(location) or not isinstance(value, str | int | float):
        return ""
    text = repr(value) if isinstance(value, str) else str(value).lower()
    return f" = {text}" if len(text) <= _SHOWN_LENGTH else ""


def _unknown(location: tuple[str, ...]) -> str:
    near = _nearest(location)
    advice = f"did you mean {near}?" if near else "take it out"
    return f"unknown key {'.'.join(location)}; {advice}"


def _nearest(location: tuple[str, ...]) -> str | None:
    """A key of the same name in another table, else one that looks alike, the same table first."""
    above, name, depth = location[:-1], location[-1], len(location)
    elsewhere = {key.path[-1]: str(key) for key in setting_keys()}
    siblings = {
        key.path[depth - 1]: ".".join(key.path[:depth])
        for key in setting_keys()
        if key.path[: depth - 1] == above and len(key.path) >= depth
    }
    if name in elsewhere:
        return elsewhere[name]
    for names, cutoff in ((siblings, 0.6), (elsewhere, 0.8)):
        near: list[str] = difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
        if near:
            return names[near[0]]
    return None
