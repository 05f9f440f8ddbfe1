"""What signatures are judged by, as the store keeps it."""

from datetime import timedelta

from signerd.core.lifecycle import CertificateState
from signerd.core.standing import SuspensionSpan
from signerd.core.value import CertificateId
from signerd.store.standing import SqlStandingStore
from tests.store.scenario import START, Bank


async def test_every_suspension_is_remembered(bank: Bank) -> None:
    """Two times on hold, the second ended by revocation, are there with begin and end when the
    certificate itself no longer tells of them."""
    store = SqlStandingStore(bank.database)
    issued = (await bank.issue()).certificate_id
    fresh = await store.find_history(issued)
    assert fresh is not None
    assert fresh.suspensions == ()
    for act in (bank.suspend, bank.resume, bank.suspend):
        bank.clock.advance(60)
        await act(issued)
    minute = timedelta(seconds=60)
    held = await store.find_history(issued)
    assert held is not None
    assert held.suspensions[-1] == SuspensionSpan(START + 3 * minute, None)
    bank.clock.advance(60)
    await bank.revoke(issued)
    history = await store.find_history(issued)
    assert history is not None
    assert history.record.state is CertificateState.REVOKED
    assert history.record.suspended_utc is None
    assert history.suspensions == (
        SuspensionSpan(START + minute, START + 2 * minute),
        SuspensionSpan(START + 3 * minute, START + 4 * minute),
    )


async def test_unknown_certificates_have_no_history(bank: Bank) -> None:
    """A number that was never issued is answered with nothing."""
    assert await SqlStandingStore(bank.database).find_history(CertificateId("ab")) is None
