import asyncio
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signerd.audit.event import AuditFilter, AuditRecord, EventKind
from signerd.core.fault import FaultPoint
from signerd.core.record import Page
from signerd.core.value import IssuanceId
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.housekeeping import SqlHousekeeping
from signerd.store.token_registry import SqlTokenRegistry
from tests.store.scenario import Bank, StandingClock, credential_in

_ROOT = Path(__file__).parents[2]


class Programs:
    """Starts processes that use the store, and leaves none behind."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._started: list[Process] = []

    async def start(self, chain: str, work: str, argument: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.store.store_program",
            self._url,
            chain,
            work,
            argument,
            stdout=PIPE,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        self._started.append(process)
        return process

    async def end(self) -> None:
        for process in self._started:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def _line(process: Process) -> list[str]:
    if process.stdout is None:
        raise ValueError("the program has no output")
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().split()


@pytest.fixture
async def programs(store_url: str) -> AsyncIterator[Programs]:
    programs = Programs(store_url)
    yield programs
    await programs.end()


async def _all_good(database: Database) -> bool:
    return all(report.ok for report in await SqlAuditTrail(database).verify())


async def test_processes_append_side_by_side(database: Database, programs: Programs) -> None:
    """Two processes and this one write at the same time: nothing is lost, each chain is whole."""
    others = [await programs.start(f"local/front-{n}", "append", "400") for n in (1, 2)]
    audit = SqlAuditTrail(database)
    while any(process.returncode is None for process in others):
        await audit.append([])
        await asyncio.sleep(0.002)
    assert [await _line(process) for process in others] == [["done"], ["done"]]
    heads = await audit.heads()
    assert {chain: head.length for chain, head in heads.items()} == {
        "local/front-0": 0,
        "local/front-1": 400,
        "local/front-2": 400,
    }
    assert await audit.last_position() == 800
    assert await _all_good(database)


@pytest.mark.parametrize("round_", range(3))
async def test_no_signature_after_a_revocation(bank: Bank, programs: Programs, round_: int) -> None:
    """Two processes sign with a key while this one revokes it: every record of a signature
    precedes that of the revocation, and each process is refused from then on."""
    certificate = await bank.issue()
    credential = credential_in(certificate)
    signers = [await programs.start(f"local/front-{n}", "sign", credential) for n in (1, 2)]
    assert [await _line(signer) for signer in signers] == [["signing"], ["signing"]]
    await asyncio.sleep(0.02 * round_)
    await bank.revoke(certificate.certificate_id)
    answers = [await _line(signer) for signer in signers]
    assert [answer[:2] for answer in answers] == [["refused", "CREDENTIAL_RETIRED"]] * 2
    signatures = await _records(bank.database, EventKind.SIGNATURE_CREATED)
    (revocation,) = await _records(bank.database, EventKind.CERTIFICATE_REVOKED)
    assert len(signatures) == sum(int(answer[2]) for answer in answers)
    assert max(record.position for record in signatures) < revocation.position
    assert await _all_good(bank.database)


async def _records(database: Database, kind: EventKind) -> list[AuditRecord]:
    audit = SqlAuditTrail(database)
    records, _ = await audit.list_records(AuditFilter(kind=kind.value), Page(100_000))
    return records


async def test_process_killed_in_a_transaction_leaves_nothing_of_it(
    bank: Bank, programs: Programs, tmp_path: Path
) -> None:
    """A process that dies with statements run and nothing committed leaves the store as it was,
    and the others write on at once."""
    faults = tmp_path / "faults"
    faults.mkdir()
    process = await programs.start("local/front-1", "reserve", str(faults))
    acknowledged = [(await _line(process))[1] for _ in range(5)]
    (faults / FaultPoint.STORE_RESERVE_UNCOMMITTED.value).write_text("kill")
    while line := await _line(process):
        acknowledged.append(line[1])
    assert await process.wait() == -signal.SIGKILL
    for issuance_id in acknowledged:
        await bank.issuances.get_issuance(IssuanceId(issuance_id))
    interrupted = await SqlHousekeeping(bank.database).list_interrupted_issuances(10_000)
    in_store = {record.draft.issuance_id for record in interrupted}
    bank.clock.advance(60)
    in_store |= {
        record.draft.issuance_id
        for record in await SqlHousekeeping(bank.database).list_interrupted_issuances(10_000)
    }
    assert in_store == set(acknowledged)
    (token,) = await SqlTokenRegistry(bank.database).list_tokens()
    assert token.key_count == len(acknowledged)
    await asyncio.wait_for(bank.issue(), 5)
    assert await _all_good(bank.database)


async def test_process_killed_at_random_loses_nothing_acknowledged(
    store_url: str, bank: Bank, programs: Programs
) -> None:
    """A signer that is killed while it works leaves a whole chain, which its successor in the
    slot continues."""
    credential = credential_in(await bank.issue())
    for _ in range(3):
        process = await programs.start("local/front-1", "sign", credential)
        assert await _line(process) == ["signing"]
        await asyncio.sleep(0.05)
        process.kill()
        await process.wait()
        assert await _all_good(bank.database)
    successor = Database(store_url, chain="local/front-1", clock=StandingClock())
    await successor.start()
    await SqlAuditTrail(successor).append([])
    await successor.close()
    assert await _all_good(bank.database)
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
