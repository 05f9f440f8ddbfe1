"""Named places at which a test may stop the process that passes them.

In production nothing is armed and `reach` returns at once. A test arms a directory through the
configuration (`[test] fault_directory`); a file there named like a point makes the first process
that passes it either die (content "kill": SIGKILL, as a crash or the kernel would) or stop
answering (content "hang"). The file is taken away first, so that one file stops one process once.
"""

import os
import signal
import time
from enum import StrEnum
from pathlib import Path
from typing import Final

_HANG_S: Final = 3600.0


class FaultPoint(StrEnum):
    """Every step of issuance, replacement, change, signing, clean-up and delivery at which dying
    is interesting."""

    ISSUE_BEFORE_RESERVE = "issue-before-reserve"
    STORE_RESERVE_UNCOMMITTED = "store-reserve-uncommitted"
    ISSUE_RESERVED = "issue-reserved"
    HOST_BEFORE_GENERATE = "host-before-generate"
    HOST_AFTER_GENERATE = "host-after-generate"
    ISSUE_KEY_GENERATED = "issue-key-generated"
    ISSUE_LINTED = "issue-linted"
    STORE_INTENT_UNCOMMITTED = "store-intent-uncommitted"
    ISSUE_INTENT_RECORDED = "issue-intent-recorded"
    HOST_BEFORE_SIGN = "host-before-sign"
    HOST_AFTER_SIGN = "host-after-sign"
    ISSUE_SIGNED = "issue-signed"
    ISSUE_VERIFIED = "issue-verified"
    STORE_COMPLETE_UNCOMMITTED = "store-complete-uncommitted"
    ISSUE_STORED = "issue-stored"
    STORE_ENROLMENT_UNCOMMITTED = "store-enrolment-uncommitted"
    CLAIM_BOUND = "claim-bound"
    CLAIM_ISSUED = "claim-issued"
    CHANGE_BEFORE_STORE = "change-before-store"
    STORE_CHANGE_UNCOMMITTED = "store-change-uncommitted"
    CHANGE_STORED = "change-stored"
    SIGN_BEFORE_RECORD = "sign-before-record"
    SIGN_RECORDED = "sign-recorded"
    STORE_ACTIVATION_UNCOMMITTED = "store-activation-uncommitted"
    LOGIN_BEFORE_SETTLE = "login-before-settle"
    STORE_LOGIN_UNCOMMITTED = "store-login-uncommitted"
    LOGIN_SETTLED = "login-settled"
    KEEPER_BEFORE_DESTROY = "keeper-before-destroy"
    HOST_BEFORE_DESTROY = "host-before-destroy"
    HOST_AFTER_DESTROY = "host-after-destroy"
    KEEPER_AFTER_DESTROY = "keeper-after-destroy"
    KEEPER_READY_KEY_RESERVED = "keeper-ready-key-reserved"
    KEEPER_READY_KEY_GENERATED = "keeper-ready-key-generated"
    STORE_READY_KEY_UNCOMMITTED = "store-ready-key-uncommitted"
    KEEPER_READY_KEY_STORED = "keeper-ready-key-stored"
    KEEPER_REMINDERS_UNCOMMITTED = "keeper-reminders-uncommitted"
    KEEPER_BEFORE_TAKE = "keeper-before-take"
    KEEPER_TAKE_UNCOMMITTED = "keeper-take-uncommitted"
    KEEPER_MESSAGE_TAKEN = "keeper-message-taken"
    KEEPER_MAIL_HALF_WRITTEN = "keeper-mail-half-written"
    KEEPER_MESSAGE_SENT = "keeper-message-sent"
    KEEPER_SETTLE_UNCOMMITTED = "keeper-settle-uncommitted"
    KEEPER_MESSAGE_SETTLED = "keeper-message-settled"
    KEEPER_BEFORE_CRL = "keeper-before-crl"
    KEEPER_CRL_OPENED = "keeper-crl-opened"
    KEEPER_CRL_SIGNED = "keeper-crl-signed"
    STORE_CRL_UNCOMMITTED = "store-crl-uncommitted"
    KEEPER_CRL_SAVED = "keeper-crl-saved"
    KEEPER_OCSP_SIGNED = "keeper-ocsp-signed"
    KEEPER_SIGNER_RECORDED = "keeper-signer-recorded"
    KEEPER_SIGNER_SIGNED = "keeper-signer-signed"
    KEEPER_CHECKPOINT_SIGNED = "keeper-checkpoint-signed"
    STORE_CHECKPOINT_UNCOMMITTED = "store-checkpoint-uncommitted"
    KEEPER_CHECKPOINT_STORED = "keeper-checkpoint-stored"
    KEEPER_CHECKPOINT_HALF_FILED = "keeper-checkpoint-half-filed"


LOGIN_POINTS: Final = (
    FaultPoint.LOGIN_BEFORE_SETTLE,
    FaultPoint.STORE_LOGIN_UNCOMMITTED,
    FaultPoint.LOGIN_SETTLED,
)
"""The steps of a login."""

CLAIM_POINTS: Final = (
    FaultPoint.STORE_ENROLMENT_UNCOMMITTED,
    FaultPoint.CLAIM_BOUND,
    FaultPoint.CLAIM_ISSUED,
)
"""The steps of a claim beside those of the issuance in it."""

_armed: Path | None = None


def arm(directory: Path | None) -> None:
    """Watch a directory for faults; None, the state at start, disarms."""
    global _armed  # noqa: PLW0603 - one process has one fault directory, set once at start
    _armed = directory


def reach(point: FaultPoint) -> None:
    """Pass a fault point."""
    if _armed is not None:
        _strike(_armed / point.value)


def _strike(order: Path) -> None:
    taken = order.with_suffix(f".{os.getpid()}")
    try:
        order.rename(taken)
    except FileNotFoundError:
        return
    action = taken.read_text().strip()
    taken.unlink()
    if action == "hang":
        time.sleep(_HANG_S)
    os.kill(os.getpid(), signal.SIGKILL)
