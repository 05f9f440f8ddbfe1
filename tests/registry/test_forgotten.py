"""An identity number is used and forgotten: no value of ours shows it, none is left with it."""

import gc
import hashlib
import hmac
import os
import pickle
import time
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signerd.audit.event import AuditEvent
from signerd.core.clock import SystemClock
from signerd.core.evidence import DocumentKind
from signerd.core.record import RequestKey
from signerd.core.subscriber import Lookup, PersonalData, SubscriberRecord
from signerd.core.value import SubscriberId
from signerd.identity.holder import HolderIdentities
from signerd.pki.vid import IdentityNumber
from signerd.policy.decide import Scope
from signerd.policy.grant import Grant
from signerd.policy.permission import Role
from signerd.registry.call import RegistryCall
from signerd.registry.contact import RegisteredContacts
from signerd.registry.register import RegisterRequest, RegisterSubscriber
from signerd.registry.show import SubscriberQuery
from signerd.registry.vault import Vault
from signerd.store.database import Database
from signerd.store.migration import migrate
from signerd.store.subscriber import SqlSubscriberStore

HONG = SubscriberId("hong-gildong")
DEADLINE = time.monotonic() + 600


class SoftwareSealer:
    """A sealer whose keys lie in memory."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    async def seal(self, plaintext: bytes, associated: bytes, *, deadline: float) -> bytes:
        assert deadline == DEADLINE
        nonce = os.urandom(12)
        return nonce + AESGCM(self._key).encrypt(nonce, plaintext, associated)

    async def unseal(self, sealed: bytes, associated: bytes, *, deadline: float) -> bytes:
        assert deadline
        return AESGCM(self._key).decrypt(sealed[:12], sealed[12:], associated)

    async def mac(self, data: bytes, *, deadline: float) -> bytes:
        assert deadline == DEADLINE
        return hmac.digest(self._key, data, hashlib.sha256)


class WatchedStore(SqlSubscriberStore):
    """Looks at every value of ours at the moment of storing."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.shown = ""

    async def register_subscriber(
        self,
        request: RequestKey,
        record: SubscriberRecord,
        lookups: Collection[Lookup],
        event: AuditEvent,
    ) -> SubscriberRecord:
        self.shown = " ".join(repr(one) + str(one) for one in _values())
        return await super().register_subscriber(request, record, lookups, event)


def _values() -> list[object]:
    """Every living value of a class of the daemon."""
    return [one for one in gc.get_objects() if str(type(one).__module__).startswith("signerd.")]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[WatchedStore]:
    url = f"sqlite:///{tmp_path / 'signerd.db'}"
    migrate(url)
    database = Database(url, chain="local/front-0", clock=SystemClock())
    await database.start()
    yield WatchedStore(database)
    await database.close()


def _call(number: str) -> RegistryCall:
    scope = Scope((Grant("uri:spiffe://bank/ra", Role.RA_OFFICER),))
    return RegistryCall("uri:spiffe://bank/ra", "request", number.encode(), HONG, scope, DEADLINE)


def _request(number: str) -> RegisterRequest:
    data = PersonalData(
        DocumentKind.RESIDENT_CARD,
        number,
        "110-123-456789",
        "+821012345678",
        "hong@example.com",
        "en",
    )
    return RegisterRequest("홍길동", "041", data, IdentityNumber(number))


async def test_a_registration_forgets_the_number(store: WatchedStore) -> None:
    """While it is stored no value prints it; afterwards no value has it; it still can be asked
    about."""
    number = "9001011" + f"{int.from_bytes(os.urandom(4), 'big') % 1_000_000:06}"
    sealer = SoftwareSealer()
    vault, holders = Vault(sealer), HolderIdentities(sealer, os.urandom)
    register = RegisterSubscriber(
        store, vault, holders, SubscriberQuery(store, vault), SystemClock()
    )
    await register.register(_call(number), _request(number))
    assert "RegisterRequest(" in store.shown
    assert "IdentityNumber(" in store.shown
    assert number not in store.shown
    gc.collect()
    left = [one for one in _values() if number in _content_of(one)]
    assert left == []
    found = await store.find_subscriber(HONG)
    assert found is not None
    assert found.identity is not None
    for asked, is_right in ((number, True), (number[:-1] + "x", False)):
        answer = await holders.is_of(HONG, found.identity, IdentityNumber(asked), deadline=DEADLINE)
        assert answer is is_right
    contacts = RegisteredContacts(store, vault, time.monotonic)
    contact = await contacts.get_contact(HONG)
    assert contact is not None
    assert (contact.name, contact.phone) == ("홍길동", "+821012345678")
    assert (contact.email, contact.language) == ("hong@example.com", "en")
    assert await contacts.get_contact(SubscriberId("nobody")) is None
    assert await contacts.has_document(HONG, number, deadline=DEADLINE)
    assert not await contacts.has_document(HONG, "9001011999999", deadline=DEADLINE)


def _content_of(value: object) -> str:
    """What a value holds itself, shown or not."""
    names = {name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())}
    held = [getattr(value, name, None) for name in names]
    held += list(getattr(value, "__dict__", {}).values())
    return " ".join(str(one) for one in held if isinstance(one, str | bytes))


def test_an_identity_number_is_not_serialised() -> None:
    """Nor printed."""
    number = IdentityNumber("1248100998")
    assert "1248100998" not in f"{number!r} {number}"
    with pytest.raises(TypeError):
        pickle.dumps(number)
