"""Watching over running processes: replacement, back-off, reload, the admin socket."""

import os
import signal
import time
from itertools import pairwise

import pytest

from signerd.core.boot import ExitCode
from tests.supervisor.supervised_daemon import SupervisedDaemon


@pytest.mark.parametrize("name", ["host-1", "front-0", "keeper"])
def test_a_crashed_process_is_replaced_at_once(daemon: SupervisedDaemon, name: str) -> None:
    """A killed child has a successor within a second, and the reason is logged."""
    daemon.start_up()
    pid = daemon.pid(name)

    os.kill(pid, signal.SIGKILL)
    daemon.until(lambda: daemon.replaced(name, pid))

    (crash,) = daemon.logged("child.crashed")
    assert (crash["child"], crash["reason"], crash["restart_in_s"]) == (name, "signal SIGKILL", 0)
    assert daemon.processes()[name]["restarts"] == 1
    last_ready, last_start = daemon.events("ready")[-2], daemon.events("start")[-1]
    assert last_start.at_s - last_ready.at_s < 5
    assert sum(one["restarts"] for one in daemon.processes().values()) == 1


def test_a_hung_process_is_killed_and_replaced(daemon: SupervisedDaemon) -> None:
    """A child that stays silent longer than it promised is replaced, though it is stopped."""
    daemon.start_up()
    pid = daemon.pid("host-0")

    os.kill(pid, signal.SIGSTOP)
    daemon.until(lambda: daemon.replaced("host-0", pid))

    (hung,) = daemon.logged("child.hung")
    assert (hung["child"], hung["child_pid"], hung["state"]) == ("host-0", pid, "ready")
    (crash,) = daemon.logged("child.crashed")
    assert crash["reason"] == "it gave no sign of life in the time it promised"
    assert daemon.names("start").count("host-1") == 1


def test_a_pause_of_the_machine_is_no_hang(daemon: SupervisedDaemon) -> None:
    """After a pause of the whole machine the children get time to speak before they are judged;
    one that stays silent is replaced then."""
    process = daemon.start_up()
    pids = {name: one["pid"] for name, one in daemon.processes().items()}
    for pid in (process.pid, *pids.values()):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2.0)

    os.kill(process.pid, signal.SIGCONT)
    time.sleep(0.5)
    for name, pid in pids.items():
        if name != "keeper":
            os.kill(pid, signal.SIGCONT)
    daemon.until(lambda: daemon.replaced("keeper", pids["keeper"]))

    assert [one["child"] for one in daemon.logged("child.hung")] == ["keeper"]
    assert [one["child"] for one in daemon.logged("child.crashed")] == ["keeper"]


def test_restarts_wait_longer_each_time(daemon: SupervisedDaemon) -> None:
    """A child that fails again and again after the daemon was up is started ever more rarely."""
    daemon.start_up()
    daemon.mode("front-0", f"exit {ExitCode.STORE_BROKEN.value}")

    os.kill(daemon.pid("front-0"), signal.SIGKILL)
    daemon.until(lambda: daemon.names("start").count("front-0") == 4)
    daemon.mode("front-0", "")
    daemon.until(lambda: daemon.processes().get("front-0", {}).get("state") == "ready")

    starts = [one.at_s for one in daemon.events("start") if one.name == "front-0"]
    gaps = [later - earlier for earlier, later in pairwise(starts[1:])]
    assert gaps[0] >= 0.5
    assert gaps[1] >= 1.0
    assert gaps[2] >= 2.0
    assert gaps[2] < 4.0
    waits = [one["restart_in_s"] for one in daemon.logged("child.crashed")]
    assert waits == [0.0, 0.5, 1.0, 2.0]
    assert "exit status 74 (STORE_BROKEN)" in daemon.logged("child.crashed")[1]["reason"]


def test_hosts_are_also_replaced_one_after_another(daemon: SupervisedDaemon) -> None:
    """When all hosts die at once, the second successor starts when the first is ready."""
    daemon.start_up()
    daemon.mode("host-0", "slow 0.5")
    daemon.mode("host-1", "slow 0.5")
    before = len(daemon.events("start", "ready"))

    for name in ("host-0", "host-1"):
        os.kill(daemon.pid(name), signal.SIGKILL)
    daemon.until(lambda: len(daemon.events("start", "ready")) == before + 4)

    order = [one.event for one in daemon.events("start", "ready")[before:]]
    assert order == ["start", "ready", "start", "ready"]


