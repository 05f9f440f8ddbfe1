"""Every state of a certificate with every act."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from signerd.core.error import WrongState
from signerd.core.lifecycle import CertificateAct, CertificateState
from signerd.core.record import CertificateRecord, SubjectRecord
from signerd.core.state_machine import next_state, state_of
from signerd.core.value import CertificateId, SubscriberId

_NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
_STORED = (CertificateState.ACTIVE, CertificateState.SUSPENDED, CertificateState.REVOKED)
# Written by hand, as the bank's rules have it: state now, act, state then; whatever is not here is
# refused.
_ALLOWED = """
ACTIVE     reissue         REVOKED
ACTIVE     renew           REVOKED
ACTIVE     suspend         SUSPENDED
ACTIVE     revoke          REVOKED
SUSPENDED  resume          ACTIVE
SUSPENDED  revoke          REVOKED
SUSPENDED  end-suspension  REVOKED
REVOKED    reissue         REVOKED
EXPIRED    revoke          REVOKED
"""
_ROWS = [line.split() for line in _ALLOWED.strip().splitlines()]
_TABLE = {(state, act): after for state, act, after in _ROWS}


def _record(state: CertificateState) -> CertificateRecord:
    suspended = state is CertificateState.SUSPENDED
    return CertificateRecord(
        certificate_id=CertificateId("4f"),
        subscriber=SubscriberId("hong"),
        credential=None,
        profile="personal",
        state=state,
        subject="CN=Hong",
        subject_record=SubjectRecord("Hong"),
        not_before_utc=_NOW - timedelta(days=300),
        not_after_utc=_NOW + timedelta(days=65),
        created_utc=_NOW - timedelta(days=300),
        algorithm=None,
        der=b"",
        key_group="",
        suspended_utc=_NOW - timedelta(days=1) if suspended else None,
        suspension_limit_utc=_NOW + timedelta(days=60) if suspended else None,
    )


@pytest.mark.parametrize(
    ("state", "act"), list(itertools.product(CertificateState, CertificateAct)), ids=str
)
def test_each_act_in_each_state(state: CertificateState, act: CertificateAct) -> None:
    """What the table allows leads to the state it names; all else is refused by the name of the
    state, with the certificate and the act in the message."""
    record = (
        replace(_record(CertificateState.ACTIVE), not_after_utc=_NOW - _MOMENT)
        if state is CertificateState.EXPIRED
        else _record(state)
    )
    assert state_of(record, _NOW) is state
    if (state.value, act.value) in _TABLE:
        assert next_state(record, act, _NOW) == _TABLE[state.value, act.value]
        return
    with pytest.raises(WrongState, match=f"cannot {act} certificates/4f: ") as caught:
        next_state(record, act, _NOW)
    assert caught.value.reason == f"CERTIFICATE_{state}"


@pytest.mark.parametrize("act", CertificateAct)
def test_what_was_replaced_is_done_with(act: CertificateAct) -> None:
    """Every act on it is refused with the name of the one to go on with."""
    record = replace(_record(CertificateState.REVOKED), replaced_by=CertificateId("5a"))
    with pytest.raises(WrongState) as caught:
        next_state(record, act, _NOW)
    assert caught.value.reason == "CERTIFICATE_REPLACED"
    assert caught.value.metadata == {"certificate": "certificates/5a"}


@pytest.mark.parametrize("state", _STORED)
def test_expiry_counts_from_the_moment_after_not_after(state: CertificateState) -> None:
    """notAfter is within the validity. After it whatever was not revoked has expired, on hold or
    not, and nothing is reissued any more."""
    record = replace(_record(state), not_after_utc=_NOW)
    assert state_of(record, _NOW) is state
    is_revoked = state is CertificateState.REVOKED
    assert state_of(record, _NOW + _MOMENT) is (
        CertificateState.REVOKED if is_revoked else CertificateState.EXPIRED
    )
    for act in set(CertificateAct) - {CertificateAct.REVOKE}:
        with pytest.raises(WrongState):
            next_state(record, act, _NOW + _MOMENT)


def test_a_suspension_can_be_ended_through_its_last_moment() -> None:
    """Resumed at the limit, not after it; revoked then too."""
    record = replace(_record(CertificateState.SUSPENDED), suspension_limit_utc=_NOW)
    assert next_state(record, CertificateAct.RESUME, _NOW) is CertificateState.ACTIVE
    later = _NOW + _MOMENT
    with pytest.raises(WrongState, match="2026-06-01 12:00:00 UTC") as caught:
        next_state(record, CertificateAct.RESUME, later)
    assert caught.value.reason == "SUSPENSION_LIMIT_PASSED"
    assert next_state(record, CertificateAct.REVOKE, later) is CertificateState.REVOKED
