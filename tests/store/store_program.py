"""A process of its own that uses the store as a front does; started by the process tests.

Says on standard output what it did, a line each.
"""

import asyncio
import sys
from pathlib import Path

from signerd.core import fault
from signerd.core.clock import SystemClock
from signerd.core.error import SignerdError
from signerd.core.value import CredentialId
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.issuance import SqlIssuanceStore
from signerd.store.signature import SqlSignatureStore
from tests.store.scenario import draft_of, event_of, record_signature


def _say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 - how the program speaks to its test


async def _append(database: Database, count: str) -> None:
    """Put many events on record, several at once."""
    audit = SqlAuditTrail(database)
    for _ in range(int(count) // 10):
        await asyncio.gather(*(audit.append([event_of()]) for _ in range(10)))
    _say("done")


async def _sign(database: Database, credential: str) -> None:
    """Record signatures as fast as possible until the credential no longer signs."""
    signatures = SqlSignatureStore(database)
    resource = f"credentials/{credential}"
    recorded = 0

    async def caller() -> str:
        nonlocal recorded
        while True:
            try:
                await record_signature(
                    signatures, CredentialId(credential), event_of(resource=resource)
                )
            except SignerdError as error:
                return error.reason
            recorded += 1
            if recorded == 1:
                _say("signing")

    reasons = await asyncio.gather(*(caller() for _ in range(8)))
    _say("refused", *sorted(set(reasons)), recorded)


async def _reserve(database: Database, directory: str) -> None:
    """Begin issuances with the fault points armed."""
    fault.arm(Path(directory))
    issuances = SqlIssuanceStore(database)
    while True:
        record, _ = await issuances.begin_issuance(draft_of())
        _say("reserved", record.draft.issuance_id)


async def _run(url: str, chain: str, work: str, argument: str) -> None:
    database = Database(url, chain=chain, clock=SystemClock())
    await database.start()
    await {"append": _append, "sign": _sign, "reserve": _reserve}[work](database, argument)
    await database.close()


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:]))
