import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from signerd.audit.event import AuditFilter, EventKind
from signerd.core.error import (
    Conflict,
    Internal,
    Interrupted,
    LimitExceeded,
    NotFound,
)
from signerd.core.lifecycle import (
    CertificateState,
    CredentialState,
    IssuanceState,
)
from signerd.core.record import Page
from signerd.core.value import CertificateId, InstanceId, IssuanceId, KeyRef
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.housekeeping import SqlHousekeeping
from signerd.store.instance import SqlInstanceStore
from signerd.store.signature import SqlSignatureStore
from signerd.store.token_registry import SqlTokenRegistry
from tests.store.scenario import (
    OWNER,
    POOL,
    Bank,
    certificate_for,
    credential_in,
    draft_of,
    event_of,
    key_of,
    request_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_OTHER = InstanceId("other")


def _fresh() -> bytes:
    return uuid.uuid4().bytes


async def test_begin_reserves_everything(bank: Bank) -> None:
    """A new issuance has its draft, its place on the token and its owner on record."""
    draft = draft_of()
    record, is_new = await bank.issuances.begin_issuance(draft)
    assert is_new
    assert record.draft == draft
    assert record.key == KeyRef(POOL, draft.cka_id or b"")
    assert (record.state, record.owner, record.owner_alive) == (
        IssuanceState.RESERVED,
        OWNER,
        True,
    )
    assert await bank.issuances.get_issuance(draft.issuance_id) == record
    assert [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()] == [1]


async def test_begin_for_csr_takes_no_room(bank: Bank) -> None:
    """An issuance for a CSR keeps the key it brings and no place on a token."""
    record, _ = await bank.issuances.begin_issuance(draft_of(csr_spki=b"public key"))
    assert (record.key, record.spki) == (None, b"public key")
    assert [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()] == [0]
    certificate = await bank.finish(record)
    assert certificate.credential is None


async def test_begin_needs_exactly_one_key(bank: Bank) -> None:
    """A draft with both or no key source is a defect and is refused."""
    with pytest.raises(ValueError, match="key on a token or for a CSR"):
        await bank.issuances.begin_issuance(replace(draft_of(), spki=b"x"))


async def test_same_request_again_is_the_same_issuance(bank: Bank) -> None:
    """A retry finds the issuance it began, as it stands, and reserves nothing."""
    request = request_of()
    first, _ = await bank.issuances.begin_issuance(draft_of(request=request))
    certificate = await bank.finish(first)
    again, is_new = await bank.issuances.begin_issuance(draft_of(request=request))
    assert not is_new
    assert (again.draft.issuance_id, again.state) == (
        first.draft.issuance_id,
        IssuanceState.ISSUED,
    )
    assert again.certificate == certificate.certificate_id
    assert [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()] == [1]


async def test_request_id_with_other_content_is_refused(bank: Bank) -> None:
    """A request id belongs to one content."""
    request = request_of()
    await bank.issuances.begin_issuance(draft_of(request=request))
    with pytest.raises(Conflict) as caught:
        await bank.issuances.begin_issuance(
            draft_of(request=replace(request, content_sha256=b"0" * 32))
        )
    assert caught.value.reason == "REQUEST_ID_REUSED"


async def test_request_id_belongs_to_its_principal(bank: Bank) -> None:
    """Another principal may choose the same request id."""
    request = request_of()
    await bank.issuances.begin_issuance(draft_of(request=request))
    _, is_new = await bank.issuances.begin_issuance(
        draft_of(request=replace(request, principal="someone else"))
    )
    assert is_new


async def test_same_request_many_times_at_once_begins_once(bank: Bank) -> None:
    """Of many simultaneous calls with one request id exactly one begins something."""
    request = request_of()
    results = await asyncio.gather(
        *(bank.issuances.begin_issuance(draft_of(request=request)) for _ in range(20))
    )
    assert sum(is_new for _, is_new in results) == 1
    assert len({record.draft.issuance_id for record, _ in results}) == 1


async def test_serial_is_never_reserved_twice(bank: Bank) -> None:
    """A serial number that is taken is refused, and nothing else is reserved with it."""
    draft = draft_of()
    await bank.issuances.begin_issuance(draft)
    with pytest.raises(Interrupted):
        await bank.issuances.begin_issuance(replace(draft_of(), serial=draft.serial))
    assert [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()] == [1]


async def test_tokens_fill_in_order_and_then_are_full(bank: Bank) -> None:
    """Keys go to the first token with room; with none left the caller is told to come again."""
    database = bank.database
    registry = SqlTokenRegistry(database)
    first = (await registry.list_tokens())[0]
    second = replace(first, token=replace(first.token, label="pool-2"), capacity=1)
    await registry.register_token(second, event_of(EventKind.TOKEN_ADDED))
    places = []
    for _ in range(101):
        record, _ = await bank.issuances.begin_issuance(draft_of())
        places.append(None if record.key is None else record.key.token.label)
    assert places == ["pool-1"] * 100 + ["pool-2"]
    with pytest.raises(LimitExceeded) as caught:
        await bank.issuances.begin_issuance(draft_of())
    assert caught.value.reason == "TOKEN_POOL_FULL"
    assert caught.value.retry_after_s


async def test_complete_stores_certificate_and_activates_credential(bank: Bank) -> None:
    """From the moment an issuance is complete its certificate is found and its key signs."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    signatures = SqlSignatureStore(bank.database)
    expected = certificate_for(record)
    credential_id = credential_in(expected)
    with pytest.raises(NotFound):
        await signatures.get_credential(credential_id)
    stored = await bank.finish(record)
    assert stored == expected
    credential = await signatures.get_credential(credential_id)
    generated = key_of(record.draft)
    assert generated is not None
    assert (credential.state, credential.certificate, credential.spki, credential.key) == (
        CredentialState.ACTIVE,
        stored.certificate_id,
        generated.spki,
        record.key,
    )
    trail, _ = await SqlAuditTrail(bank.database).list_records(
        AuditFilter(kind="certificate.issued"), Page(10)
    )
    assert len(trail) == 1


async def test_intent_holds_key_and_bytes(bank: Bank) -> None:
    """What will be signed is on record before it is signed."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    generated = key_of(record.draft)
    assert generated is not None
    await bank.issuances.record_intent(record.draft.issuance_id, OWNER, key=generated, tbs=b"exact")
    found = await bank.issuances.get_issuance(record.draft.issuance_id)
    assert (found.state, found.tbs, found.spki) == (
        IssuanceState.INTENT,
        b"exact",
        generated.spki,
    )


async def test_intent_without_its_key_is_refused(bank: Bank) -> None:
    """An intent for a key on the token needs that key."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    with pytest.raises(Internal):
        await bank.issuances.record_intent(record.draft.issuance_id, OWNER, key=None, tbs=b"t")
    found = await bank.issuances.get_issuance(record.draft.issuance_id)
    assert found.state is IssuanceState.RESERVED


async def test_certificate_must_be_the_one_reserved(bank: Bank) -> None:
    """A certificate with another serial number than the reserved one is not stored."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    await bank.issuances.record_intent(
        record.draft.issuance_id, OWNER, key=key_of(record.draft), tbs=b"tbs"
    )
    foreign = replace(certificate_for(record), certificate_id=CertificateId("ab"))
    with pytest.raises(Internal):
        await bank.issuances.complete_issuance(record.draft.issuance_id, OWNER, foreign, [])
    with pytest.raises(NotFound):
        await bank.certificates.get_certificate(CertificateId("ab"))


