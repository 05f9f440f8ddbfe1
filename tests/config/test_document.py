"""The configuration's own documentation says what the models say."""

import re
from pathlib import Path

from signerd.config.document import render_sample, render_table
from signerd.config.key import setting_keys
from signerd.config.load import load_settings

_COMMENTED_KEY = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)


def test_the_sample_loads(tmp_path: Path) -> None:
    """The sample is a working configuration as it stands."""
    path = tmp_path / "signerd.toml"
    path.write_text(render_sample())

    assert load_settings(path).authority.organization == "Example Bank"


def test_the_commented_keys_are_the_defaults(tmp_path: Path) -> None:
    """Taking the comment signs off changes nothing, so the defaults shown are the real ones."""
    short, full = tmp_path / "short.toml", tmp_path / "full.toml"
    short.write_text(render_sample())
    uncommented, count = _COMMENTED_KEY.subn("", render_sample())
    unset = {key.path[-1] for key in setting_keys() if not key.required and key.default is None}
    lines = uncommented.splitlines()
    full.write_text("\n".join(line for line in lines if line.partition(" = ")[0] not in unset))

    assert count == sum(not key.required for key in setting_keys())
    assert load_settings(full) == load_settings(short)


def test_the_table_has_every_key_once() -> None:
    """Each key has one row with a description."""
    rows = [line.split(" | ") for line in render_table().splitlines()[2:]]

    assert [row[0] for row in rows] == [f"| `{key}`" for key in setting_keys()]
    assert all(row[3].removesuffix(" |") for row in rows)


def test_every_range_is_told() -> None:
    """Numbers and choices show what they may be."""
    allowed = {str(key): key.allowed for key in setting_keys()}

    assert allowed["server.fronts"] == "a whole number from 1 to 64"
    assert allowed["server.drain_s"] == "a number above 0 and up to 3600"
    assert allowed["log.format"] == "one of json, text"
    assert allowed["tokens.subscribers.grow"] == "true or false"
    assert allowed["test.fault_directory"] == "a path"
