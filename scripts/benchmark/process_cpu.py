"""CPU time of processes, as the kernel counts it (proc_pid_stat(5))."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from examples.private_daemon import PrivateDaemon

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ServerCpu:
    """Seconds of CPU used by all fronts and by all token hosts since they started."""

    fronts_s: float
    hosts_s: float

    def __sub__(self, earlier: "ServerCpu") -> "ServerCpu":
        return ServerCpu(self.fronts_s - earlier.fronts_s, self.hosts_s - earlier.hosts_s)


def read_server_cpu(daemon: PrivateDaemon) -> ServerCpu:
    """User and system time together, with the resolution of the kernel's clock tick (10 ms)."""
    return ServerCpu(
        fronts_s=_cpu_s(process.pid for process in daemon.processes("front")),
        hosts_s=_cpu_s(process.pid for process in daemon.processes("host")),
    )


def _cpu_s(pids: Iterable[int]) -> float:
    return sum(_ticks(pid) for pid in pids) / _TICKS_PER_S


def _ticks(pid: int) -> int:
    # The name in parentheses may hold spaces; utime and stime are fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