async def test_unknown_issuance_is_not_found(bank: Bank) -> None:
    """An issuance that never was is not found."""
    with pytest.raises(NotFound):
        await bank.issuances.get_issuance(IssuanceId("none"))


@pytest.mark.parametrize("step", ["intent", "complete", "refuse"])
async def test_only_the_owner_takes_a_step(bank: Bank, step: str) -> None:
    """A process that lost an issuance can no longer move it, whatever it does."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    issuance_id = record.draft.issuance_id
    if step == "complete":
        await bank.issuances.record_intent(issuance_id, OWNER, key=key_of(record.draft), tbs=b"tbs")
    before = await bank.issuances.get_issuance(issuance_id)
    steps: dict[str, Callable[[], Awaitable[object]]] = {
        "intent": lambda: bank.issuances.record_intent(
            issuance_id, _OTHER, key=key_of(record.draft), tbs=b"other"
        ),
        "complete": lambda: bank.issuances.complete_issuance(
            issuance_id, _OTHER, certificate_for(record), [event_of()]
        ),
        "refuse": lambda: bank.issuances.refuse_issuance(
            issuance_id, _OTHER, reason="X", message="x", event=event_of()
        ),
    }
    position = await SqlAuditTrail(bank.database).last_position()
    with pytest.raises(Interrupted) as caught:
        await steps[step]()
    assert caught.value.reason == "ISSUANCE_TAKEN_OVER"
    assert await bank.issuances.get_issuance(issuance_id) == before
    assert await SqlAuditTrail(bank.database).last_position() == position


async def test_refused_issuance_keeps_its_reason_and_retires_its_key(bank: Bank) -> None:
    """A refusal is answered to every retry, and a key that was made awaits destruction."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    await bank.issuances.refuse_issuance(
        record.draft.issuance_id,
        OWNER,
        reason="LINT_FAILED",
        message="no",
        event=event_of(EventKind.ISSUANCE_REFUSED),
    )
    found = await bank.issuances.get_issuance(record.draft.issuance_id)
    assert (found.state, found.refusal_reason, found.refusal_message) == (
        IssuanceState.REFUSED,
        "LINT_FAILED",
        "no",
    )
    retired = await SqlHousekeeping(bank.database).list_retired_credentials(10)
    assert [(one.key, one.spki) for one in retired] == [(record.key, b"")]
    with pytest.raises(NotFound):
        await SqlSignatureStore(bank.database).get_credential(retired[0].credential_id)


