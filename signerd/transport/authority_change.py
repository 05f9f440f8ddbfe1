"""The calls of CertificateAuthority that change the state of a certificate."""

from typing import Any

from signerd.ca.change import ChangeRequest
from signerd.transport import conversion as convert
from signerd.transport.authority_use import AuthorityCalls
from signerd.transport.caller import current_caller
from signerd.v1 import certificate_authority_pb2 as pb


class ChangeCalls(AuthorityCalls):
    """Suspend, resume, revoke."""

    async def SuspendCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.SuspendCertificateRequest, _context: Any
    ) -> pb.SuspendCertificateResponse:
        call = change_request("SuspendCertificate", request)
        act = self._use.suspend.validate if request.validate_only else self._use.suspend.suspend
        return pb.SuspendCertificateResponse(certificate=self._message(await act(call)))

    async def ResumeCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.ResumeCertificateRequest, _context: Any
    ) -> pb.ResumeCertificateResponse:
        call = change_request("ResumeCertificate", request)
        act = self._use.resume.validate if request.validate_only else self._use.resume.resume
        return pb.ResumeCertificateResponse(certificate=self._message(await act(call)))

    async def RevokeCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.RevokeCertificateRequest, _context: Any
    ) -> pb.RevokeCertificateResponse:
        call = change_request("RevokeCertificate", request)
        reason = convert.reason_from(request.reason)
        revoke = self._use.revoke
        if request.validate_only:
            return pb.RevokeCertificateResponse(
                certificate=self._message(await revoke.validate(call))
            )
        revoked = await revoke.revoke(call, reason)
        return pb.RevokeCertificateResponse(certificate=self._message(revoked))


def change_request(
    method: str,
    request: pb.SuspendCertificateRequest
    | pb.ResumeCertificateRequest
    | pb.RevokeCertificateRequest,
) -> ChangeRequest:
    """The checked form of a change. Raises InvalidRequest."""
    caller = current_caller.get()
    return ChangeRequest(
        convert.request_key_from(caller.principal, method, request),
        convert.certificate_from(request.certificate),
        caller.scope,
    )
