"""The calls of Enrolment from application to certificate."""

from typing import Any, Final

from signerd.config.secret_source import Secret
from signerd.core.activation import Activation
from signerd.core.enrolment import EnrolmentFilter, EnrolmentRecord, EnrolmentState
from signerd.core.error import InvalidRequest
from signerd.core.evidence import EnrolmentPurpose, Factor
from signerd.core.value import parse_slug
from signerd.enrolment.judge import (
    BiometricProof,
    CodeProof,
    DocumentProof,
    PasswordProof,
    Proof,
)
from signerd.enrolment.open import OpenRequest
from signerd.identity.authorisation import parse_claim
from signerd.transport import conversion as convert
from signerd.transport.enrolment_registry import document_kind_from
from signerd.transport.enrolment_use import (
    EnrolmentUseCases,
    caller_of,
    enrolment_from,
    enrolment_message,
    event_message,
    kind_from,
)
from signerd.transport.page import page_of
from signerd.v1 import enrolment_pb2 as pb

_CODES: Final = frozenset({Factor.PHONE_CODE, Factor.EMAIL_CODE})


class StepCalls:
    """Set passwords, open, prove, claim, report a loss, show, cancel."""

    def __init__(self, use_cases: EnrolmentUseCases) -> None:
        self._enrolment = use_cases

    async def SetPassword(  # noqa: N802 - name of the RPC
        self, request: pb.SetPasswordRequest, _context: Any
    ) -> pb.SetPasswordResponse:
        current = Secret(request.current_password) if request.current_password else None
        expires = await self._enrolment.evidence.set_password(
            convert.subscriber_from(request.subscriber),
            current,
            Secret(request.new_password),
            caller_of(request),
        )
        return pb.SetPasswordResponse(expire_time=convert.timestamp_to(expires))

    async def RegisterBiometricKey(  # noqa: N802 - name of the RPC
        self, request: pb.RegisterBiometricKeyRequest, _context: Any
    ) -> pb.RegisterBiometricKeyResponse:
        caller = caller_of(request)
        await self._enrolment.evidence.register_key(
            convert.request_key_from(caller.principal, "RegisterBiometricKey", request),
            convert.subscriber_from(request.subscriber),
            request.public_key,
            caller,
        )
        return pb.RegisterBiometricKeyResponse()

    async def OpenEnrolment(  # noqa: N802 - name of the RPC
        self, request: pb.OpenEnrolmentRequest, _context: Any
    ) -> pb.OpenEnrolmentResponse:
        caller = caller_of(request)
        prefix = "ENROLMENT_PURPOSE_"
        purpose = kind_from(
            request.purpose, pb.EnrolmentPurpose, prefix, EnrolmentPurpose, "purpose"
        )
        is_issue = purpose is EnrolmentPurpose.ISSUE
        group = request.key_group
        opened = OpenRequest(
            request=convert.request_key_from(caller.principal, "OpenEnrolment", request),
            subscriber=convert.subscriber_from(request.subscriber),
            purpose=purpose,
            profile=request.profile if is_issue else "",
            algorithm=convert.algorithm_from(request.key_algorithm) if is_issue else None,
            key_group=parse_slug(group, field="key_group") if is_issue and group else "",
            activation=(
                convert.activation_from(request.activation) if is_issue else Activation.NONE
            ),
            certificate=None if is_issue else convert.certificate_from(request.certificate),
        )
        record = await self._enrolment.open.open(opened, caller)
        return pb.OpenEnrolmentResponse(enrolment=self._shown(record))

    async def SendCode(  # noqa: N802 - name of the RPC
        self, request: pb.SendCodeRequest, _context: Any
    ) -> pb.SendCodeResponse:
        sent = await self._enrolment.send_code.send(
            enrolment_from(request.enrolment),
            _code_factor(request.factor, "factor"),
            caller_of(request),
        )
        return pb.SendCodeResponse(
            sent_to=sent.sent_to, expire_time=convert.timestamp_to(sent.expires_utc)
        )

    async def ProveIdentity(  # noqa: N802 - name of the RPC
        self, request: pb.ProveIdentityRequest, _context: Any
    ) -> pb.ProveIdentityResponse:
        record, new = await self._enrolment.prove.prove(
            enrolment_from(request.enrolment), _proof_from(request), caller_of(request)
        )
        answer = pb.ProveIdentityResponse(enrolment=self._shown(record))
        if new is not None:
            answer.authorisation.reference_number = new.reference_number
            answer.authorisation.authorisation_code = new.code
            answer.authorisation.expire_time.FromDatetime(new.expires_utc)
        return answer

    async def ClaimCertificate(  # noqa: N802 - name of the RPC
        self, request: pb.ClaimCertificateRequest, _context: Any
    ) -> pb.ClaimCertificateResponse:
        claimed = await self._enrolment.claim.claim(
            parse_claim(request.reference_number, Secret(request.authorisation_code)),
            caller_of(request),
        )
        now = self._enrolment.clock.now()
        answer = pb.ClaimCertificateResponse(
            certificate=convert.certificate_to(claimed.certificate, now)
        )
        if claimed.replaced is not None:
            answer.replaced.CopyFrom(convert.certificate_to(claimed.replaced, now))
        return answer

    async def ReportLoss(  # noqa: N802 - name of the RPC
        self, request: pb.ReportLossRequest, _context: Any
    ) -> pb.ReportLossResponse:
        revoked = await self._enrolment.report_loss.report(
            enrolment_from(request.enrolment), caller_of(request)
        )
        now = self._enrolment.clock.now()
        return pb.ReportLossResponse(certificate=convert.certificate_to(revoked, now))

    async def GetEnrolment(  # noqa: N802 - name of the RPC
        self, request: pb.GetEnrolmentRequest, _context: Any
    ) -> pb.GetEnrolmentResponse:
        query, caller = self._enrolment.query, caller_of()
        if request.WhichOneof("by") == "support_reference":
            record = await query.find(request.support_reference, caller)
        else:
            record = await query.get(enrolment_from(request.name, field="name"), caller)
        story = await query.story(record)
        return pb.GetEnrolmentResponse(
            enrolment=self._shown(record), events=[event_message(one) for one in story]
        )

    async def ListEnrolments(  # noqa: N802 - name of the RPC
        self, request: pb.ListEnrolmentsRequest, _context: Any
    ) -> pb.ListEnrolmentsResponse:
        state = request.state
        where = EnrolmentFilter(
            subscriber=convert.subscriber_from(request.subscriber) if request.subscriber else None,
            state=kind_from(state, pb.EnrolmentState, "ENROLMENT_STATE_", EnrolmentState, "state")
            if state
            else None,
        )
        found, token = await self._enrolment.query.list(
            where, page_of(request.page_size, request.page_token), caller_of()
        )
        return pb.ListEnrolmentsResponse(
            enrolments=[self._shown(one) for one in found], next_page_token=token
        )

    async def CancelEnrolment(  # noqa: N802 - name of the RPC
        self, request: pb.CancelEnrolmentRequest, _context: Any
    ) -> pb.CancelEnrolmentResponse:
        record = await self._enrolment.query.cancel(
            enrolment_from(request.enrolment), caller_of(request)
        )
        return pb.CancelEnrolmentResponse(enrolment=self._shown(record))

    def _shown(self, record: EnrolmentRecord) -> pb.EnrolmentRecord:
        return enrolment_message(record, self._enrolment.rules, self._enrolment.clock)


def _code_factor(value: int, field: str) -> Factor:
    factor = kind_from(value, pb.Factor, "FACTOR_", Factor, field)
    if factor not in _CODES:
        raise InvalidRequest(
            f"{field}: choose PHONE_CODE or EMAIL_CODE", reason="VALUE_UNKNOWN", field=field
        )
    return factor


def _proof_from(request: pb.ProveIdentityRequest) -> Proof:
    match request.WhichOneof("proof"):
        case "document":
            document = request.document
            return DocumentProof(
                document_kind_from(document.kind, field="document.kind"),
                Secret(document.number),
                document.issue_date,
            )
        case "password":
            return PasswordProof(Secret(request.password))
        case "code":
            code = request.code
            return CodeProof(_code_factor(code.factor, "code.factor"), Secret(code.code))
        case "biometric":
            return BiometricProof(request.biometric.statement, request.biometric.signature)
        case _:
            raise InvalidRequest(
                "send one of document, password, code and biometric",
                reason="PROOF_MISSING",
                field="proof",
            )
