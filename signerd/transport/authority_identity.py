"""The call of CertificateAuthority that relying parties ask who a holder is."""

from typing import Any

from signerd.ca.verify_identity import IdentityQuestion
from signerd.core.error import InvalidRequest
from signerd.transport import conversion as convert
from signerd.transport.authority_use import AuthorityCalls
from signerd.transport.caller import current_caller
from signerd.v1 import certificate_authority_pb2 as pb


class IdentityCalls(AuthorityCalls):
    """Whether a number belongs to the holder."""

    async def VerifyIdentity(  # noqa: N802 - name of the RPC
        self, request: pb.VerifyIdentityRequest, _context: Any
    ) -> pb.VerifyIdentityResponse:
        caller = current_caller.get()
        number = convert.identity_number_from(request.identity_number, self._use.clock)
        if number is None:
            raise InvalidRequest(
                "identity_number is empty; send the number that the person claims",
                reason="IDENTITY_NUMBER_INVALID",
                field="identity_number",
            )
        question = IdentityQuestion(
            caller.principal,
            caller.request_id,
            convert.certificate_from(request.certificate),
            number,
            caller.deadline,
        )
        matches, state = await self._use.verify_identity.verify(question, caller.scope)
        return pb.VerifyIdentityResponse(matches=matches, state=convert.state_to(state))
