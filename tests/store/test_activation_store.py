"""Agreements as the store keeps and counts them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from signerd.audit.event import EventKind
from signerd.audit.signature import SignatureRecord
from signerd.core.activation import ActivationRecord, AuthorisationUse, SigningAuthorisation
from signerd.core.error import Conflict, Interrupted
from signerd.core.evidence import CodeRecord
from signerd.core.record import Answer
from signerd.core.value import CredentialId
from signerd.store.activation import SqlActivationStore
from signerd.store.answer import SqlAnswerStore
from signerd.store.signature import SqlSignatureStore
from tests.store.scenario import START, Bank, credential_in, event_of, request_of

NOTHING = ActivationRecord()
SET = ActivationRecord("$argon2id$", START, 2, CodeRecord(b"mac", START, (START,)))


def _given(credential: CredentialId, *, remaining: int = 3) -> SigningAuthorisation:
    return SigningAuthorisation(
        "ab" * 16, b"\x01" * 32, credential, "dns:app", remaining, None, START
    )


def _answer() -> Answer:
    return Answer(request_of("AuthorizeSigning"), b"sealed")


async def _store_with(bank: Bank) -> tuple[SqlActivationStore, CredentialId]:
    """A store with one authorisation of a new credential."""
    store, credential = SqlActivationStore(bank.database), credential_in(await bank.issue())
    event = event_of(EventKind.SIGNING_AUTHORISED)
    await store.change_activation(
        credential, NOTHING, SET, event, _answer(), authorisation=_given(credential)
    )
    return store, credential


def _record(credential: CredentialId, request_id: str, *data: bytes) -> SignatureRecord:
    digests = tuple(sha256(one).digest() for one in data)
    use = AuthorisationUse("ab" * 16, request_id, digests, START)
    return SignatureRecord(credential, event_of(), use)


async def test_what_was_set_is_found_and_changed_from_what_it_was(bank: Bank) -> None:
    """A record comes back as it was kept; a change of what is there no longer is refused."""
    store, credential = await _store_with(bank)
    assert await store.find_activation(credential) == SET
    with pytest.raises(Interrupted):
        await store.change_activation(credential, NOTHING, SET, event_of(), _answer())
    after = replace(SET, failures=3)
    await store.change_activation(credential, SET, after, event_of(), _answer())
    assert await store.find_activation(credential) == after


async def test_signatures_are_counted_together_with_their_record(bank: Bank) -> None:
    """As many records as were agreed to, of calls at the same moment; a call's repetition is
    recorded and not counted; the rest is refused and not on record."""
    store, credential = await _store_with(bank)
    signatures = SqlSignatureStore(bank.database)

    async def record(*records: SignatureRecord) -> list[str]:
        refusals = await signatures.record_signatures(records)
        return ["" if one is None else one.reason for one in refusals]

    answers = await asyncio.gather(
        *(record(_record(credential, f"call {number}", b"x")) for number in range(5))
    )
    assert sorted(answers) == [[""]] * 3 + [["AUTHORISATION_USED_UP"]] * 2
    assert await record(_record(credential, "call 0", b"x")) == [""]
    found = await store.find_authorisation("ab" * 16, "call 0")
    assert found == (_given(credential, remaining=0), {sha256(b"x").digest(): 1})


async def test_a_call_is_counted_as_a_whole_or_not_at_all(bank: Bank) -> None:
    """Four of three are refused and three are left, and so they are after a key on hold was
    refused."""
    store, credential = await _store_with(bank)
    signatures = SqlSignatureStore(bank.database)
    four = _record(credential, "four", b"a", b"b", b"c", b"d")
    [refusal] = await signatures.record_signatures([four])
    assert refusal is not None
    assert refusal.reason == "AUTHORISATION_USED_UP"
    certificate = (await signatures.get_credential(credential)).certificate
    assert certificate is not None
    await bank.suspend(certificate)
    [refusal] = await signatures.record_signatures([_record(credential, "one", b"a")])
    assert refusal is not None
    assert refusal.reason == "CREDENTIAL_SUSPENDED"
    for call in ("four", "one"):
        assert await store.find_authorisation("ab" * 16, call) == (_given(credential), {})


async def test_authorisations_end(bank: Bank) -> None:
    """Withdrawn, or forgotten after their end, they are gone with what was counted."""
    store, credential = await _store_with(bank)
    signatures = SqlSignatureStore(bank.database)
    await signatures.record_signatures([_record(credential, "call", b"x")])
    assert await store.forget_authorisations(START) == 0
    assert await store.forget_authorisations(START + timedelta(seconds=1)) == 1
    assert await store.find_authorisation("ab" * 16, "call") is None
    event = event_of()
    await store.change_activation(
        credential, SET, SET, event, _answer(), authorisation=_given(credential)
    )
    await store.change_activation(credential, SET, NOTHING, event, _answer(), withdraw=True)
    assert await store.find_authorisation("ab" * 16, "call") is None
    [refusal] = await signatures.record_signatures([_record(credential, "call", b"x")])
    assert refusal is not None
    assert refusal.reason == "AUTHORISATION_INVALID"


async def test_what_was_answered_is_found_and_stands(bank: Bank) -> None:
    """Another answer to the same call is refused together with its effect, and so is the same id
    for something else."""
    store, credential = await _store_with(bank)
    answers = SqlAnswerStore(bank.database)
    answer = _answer()
    assert await answers.find_answer(answer.request) is None
    await store.change_activation(credential, SET, SET, event_of(), answer)
    assert await answers.find_answer(answer.request) == b"sealed"
    with pytest.raises(Interrupted):
        await store.change_activation(
            credential, SET, NOTHING, event_of(), replace(answer, sealed=b"another")
        )
    other = replace(answer.request, content_sha256=b"other content")
    with pytest.raises(Conflict):
        await answers.find_answer(other)
    with pytest.raises(Conflict):
        await store.change_activation(credential, SET, NOTHING, event_of(), Answer(other, b""))
    assert await store.find_activation(credential) == SET
    assert await answers.find_answer(answer.request) == b"sealed"
