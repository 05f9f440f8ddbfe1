"""Hooks of the plugin. Nothing that costs time is loaded before a test asks for a fixture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_signerd.option import add_options, chosen_seed, daemon_settings, existing_daemon
from pytest_signerd.stash import (
    ALLOTTED,
    DAEMON,
    LOG_START,
    RUN,
    SEED,
    begun_run,
    handed_down,
    private_daemon_of,
    wanted_customers,
)

if TYPE_CHECKING:
    from collections.abc import Generator

pytest_plugins = ["pytest_signerd.fixture"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "signerd_customers(count): how many customers the test may ask for (50)"
    )
    existing_daemon(config)
    daemon_settings(config)
    seed = handed_down(config).get("signerd_seed")
    config.stash[SEED] = chosen_seed(config) if seed is None else seed


def pytest_report_header(config: pytest.Config) -> str | None:
    seed, target = config.stash[SEED], config.getoption("--signerd-target")
    if not seed and not target:
        return None
    return f"signerd: {target or 'a private daemon'}, --signerd-seed {seed}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Every xdist worker belongs to the run of the process that distributes the tests."""
    run = begun_run(node.config)
    node.workerinput["signerd_seed"] = node.config.stash[SEED]
    node.workerinput["signerd_run"] = [run.owner, run.directory]


def pytest_unconfigure(config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run is not None and run.owner == os.getpid():
        run.end()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before tests are deselected or reordered: all processes come to the same allotment."""
    wanted = {
        item.nodeid: wanted_customers(item)
        for item in items
        if "customers" in getattr(item, "fixturenames", ())
    }
    if wanted:
        from pytest_signerd.allotment import allot  # noqa: PLC0415 - loads the generator
        from signerd_harness.customer import LIMIT  # noqa: PLC0415 - likewise

        config.stash[ALLOTTED] = allot(wanted, LIMIT)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    daemon = private_daemon_of(item)
    if daemon is not None:
        item.stash[LOG_START] = daemon.log_file.stat().st_size


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Failures say what the daemon said."""
    stash = item.config.stash
    if call.excinfo is None or not (RUN in stash or DAEMON in stash):
        return (yield)
    from pytest_signerd.explanation import sections, shorten  # noqa: PLC0415 - loads gRPC

    call.excinfo = shorten(call.excinfo)
    report = yield
    if report.failed:
        daemon = private_daemon_of(item)
        log = daemon.log_file if daemon else None
        report.sections += sections(call.excinfo.value, log, item.stash.get(LOG_START, 0))
    return report