def test_a_refused_pin_holds_the_group_until_an_operator_says_so(
    daemon: SupervisedDaemon,
) -> None:
    """After PIN_REFUSED no host is started, whichever dies, until SIGHUP; logged once."""
    process = daemon.start_up()
    daemon.mode("host-0", f"exit {ExitCode.PIN_REFUSED.value}")
    daemon.mode("host-1", f"exit {ExitCode.PIN_REFUSED.value}")
    for name in ("host-0", "host-1"):
        os.kill(daemon.pid(name), signal.SIGKILL)
    daemon.until(lambda: [one["state"] for one in daemon.absent().values()] == ["held"] * 2)
    tries = len([one for one in daemon.events("start") if one.name.startswith("host")]) - 2
    front = daemon.pid("front-0")

    os.kill(front, signal.SIGKILL)
    daemon.until(lambda: daemon.replaced("front-0", front))

    assert tries == 1
    assert len([one for one in daemon.events("start") if one.name.startswith("host")]) == 3
    assert len(daemon.logged("child.group_held")) == 1
    daemon.mode("host-0", "")
    daemon.mode("host-1", "")
    process.send_signal(signal.SIGHUP)
    daemon.until(lambda: len(daemon.processes()) == 5)
    assert len(daemon.logged("child.group_released")) == 1


def test_reload_reaches_fronts_and_keeper(daemon: SupervisedDaemon) -> None:
    """SIGHUP is handed to fronts and keeper, each once, and hosts are left alone."""
    process = daemon.start_up()

    process.send_signal(signal.SIGHUP)
    daemon.until(lambda: len(daemon.events("reload")) == 3)

    assert sorted(daemon.names("reload")) == ["front-0", "front-1", "keeper"]
    assert len(daemon.processes()) == 5


def test_reload_reaches_a_process_that_was_just_starting(daemon: SupervisedDaemon) -> None:
    """A front that read the old policy before SIGHUP is told once it is ready."""
    process = daemon.start_up()
    pid = daemon.pid("front-1")
    daemon.mode("front-1", "slow 1")
    os.kill(pid, signal.SIGKILL)
    daemon.until(lambda: daemon.names("start").count("front-1") == 2)

    process.send_signal(signal.SIGHUP)
    daemon.until(lambda: len(daemon.events("reload")) == 3)

    assert daemon.names("start").count("front-1") == 2
    assert sorted(daemon.names("reload")) == ["front-0", "front-1", "keeper"]


def test_the_admin_socket_follows_a_living_front(daemon: SupervisedDaemon) -> None:
    """admin.sock leads to a ready front and moves when that front dies."""
    daemon.start_up()
    link = daemon.run / "admin.sock"
    first = str(link.readlink())
    front = first.removeprefix("admin-").removesuffix(".sock")
    other = {"front-0": "front-1", "front-1": "front-0"}[front]
    pid = daemon.pid(front)

    os.kill(pid, signal.SIGKILL)
    daemon.until(lambda: str(link.readlink()) == f"admin-{other}.sock")
    daemon.until(lambda: daemon.replaced(front, pid))

    assert str(link.readlink()) == f"admin-{other}.sock"
    assert not list(daemon.run.glob("*.new"))


def test_a_full_disk_does_not_end_the_daemon(daemon: SupervisedDaemon) -> None:
    """When the process list cannot be written, processes are replaced all the same."""
    daemon.start_up()
    pid = daemon.pid("front-0")
    # A directory in the place of the draft refuses the write for every user, root included.
    (daemon.run / "processes.json.new").mkdir()

    os.kill(pid, signal.SIGKILL)
    daemon.until(lambda: daemon.names("ready").count("front-0") == 2)

    daemon.until(lambda: len(daemon.logged("supervisor.run_file_failed")) == 1)
    (daemon.run / "processes.json.new").rmdir()
    daemon.until(lambda: daemon.replaced("front-0", pid))


def test_a_daemon_is_up_though_never_all_of_it_at_once(daemon: SupervisedDaemon) -> None:
    """Once every process has been ready the start is over, also when one of them crashed before
    the last was ready: crashes from then on are no reason to give up."""
    daemon.mode("keeper", "slow 1.5")
    process = daemon.start()
    # The rest is started once the supervisor has seen the first front ready.
    daemon.until(
        lambda: (daemon.run / "processes.json").exists() and "keeper" in daemon.processes()
    )
    # Not "crash" yet: a busy machine could count five of them before the keeper is ready.
    daemon.mode("front-0", "slow 60")
    pid = daemon.pid("front-0")
    os.kill(pid, signal.SIGKILL)

    daemon.until(lambda: bool(daemon.logged("supervisor.up")))

    assert "keeper" in daemon.names("ready")
    daemon.mode("front-0", "crash")
    daemon.until(lambda: daemon.processes().get("front-0", {}).get("pid") not in (None, pid))
    os.kill(daemon.pid("front-0"), signal.SIGKILL)
    daemon.until(lambda: daemon.absent().get("front-0", {}).get("restarts", 0) >= 5)
    assert process.poll() is None
