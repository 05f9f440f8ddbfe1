"""What the plugin keeps with the configuration of a process, and how it is come by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_signerd.option import ExistingDaemon, daemon_settings, existing_daemon, require_daemon
from pytest_signerd.run import TestRun

if TYPE_CHECKING:
    from pytest_signerd.allotment import Allotment
    from signerd_harness.daemon_directory import DaemonDirectory

SEED = pytest.StashKey[int]()
RUN = pytest.StashKey[TestRun]()
ALLOTTED = pytest.StashKey["dict[str, Allotment]"]()
DAEMON = pytest.StashKey["DaemonDirectory | ExistingDaemon"]()
CLOCK_DAEMON = pytest.StashKey["DaemonDirectory"]()
LOG_START = pytest.StashKey[int]()
_DEFAULT_CUSTOMERS = 50


def handed_down(config: pytest.Config) -> dict[str, Any]:
    """What an xdist worker was given by the process that distributes the tests."""
    given: dict[str, Any] = getattr(config, "workerinput", {})
    return given


def begun_run(config: pytest.Config) -> TestRun:
    """The run that this process belongs to, begun when it is first asked for."""
    if RUN not in config.stash:
        given = handed_down(config).get("signerd_run")
        config.stash[RUN] = TestRun(*given) if given else TestRun.begin()
    return config.stash[RUN]


def shared_daemon(config: pytest.Config) -> DaemonDirectory | ExistingDaemon:
    """The daemon of the run. Raises DaemonFailed."""
    if DAEMON not in config.stash:
        daemon: DaemonDirectory | ExistingDaemon | None = existing_daemon(config)
        if daemon is None:
            require_daemon()
            from pytest_signerd import daemon as private  # noqa: PLC0415 - loads gRPC

            daemon = private.shared_daemon(begun_run(config), daemon_settings(config))
        config.stash[DAEMON] = daemon
    return config.stash[DAEMON]


def private_daemon_of(item: pytest.Item) -> DaemonDirectory | None:
    """The daemon that a test talks to, if it has started by now and its log can be read."""
    if "clock" in getattr(item, "fixturenames", ()):
        return item.config.stash.get(CLOCK_DAEMON, None)
    daemon = item.config.stash.get(DAEMON, None)
    return None if isinstance(daemon, ExistingDaemon) else daemon


def wanted_customers(item: pytest.Item) -> int:
    """How many customers a test may ask for."""
    mark = item.get_closest_marker("signerd_customers")
    return int(mark.args[0]) if mark else _DEFAULT_CUSTOMERS


def allotment_of(item: pytest.Item) -> Allotment:
    """The customers of a test."""
    from pytest_signerd.allotment import allot  # noqa: PLC0415 - loads the customer generator
    from signerd_harness.customer import LIMIT  # noqa: PLC0415 - likewise

    allotted = item.config.stash.get(ALLOTTED, {})
    if item.nodeid not in allotted:
        # Asked for in a way that the collection does not show.
        return allot({item.nodeid: wanted_customers(item)}, LIMIT)[item.nodeid]
    return allotted[item.nodeid]
