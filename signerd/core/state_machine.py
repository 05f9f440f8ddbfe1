"""The life of a certificate: which act is allowed in which state, and what comes of it.

The one table that store and use cases go by. EXPIRED is derived from the clock and no stored
state; whatever it was before, an expired certificate can only be revoked, because signatures are
judged by the time of signing.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from signerd.core.error import WrongState
from signerd.core.lifecycle import CertificateAct, CertificateState
from signerd.core.record import CertificateRecord

_ACTIVE: Final = CertificateState.ACTIVE
_SUSPENDED: Final = CertificateState.SUSPENDED
_REVOKED: Final = CertificateState.REVOKED
_EXPIRED: Final = CertificateState.EXPIRED

TRANSITIONS: Final[Mapping[tuple[CertificateState, CertificateAct], CertificateState]] = (
    MappingProxyType(
        {
            (_ACTIVE, CertificateAct.REISSUE): _REVOKED,
            (_ACTIVE, CertificateAct.RENEW): _REVOKED,
            (_ACTIVE, CertificateAct.SUSPEND): _SUSPENDED,
            (_ACTIVE, CertificateAct.REVOKE): _REVOKED,
            (_SUSPENDED, CertificateAct.RESUME): _ACTIVE,
            (_SUSPENDED, CertificateAct.REVOKE): _REVOKED,
            (_SUSPENDED, CertificateAct.END_SUSPENSION): _REVOKED,
            # Who lost a certificate before its expiry gets it back with the old expiry.
            (_REVOKED, CertificateAct.REISSUE): _REVOKED,
            (_EXPIRED, CertificateAct.REVOKE): _REVOKED,
        }
    )
)

_ADVICE: Final[Mapping[CertificateState, str]] = MappingProxyType(
    {
        _ACTIVE: "it is valid",
        _SUSPENDED: "it is suspended; resume it first, or revoke it",
        _REVOKED: "it is revoked for good",
        _EXPIRED: "it has expired; issue a new certificate",
    }
)


def state_of(record: CertificateRecord, now_utc: datetime) -> CertificateState:
    """The state at a moment. notAfter is the last moment of validity (RFC 5280, 4.1.2.5)."""
    is_over = record.not_after_utc < now_utc
    return _EXPIRED if is_over and record.state is not _REVOKED else record.state


def next_state(
    record: CertificateRecord, act: CertificateAct, now_utc: datetime
) -> CertificateState:
    """The state after an act. Raises WrongState with a reason that names the state:
    CERTIFICATE_ACTIVE, CERTIFICATE_SUSPENDED, CERTIFICATE_REVOKED, CERTIFICATE_REPLACED,
    CERTIFICATE_EXPIRED or SUSPENSION_LIMIT_PASSED."""
    name = f"certificates/{record.certificate_id}"
    state = state_of(record, now_utc)
    after = TRANSITIONS.get((state, act))
    if state is _REVOKED and record.replaced_by is not None:
        raise WrongState(
            f"cannot {act} {name}: it was replaced by certificates/{record.replaced_by}; "
            "go on with that one",
            reason="CERTIFICATE_REPLACED",
            metadata={"certificate": f"certificates/{record.replaced_by}"},
        )
    if after is None or (state is _REVOKED and record.not_after_utc < now_utc):
        raise WrongState(
            f"cannot {act} {name}: {_ADVICE[state]}", reason=f"CERTIFICATE_{state.value}"
        )
    if act is CertificateAct.RESUME:
        _check_limit(record, now_utc)
    return after


def _check_limit(record: CertificateRecord, now_utc: datetime) -> None:
    limit = record.suspension_limit_utc
    if limit is not None and limit < now_utc:
        raise WrongState(
            f"cannot resume certificates/{record.certificate_id}: its suspension ended at "
            f"{limit:%Y-%m-%d %H:%M:%S} UTC, and it is being revoked; issue a new certificate",
            reason="SUSPENSION_LIMIT_PASSED",
        )
