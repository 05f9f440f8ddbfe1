"""`signerd audit verify`."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from signerd.config.load import load_settings
from signerd.core.clock import Clock
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database


def verify_chains(config: Path, clock: Clock, say: Callable[[str], None]) -> bool:
    """Verify all chains of the store and say what was found; False when one is broken."""
    return asyncio.run(_verify(load_settings(config).store.url, clock, say))


async def _verify(url: str, clock: Clock, say: Callable[[str], None]) -> bool:
    database = Database(url, chain="", clock=clock)
    await database.start()
    try:
        reports = await SqlAuditTrail(database).verify()
    finally:
        await database.close()
    for report in reports:
        say(str(report))
    is_good = all(report.ok for report in reports)
    total = sum(report.checked for report in reports)
    say(f"{'good' if is_good else 'BROKEN'}: {len(reports)} chains, {total} records verified")
    return is_good
