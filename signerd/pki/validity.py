"""Validity of certificates: from now by the profile, up to an expiry that is kept, or renewed by
one more period."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from signerd.core.error import WrongState
from signerd.pki.profile import Profile

_SECOND: Final = timedelta(seconds=1)


def validity_at(
    profile: Profile, now_utc: datetime, issuer_not_after_utc: datetime
) -> tuple[datetime, datetime]:
    """notBefore and notAfter (UTC, both inclusive, whole seconds) of a certificate issued now.

    A period that the issuing CA does not outlive is refused, not shortened: a certificate never
    silently ends before the profile says. Raises WrongState (ISSUER_EXPIRES_FIRST).
    """
    start, not_after = _period(profile, now_utc)
    _check_issuer(not_after, issuer_not_after_utc)
    return start, not_after


def validity_within(
    profile: Profile, now_utc: datetime, issuer_not_after_utc: datetime
) -> tuple[datetime, datetime]:
    """notBefore and notAfter (UTC) of a certificate of the daemon itself: as validity_at, but cut
    short where the issuing CA ends earlier."""
    start, not_after = _period(profile, now_utc)
    return start, min(not_after, issuer_not_after_utc)


def validity_until(
    profile: Profile, now_utc: datetime, not_after_utc: datetime
) -> tuple[datetime, datetime]:
    """notBefore and notAfter (UTC) of a certificate that replaces one and expires when it would
    have. Raises WrongState (CERTIFICATE_EXPIRED) when that has passed."""
    if not_after_utc <= now_utc:
        raise WrongState(
            "the certificate has expired; issue a new one instead", reason="CERTIFICATE_EXPIRED"
        )
    return _start(profile, now_utc), not_after_utc


def renewal_opens(profile: Profile, not_after_utc: datetime) -> datetime:
    """From when on (UTC, inclusive) a certificate that ends then can be renewed: so many days ahead
    as its profile says, where validity is in whole days from the start of that day."""
    opens = not_after_utc - timedelta(days=profile.validity.renewal_window_days)
    zone = profile.validity.zone
    return opens if zone is None else _midnight(opens.astimezone(zone).date(), zone)


def validity_renewed(
    profile: Profile, now_utc: datetime, not_after_utc: datetime, issuer_not_after_utc: datetime
) -> tuple[datetime, datetime]:
    """notBefore and notAfter (UTC) of a certificate that begins now and ends one period of its
    profile after the one it renews. Raises WrongState (ISSUER_EXPIRES_FIRST)."""
    days, zone = timedelta(days=profile.validity.days), profile.validity.zone
    if zone is None:
        not_after = not_after_utc + days
    else:
        last_day = not_after_utc.astimezone(zone).date() + days
        not_after = _midnight(last_day + timedelta(days=1), zone) - _SECOND
    _check_issuer(not_after, issuer_not_after_utc)
    return _start(profile, now_utc), not_after


def _period(profile: Profile, now_utc: datetime) -> tuple[datetime, datetime]:
    start = _start(profile, now_utc)
    zone = profile.validity.zone
    if zone is None:
        end = start + timedelta(days=profile.validity.days)
    else:
        last_day = start.astimezone(zone).date() + timedelta(days=profile.validity.days)
        end = _midnight(last_day, zone)
    return start, end - _SECOND


def _start(profile: Profile, now_utc: datetime) -> datetime:
    zone = profile.validity.zone
    if zone is None:
        return now_utc.replace(microsecond=0) - timedelta(seconds=profile.validity.backdate_s)
    return _midnight(now_utc.astimezone(zone).date(), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _check_issuer(not_after_utc: datetime, issuer_not_after_utc: datetime) -> None:
    if not_after_utc > issuer_not_after_utc:
        raise WrongState(
            f"the certificate would expire at {not_after_utc:%Y-%m-%dT%H:%M:%SZ}, after the "
            f"issuing CA ({issuer_not_after_utc:%Y-%m-%dT%H:%M:%SZ}); renew the CA or shorten "
            "validity_days of the profile",
            reason="ISSUER_EXPIRES_FIRST",
        )
