"""The order of the whole suite: what takes minutes goes first, so that no processor waits at the
end for another's last file. And where private daemons come from."""

import os
import shutil
import tempfile

import pytest

from signerd_harness.state_template import TEMPLATE_VARIABLE

# Before anybody imports it: its assertions explain themselves like those of tests.
pytest.register_assert_rewrite("tests.pki.judge")


def pytest_configure(config: pytest.Config) -> None:
    """Private daemons are copies of one that init made. The processes of xdist, which inherit the
    variable, share it."""
    if TEMPLATE_VARIABLE in os.environ:
        return
    directory = tempfile.mkdtemp(prefix="sdt")
    os.environ[TEMPLATE_VARIABLE] = directory

    def end() -> None:
        del os.environ[TEMPLATE_VARIABLE]
        shutil.rmtree(directory)

    config.add_cleanup(end)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first; within both groups the order stays random."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
