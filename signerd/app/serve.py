"""`signerd serve`: the supervisor and the processes it starts."""

import socket
import sys
from datetime import timedelta
from pathlib import Path

import structlog

from signerd.app.layout import KEEPER, PUBLISHER, front_names, host_names, run_directory
from signerd.config.address import parse_listen_address
from signerd.config.load import load_settings
from signerd.config.settings import Settings
from signerd.core.boot import BootError, ExitCode
from signerd.observability.log import configure_log
from signerd.supervisor.child import ChildSpec, Group
from signerd.supervisor.supervisor import Supervisor

_SECOND = timedelta(seconds=1)
_HOST_START_S = 30.0
_START_S = 60.0
_HOST_STOP_S = 5.0
_KEEPER_STOP_S = 30.0
_PUBLISHER_STOP_S = 20.0
# After the drain a front still ends its issuances and closes the store.
_FRONT_STOP_EXTRA_S = 15.0


def serve(config: Path, clock_offset: timedelta = timedelta()) -> ExitCode:
    """Run the daemon until it is told to stop. clock_offset: how far ahead of the machine's its
    clock is. Raises BootError."""
    config = config.absolute()
    settings = load_settings(config)
    if clock_offset and not settings.test.allow_clock_offset:
        raise BootError(
            ExitCode.CONFIG_INVALID,
            f"--clock-offset is for tests: {config} must say allow_clock_offset = true in [test]",
        )
    configure_log(settings.log.level, settings.log.format, process="supervisor")
    _check_address(settings.server.listen, "server")
    if settings.publisher.enabled:
        _check_address(settings.publisher.listen, "publisher")
    run = run_directory(settings.server.state_directory)
    for name in [*host_names(settings.tokens.hosts)]:
        run.host_socket(name)
    for name in front_names(settings.server.fronts):
        run.admin_socket(name)
    return Supervisor(
        child_specs(settings, config, clock_offset),
        run_directory=run.path,
        log=structlog.get_logger(),
    ).run()


def child_specs(settings: Settings, config: Path, clock_offset: timedelta) -> list[ChildSpec]:
    """Every process of the daemon, in the order of their start."""
    common = ("--config", str(config), f"--clock-offset={clock_offset // _SECOND}s")
    front_stop_s = settings.server.drain_s + _FRONT_STOP_EXTRA_S
    specs = [
        _spec(name, Group.HOST, common, _HOST_START_S, _HOST_STOP_S)
        for name in host_names(settings.tokens.hosts)
    ]
    specs += [
        _spec(name, Group.FRONT, common, _START_S, front_stop_s)
        for name in front_names(settings.server.fronts)
    ]
    specs.append(_spec(KEEPER, Group.KEEPER, common, _START_S, _KEEPER_STOP_S))
    if settings.publisher.enabled:
        specs.append(_spec(PUBLISHER, Group.PUBLISHER, common, _START_S, _PUBLISHER_STOP_S))
    return specs


def _spec(
    name: str,
    group: Group,
    common: tuple[str, ...],
    start_allowed_s: float,
    stop_allowed_s: float,
) -> ChildSpec:
    argv = (sys.executable, "-m", "signerd.app.process", group.value)
    return ChildSpec(
        name=name,
        group=group,
        argv=(*argv, "--name", name, *common),
        start_allowed_s=start_allowed_s,
        stop_allowed_s=stop_allowed_s,
    )


def _check_address(listen: str, section: str) -> None:
    """Fronts share their port, so none of them would notice that somebody else has it too; and
    what is noticed now is said once. section: of the configuration."""
    wanted = parse_listen_address(listen)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            wanted.host, wanted.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise BootError(
            ExitCode.ADDRESS_IN_USE,
            f"cannot listen on {listen}: {error.strerror}; stop what has the address, or choose "
            f"another in [{section}] listen",
        ) from None
