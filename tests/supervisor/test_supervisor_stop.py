"""The stop of the daemon's processes: order, bounds, nothing left."""

import os
import signal
import time

from signerd.core.boot import ExitCode
from tests.supervisor.supervised_daemon import SupervisedDaemon


def test_fronts_stop_first_and_hosts_last(daemon: SupervisedDaemon) -> None:
    """Fronts end their calls while hosts still serve; then the keeper, then the hosts."""
    daemon.mode("front-1", "slow-stop 0.5")
    process = daemon.start_up()

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=30) == ExitCode.OK
    order = [(one.event, one.name) for one in daemon.events("term", "stop")]
    assert {name for _, name in order[:4]} == {"front-0", "front-1"}
    assert order[4:6] == [("term", "keeper"), ("stop", "keeper")]
    assert {name for _, name in order[6:]} == {"host-0", "host-1"}
    assert len(order) == 10


def test_nothing_says_that_it_runs_afterwards(daemon: SupervisedDaemon) -> None:
    """After a stop the run directory holds the lock files and nothing else."""
    process = daemon.start_up()
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=30) == ExitCode.OK
    assert {one.name for one in daemon.run.iterdir()} == {"supervisor.pid", "children.lock"}


def test_a_child_that_does_not_stop_is_killed_in_time(daemon: SupervisedDaemon) -> None:
    """SIGKILL follows when the time allowed is over, and the others stop as they should."""
    daemon.mode("front-0", "stubborn")
    process = daemon.start_up(stop_allowed_s=1.0)
    begin = time.monotonic()

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=30) == ExitCode.OK
    assert 1.0 <= time.monotonic() - begin < 10.0
    (killed,) = daemon.logged("child.killed")
    assert killed["child"] == "front-0"
    assert sorted(daemon.names("stop")) == ["front-1", "host-0", "host-1", "keeper"]


def test_a_second_signal_ends_everything_now(daemon: SupervisedDaemon) -> None:
    """Who sends SIGTERM twice does not wait for drains."""
    daemon.mode("front-0", "slow-stop 20")
    process = daemon.start_up(stop_allowed_s=25.0)
    pids = [one["pid"] for one in daemon.processes().values()]
    process.send_signal(signal.SIGTERM)
    daemon.until(lambda: "front-0" in daemon.names("term"))
    begin = time.monotonic()

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=30) == ExitCode.OK
    assert time.monotonic() - begin < 5.0
    assert len(pids) == 5
    assert "host-0" not in daemon.names("stop")
    assert daemon.logged("supervisor.stop_requested")[-1]["at_once"]


def test_reload_during_stop_changes_nothing(daemon: SupervisedDaemon) -> None:
    """SIGHUP while the daemon stops neither hurries nor hinders it."""
    daemon.mode("front-0", "slow-stop 1")
    process = daemon.start_up()
    process.send_signal(signal.SIGTERM)
    daemon.until(lambda: "front-0" in daemon.names("term"))

    process.send_signal(signal.SIGHUP)

    assert process.wait(timeout=30) == ExitCode.OK
    assert "front-0" in daemon.names("stop")


def test_a_child_that_waits_for_its_restart_is_not_started(daemon: SupervisedDaemon) -> None:
    """A stop asked for between a crash and its restart is the end."""
    process = daemon.start_up()
    daemon.mode("front-0", "exit 70")
    os.kill(daemon.pid("front-0"), signal.SIGKILL)
    daemon.until(lambda: len(daemon.logged("child.crashed")) == 4)
    starts = len(daemon.events("start"))

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=30) == ExitCode.OK
    assert len(daemon.events("start")) == starts
