"""A private SoftHSM with its tokens, and token hosts on it as real processes."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from signerd.config.settings import TokensSettings
from signerd.core.pulse import PulseWatch

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "483920"
SO_PIN = "10293847"
ROOT = Path(__file__).parents[2]
_START_S = 30.0


class SoftHsm:
    """Token directory, configuration and PIN files below one short directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tokens = directory / "tokens"
        self.latches = directory / "latch"
        self.faults = directory / "fault"
        self.pin_file = directory / "pin"
        for path in (self.tokens, self.latches, self.faults):
            path.mkdir()
        self.conf = directory / "softhsm2.conf"
        self.conf.write_text(
            f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.write_pin(PIN)
        so_pin = directory / "so-pin"
        so_pin.touch(mode=0o600)
        so_pin.write_text(SO_PIN)

    @property
    def environment(self) -> dict[str, str]:
        """What the module reads."""
        return {"SOFTHSM2_CONF": str(self.conf)}

    def write_pin(self, pin: str) -> None:
        """Change what the PIN file says."""
        self.pin_file.touch(mode=0o600)
        self.pin_file.write_text(pin + "\n")

    def make_token(self, label: str) -> Path:
        """Make a token with SoftHSM's own tool; returns its directory."""
        before = set(self.tokens.iterdir())
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        subprocess.run(
            [*command, "--pin", PIN, "--so-pin", SO_PIN],
            env=os.environ | self.environment,
            check=True,
            capture_output=True,
        )
        (made,) = set(self.tokens.iterdir()) - before
        return made

    def settings(self, *, grow: bool = False, call_limit_s: float = 5.0) -> TokensSettings:
        """As the configuration file would give them."""
        pin_source = f"?pin-source=file:{self.pin_file}"
        return TokensSettings.model_validate(
            {
                "module": str(MODULE),
                "environment": self.environment,
                "call_limit_s": call_limit_s,
                "authority": {"uri": f"pkcs11:token=authority{pin_source}"},
                "subscribers": {
                    "uri": f"pkcs11:token=pool-{pin_source}",
                    "grow": grow,
                    "so_pin_source": f"file:{self.directory}/so-pin" if grow else "",
                },
            }
        )


class HostProcess:
    """A token host that a test started; stop() ends it as the end of its parent would."""

    def __init__(self, hsm: SoftHsm, name: str, settings: TokensSettings) -> None:
        self.name = name
        self.socket = hsm.directory / f"{name}.sock"
        self._events = hsm.directory / f"{name}.events"
        pulse = hsm.directory / f"{name}.pulse"
        self.watch = PulseWatch(pulse, start_allowed_s=_START_S)
        plan = {
            "settings": settings.model_dump(mode="json"),
            "name": name,
            "socket": str(self.socket),
            "pulse": str(pulse),
            "latches": str(hsm.latches),
            "faults": str(hsm.faults),
        }
        with self._events.open("w") as events:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.tokens.host_entry", json.dumps(plan)],
                stdin=subprocess.PIPE,
                stdout=events,
                stderr=subprocess.PIPE,
                cwd=ROOT,
                text=True,
            )

    def wait_ready(self) -> None:
        """Until it serves."""
        until = time.monotonic() + _START_S
        while not self.watch.read().is_ready:
            assert self.process.poll() is None, self.wait_exit()
            assert time.monotonic() < until, "the host did not come up"
            time.sleep(0.02)

    def wait_exit(self) -> tuple[int, str]:
        """Its exit status and what it said on standard error."""
        _, errors = self.process.communicate(timeout=_START_S)
        return self.process.returncode, errors

    def wait_death(self) -> int:
        """Its exit status, the lifeline left alone."""
        self.process.wait(timeout=_START_S)
        return self.wait_exit()[0]

    def events(self, name: str) -> list[dict[str, str]]:
        """Fields of the events of one name it reported so far."""
        lines = [json.loads(line) for line in self._events.read_text().splitlines()]
        return [line["fields"] for line in lines if line["event"] == name]

    def problems(self) -> list[dict[str, str]]:
        """What it reported of tokens that it could not open or lost."""
        return self.events("token.lost") + self.events("token.pin_refused")

    def kill(self) -> None:
        """SIGKILL, and wait until the kernel is done with it."""
        self.process.kill()
        self.stop()

    def stop(self) -> int:
        """Let go of the lifeline; returns the exit status."""
        return self.wait_exit()[0] if self.process.returncode is None else self.process.returncode


class Stage:
    """What one test has: a SoftHSM and hosts, all of it gone afterwards."""

    def __init__(self, directory: Path) -> None:
        self.hsm = SoftHsm(directory)
        self.hosts: dict[str, HostProcess] = {}

    def start_host(
        self, name: str = "host-0", settings: TokensSettings | None = None
    ) -> HostProcess:
        """Start a host without waiting for it."""
        host = HostProcess(self.hsm, name, settings or self.hsm.settings())
        self.hosts[name] = host
        return host

    def serve(self, *names: str, settings: TokensSettings | None = None) -> None:
        """Start hosts and wait for them."""
        for name in names:
            self.start_host(name, settings).wait_ready()

    @property
    def sockets(self) -> dict[str, Path]:
        """Where the hosts listen."""
        return {name: host.socket for name, host in self.hosts.items()}

    def close(self) -> None:
        """End what still runs and leave nothing."""
        for host in self.hosts.values():
            if host.process.poll() is None:
                host.process.kill()
            host.process.communicate(timeout=_START_S)
        shutil.rmtree(self.hsm.directory)
