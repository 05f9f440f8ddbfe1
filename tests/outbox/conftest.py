"""The store of the store tests, with a bank in it."""

from tests.store.conftest import bank, clock, database, store_url

__all__ = ["bank", "clock", "database", "store_url"]
