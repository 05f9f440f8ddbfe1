"""What becomes of the holder's identity when a certificate is replaced."""

import secrets
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from signerd.ca.issue import IssuanceFactory
from signerd.ca.reissue import ReissueCertificate
from signerd.ca.replace import CertificateReplacer, ReplaceRequest
from signerd.core.algorithm import KeyAlgorithm
from signerd.core.clock import SystemClock
from signerd.core.error import WrongState
from signerd.core.lifecycle import CertificateState
from signerd.core.record import CertificateRecord, HolderIdentity, RequestKey, SubjectRecord
from signerd.core.value import CertificateId, CredentialId, InstanceId, SubscriberId
from signerd.policy.decide import Scope
from signerd.policy.grant import Grant
from signerd.policy.permission import Role
from tests.pki.software_authority import shipped

if TYPE_CHECKING:
    from signerd.ca.journal import IssuanceJournal
    from signerd.ca.ports import CertificateStore

NOW = datetime.now(UTC)
IDENTITY = HolderIdentity("홍길동", b"v" * 32, b"sealed")
OLD = CertificateRecord(
    certificate_id=CertificateId("0a"),
    subscriber=SubscriberId("hong-gildong"),
    credential=CredentialId("0b"),
    profile="npki-personal",
    state=CertificateState.ACTIVE,
    subject="CN=홍길동",
    subject_record=SubjectRecord("홍길동", branch="041"),
    not_before_utc=NOW - timedelta(days=30),
    not_after_utc=NOW + timedelta(days=300),
    created_utc=NOW - timedelta(days=30),
    algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
    der=b"",
    key_group="",
    identity=IDENTITY,
)


class OneCertificate:
    """A store of one."""

    def __init__(self, record: CertificateRecord) -> None:
        self._record = record

    async def get_certificate(self, certificate_id: CertificateId) -> CertificateRecord:
        assert certificate_id == self._record.certificate_id
        return self._record


async def _validate(old: CertificateRecord) -> CertificateRecord:
    factory = IssuanceFactory(
        random=secrets.token_bytes,
        owner=InstanceId("owner"),
        clock=SystemClock(),
        profiles=lambda: {name: shipped(name) for name in ("npki-personal", "personal")},
        issuer_not_after_utc=NOW + timedelta(days=3000),
    )
    store = cast("CertificateStore", OneCertificate(old))
    # Nothing is begun: the journal is not asked.
    replacer = CertificateReplacer(factory, store, cast("IssuanceJournal", None))
    request = RequestKey("ra", "ReissueCertificate", str(uuid.uuid4()), b"")
    scope = Scope((Grant("ra", Role.RA_OFFICER),))
    call = ReplaceRequest(request, old.certificate_id, scope, 0.0)
    return await ReissueCertificate(replacer).validate(call)


async def test_an_identity_is_carried_over() -> None:
    """And is left behind where the profile does not certify it any more."""
    assert await _validate(OLD) == OLD
    plain = replace(OLD, profile="personal", identity=replace(IDENTITY, sealed_random=None))
    assert await _validate(plain) == plain


@pytest.mark.parametrize(
    ("identity", "reason"),
    [(None, "IDENTITY_ABSENT"), (replace(IDENTITY, sealed_random=None), "IDENTITY_ERASED")],
)
async def test_what_cannot_be_proven_is_not_certified_again(
    identity: HolderIdentity | None, reason: str
) -> None:
    """A profile that certifies a VID by now, or a subscriber whose data was erased: refused before
    anything is made."""
    with pytest.raises(WrongState) as refused:
        await _validate(replace(OLD, identity=identity))
    assert refused.value.reason == reason
