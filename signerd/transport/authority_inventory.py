"""The calls of CertificateAuthority that look at many certificates: count and watch."""

from collections.abc import AsyncIterator
from typing import Any

from signerd.ca.watch import ChangeNotice
from signerd.core.record import CertificateCount
from signerd.transport import conversion as convert
from signerd.transport.authority_query import expiry_window
from signerd.transport.authority_use import AuthorityCalls
from signerd.transport.caller import current_caller
from signerd.transport.follow import BATCH, follow
from signerd.v1 import certificate_authority_pb2 as pb


class InventoryCalls(AuthorityCalls):
    """What an officer, or a program, sees of the stock of certificates."""

    async def CountCertificates(  # noqa: N802 - name of the RPC
        self, request: pb.CountCertificatesRequest, _context: Any
    ) -> pb.CountCertificatesResponse:
        counts = await self._use.query.count(expiry_window(request), current_caller.get().scope)
        return pb.CountCertificatesResponse(counts=[count_message(count) for count in counts])

    async def WatchCertificates(  # noqa: N802 - name of the RPC
        self, request: pb.WatchCertificatesRequest, _context: Any
    ) -> AsyncIterator[pb.WatchCertificatesResponse]:
        watch, caller = self._use.watch, current_caller.get()
        subscriber = convert.subscriber_from(request.subscriber) if request.subscriber else None

        async def read_after(position: int) -> tuple[list[ChangeNotice], int]:
            return await watch.changes_after(position, BATCH, subscriber, caller.scope_now())

        async for change in follow(request.after_position, watch.last_position, read_after):
            yield pb.WatchCertificatesResponse(
                position=change.position,
                event_time=convert.timestamp_to(change.time_utc),
                kind=change.kind.value,
                certificate=self._message(change.certificate),
            )


def count_message(count: CertificateCount) -> pb.CertificateCount:
    """A count as the API shows it."""
    return pb.CertificateCount(
        state=convert.state_to(count.state),
        profile=count.profile,
        branch=count.branch,
        expire_month=count.expire_month,
        count=count.count,
    )
