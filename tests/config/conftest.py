"""A configuration file to change one thing in."""

from collections.abc import Callable
from pathlib import Path

import pytest

MINIMAL = """\
[tokens]
module = "/usr/lib/softhsm/libsofthsm2.so"
[tokens.authority]
uri = "pkcs11:token=ca?pin-source=file:pin"
[tokens.subscribers]
uri = "pkcs11:token=pool?pin-source=env:POOL_PIN"
[authority]
organization = "한국 은행"
root_common_name = "Root"
issuing_common_name = "Issuing"
"""

WriteConfig = Callable[..., Path]


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    """Writes the minimal configuration: each pair replaces a text, more is appended."""

    def write(*replacements: tuple[str, str], more: str = "") -> Path:
        text = MINIMAL
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "signerd.toml"
        path.write_text(text + more)
        return path

    return write
