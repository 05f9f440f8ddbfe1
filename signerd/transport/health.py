"""A health state that really touches token and store."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from signerd.core.error import SignerdError
from signerd.observability.event import LogEvent

Probe = Callable[[], Awaitable[None]]


class HealthWatch:
    """Probes regularly and keeps grpc.health.v1 up to date.

    probe: signs with the probe key and reads the store; raises a SignerdError when either fails.
    """

    def __init__(self, probe: Probe, services: tuple[str, ...], *, interval_s: float) -> None:
        self.servicer = HealthServicer()
        self._probe = probe
        self._services = ("", *services)
        self._interval_s = interval_s
        self._is_serving: bool | None = None
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            await self.check()
            await asyncio.sleep(self._interval_s)

    async def check(self) -> None:
        """Probe once and publish the state."""
        problem = ""
        try:
            await self._probe()
        except SignerdError as error:
            problem = error.message
        await self._publish(problem)

    async def leave(self) -> None:
        """Tell load balancers to go elsewhere before the server stops."""
        await self.servicer.enter_graceful_shutdown()

    async def _publish(self, problem: str) -> None:
        is_serving = not problem
        if is_serving is self._is_serving:
            return
        self._is_serving = is_serving
        self._log.info(LogEvent.HEALTH_CHANGED, serving=is_serving, problem=problem)
        status = health_pb2.HealthCheckResponse.ServingStatus.Value(
            "SERVING" if is_serving else "NOT_SERVING"
        )
        for service in self._services:
            await self.servicer.set(service, status)
