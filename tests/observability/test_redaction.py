"""Which fields of the log are taken for secrets."""

import pytest

from signerd.observability.redaction import is_secret_name


@pytest.mark.parametrize(
    "name",
    [
        "pin",
        "PIN",
        "so_pin",
        "userPin",
        "old-password",
        "client_secret",
        "authorisation_code",
        "code",
        "idn",
        "passphrase",
    ],
)
def test_secret_names(name: str) -> None:
    """PINs, passwords, codes and resident registration numbers are hidden however written."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["exit_code", "status_code", "pinned", "pin_source", "opinion", "decode", "reason"]
)
def test_harmless_names(name: str) -> None:
    """Fields an operator needs stay readable."""
    assert not is_secret_name(name)
