import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from signerd.audit.event import AuditFilter
from signerd.core.error import NotFound, WrongState
from signerd.core.record import Page
from signerd.core.value import CredentialId
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.signature import SqlSignatureStore
from tests.store.scenario import Bank, credential_in, draft_of, event_of, record_signature


@pytest.fixture
def signatures(bank: Bank) -> SqlSignatureStore:
    return SqlSignatureStore(bank.database)


_ENDS = {"COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}
_tasks: set[asyncio.Task[None]] = set()


@contextmanager
def _statements(bank: Bank) -> Iterator[list[str]]:
    """The first words of what the writer's connection executes meanwhile."""
    writer = bank.database._writer
    assert writer is not None
    assert writer._connection is not None
    driver = writer._connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    seen: list[str] = []
    driver.set_trace_callback(lambda statement: seen.append(statement.split()[0]))
    try:
        yield seen
    finally:
        driver.set_trace_callback(None)


async def _block_writer(bank: Bank) -> asyncio.Event:
    """Keep the writer busy until the event is set, so that what comes meanwhile is one batch."""
    loop = asyncio.get_running_loop()
    go = asyncio.Event()
    begun = asyncio.Event()

    def wait(_: object) -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result()

    _tasks.add(task := asyncio.create_task(bank.database.write(wait)))
    task.add_done_callback(_tasks.discard)
    await begun.wait()
    return go


async def test_signature_is_on_record(bank: Bank, signatures: SqlSignatureStore) -> None:
    """A signature of an active credential is in the audit trail when the call returns."""
    credential = credential_in(await bank.issue())
    resource = f"credentials/{credential}"
    await record_signature(signatures, credential, event_of(resource=resource, algorithm="EC"))
    records, _ = await SqlAuditTrail(bank.database).list_records(
        AuditFilter(resource=resource), Page(10)
    )
    assert [dict(record.event.details) for record in records] == [{"algorithm": "EC"}]


async def test_revoked_credential_does_not_sign(bank: Bank, signatures: SqlSignatureStore) -> None:
    """After a revocation the refusal names the certificate and what to do."""
    certificate = await bank.issue()
    await bank.revoke(certificate.certificate_id)
    with pytest.raises(WrongState) as caught:
        await record_signature(signatures, credential_in(certificate), event_of())
    assert caught.value.reason == "CREDENTIAL_RETIRED"
    assert f"certificate {certificate.certificate_id} was revoked" in caught.value.message


async def test_replaced_credential_names_its_successor(
    bank: Bank, signatures: SqlSignatureStore
) -> None:
    """After a reissue the refusal names the credential to use instead."""
    old = await bank.issue()
    new = await bank.issue(draft_of(replaces=old.certificate_id))
    with pytest.raises(WrongState) as caught:
        await record_signature(signatures, credential_in(old), event_of())
    assert "was replaced; use the new credential" in caught.value.message
    assert caught.value.metadata["credential"] == new.credential


async def test_unknown_credential_does_not_sign(bank: Bank, signatures: SqlSignatureStore) -> None:
    """A credential that is unknown or only reserved leaves no record."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    position = await SqlAuditTrail(bank.database).last_position()
    reserved = CredentialId((record.draft.cka_id or b"").hex())
    for credential in (CredentialId("00" * 16), reserved):
        with pytest.raises(NotFound):
            await record_signature(signatures, credential, event_of())
    assert await SqlAuditTrail(bank.database).last_position() == position


async def test_event_that_cannot_be_encoded_fails_alone(
    bank: Bank, signatures: SqlSignatureStore
) -> None:
    """Text that UTF-8 cannot carry is refused without harm to the signatures beside it."""
    credential = credential_in(await bank.issue())
    results = await asyncio.gather(
        record_signature(signatures, credential, event_of()),
        record_signature(signatures, credential, replace(event_of(), principal="\ud800")),
        record_signature(signatures, credential, event_of()),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), UnicodeEncodeError, type(None)]


@pytest.mark.parametrize("retired", [0, 1])
async def test_batch_of_signatures_takes_a_fixed_number_of_statements(
    bank: Bank, signatures: SqlSignatureStore, retired: int
) -> None:
    """One signature and sixty-four cost the same number of SQL statements; looking up why some
    were refused costs one more, however many they are."""
    certificates = [await bank.issue(draft_of(subscriber=f"s-{n}")) for n in range(64)]
    ended = certificates[0]
    if retired:
        await bank.revoke(ended.certificate_id)
    credentials = [credential_in(certificate) for certificate in certificates]
    counts = []
    for size in (1, 64):
        go = await _block_writer(bank)
        with _statements(bank) as seen:
            calls = [
                asyncio.create_task(record_signature(signatures, credential, event_of()))
                for credential in credentials[:size]
            ]
            await asyncio.sleep(0)
            go.set()
            results = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(result, WrongState) for result in results) == retired
        # The unit that blocked the writer ends within the same count.
        counts.append([word for word in seen if word not in _ENDS])
    hot, full = ["BEGIN", "SELECT"], ["BEGIN", "SELECT", "SELECT"]
    chain = ["UPDATE", "INSERT"]
    assert counts[1] == [*hot, *(full if retired else []), *chain]
    assert counts[0] == [*hot, *(full if retired else chain)]


async def test_signatures_and_revocation_in_one_batch_keep_their_order(
    bank: Bank, signatures: SqlSignatureStore
) -> None:
    """When signature and revocation come together, no record of the signature stands after that
    of the revocation."""
    certificate = await bank.issue()
    credential = credential_in(certificate)
    go = await _block_writer(bank)
    revocation = asyncio.create_task(bank.revoke(certificate.certificate_id))
    await asyncio.sleep(0)
    signature = asyncio.create_task(record_signature(signatures, credential, event_of()))
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(revocation, signature)
    records = await SqlAuditTrail(bank.database).records_after(0, 100)
    assert [record.event.kind.value for record in records][-2:] == [
        "signature.created",
        "certificate.revoked",
    ]
