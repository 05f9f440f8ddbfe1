"""A refusal that was stored is told again as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest

from signerd.ca.outcome import refusal_of
from signerd.core.error import WrongState
from signerd.core.lifecycle import CertificateAct, CertificateState, IssuanceState
from signerd.core.record import IssuanceRecord
from signerd.core.state_machine import next_state
from signerd.core.value import CertificateId
from tests.store.scenario import OWNER, START, certificate_for, draft_of


def _refused(reason: str | None) -> IssuanceRecord:
    return IssuanceRecord(
        draft=draft_of(),
        state=IssuanceState.REFUSED,
        owner=OWNER,
        owner_alive=False,
        key=None,
        spki=None,
        tbs=None,
        certificate=None,
        refusal_reason=reason,
        refusal_message="why not",
    )


def _replacement_refusal(
    state: CertificateState, act: CertificateAct, replaced_by: CertificateId | None
) -> WrongState | None:
    is_expired = state is CertificateState.EXPIRED
    stored = CertificateState.ACTIVE if is_expired else state
    record = replace(_OLD, state=stored, replaced_by=replaced_by)
    now = _OLD.not_after_utc + timedelta(days=1) if is_expired else START
    try:
        next_state(record, act, now)
    except WrongState as refusal:
        return refusal
    return None


_OLD = certificate_for(_refused(None))


@pytest.mark.parametrize("act", [CertificateAct.REISSUE, CertificateAct.RENEW])
def test_the_state_that_was_in_the_way_is_named_to_each_retry(act: CertificateAct) -> None:
    """Whatever the table of states refuses a replacement for, a retry of the call is refused with
    the same family, reason and message."""
    refusals = [
        _replacement_refusal(state, act, CertificateId(replaced_by) if replaced_by else None)
        for state in CertificateState
        for replaced_by in ("", "4f")
    ]
    reasons = {refusal.reason for refusal in refusals if refusal is not None}
    assert len(reasons) >= 3
    for reason in reasons:
        told = refusal_of(_refused(reason))
        assert isinstance(told, WrongState)
        assert (told.reason, told.message) == (reason, "why not")
