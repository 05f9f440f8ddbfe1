"""Merkle trees against the values that certificate transparency logs are tested with."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signerd.audit.merkle import EMPTY_ROOT, TreeHasher, audit_path, leaf_hash, node_hash, root_of

# The leaves and roots of the tests of Google's certificate-transparency reference implementation.
_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_are_those_of_certificate_transparency() -> None:
    """Every size up to eight has the root that other implementations of RFC 6962 have."""
    tree = TreeHasher()
    assert tree.root() == EMPTY_ROOT == hashlib.sha256(b"").digest()
    for leaf, root in zip(_LEAVES, _ROOTS, strict=True):
        tree.add(leaf_hash(leaf))
        assert tree.root().hex() == root


@given(st.integers(1, 70), st.data())
def test_every_leaf_has_a_short_path_to_the_root(size: int, data: st.DataObject) -> None:
    """The path is no longer than the tree is high, and no other leaf takes it."""
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    tree = TreeHasher()
    for leaf in leaves:
        tree.add(leaf)
    index = data.draw(st.integers(0, size - 1))
    path = audit_path(leaves, index)
    assert len(path) <= (size - 1).bit_length()
    assert root_of(leaves[index], path) == tree.root()
    assert root_of(leaf_hash(b"another"), path) != tree.root()


def test_subtrees_do_not_pass_for_leaves() -> None:
    """The two kinds of hashes are kept apart (RFC 6962, 2.1)."""
    left, right = leaf_hash(b"1"), leaf_hash(b"2")
    assert leaf_hash(left + right) != node_hash(left, right)


def test_a_leaf_that_is_not_there_has_no_path() -> None:
    """Neither before the first nor after the last."""
    for index in (-1, 1):
        with pytest.raises(IndexError):
            audit_path([leaf_hash(b"")], index)
