"""The judgement of a signer's standing, over values."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signerd.core.algorithm import KeyAlgorithm
from signerd.core.error import InvalidRequest
from signerd.core.lifecycle import CertificateState, RevocationReason
from signerd.core.record import CertificateRecord, SubjectRecord
from signerd.core.standing import CertificateHistory, SuspensionSpan
from signerd.core.value import CertificateId, SubscriberId, certificate_id_of
from signerd.policy.algorithm import AlgorithmEnd, AlgorithmPolicy
from signerd.policy.decide import Scope
from signerd.signing.sign import CredentialCache, SignInput
from signerd.signing.standing import ProblemCode, StandingJudge, read_serial
from signerd.signing.verify import Verify, VerifyRequest
from tests.pki.software_authority import (
    NOW,
    SUBJECT,
    Authority,
    authority_for,
    prepare_for,
    shipped,
)
from tests.pki.software_token import spki_for

EC = KeyAlgorithm.EC_P256_SHA256
CA = authority_for(EC)
DER = CA.certify(prepare_for(CA, shipped("personal"), SUBJECT, spki_for(EC)))
RECORD = CertificateRecord(
    certificate_id=certificate_id_of(read_serial(DER)),
    subscriber=SubscriberId("hong-gildong"),
    credential=None,
    profile="personal",
    state=CertificateState.ACTIVE,
    subject="CN=홍길동",
    subject_record=SubjectRecord("홍길동"),
    not_before_utc=NOW,
    not_after_utc=NOW + timedelta(days=365),
    created_utc=NOW,
    algorithm=EC,
    der=DER,
    key_group="",
)
IN_FORCE = CertificateHistory(RECORD)
HOUR = timedelta(hours=1)


class OneCertificate:
    """A store that knows one certificate."""

    def __init__(self, history: CertificateHistory | None) -> None:
        self._history = history

    async def find_history(self, certificate_id: CertificateId) -> CertificateHistory | None:
        known = self._history
        is_it = known is not None and known.record.certificate_id == certificate_id
        return known if is_it else None


class Later:
    """A clock ten years on: whatever is judged lies in the past."""

    def now(self) -> datetime:
        return NOW + timedelta(days=3650)


def judge_of(
    history: CertificateHistory | None,
    authorities: Authority = CA,
    policy: AlgorithmPolicy | None = None,
) -> StandingJudge:
    """A judge of one certificate."""
    return StandingJudge(
        OneCertificate(history),
        (authorities.issuing, authorities.root),
        lambda: policy or AlgorithmPolicy(),
        Later(),
    )


async def codes(
    moment_utc: datetime,
    *,
    history: CertificateHistory | None = IN_FORCE,
    der: bytes = DER,
    authorities: Authority = CA,
    policy: AlgorithmPolicy | None = None,
) -> list[ProblemCode]:
    """The codes of the problems at a moment."""
    judge = judge_of(history, authorities, policy)
    standing = await judge.judge(der, EC, moment_utc)
    assert standing.is_good is not bool(standing.problems)
    return [problem.code for problem in standing.problems]


async def test_certificate_in_force_is_good() -> None:
    """Nothing is wrong with a certificate that is valid, ours, and neither on hold nor revoked."""
    assert await codes(NOW) == []


async def test_revocation_counts_from_its_moment_on() -> None:
    """A signature of before the revocation still counts; one of that moment or later does not."""
    revoked = replace(
        RECORD,
        state=CertificateState.REVOKED,
        revoked_utc=NOW + HOUR,
        revocation_reason=RevocationReason.KEY_COMPROMISE,
    )
    history = CertificateHistory(revoked)
    assert await codes(NOW + HOUR - timedelta(microseconds=1), history=history) == []
    for moment in (NOW + HOUR, NOW + 2 * HOUR):
        assert await codes(moment, history=history) == [ProblemCode.CERTIFICATE_REVOKED]


async def test_suspension_counts_while_it_lasted() -> None:
    """Not good while on hold, also afterwards when that is long over; good before and after."""
    span = SuspensionSpan(NOW + HOUR, NOW + 2 * HOUR)
    history = CertificateHistory(RECORD, (span,))
    assert await codes(NOW, history=history) == []
    assert await codes(NOW + HOUR, history=history) == [ProblemCode.CERTIFICATE_SUSPENDED]
    assert await codes(NOW + 2 * HOUR, history=history) == []
    held = CertificateHistory(RECORD, (SuspensionSpan(NOW + HOUR, None),))
    assert await codes(NOW + 50 * HOUR, history=held) == [ProblemCode.CERTIFICATE_SUSPENDED]


async def test_validity_is_judged_at_the_moment() -> None:
    """Before the certificate, after it, and after its CA."""
    assert await codes(NOW - timedelta(days=1)) == [ProblemCode.CERTIFICATE_NOT_YET_VALID]
    assert await codes(NOW + timedelta(days=400)) == [ProblemCode.CERTIFICATE_EXPIRED]
    assert await codes(NOW + timedelta(days=3649)) == [ProblemCode.CERTIFICATE_EXPIRED]
    assert await codes(NOW + timedelta(days=4000)) == [
        ProblemCode.CERTIFICATE_EXPIRED,
        ProblemCode.ISSUER_NOT_VALID,
    ]


async def test_strangers_are_unknown() -> None:
    """A certificate of another CA has no chain; one with the number of ours and other bytes, and
    one of our CA that is not in the store, are not known."""
    other = authority_for(KeyAlgorithm.EC_P384_SHA384)
    stranger = other.certify(prepare_for(other, shipped("personal"), SUBJECT, spki_for(EC)))
    assert await codes(NOW, der=stranger) == [
        ProblemCode.CHAIN_INVALID,
        ProblemCode.CERTIFICATE_UNKNOWN,
    ]
    assert await codes(NOW, history=None) == [ProblemCode.CERTIFICATE_UNKNOWN]


async def test_certificates_of_cas_sign_no_data() -> None:
    """The issuing CA's own certificate, with its chain, is not for signatures."""
    found = await codes(NOW, der=CA.issuing)
    assert ProblemCode.KEY_USAGE in found


