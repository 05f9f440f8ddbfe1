"""Which customers a test has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_signerd.allotment import BLOCK, allot

_LIMIT = 1_000_000
_TESTS = st.dictionaries(st.text(min_size=1), st.integers(1, 3_000), max_size=30)


@given(_TESTS)
def test_no_customer_belongs_to_two_tests(wanted: dict[str, int]) -> None:
    """Each test has as many as it wants, within the limit."""
    allotted = allot(wanted, _LIMIT)
    taken: set[int] = set()
    for test, count in wanted.items():
        numbers = range(allotted[test].start, allotted[test].start + allotted[test].count)
        assert len(numbers) == count
        assert numbers.stop <= _LIMIT
        assert taken.isdisjoint(numbers)
        taken.update(numbers)


@given(_TESTS)
def test_the_order_of_tests_does_not_matter(wanted: dict[str, int]) -> None:
    """So that all processes of a run agree."""
    backwards = dict(reversed(wanted.items()))
    assert allot(wanted, _LIMIT) == allot(backwards, _LIMIT)


def test_a_test_has_the_same_customers_alone_and_among_others() -> None:
    """A failure can be repeated with -k."""
    names = [f"tests/test_transfer.py::test_{number}" for number in range(100)]
    among_others = allot(dict.fromkeys(names, BLOCK), _LIMIT)
    alone = [allot({name: BLOCK}, _LIMIT)[name] for name in names]
    assert alone == [among_others[name] for name in names]


def test_where_two_tests_meet_the_later_moves_on() -> None:
    """Also when there is hardly room; when there is none, the test is named."""
    names = [f"test_{number}" for number in range(4)]
    crowded = allot(dict.fromkeys(names, BLOCK), 4 * BLOCK)
    assert sorted(one.start for one in crowded.values()) == [0, BLOCK, 2 * BLOCK, 3 * BLOCK]
    with pytest.raises(ValueError, match="test_4 wants 50 customers"):
        allot(dict.fromkeys([*names, "test_4"], BLOCK), 4 * BLOCK)
