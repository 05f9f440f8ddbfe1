"""What calls that count tries were answered."""

from signerd.core.record import RequestKey
from signerd.store.database import Database
from signerd.store.request import find_request


class SqlAnswerStore:
    """`signerd.identity.answer.AnswerStore` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_answer(self, request: RequestKey) -> bytes | None:
        """See the port."""
        known = await self._database.read(lambda connection: find_request(connection, request))
        return None if known is None else known.answer
