"""What the token made wrongly does not leave, where that is asked for."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signerd.audit.signature import SignatureRecord
from signerd.core.activation import SigningAuthorisation
from signerd.core.algorithm import Hash, KeyAlgorithm
from signerd.core.clock import SystemClock
from signerd.core.error import SignerdError, TokenUnavailable
from signerd.core.lifecycle import CredentialState
from signerd.core.record import CredentialRecord
from signerd.core.signing import Lane, SignTask
from signerd.core.value import CertificateId, CredentialId, KeyRef, SubscriberId, TokenRef
from signerd.policy.decide import Scope
from signerd.policy.grant import Grant
from signerd.policy.permission import Role
from signerd.signing.agreement import Agreements
from signerd.signing.batch_sign import BatchSign, Signed
from signerd.signing.sign import CredentialCache, Sign, SignInput, SignRequest

_KEY = ec.generate_private_key(ec.SECP256R1())
_ID = CredentialId("ab" * 16)
_CREDENTIAL = CredentialRecord(
    credential_id=_ID,
    subscriber=SubscriberId("hong"),
    key_group="",
    key=KeyRef(TokenRef("pool", "01"), bytes.fromhex(_ID)),
    algorithm=KeyAlgorithm.EC_P256_SHA256,
    spki=_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    state=CredentialState.ACTIVE,
    certificate=CertificateId("cd"),
    not_after_utc=None,
)


class _FaultyToken:
    """Signs the digest of b"bad" wrongly."""

    async def sign(
        self, key: KeyRef, algorithm: KeyAlgorithm, message: bytes, *, deadline: float
    ) -> bytes:
        del key, algorithm, deadline
        signed = bytes(32) if message == hashlib.sha256(b"bad").digest() else message
        return _KEY.sign(signed, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

    async def sign_many(
        self, tasks: Sequence[SignTask], *, deadline: float, lane: Lane
    ) -> list[bytes | SignerdError]:
        del lane
        return [await self.sign(*task, deadline=deadline) for task in tasks]


@dataclass
class _CountingStore:
    digests: list[str] = field(default_factory=list)

    async def get_credential(self, credential_id: CredentialId) -> CredentialRecord:
        assert credential_id == _ID
        return _CREDENTIAL

    async def record_signatures(
        self, records: Sequence[SignatureRecord]
    ) -> list[SignerdError | None]:
        for record in records:
            details = record.event.details
            self.digests.append(details.get("digest") or details["digests"])
        return [None] * len(records)


class _NoAuthorisations:
    """Nobody gave one; the key needs none."""

    async def find_authorisation(
        self, authorisation_id: str, request_id: str
    ) -> tuple[SigningAuthorisation, dict[bytes, int]] | None:
        raise AssertionError((authorisation_id, request_id))


_AGREEMENTS = Agreements(_NoAuthorisations(), SystemClock())


def _request(data: bytes) -> SignRequest:
    content = SignInput(hashlib.sha256(data).digest(), Hash.SHA256)
    scope = Scope((Grant("dns:a", Role.SIGNER),))
    return SignRequest(_ID, content, "dns:a", "r", scope, time.monotonic() + 10)


async def test_a_wrong_signature_is_thrown_away() -> None:
    """Neither answered nor recorded, and the caller may try again; the switch off, it leaves."""
    store = _CountingStore()
    parts = (_FaultyToken(), store, CredentialCache(store), SystemClock(), "front-0")
    with pytest.raises(TokenUnavailable) as broken:
        await Sign(*parts, agreements=_AGREEMENTS, verify=True).sign(_request(b"bad"))
    assert broken.value.reason == "SIGNATURE_BROKEN"
    assert not store.digests
    await Sign(*parts, agreements=_AGREEMENTS, verify=True).sign(_request(b"good"))
    await Sign(*parts, agreements=_AGREEMENTS).sign(_request(b"bad"))
    assert len(store.digests) == 2


async def test_in_a_batch_the_others_are_answered() -> None:
    """Each signature is verified by itself."""
    store = _CountingStore()
    batch = BatchSign(
        _FaultyToken(),
        store,
        CredentialCache(store),
        SystemClock(),
        "front-0",
        agreements=_AGREEMENTS,
        verify=True,
    )
    first, bad, last = await batch.sign([_request(it) for it in (b"1", b"bad", b"2")], Lane.BATCH)
    assert isinstance(first, Signed)
    assert isinstance(last, Signed)
    assert isinstance(bad, TokenUnavailable)
    wanted = " ".join(hashlib.sha256(it).hexdigest() for it in (b"1", b"2"))
    assert store.digests == [f"sha256:{wanted}"]
