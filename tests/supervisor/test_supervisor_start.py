"""The start of the daemon's processes, and starts that fail."""

import os
import signal
import subprocess

import pytest

from signerd.core.boot import ExitCode
from tests.supervisor.supervised_daemon import SupervisedDaemon


def test_hosts_start_one_after_another_before_the_rest(daemon: SupervisedDaemon) -> None:
    """A host starts when the one before is ready; fronts and keeper when all hosts are."""
    daemon.mode("host-0", "slow 0.3")
    daemon.mode("host-1", "slow 0.3")
    daemon.start_up()

    order = [(one.event, one.name) for one in daemon.events("start", "ready")]

    assert order[:4] == [
        ("start", "host-0"),
        ("ready", "host-0"),
        ("start", "host-1"),
        ("ready", "host-1"),
    ]
    assert sorted(name for _, name in order[4:]) == sorted(["front-0", "front-1", "keeper"] * 2)


def test_what_runs_is_listed(daemon: SupervisedDaemon) -> None:
    """processes.json has every process, supervisor.pid the supervisor, and nobody else enters."""
    process = daemon.start_up()

    daemon.until(lambda: {one["state"] for one in daemon.processes().values()} == {"ready"})
    assert {name: one["group"] for name, one in daemon.processes().items()} == {
        "host-0": "host",
        "host-1": "host",
        "front-0": "front",
        "front-1": "front",
        "keeper": "keeper",
    }
    assert {one["restarts"] for one in daemon.processes().values()} == {0}
    assert sorted(one["pid"] for one in daemon.processes().values()) == sorted(
        one.pid for one in daemon.events("start")
    )
    assert int((daemon.run / "supervisor.pid").read_text()) == process.pid
    assert daemon.run.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "code",
    [
        ExitCode.PIN_REFUSED,
        ExitCode.TOKEN_MISSING,
        ExitCode.CONFIG_INVALID,
        ExitCode.STORE_BROKEN,
        ExitCode.ADDRESS_IN_USE,
    ],
)
def test_a_start_that_cannot_succeed_is_not_repeated(
    daemon: SupervisedDaemon, code: ExitCode
) -> None:
    """The daemon ends with the child's exit code; the child's own line is the only one."""
    daemon.mode("host-1", f"exit {code.value}")

    assert daemon.start().wait(timeout=30) == code

    assert daemon.names("start") == ["host-0", "host-1"]
    assert daemon.names("stop") == ["host-0"]
    assert daemon.plain_lines() == ["host-1 cannot start"]


def test_a_front_that_cannot_start_stops_the_daemon(daemon: SupervisedDaemon) -> None:
    """A verdict of a front counts as one of a host does."""
    daemon.mode("front-1", f"exit {ExitCode.ADDRESS_IN_USE.value}")

    assert daemon.start().wait(timeout=30) == ExitCode.ADDRESS_IN_USE
    assert set(daemon.names("start")) >= {"host-0", "host-1", "front-1"}
    assert daemon.names("start").count("front-1") == 1


@pytest.mark.parametrize("mode", ["exit-once 70", "exit-once 1", "exit-once 0", "silent"])
def test_a_start_that_fails_by_chance_is_repeated(daemon: SupervisedDaemon, mode: str) -> None:
    """A crash or a hang during start is followed by another start."""
    daemon.mode("host-0", mode)

    daemon.start_up(start_allowed_s=2.0)

    assert daemon.names("start")[:3] == ["host-0", "host-0", "host-1"]


def test_a_start_that_crashes_again_and_again_is_given_up(daemon: SupervisedDaemon) -> None:
    """Before the daemon was ever up, five crashes of a child end it with one line that says so."""
    daemon.mode("host-0", "crash")

    assert daemon.start().wait(timeout=30) == ExitCode.SOFTWARE

    assert daemon.names("start") == ["host-0"] * 5
    assert daemon.plain_lines() == [
        (
            "signerd: host-0 ended 5 times before the daemon was up (last: signal SIGSEGV); "
            "see the log for the cause"
        )
    ]