async def test_living_owner_keeps_its_issuance(bank: Bank) -> None:
    """Nobody takes over from a process that gave a sign of life within five seconds."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    bank.clock.advance(4.9)
    taken = await bank.issuances.take_over_issuance(
        record.draft.issuance_id, _OTHER, fresh_cka_id=_fresh()
    )
    assert taken is None


async def test_dead_owner_loses_its_reserved_issuance_and_its_key(bank: Bank) -> None:
    """Taking over a reserved issuance gives its key up and reserves another on the same token."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    bank.clock.advance(5.0)
    fresh = _fresh()
    taken = await bank.issuances.take_over_issuance(
        record.draft.issuance_id, _OTHER, fresh_cka_id=fresh
    )
    assert taken is not None
    assert (taken.owner, taken.key, taken.draft.cka_id) == (_OTHER, KeyRef(POOL, fresh), fresh)
    retired = await SqlHousekeeping(bank.database).list_retired_credentials(10)
    assert [one.key for one in retired] == [record.key]
    # Both take room until the old one is destroyed.
    assert [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()] == [2]
    again = await bank.issuances.take_over_issuance(
        record.draft.issuance_id, _OTHER, fresh_cka_id=_fresh()
    )
    assert again is not None, "the new owner is not an instance that lives"
    with pytest.raises(Interrupted):
        await bank.finish(record)


async def test_takeover_of_an_intent_keeps_key_and_bytes(bank: Bank) -> None:
    """What was recorded as intent is signed by whoever takes over, with the same key."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    await bank.issuances.record_intent(
        record.draft.issuance_id, OWNER, key=key_of(record.draft), tbs=b"exact"
    )
    await SqlInstanceStore(bank.database).end_instance(OWNER)
    taken = await bank.issuances.take_over_issuance(
        record.draft.issuance_id, _OTHER, fresh_cka_id=_fresh()
    )
    assert taken is not None
    assert (taken.key, taken.tbs, taken.state) == (record.key, b"exact", IssuanceState.INTENT)
    stored = await bank.issuances.complete_issuance(
        record.draft.issuance_id, _OTHER, certificate_for(record), []
    )
    assert stored.state is CertificateState.ACTIVE


async def test_only_one_of_many_takes_over(bank: Bank) -> None:
    """Of many living processes that want the same issuance one gets it."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    instances = SqlInstanceStore(bank.database)
    await instances.end_instance(OWNER)
    heirs = [InstanceId(f"heir-{number}") for number in range(8)]
    for number, heir in enumerate(heirs):
        await instances.start_instance(heir, "local", f"heir-{number}", bank.clock.now())
    taken = await asyncio.gather(
        *(
            bank.issuances.take_over_issuance(record.draft.issuance_id, heir, fresh_cka_id=_fresh())
            for heir in heirs
        )
    )
    assert sum(one is not None for one in taken) == 1


async def test_finished_issuance_is_not_taken_over(bank: Bank) -> None:
    """What is at its end stays there."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    await bank.finish(record)
    bank.clock.advance(60)
    taken = await bank.issuances.take_over_issuance(
        record.draft.issuance_id, _OTHER, fresh_cka_id=_fresh()
    )
    assert taken is None


async def test_released_issuance_can_be_taken_at_once(bank: Bank) -> None:
    """An owner that gives up makes room for the next without waiting for its death."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    await bank.issuances.release_issuance(record.draft.issuance_id, _OTHER)
    assert (await bank.issuances.get_issuance(record.draft.issuance_id)).owner == OWNER
    await bank.issuances.release_issuance(record.draft.issuance_id, OWNER)
    released = await bank.issuances.get_issuance(record.draft.issuance_id)
    assert not released.owner_alive
    taken = await bank.issuances.take_over_issuance(
        record.draft.issuance_id, OWNER, fresh_cka_id=_fresh()
    )
    assert taken is not None
    assert taken.owner == OWNER


async def test_key_known_not_to_be_in_the_making_is_kept(bank: Bank) -> None:
    """An issuance released while its token was away is tried again under the same CKA_ID, so that
    trying often does not use up the pool."""
    record, _ = await bank.issuances.begin_issuance(draft_of())
    for _ in range(3):
        await bank.issuances.release_issuance(record.draft.issuance_id, OWNER, in_flight=False)
        taken = await bank.issuances.take_over_issuance(
            record.draft.issuance_id, OWNER, fresh_cka_id=_fresh()
        )
        assert taken is not None
        assert taken.key == record.key
    assert [token.key_count for token in await SqlTokenRegistry(bank.database).list_tokens()] == [1]
    await bank.finish(record)
