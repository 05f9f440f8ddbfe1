"""The CertificateAuthority service."""

from dataclasses import dataclass
from typing import Any

from signerd.ca.authority import Authority
from signerd.ca.issue import IssueCertificate, IssueRequest
from signerd.ca.query import CertificateQuery
from signerd.ca.reissue import ReissueCertificate, ReissueRequest
from signerd.ca.revoke import RevokeCertificate, RevokeRequest
from signerd.core.clock import Clock
from signerd.core.error import InvalidRequest
from signerd.core.record import CertificateFilter, CertificateRecord, Page, SubjectRecord
from signerd.core.value import parse_slug
from signerd.transport import conversion as convert
from signerd.transport.caller import check_scope, current_caller
from signerd.v1 import certificate_authority_pb2 as pb
from signerd.v1 import certificate_authority_pb2_grpc, types_pb2

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuthorityUseCases:
    """What the service calls."""

    issue: IssueCertificate
    reissue: ReissueCertificate
    revoke: RevokeCertificate
    query: CertificateQuery
    authority: Authority
    clock: Clock


class CertificateAuthorityServicer(certificate_authority_pb2_grpc.CertificateAuthorityServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: AuthorityUseCases) -> None:
        self._use = use_cases

    async def IssueCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.IssueCertificateRequest, _context: Any
    ) -> pb.IssueCertificateResponse:
        call = issue_request(request)
        check_scope(call.subscriber, call.key_group)
        if request.validate_only:
            self._use.issue.validate(call)
            return pb.IssueCertificateResponse()
        return pb.IssueCertificateResponse(
            certificate=self._message(await self._use.issue.issue(call))
        )

    async def ReissueCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.ReissueCertificateRequest, _context: Any
    ) -> pb.ReissueCertificateResponse:
        caller = current_caller.get()
        call = ReissueRequest(
            convert.request_key_from(caller.principal, "ReissueCertificate", request),
            convert.certificate_from(request.certificate),
            caller.scope,
            caller.deadline,
        )
        if request.validate_only:
            old = await self._use.reissue.validate(call)
            return pb.ReissueCertificateResponse(replaced=self._message(old))
        new, old = await self._use.reissue.reissue(call)
        return pb.ReissueCertificateResponse(
            certificate=self._message(new), replaced=self._message(old)
        )

    async def RevokeCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.RevokeCertificateRequest, _context: Any
    ) -> pb.RevokeCertificateResponse:
        caller = current_caller.get()
        call = RevokeRequest(
            convert.request_key_from(caller.principal, "RevokeCertificate", request),
            convert.certificate_from(request.certificate),
            convert.reason_from(request.reason),
            caller.scope,
        )
        act = self._use.revoke.validate if request.validate_only else self._use.revoke.revoke
        return pb.RevokeCertificateResponse(certificate=self._message(await act(call)))

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

    def _message(self, record: CertificateRecord) -> types_pb2.Certificate:
        return convert.certificate_to(record, self._use.clock.now())


def issue_request(request: pb.IssueCertificateRequest) -> IssueRequest:
    """The checked form of an issue call. Raises InvalidRequest."""
    caller = current_caller.get()
    kind = request.WhichOneof("key")
    if kind is None:
        raise InvalidRequest(
            "send key_algorithm for a key on the token, or csr", reason="KEY_MISSING", field="key"
        )
    subject = request.subject
    return IssueRequest(
        request=convert.request_key_from(caller.principal, "IssueCertificate", request),
        subscriber=convert.subscriber_from(request.subscriber),
        profile=request.profile,
        subject=SubjectRecord(
            subject.common_name,
            tuple(subject.organizational_units),
            subject.email,
            tuple(subject.dns_names),
        ),
        algorithm=convert.algorithm_from(request.key_algorithm)
        if kind == "key_algorithm"
        else None,
        csr=request.csr if kind == "csr" else None,
        key_group=parse_slug(request.key_group, field="key_group") if request.key_group else "",
        deadline=caller.deadline,
    )


def certificate_filter(request: pb.ListCertificatesRequest) -> CertificateFilter:
    """The checked form of a listing's filters. Raises InvalidRequest."""
    return CertificateFilter(
        subscriber=convert.subscriber_from(request.subscriber) if request.subscriber else None,
        state=convert.state_from(request.state),
        expires_from_utc=convert.timestamp_from(request.expire_time_from, field="expire_time_from")
        if request.HasField("expire_time_from")
        else None,
        expires_before_utc=convert.timestamp_from(
            request.expire_time_before, field="expire_time_before"
        )
        if request.HasField("expire_time_before")
        else None,
    )


def page_of(size: int, token: str) -> Page:
    """A page request with the default filled in. Raises InvalidRequest."""
    if not 0 <= size <= LARGEST_PAGE:
        raise InvalidRequest(
            f"page_size: 0 (for {DEFAULT_PAGE}) to {LARGEST_PAGE}", field="page_size"
        )
    return Page(size or DEFAULT_PAGE, token)
