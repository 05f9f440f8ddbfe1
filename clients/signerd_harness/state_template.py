"""The state of a private daemon: made by init, or copied from what init made before.

Init makes keys on two tokens, which takes seconds; a copy takes none. Where the environment names a
template directory, which must exist and is empty at first, the first daemon's state is kept there
and all further ones have copies of it: the same CA, the same client certificates, the same tokens.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from signerd_harness.daemon_directory import DaemonFailed, configure, run_signerd

TEMPLATE_VARIABLE: Final = "SIGNERD_HARNESS_TEMPLATE"

_SOFTHSM: Final = "softhsm2.conf"


def make_state(directory: Path, listen: str, publish: str) -> None:
    """As init makes it, in an empty directory. listen, publish: host:port. Raises DaemonFailed."""
    addresses = ("--listen", listen, "--publish", publish)
    made = run_signerd("init", "--state", str(directory), *addresses)
    if made.returncode != 0:
        raise DaemonFailed(f"signerd init ended with {made.returncode}\n{made.stderr}")


def copy_state(directory: Path, listen: str, publish: str) -> None:
    """From the template, where there is one; otherwise as `make_state`."""
    place = os.environ.get(TEMPLATE_VARIABLE)
    if not place:
        make_state(directory, listen, publish)
        return
    template, making = Path(place) / "state", Path(place) / "making"
    with _locked(Path(place) / "lock"):
        if not template.exists():
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(mode=0o700)
            make_state(making, listen, publish)
            making.rename(template)
    shutil.copytree(template, directory, dirs_exist_ok=True)
    tokens = directory / _SOFTHSM
    tokens.write_text(tokens.read_text().replace(str(making), str(directory)))
    configure(
        directory / "signerd.toml",
        {"server.listen": f'"{listen}"', "publisher.listen": f'"{publish}"'},
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
