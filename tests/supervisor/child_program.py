"""A child as small as can be: `child_program.py NAME DIRECTORY`.

It writes what happens to DIRECTORY/events and behaves as DIRECTORY/NAME.mode says:
`exit N`, `exit-once N`, `crash`, `silent`, `slow S`, `stubborn`, `slow-stop S`,
`linger S`.
"""

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path

from signerd.core.pulse import Pulse

name, directory = sys.argv[1], Path(sys.argv[2])
mode_file = directory / f"{name}.mode"
mode, _, argument = (mode_file.read_text() if mode_file.exists() else "").partition(" ")


def tell(event: str) -> None:
    """Append a line, in one write."""
    descriptor = os.open(directory / "events", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{event} {name} {os.getpid()} {time.monotonic()}\n".encode())
    os.close(descriptor)


reader, writer = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(writer)
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda *_: None)
pulse = Pulse(Path(os.environ["SIGNERD_PULSE"]))
tell("start")
if mode in {"exit", "exit-once"}:
    if mode == "exit-once":
        mode_file.unlink()
    sys.stderr.write(f"{name} cannot start\n")
    sys.exit(int(argument))
if mode == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
if mode == "silent":
    mode_file.unlink()
    time.sleep(60)
if mode == "slow":
    time.sleep(float(argument))
pulse.ready(1.0)
tell("ready")
while True:
    pulse.beat(30.0 if mode == "slow-stop" else 1.0)
    readable = select.select([0, reader], (), (), 0.1)[0]
    if 0 in readable:
        tell("orphaned")
        if mode == "linger":
            time.sleep(float(argument))
            tell("lingered")
        sys.exit(0)
    received = b""
    with contextlib.suppress(BlockingIOError):
        received = os.read(reader, 100)
    if signal.SIGHUP in received:
        tell("reload")
    if signal.SIGTERM in received:
        tell("term")
        if mode == "slow-stop":
            time.sleep(float(argument))
        if mode != "stubborn":
            tell("stop")
            sys.exit(0)