async def test_algorithm_ends_with_its_day_in_korea() -> None:
    """The last day counts to its end in Korea, 15:00 UTC."""
    day = NOW.astimezone(UTC).date() + timedelta(days=30)
    policy = AlgorithmPolicy((AlgorithmEnd(EC, day),))
    end = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    assert await codes(end - timedelta(seconds=1), policy=policy) == []
    assert await codes(end, policy=policy) == [ProblemCode.ALGORITHM_NOT_ACCEPTED]
    elsewhere = AlgorithmPolicy((AlgorithmEnd(KeyAlgorithm.ED25519, date(2020, 1, 1)),))
    assert await codes(end, policy=elsewhere) == []


async def test_the_future_is_not_judged() -> None:
    """A time of signing that has not come is refused; a minute of difference of clocks is not."""
    judge = StandingJudge(OneCertificate(None), (), AlgorithmPolicy, Later())
    now = Later().now()
    assert judge.moment(None) == now
    assert judge.moment(now + timedelta(seconds=59)) == now + timedelta(seconds=59)
    with pytest.raises(InvalidRequest) as caught:
        judge.moment(now + timedelta(seconds=61))
    assert caught.value.reason == "VERIFY_TIME_AHEAD"


@pytest.mark.parametrize("junk", [b"", b"0", DER[:-1], DER + b"0"])
async def test_junk_is_no_certificate(junk: bytes) -> None:
    """What is no certificate is refused as such."""
    with pytest.raises(InvalidRequest) as caught:
        await codes(NOW, der=junk)
    assert caught.value.reason == "CERTIFICATE_UNREADABLE"


# A serial number that the change made negative: the library reads it for now.
@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), min_size=1))
@example([(DER.index(bytes.fromhex("2a8648ce3d0201")), 0x2B)])
@example([(15, 0x80)])
@example([(DER.index(bytes.fromhex("2a8648ce3d030107")) + 7, 0x7F)])
def test_no_certificate_of_any_shape_breaks_the_judgement(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes come as a certificate, its key is found or refused, and it is judged or
    refused as unreadable."""
    changed = bytearray(DER)
    for place, value in changes:
        changed[place] = value
    with suppress(InvalidRequest):
        assert asyncio.run(codes(NOW, der=bytes(changed))) or bytes(changed) == DER
    verify = Verify(OneCertificate(None), cast("CredentialCache", None), judge_of(None))
    request = VerifyRequest(bytes(changed), SignInput(b"", None), b"", None, NOW, Scope(()))
    with suppress(InvalidRequest):
        asyncio.run(verify.examine(request))
