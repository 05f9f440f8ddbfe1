"""The command signerctl as one of the identities that init made."""

import os
import subprocess
import sys
from pathlib import Path

from examples.private_daemon import PrivateDaemon

SIGNERCTL = str(Path(sys.executable).with_name("signerctl"))
_LIMIT_S = 120.0


def environment(daemon: PrivateDaemon, identity: str) -> dict[str, str]:
    """Where the daemon is and who is asking, and nothing else that signerctl reads."""
    tls = daemon.directory / "tls"
    kept = {name: text for name, text in os.environ.items() if not name.startswith("SIGNERD_")}
    return kept | {
        "SIGNERD_TARGET": daemon.address,
        "SIGNERD_CA": str(tls / "ca.pem"),
        "SIGNERD_CERTIFICATE": str(tls / "clients" / f"{identity}.pem"),
        "SIGNERD_KEY": str(tls / "clients" / f"{identity}.key"),
        "LC_ALL": "C.UTF-8",
    }


def signerctl(
    daemon: PrivateDaemon, identity: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [SIGNERCTL, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_S,
        env=environment(daemon, identity),
    )
