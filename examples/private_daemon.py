"""A daemon of one's own: temporary state, own SoftHSM tokens, a free port.

    with private_daemon(DaemonSize(fronts=1, hosts=1)) as daemon:
        with Client(daemon.target("signer")) as signer:
            ...

The pytest plugin and the harness use the same one, so it is part of the package.
"""

from signerd_harness.daemon_directory import DaemonFailed, DaemonProcess
from signerd_harness.private_daemon import DaemonSize, PrivateDaemon, private_daemon

__all__ = ["DaemonFailed", "DaemonProcess", "DaemonSize", "PrivateDaemon", "private_daemon"]
