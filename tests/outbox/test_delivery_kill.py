"""SIGKILL at every step of delivery: nothing is lost, and nothing doubled that can be told."""

import asyncio
import email
import os
import signal
import sys
from collections import Counter
from datetime import datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Final

import pytest

from signerd.core.fault import FaultPoint
from signerd.core.message import MessageFilter, MessageKind, MessageState
from signerd.core.record import Page
from signerd.store.outbox import SqlOutbox
from tests.outbox.scenario import mail_server, place
from tests.store.scenario import START, Bank, draft_of

_ROOT: Final = Path(__file__).parents[2]
_NOW: Final = START + timedelta(days=11)
# From here to the end of the step nobody knows that it was sent.
_UNKNOWN: Final = {FaultPoint.KEEPER_MESSAGE_SENT, FaultPoint.KEEPER_SETTLE_UNCOMMITTED}
DELIVERY_POINTS: Final = (
    FaultPoint.KEEPER_REMINDERS_UNCOMMITTED,
    FaultPoint.KEEPER_BEFORE_TAKE,
    FaultPoint.KEEPER_TAKE_UNCOMMITTED,
    FaultPoint.KEEPER_MESSAGE_TAKEN,
    FaultPoint.KEEPER_MESSAGE_SENT,
    FaultPoint.KEEPER_SETTLE_UNCOMMITTED,
    FaultPoint.KEEPER_MESSAGE_SETTLED,
)


async def _run(url: str, faults: Path, moment: datetime, way: object) -> int:
    program = (sys.executable, "-m", "tests.outbox.delivery_program")
    child = await asyncio.create_subprocess_exec(
        *(*program, url, str(faults), moment.isoformat(), str(way)),
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'clients'}"},
    )
    return await child.wait()


async def _die_and_go_on(
    bank: Bank, url: str, tmp_path: Path, point: FaultPoint, way: object
) -> tuple[set[str], set[str]]:
    """Two messages are due; the process that delivers dies, the next does the rest. Returns the
    ids of the messages, all of them sent, and of those that the dead one had settled."""
    faults = tmp_path / "faults"
    faults.mkdir()
    await bank.issue(draft_of(not_after_utc=START + timedelta(days=40)))
    (faults / point.value).write_text("kill")
    assert await _run(url, faults, _NOW, way) == -signal.SIGKILL
    left, _ = await SqlOutbox(bank.database).list_messages(MessageFilter(), Page(10))
    settled: set[str] = {one.message_id for one in left if one.state is MessageState.SENT}
    assert await _run(url, faults, _NOW, way) == 0
    messages, _ = await SqlOutbox(bank.database).list_messages(MessageFilter(), Page(10))
    assert {message.draft.kind for message in messages} == {
        MessageKind.CERTIFICATE_ISSUED,
        MessageKind.CERTIFICATE_EXPIRING,
    }
    assert len(messages) == 2
    assert {message.state for message in messages} == {MessageState.SENT}
    assert all(message.sent_utc == _NOW and not message.problem for message in messages)
    return {message.message_id for message in messages}, settled


@pytest.mark.parametrize("point", DELIVERY_POINTS)
async def test_a_mail_is_sent_once(
    bank: Bank, store_url: str, tmp_path: Path, point: FaultPoint
) -> None:
    """One that dies before it could say that it has sent sends again with the same Message-ID.
    What was settled is not sent again; the other, which is delivered at the same time, may be."""
    with mail_server() as server:
        ids, settled = await _die_and_go_on(bank, store_url, tmp_path, point, server.port)
        mails = [email.message_from_bytes(mail, policy=default) for mail in server.mails]
    seen = Counter(mail["Message-ID"] for mail in mails)
    assert set(seen) == {f"<{one}@bank.example>" for one in ids}
    if point is FaultPoint.KEEPER_MESSAGE_SETTLED:
        assert settled
        assert {seen[f"<{one}@bank.example>"] for one in settled} == {1}
    elif point not in _UNKNOWN:
        assert set(seen.values()) == {1}


@pytest.mark.parametrize(
    "point", [FaultPoint.KEEPER_MAIL_HALF_WRITTEN, FaultPoint.KEEPER_MESSAGE_SENT]
)
async def test_the_mailbox_has_it_once(
    bank: Bank, store_url: str, tmp_path: Path, point: FaultPoint
) -> None:
    """Whenever the process dies there is one whole file for each message, and nothing else."""
    ids, _ = await _die_and_go_on(bank, store_url, tmp_path, point, place(tmp_path))
    files = list(place(tmp_path).iterdir())
    assert {file.name for file in files} == {f"{one}.eml" for one in ids}
    for file in files:
        mail = email.message_from_bytes(file.read_bytes(), policy=default)
        assert not mail.defects
        assert mail["Message-ID"] == f"<{file.stem}@bank.example>"
