"""The configuration explained, from the models themselves."""

import json
from collections.abc import Iterator
from pathlib import Path

from signerd.config.key import SettingKey, setting_keys


def render_table() -> str:
    """Every key as a Markdown table: key, default, allowed values, meaning."""
    return "\n".join(
        ["| key | default | allowed | meaning |", "| --- | --- | --- | --- |", *_rows()]
    )


def render_sample() -> str:
    """A configuration file that loads as it is.

    Required keys hold an example; the others stand commented out with their defaults.
    """
    return "\n".join(_sample_lines()) + "\n"


def _rows() -> Iterator[str]:
    for key in setting_keys():
        default = f"`{_toml(key.default)}`" if _has_default(key) else ""
        cells = (f"`{key}`", "required" if key.required else default, key.allowed, key.description)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _sample_lines() -> Iterator[str]:
    table: tuple[str, ...] = ()
    for key in setting_keys():
        if key.path[:-1] != table:
            if table:
                yield ""
            table = key.path[:-1]
            yield f"[{'.'.join(table)}]"
        yield f"# {key.description}; {key.allowed}"
        value = key.default if _has_default(key) else key.example
        yield f"{'' if key.required else '# '}{key.path[-1]} = {_toml(value)}"


def _has_default(key: SettingKey) -> bool:
    return key.default is not None


def _toml(value: object) -> str:
    match value:
        case bool() | int() | float():
            return json.dumps(value)
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case dict():
            return "{" + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + "}"
        case _:
            raise TypeError(f"no TOML form for {type(value).__name__}")