def test_a_program_that_is_not_there_is_told(daemon: SupervisedDaemon) -> None:
    """A child that cannot even be executed is a failed start, not a failed supervisor."""
    process = daemon.start(argv={"host-0": ["/nonexistent/program"]})

    assert process.wait(timeout=30) == ExitCode.SOFTWARE
    assert "could not be started: No such file or directory" in daemon.plain_lines()[0]


def test_a_second_supervisor_is_refused(daemon: SupervisedDaemon) -> None:
    """Two supervisors never share a state directory, and the first one is not disturbed."""
    first = daemon.start_up()

    assert daemon.start().wait(timeout=30) == ExitCode.ADDRESS_IN_USE

    assert daemon.plain_lines() == [
        (
            f"signerd: another supervisor (process {first.pid}) runs on {daemon.directory}; "
            "stop it, or choose another [server] state_directory"
        )
    ]
    assert first.poll() is None
    assert len(daemon.processes()) == 5


def test_a_directory_without_permission_is_told(daemon: SupervisedDaemon) -> None:
    """A run directory that cannot be made ends the start with one line."""
    daemon.run.write_text("a file is in its place")

    assert daemon.start().wait(timeout=30) == ExitCode.CONFIG_INVALID
    assert daemon.plain_lines() == [
        (
            f"signerd: {daemon.run} cannot be used: File exists; give the daemon's user room and "
            "write permission there, or choose another [server] state_directory"
        )
    ]


def test_a_stop_during_start_is_obeyed(daemon: SupervisedDaemon) -> None:
    """SIGTERM while hosts still start ends what has started, with status 0."""
    daemon.mode("host-1", "slow 20")
    process = daemon.start(stop_allowed_s=1.0)
    daemon.until(lambda: daemon.names("start") == ["host-0", "host-1"])

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=15) == ExitCode.OK
    assert "stop" in [one.event for one in daemon.events() if one.name == "host-0"]
    assert not set(daemon.names("start")) & {"front-0", "keeper"}


def test_a_killed_supervisor_takes_its_children_along(daemon: SupervisedDaemon) -> None:
    """SIGKILL of the supervisor ends every child by end of file on its standard input."""
    process = daemon.start_up()
    pids = {one["pid"] for one in daemon.processes().values()}

    process.kill()
    process.wait()

    daemon.until(lambda: len(daemon.events("orphaned")) == 5)
    assert {one.pid for one in daemon.events("orphaned")} == pids


def test_a_new_run_waits_for_the_children_of_a_killed_one(daemon: SupervisedDaemon) -> None:
    """No process of a new run meets one of the run before."""
    daemon.mode("front-0", "linger 2")
    process = daemon.start_up()
    process.kill()
    process.wait()
    daemon.until(lambda: len(daemon.events("orphaned")) == 5)

    daemon.start_up()

    (lingered,) = daemon.events("lingered")
    assert len(daemon.events("start")) == 10
    assert min(one.at_s for one in daemon.events("start")[5:]) > lingered.at_s


def test_orphans_that_never_end_are_named(daemon: SupervisedDaemon) -> None:
    """When a process of an earlier run does not end, the start is refused with its pid."""
    daemon.mode("front-0", "linger 60")
    process = daemon.start_up()
    stuck = daemon.pid("front-0")
    process.kill()
    process.wait()

    assert daemon.start(orphan_wait_s=0.5).wait(timeout=30) == ExitCode.ADDRESS_IN_USE

    (line,) = daemon.plain_lines()
    assert line.startswith("signerd: processes of an earlier run still work on")
    assert f"front-0: {stuck}" in line


def test_a_terminals_interrupt_reaches_the_supervisor_alone(daemon: SupervisedDaemon) -> None:
    """Children have groups of their own, so Ctrl-C does not stop them out of order."""
    process = daemon.start_up()

    groups = {os.getpgid(one["pid"]) for one in daemon.processes().values()}

    assert len(groups) == 5
    assert os.getpgid(process.pid) not in groups
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == ExitCode.OK


def test_the_lock_is_not_held_by_unrelated_programs(daemon: SupervisedDaemon) -> None:
    """Only children keep the run directory busy, and only while they live."""
    process = daemon.start_up()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == ExitCode.OK

    held = subprocess.run(
        ["flock", "--nonblock", daemon.run / "children.lock", "true"], check=False
    )

    assert held.returncode == 0
