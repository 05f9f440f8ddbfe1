"""The calls of CertificateAuthority that make a certificate."""

from typing import Any, Final

from signerd.ca.issue import IssueRequest
from signerd.ca.renew import RenewalProof
from signerd.ca.replace import ReplaceRequest
from signerd.core.clock import Clock
from signerd.core.error import InvalidRequest
from signerd.core.record import SubjectRecord
from signerd.core.value import parse_slug
from signerd.transport import conversion as convert
from signerd.transport.authority_use import AuthorityCalls
from signerd.transport.caller import check_scope, current_caller
from signerd.v1 import certificate_authority_pb2 as pb

_GIVEN: Final = "given"


class IssuanceCalls(AuthorityCalls):
    """Issue, reissue, renew."""

    async def IssueCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.IssueCertificateRequest, _context: Any
    ) -> pb.IssueCertificateResponse:
        call = issue_request(request, self._use.clock)
        check_scope(call.subscriber, call.key_group)
        if request.validate_only:
            await self._use.issue.validate(call)
            return pb.IssueCertificateResponse()
        return pb.IssueCertificateResponse(
            certificate=self._message(await self._use.issue.issue(call))
        )

    async def ReissueCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.ReissueCertificateRequest, _context: Any
    ) -> pb.ReissueCertificateResponse:
        call = replace_request("ReissueCertificate", request)
        if request.validate_only:
            old = await self._use.reissue.validate(call)
            return pb.ReissueCertificateResponse(replaced=self._message(old))
        new, old = await self._use.reissue.reissue(call)
        return pb.ReissueCertificateResponse(
            certificate=self._message(new), replaced=self._message(old)
        )

    async def RenewCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.RenewCertificateRequest, _context: Any
    ) -> pb.RenewCertificateResponse:
        call = replace_request("RenewCertificate", request)
        proof = RenewalProof(request.request_id, request.proof)
        if request.validate_only:
            old = await self._use.renew.validate(call, proof)
            return pb.RenewCertificateResponse(replaced=self._message(old))
        new, old = await self._use.renew.renew(call, proof)
        return pb.RenewCertificateResponse(
            certificate=self._message(new), replaced=self._message(old)
        )


def issue_request(request: pb.IssueCertificateRequest, clock: Clock) -> IssueRequest:
    """The checked form of an issue call. Raises InvalidRequest."""
    caller = current_caller.get()
    kind = request.WhichOneof("key")
    if kind is None:
        raise InvalidRequest(
            "send key_algorithm for a key on the token, or csr", reason="KEY_MISSING", field="key"
        )
    subject = request.subject
    return IssueRequest(
        request=convert.request_key_from(
            caller.principal, "IssueCertificate", _without_identity_number(request)
        ),
        subscriber=convert.subscriber_from(request.subscriber),
        profile=request.profile,
        subject=SubjectRecord(
            subject.common_name,
            tuple(subject.organizational_units),
            subject.email,
            tuple(subject.dns_names),
            subject.branch,
        ),
        algorithm=convert.algorithm_from(request.key_algorithm)
        if kind == "key_algorithm"
        else None,
        csr=request.csr if kind == "csr" else None,
        key_group=parse_slug(request.key_group, field="key_group") if request.key_group else "",
        activation=convert.activation_from(request.activation),
        deadline=caller.deadline,
        identity_number=convert.identity_number_from(
            subject.identity_number, clock, field="subject.identity_number"
        ),
    )


def _without_identity_number(request: pb.IssueCertificateRequest) -> pb.IssueCertificateRequest:
    """The content whose hash is stored: of identity numbers there are so few that whoever reads a
    hash finds the number. That one was given stays part of it; which, the VID tells."""
    if not request.subject.identity_number:
        return request
    content = pb.IssueCertificateRequest()
    content.CopyFrom(request)
    content.subject.identity_number = _GIVEN
    return content


def replace_request(
    method: str, request: pb.ReissueCertificateRequest | pb.RenewCertificateRequest
) -> ReplaceRequest:
    """The checked form of a reissue or renewal. Raises InvalidRequest."""
    caller = current_caller.get()
    return ReplaceRequest(
        convert.request_key_from(caller.principal, method, request),
        convert.certificate_from(request.certificate),
        caller.scope,
        caller.deadline,
    )
