"""Where relying parties find the daemon."""

import pytest

from signerd.config.load import load_settings
from signerd.core.boot import BootError
from tests.config.conftest import WriteConfig


def test_the_address_is_the_url_unless_there_is_another(write_config: WriteConfig) -> None:
    """What {publisher} in profiles stands for."""
    assert load_settings(write_config()).publisher.url == "http://127.0.0.1:7480"
    listening = '[publisher]\nlisten = "[::1]:80"\n'
    assert load_settings(write_config(more=listening)).publisher.url == "http://[::1]:80"
    public = listening + 'public_url = "http://pki.bank.example"\n'
    assert load_settings(write_config(more=public)).publisher.url == "http://pki.bank.example"


@pytest.mark.parametrize(
    "url",
    [
        "https://pki.bank.example",
        "http://pki.bank.example/",
        "pki.bank.example",
        "ftp://x",
        "http://",
    ],
)
def test_a_url_that_no_relying_party_can_use_is_refused(
    url: str, write_config: WriteConfig
) -> None:
    """https would need the very check it serves; a slash at the end would be doubled."""
    with pytest.raises(BootError, match=r"publisher\.public_url"):
        load_settings(write_config(more=f'[publisher]\npublic_url = "{url}"\n'))


def test_the_api_keeps_its_address_for_itself(write_config: WriteConfig) -> None:
    """The same address twice is found before anything starts."""
    path = write_config(more='[publisher]\nlisten = "127.0.0.1:7443"\n')
    with pytest.raises(BootError, match=r"publisher\.listen"):
        load_settings(path)
