"""signerctl certificate expiring, inventory, watch: the stock of certificates."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from signerctl.chart import with_bars
from signerctl.duration import days_left, parse_duration
from signerctl.option import ExpiresBefore, ExpiresFrom, Limit, Output, utc
from signerctl.session import session
from signerctl.view import Row, change_columns, moment
from signerd_client import Certificate, CertificateState
from signerd_client.inventory import CertificateCount

# Those whose end somebody has to prepare for.
_ALIVE = frozenset({CertificateState.ACTIVE, CertificateState.SUSPENDED})


class Key(StrEnum):
    """What certificates are counted by."""

    STATE = "state"
    PROFILE = "profile"
    BRANCH = "branch"
    MONTH = "month"

    def of(self, count: CertificateCount) -> str:
        """The group that a count belongs to."""
        match self:
            case Key.STATE:
                return count.state
            case Key.PROFILE:
                return count.profile
            case Key.BRANCH:
                return count.branch
            case Key.MONTH:
                return count.expire_month


@dataclass(frozen=True, slots=True)
class Group:
    """How many certificates a group has in all, and in each state that occurs in it."""

    name: str
    count: int
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Counts by one key. Groups are in the order of their names."""

    by: Key
    groups: tuple[Group, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Expiry:
    """A certificate that expires soon. days_left: whole days by the daemon's clock."""

    days_left: int
    certificate: Certificate


def take_inventory(counts: Iterable[CertificateCount], key: Key) -> Inventory:
    """Add the counts up by one key."""
    states: dict[str, Counter[str]] = defaultdict(Counter)
    for count in counts:
        states[key.of(count)][count.state] += count.count
    groups = tuple(
        Group(name, of_group.total(), dict(sorted(of_group.items())))
        for name, of_group in sorted(states.items())
    )
    return Inventory(key, groups, sum(group.count for group in groups))


def expiring(
    context: typer.Context,
    *,
    within: Annotated[
        str, typer.Option(help="What expires within this time from now: 12h, 30d or 2w.")
    ] = "30d",
    limit: Limit = 0,
    output: Output = None,
) -> None:
    """List certificates that expire soon, the soonest first, with the days that are left.

    Active and suspended ones; what is revoked or has been replaced needs no care. Days are whole
    days by the daemon's clock: 0 is within the next 24 hours. Prints a table, or with --output
    json one document a line.

    \b
    Example:
      signerctl certificate expiring --within 2w
    """
    with session(context, output) as now:
        span = parse_duration(within)
        today = now.client.server_info().current_time
        listed = now.client.list_certificates(
            expire_time_from=today, expire_time_before=today + span, page_size=1000
        )
        found = sorted(
            (one for one in listed if one.state in _ALIVE),
            key=lambda one: (one.not_after_time, one.subscriber, one.name),
        )
        soon = (Expiry(days_left(one.not_after_time, today), one) for one in found)
        now.printer.many(islice(soon, limit or None), _expiry_columns)


def _expiry_columns(expiry: Expiry) -> Row:
    certificate = expiry.certificate
    return {
        "DAYS LEFT": str(expiry.days_left),
        "NOT AFTER": moment(certificate.not_after_time),
        "CERTIFICATE": certificate.name,
        "SUBSCRIBER": certificate.subscriber.removeprefix("subscribers/"),
        "SUBJECT": certificate.subject,
        "PROFILE": certificate.profile,
        "STATE": certificate.state,
    }


def inventory(
    context: typer.Context,
    *,
    by: Annotated[Key, typer.Option(help="What to count by.")] = Key.STATE,
    state: Annotated[
        CertificateState | None, typer.Option(help="Only in this state.", show_default=False)
    ] = None,
    expires_from: ExpiresFrom = None,
    expires_before: ExpiresBefore = None,
    output: Output = None,
) -> None:
    """Count certificates by state, profile, bank branch or month of expiry (UTC).

    Prints a table with a bar for each count and the total, or with --output json one document.
    A branch "-" stands for certificates without one.

    \b
    Example, when those that are in use now expire:
      signerctl certificate inventory --by month --state ACTIVE
    """
    with session(context, output) as now:
        counts = now.client.count_certificates(
            expire_time_from=utc(expires_from), expire_time_before=utc(expires_before)
        )
        taken = take_inventory((one for one in counts if state in (None, one.state)), by)
        if now.printer.is_json:
            now.printer.one(taken, lambda _taken: {})
            return
        now.printer.many(_rows(taken, now.printer.width), lambda row: row)


def _rows(taken: Inventory, width: int) -> list[Row]:
    total = Counter[str]()
    for group in taken.groups:
        total.update(group.states)
    groups = [*taken.groups, Group("total", taken.total, total)]
    shown = [] if taken.by is Key.STATE else sorted(total)
    rows = [
        {taken.by.upper(): group.name or "-"}
        | {state: str(group.states.get(state, 0)) for state in shown}
        | {"COUNT": str(group.count)}
        for group in groups
    ]
    # The total would dwarf all others.
    return with_bars(rows, [*(group.count for group in taken.groups), 0], width)


def watch(
    context: typer.Context,
    *,
    subscriber: Annotated[
        str, typer.Option(help="Only this subscriber's.", show_default=False)
    ] = "",
    after: Annotated[
        int,
        typer.Option(
            min=-1, help="Begin after this position; 0 is from the first, -1 from now on."
        ),
    ] = -1,
    limit: Limit = 0,
    output: Output = None,
) -> None:
    """Print what happens to certificates, one change a line, until interrupted.

    Each line has the change and the certificate as it stands by then. A broken connection is made
    again, and no change is printed twice.

    \b
    Example:
      signerctl certificate watch --output json
    """
    with session(context, output) as now:
        changes = now.client.watch_certificates(subscriber=subscriber, after_position=after)
        now.printer.stream(islice(changes, limit or None), change_columns)
