"""The calls of CertificateAuthority that look certificates up."""

from dataclasses import replace
from typing import Any

from signerd.core.record import CertificateFilter
from signerd.transport import conversion as convert
from signerd.transport.authority_use import AuthorityCalls
from signerd.transport.caller import current_caller
from signerd.transport.page import page_of
from signerd.v1 import certificate_authority_pb2 as pb


class QueryCalls(AuthorityCalls):
    """Get, list, CA chain."""

    async def GetCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.GetCertificateRequest, _context: Any
    ) -> pb.GetCertificateResponse:
        found = await self._use.query.get(
            convert.certificate_from(request.name, field="name"), current_caller.get().scope
        )
        return pb.GetCertificateResponse(certificate=self._message(found))

    async def ListCertificates(  # noqa: N802 - name of the RPC
        self, request: pb.ListCertificatesRequest, _context: Any
    ) -> pb.ListCertificatesResponse:
        found, cursor = await self._use.query.list(
            certificate_filter(request),
            page_of(request.page_size, request.page_token),
            current_caller.get().scope,
        )
        return pb.ListCertificatesResponse(
            certificates=[self._message(record) for record in found], next_page_token=cursor
        )

    async def GetCaChain(  # noqa: N802 - name of the RPC
        self, _request: pb.GetCaChainRequest, _context: Any
    ) -> pb.GetCaChainResponse:
        authority = self._use.authority
        return pb.GetCaChainResponse(
            certificates=[authority.certificate, authority.root_certificate]
        )


def certificate_filter(request: pb.ListCertificatesRequest) -> CertificateFilter:
    """The checked form of a listing's filters. Raises InvalidRequest."""
    return replace(
        expiry_window(request),
        subscriber=convert.subscriber_from(request.subscriber) if request.subscriber else None,
        state=convert.state_from(request.state),
    )


def expiry_window(
    request: pb.ListCertificatesRequest | pb.CountCertificatesRequest,
) -> CertificateFilter:
    """The checked form of the times between which certificates expire. Raises InvalidRequest."""
    return CertificateFilter(
        expires_from_utc=convert.timestamp_from(request.expire_time_from, field="expire_time_from")
        if request.HasField("expire_time_from")
        else None,
        expires_before_utc=convert.timestamp_from(
            request.expire_time_before, field="expire_time_before"
        )
        if request.HasField("expire_time_before")
        else None,
    )
