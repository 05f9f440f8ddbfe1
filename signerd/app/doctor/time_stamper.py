"""Checks of what time stamps need."""

from signerd.app.doctor.authority import check_service
from signerd.app.doctor.finding import Findings
from signerd.app.kernel_clock import read_kernel_clock
from signerd.app.timestamp import clock_gate
from signerd.config.settings import Settings
from signerd.core.clock import Clock
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemKey

_CHECK = "time stamps"


def check_time_stamper(
    findings: Findings, settings: Settings, keys: dict[SystemKeyRole, SystemKey], clock: Clock
) -> None:
    """The authority's certificate, and whether the machine's clock may be sworn to."""
    if not settings.timestamping.enabled:
        return
    check_service(findings, keys, clock, SystemKeyRole.TIMESTAMP, _CHECK)
    problem = clock_gate(settings.timestamping).problem(read_kernel_clock())
    if problem:
        findings.note(_CHECK, f"none are made: {problem}")
