"""The daemon's own keys in the store, and the renewal of their certificates."""

import pytest

from signerd.audit.event import EventKind
from signerd.core.algorithm import KeyAlgorithm, SecretAlgorithm
from signerd.core.error import Conflict, Interrupted, NotFound
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import KeyOrigin, SystemKey, SystemSecret
from signerd.core.value import KeyRef, TokenRef
from signerd.store.audit_trail import SqlAuditTrail
from signerd.store.database import Database
from signerd.store.system_key import SqlSystemKeyStore
from tests.store.scenario import event_of

_CREATED, _RENEWED = EventKind.AUTHORITY_CREATED, EventKind.OCSP_SIGNER_RENEWED
_OCSP = SystemKeyRole.OCSP
_SECRETS = {
    SystemKeyRole.SEAL: SecretAlgorithm.AES_256_GCM,
    SystemKeyRole.INDEX: SecretAlgorithm.HMAC_SHA256,
}
_PAIRS = tuple(role for role in SystemKeyRole if role not in _SECRETS)


def _ref(role: SystemKeyRole) -> KeyRef:
    return KeyRef(TokenRef("authority", "1"), role.value.encode())


def _pair(role: SystemKeyRole) -> SystemKey:
    return SystemKey(
        role,
        _ref(role),
        KeyAlgorithm.RSA_2048_PKCS1_SHA256,
        b"spki",
        None if role is SystemKeyRole.PROBE else b"certificate",
        KeyOrigin(local=True, always_sensitive=True, never_extractable=None),
    )


def _secret(role: SystemKeyRole) -> SystemSecret:
    return SystemSecret(
        role,
        _ref(role),
        _SECRETS[role],
        KeyOrigin(local=True, always_sensitive=None, never_extractable=True),
    )


async def test_system_keys_are_kept_and_never_overwritten(database: Database) -> None:
    """The CA's keys are found by role, and a second hierarchy is refused as a whole."""
    store = SqlSystemKeyStore(database)
    assert await store.get_system_keys() == {}
    keys = [_pair(role) for role in _PAIRS]
    await store.save_system_keys(keys[:2], event_of(_CREATED))
    with pytest.raises(Conflict):
        await store.save_system_keys(keys[1:], event_of(_CREATED))
    assert await store.get_system_keys() == {key.role: key for key in keys[:2]}
    await store.save_system_keys(keys[2:], event_of(_CREATED))
    assert await store.get_system_keys() == {key.role: key for key in keys}


async def test_secret_keys_are_told_from_key_pairs(database: Database) -> None:
    """Each is found among its own kind, with what was read back from the token."""
    store = SqlSystemKeyStore(database)
    pairs, secrets = [_pair(role) for role in _PAIRS], [_secret(role) for role in _SECRETS]
    await store.save_system_keys([*pairs, *secrets], event_of(_CREATED))
    assert await store.get_system_keys() == {key.role: key for key in pairs}
    assert await store.get_system_secrets() == {key.role: key for key in secrets}
    with pytest.raises(Conflict):
        await store.save_system_keys(secrets[:1], event_of(_CREATED))


async def test_a_certificate_is_replaced_once_by_what_was_recorded(database: Database) -> None:
    """The first TBSCertificate that was recorded is the one that counts, until it has come to a
    certificate; the second to bring it changes and records nothing."""
    store, trail = SqlSystemKeyStore(database), SqlAuditTrail(database)
    await store.save_system_keys([_pair(role) for role in _PAIRS], event_of(_CREATED))
    assert await store.begin_certificate(_OCSP, b"first") == b"first"
    assert await store.begin_certificate(_OCSP, b"second") == b"first"
    assert (await store.get_system_keys())[_OCSP].certificate == b"certificate"
    with pytest.raises(Interrupted):
        await store.replace_certificate(_OCSP, b"second", b"wrong", event_of(_RENEWED))
    await store.replace_certificate(_OCSP, b"first", b"renewed", event_of(_RENEWED))
    with pytest.raises(Interrupted):
        await store.replace_certificate(_OCSP, b"first", b"again", event_of(_RENEWED))
    keys = await store.get_system_keys()
    assert keys[_OCSP].certificate == b"renewed"
    assert {keys[role].certificate for role in _PAIRS} == {b"renewed", b"certificate", None}
    kinds = [record.event.kind for record in await trail.records_after(0, 10)]
    assert kinds == [_CREATED, _RENEWED]
    assert await store.begin_certificate(_OCSP, b"third") == b"third"


async def test_no_certificate_begins_without_its_key(database: Database) -> None:
    """Before init there is nothing to renew."""
    with pytest.raises(NotFound):
        await SqlSystemKeyStore(database).begin_certificate(_OCSP, b"tbs")
