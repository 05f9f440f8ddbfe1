"""The order of the whole suite: what takes minutes goes first, so that no processor waits at the
end for another's last file."""

import pytest

# Before anybody imports it: its assertions explain themselves like those of tests.
pytest.register_assert_rewrite("tests.pki.judge")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first; within both groups the order stays random."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
