from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signerd.store.database import Database
from signerd.store.migration import migrate
from tests.store.scenario import Bank, StandingClock


@pytest.fixture(params=["sqlite"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database, new for each test; a further backend is a further parameter."""
    if request.param != "sqlite":
        raise ValueError(f"no such backend: {request.param}")
    url = f"sqlite:///{tmp_path / 'signerd.db'}"
    migrate(url)
    return url


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def database(store_url: str, clock: StandingClock) -> AsyncIterator[Database]:
    database = Database(store_url, chain="local/front-0", clock=clock)
    await database.start()
    yield database
    await database.close()


@pytest.fixture
async def bank(database: Database, clock: StandingClock) -> Bank:
    bank = Bank(database, clock)
    await bank.open()
    return bank
