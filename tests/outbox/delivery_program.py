"""What the keeper does with messages, as a process that can be killed: remind, then deliver until
nothing is due. Arguments: database URL, fault directory, moment (ISO 8601), SMTP port or mailbox.
"""

import asyncio
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from signerd.core.fault import arm
from signerd.core.message import Channel
from signerd.outbox.deliver import Courier
from signerd.outbox.mailbox import Mailbox
from signerd.outbox.remind import Reminder
from signerd.outbox.smtp import SmtpCarrier
from signerd.outbox.template import load_templates
from signerd.outbox.write import LetterWriter
from signerd.store.certificate import SqlCertificateStore
from signerd.store.database import Database
from signerd.store.outbox import SqlOutbox
from tests.outbox.scenario import BANK, SENDER, server_at
from tests.store.scenario import StandingClock

if TYPE_CHECKING:
    from signerd.outbox.ports import Carrier


async def deliver(url: str, moment: str, way: str) -> None:
    """One keeper's life."""
    clock = StandingClock(datetime.fromisoformat(moment))
    database = Database(url, chain="local/keeper", clock=clock)
    await database.start()
    carrier: Carrier = (
        SmtpCarrier(server_at(int(way)), bank=BANK, sender=SENDER)
        if way.isdigit()
        else Mailbox(Path(way), bank=BANK, sender=SENDER)
    )
    store = SqlOutbox(database)
    writer = LetterWriter(
        templates=load_templates(),
        certificates=SqlCertificateStore(database),
        contacts=None,
        unsealer=None,
        bank=BANK,
        language="ko",
        monotonic=time.monotonic,
    )
    carriers = {Channel.EMAIL: carrier}
    courier = Courier(store, writer, carriers, clock, urgent=False, give_up=timedelta(hours=72))
    await Reminder(store, clock).run_once()
    while (await courier.run_once()).taken:
        continue
    await database.close()


if __name__ == "__main__":
    arm(Path(sys.argv[2]))
    asyncio.run(deliver(sys.argv[1], sys.argv[3], sys.argv[4]))
