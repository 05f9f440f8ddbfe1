"""What the scripted daemon answers when nothing is scripted: one software key, real signatures."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import google_crc32c
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import UInt32Value

from signerd.v1 import activation_pb2, admin_pb2, login_pb2, signing_pb2, types_pb2
from signerd.v1 import certificate_authority_pb2 as authority
from signerd.v1 import enrolment_pb2 as registry
from tests.client import scripted_document
from tests.client.pki import make_identity
from tests.client.scripted_enrolment import enrolment, proven, story
from tests.client.scripted_proof import proof_parts

CREDENTIAL = "credentials/0123456789abcdef0123456789abcdef"
SUBSCRIBER = "subscribers/hong-gildong"
IDENTITY_NUMBER = "1248100998"
EVENT_COUNT = 5
CERTIFICATE_COUNT = 5
SUSPENSION_LIMIT = datetime(2026, 9, 1, 14, 59, 59, tzinfo=UTC)
_EVENT_TIME = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Answers:
    """Answers by method name."""

    def __init__(self) -> None:
        self.root = make_identity("Test root")
        self.holder = make_identity("홍길동", issuer=self.root)
        self._seen: set[bytes] = set()

    @property
    def certificate_name(self) -> str:
        """Name of the certificate that exists."""
        return f"certificates/{self.holder.certificate.serial_number:x}"

    def answer(self, method: str, request: Any) -> Message:
        """The answer to a call that is not a stream."""
        answers: dict[str, Callable[[Any], Message]] = {
            "IssueCertificate": self._issue,
            "ReissueCertificate": self._reissue,
            "RenewCertificate": self._renew,
            "SuspendCertificate": self._suspend,
            "ResumeCertificate": self._resume,
            "RevokeCertificate": self._revoke,
            "GetCertificate": self._get,
            "ListCertificates": self._certificates,
            "CountCertificates": _counts,
            "GetCaChain": self._ca_chain,
            "VerifyIdentity": _identity,
            "RegisterSubscriber": lambda _: registry.RegisterSubscriberResponse(
                subscriber=subscriber()
            ),
            "UpdateSubscriber": lambda _: registry.UpdateSubscriberResponse(
                subscriber=subscriber()
            ),
            "GetSubscriber": lambda _: registry.GetSubscriberResponse(subscriber=subscriber()),
            "FindSubscribers": lambda _: registry.FindSubscribersResponse(
                subscribers=[subscriber()]
            ),
            "EraseSubscriber": lambda _: registry.EraseSubscriberResponse(
                subscriber=registry.Subscriber(name=SUBSCRIBER, erase_time=timestamp(_EVENT_TIME))
            ),
            "SetPassword": lambda _: registry.SetPasswordResponse(
                expire_time=timestamp(SUSPENSION_LIMIT)
            ),
            "RegisterBiometricKey": lambda _: registry.RegisterBiometricKeyResponse(),
            "OpenEnrolment": lambda _: registry.OpenEnrolmentResponse(enrolment=enrolment()),
            "SendCode": lambda _: registry.SendCodeResponse(
                sent_to="+82*******5678", expire_time=timestamp(_EVENT_TIME)
            ),
            "ProveIdentity": proven,
            "ClaimCertificate": self._claim,
            "ReportLoss": lambda _: registry.ReportLossResponse(
                certificate=self.certificate(revoked=True)
            ),
            "GetEnrolment": lambda _: story(),
            "ListEnrolments": lambda _: registry.ListEnrolmentsResponse(enrolments=[enrolment()]),
            "CancelEnrolment": lambda _: registry.CancelEnrolmentResponse(enrolment=enrolment()),
            "GetPublicKey": self._public_key,
            "Sign": self._sign,
            "BatchSign": self._batch_sign,
            "Verify": self._verify,
            "SignCms": scripted_document.signed,
            "VerifyCms": scripted_document.verified,
            "CreateTimestamp": scripted_document.stamped,
            "VerifyTimestamp": scripted_document.stamp_verified,
            "CreateChallenge": _challenge,
            "SetActivationPin": lambda _: activation_pb2.SetActivationPinResponse(),
            "SendActivationCode": lambda _: activation_pb2.SendActivationCodeResponse(
                sent_to="+8210****5678", expire_time=timestamp(_EVENT_TIME)
            ),
            "AuthorizeSigning": lambda request: activation_pb2.AuthorizeSigningResponse(
                authorisation="id.secret",
                name="authorisations/id",
                signature_count=request.signature_count or 1,
                expire_time=timestamp(_EVENT_TIME),
            ),
            "UnlockActivation": lambda request: activation_pb2.UnlockActivationResponse(
                pin_set=not request.reset_pin
            ),
            "VerifyChallengeResponse": self._login,
            "GetServerInfo": _server_info,
            "GetTokenStatus": _token_status,
            "ListAuditEvents": _events,
            "ProveAuditRecord": lambda _request: proof_parts().response(),
            "ListMessages": _messages,
            "GetMessage": lambda _request: admin_pb2.GetMessageResponse(message=message(1)),
        }
        return answers[method](request)

    def sign_document(self, messages: Iterator[signing_pb2.SignDocumentRequest]) -> Message:
        """The answer to a document."""
        received = list(messages)
        document = b"".join(message.chunk for message in received)
        signed = self._sign(
            signing_pb2.SignRequest(data=document, input_crc32c=received[-1].document_crc32c)
        )
        return signing_pb2.SignDocumentResponse(response=signed, size=len(document))

    def sign_stream(self, message: signing_pb2.SignStreamRequest) -> Message:
        """The answer to a message of SignStream."""
        results = [self._result(request) for request in message.requests]
        return signing_pb2.SignStreamResponse(sequence=message.sequence, results=results)

    def stream(self, request: Any) -> Iterator[Message]:
        """The audit events, or changes of certificates, after a position."""
        for position in range(max(request.after_position, 0) + 1, EVENT_COUNT + 1):
            if isinstance(request, admin_pb2.WatchAuditEventsRequest):
                yield admin_pb2.WatchAuditEventsResponse(event=event(position))
            else:
                yield authority.WatchCertificatesResponse(
                    position=position,
                    event_time=timestamp(_EVENT_TIME),
                    kind="certificate.issued",
                    certificate=self.certificate(),
                )

    def certificate(
        self, subject: authority.Subject | None = None, *, revoked: bool = False
    ) -> types_pb2.Certificate:
        """The certificate that exists, as a message."""
        certificate = self.holder.certificate
        message = types_pb2.Certificate(
            name=self.certificate_name,
            subscriber=SUBSCRIBER,
            credential=CREDENTIAL,
            profile="personal",
            state=types_pb2.CERTIFICATE_STATE_ACTIVE,
            serial_number=f"{certificate.serial_number:x}",
            subject=f"CN={subject.common_name}" if subject else "CN=홍길동",
            not_before_time=timestamp(certificate.not_valid_before_utc),
            not_after_time=timestamp(certificate.not_valid_after_utc),
            create_time=timestamp(certificate.not_valid_before_utc),
            key_algorithm=types_pb2.KEY_ALGORITHM_EC_P256_SHA256,
            der=certificate.public_bytes(Encoding.DER),
            sha256_fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        )
        if revoked:
            message.state = types_pb2.CERTIFICATE_STATE_REVOKED
            message.revocation.revoke_time.CopyFrom(timestamp(_EVENT_TIME))
            message.revocation.reason = types_pb2.REVOCATION_REASON_SUPERSEDED
        return message

    def _issue(self, request: authority.IssueCertificateRequest) -> Message:
        issued = None if request.validate_only else self.certificate(request.subject)
        return authority.IssueCertificateResponse(certificate=issued)

    def _reissue(self, request: authority.ReissueCertificateRequest) -> Message:
        return authority.ReissueCertificateResponse(
            certificate=None if request.validate_only else self.certificate(),
            replaced=self.certificate(revoked=not request.validate_only),
        )

    def _renew(self, request: authority.RenewCertificateRequest) -> Message:
        return authority.RenewCertificateResponse(
            certificate=None if request.validate_only else self.certificate(),
            replaced=self.certificate(revoked=not request.validate_only),
        )

    def _claim(self, _request: registry.ClaimCertificateRequest) -> Message:
        return registry.ClaimCertificateResponse(
            certificate=self.certificate(), replaced=self.certificate(revoked=True)
        )

    def _suspend(self, _request: authority.SuspendCertificateRequest) -> Message:
        certificate = self.certificate()
        certificate.state = types_pb2.CERTIFICATE_STATE_SUSPENDED
        certificate.suspension.suspend_time.CopyFrom(timestamp(_EVENT_TIME))
        certificate.suspension.limit_time.CopyFrom(timestamp(SUSPENSION_LIMIT))
        certificate.crl_number = 7
        return authority.SuspendCertificateResponse(certificate=certificate)

    def _resume(self, _request: authority.ResumeCertificateRequest) -> Message:
        return authority.ResumeCertificateResponse(certificate=self.certificate())

    def _revoke(self, request: authority.RevokeCertificateRequest) -> Message:
        certificate = self.certificate(revoked=not request.validate_only)
        return authority.RevokeCertificateResponse(certificate=certificate)

    def _get(self, _request: authority.GetCertificateRequest) -> Message:
        return authority.GetCertificateResponse(certificate=self.certificate())

    def _ca_chain(self, _request: authority.GetCaChainRequest) -> Message:
        der = self.root.certificate.public_bytes(Encoding.DER)
        return authority.GetCaChainResponse(certificates=[der])

    def _certificates(
        self, request: authority.ListCertificatesRequest
    ) -> authority.ListCertificatesResponse:
        begin = int(request.page_token or 0)
        end = min(CERTIFICATE_COUNT, begin + (request.page_size or 2))
        return authority.ListCertificatesResponse(
            certificates=[self.certificate() for _ in range(begin, end)],
            next_page_token=str(end) if end < CERTIFICATE_COUNT else "",
        )

    def _public_key(self, _request: object) -> signing_pb2.GetPublicKeyResponse:
        spki = self.holder.key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return signing_pb2.GetPublicKeyResponse(
            credential=CREDENTIAL,
            key_algorithm=types_pb2.KEY_ALGORITHM_EC_P256_SHA256,
            public_key=spki,
            public_key_crc32c=UInt32Value(value=google_crc32c.value(spki)),
            certificate=self.certificate_name,
        )

    def _sign(self, request: signing_pb2.SignRequest) -> signing_pb2.SignResponse:
        received = request.data or request.digest.sha256
        hash_ = hashes.SHA256()
        scheme = ec.ECDSA(utils.Prehashed(hash_) if request.HasField("digest") else hash_)
        signature = self.holder.key.sign(received, scheme)
        return signing_pb2.SignResponse(
            signature=signature,
            signature_crc32c=UInt32Value(value=google_crc32c.value(signature)),
            verified_input_crc32c=request.input_crc32c.value == google_crc32c.value(received),
            credential=CREDENTIAL,
            key_algorithm=types_pb2.KEY_ALGORITHM_EC_P256_SHA256,
            certificate=self.certificate_name,
        )

    def _batch_sign(self, request: signing_pb2.BatchSignRequest) -> Message:
        results = [self._result(one) for one in request.requests]
        return signing_pb2.BatchSignResponse(results=results)

    def _result(self, request: signing_pb2.SignRequest) -> signing_pb2.SignResult:
        """A purpose of "refuse" is refused, one of "later" the first time."""
        if request.purpose == "later" and request.data not in self._seen:
            self._seen.add(request.data)
            error = signing_pb2.SignError(code=14, reason="KEY_NOT_SEEN", message="again")
            error.retry_delay.FromMilliseconds(50)
            return signing_pb2.SignResult(error=error)
        if request.purpose == "refuse":
            error = signing_pb2.SignError(code=9, reason="CREDENTIAL_RETIRED", message="revoked")
            error.retry_delay.FromMilliseconds(1500)
            return signing_pb2.SignResult(error=error)
        return signing_pb2.SignResult(response=self._sign(request))

    def _verify(self, request: signing_pb2.VerifyRequest) -> signing_pb2.VerifyResponse:
        hash_ = hashes.SHA256()
        scheme = ec.ECDSA(utils.Prehashed(hash_) if request.HasField("digest") else hash_)
        answer = signing_pb2.VerifyResponse(
            valid=True,
            signature_valid=True,
            credential=CREDENTIAL,
            key_algorithm=types_pb2.KEY_ALGORITHM_EC_P256_SHA256,
        )
        try:
            self.holder.key.public_key().verify(
                request.signature, request.data or request.digest.sha256, scheme
            )
        except (InvalidSignature, ValueError):
            answer.valid = answer.signature_valid = False
            answer.problems.add(
                code="SIGNATURE_INVALID",
                text="the signature was not made by this key over this input",
            )
        return answer

    def _login(
        self, request: login_pb2.VerifyChallengeResponseRequest
    ) -> login_pb2.VerifyChallengeResponseResponse:
        asked = signing_pb2.VerifyRequest(
            data=request.statement.encode(), signature=request.signature
        )
        verdict = self._verify(asked)
        return login_pb2.VerifyChallengeResponseResponse(
            valid=verdict.valid,
            problems=verdict.problems,
            subscriber=SUBSCRIBER,
            certificate=self.certificate_name,
            certificate_state=types_pb2.CERTIFICATE_STATE_ACTIVE,
        )


def _challenge(request: login_pb2.CreateChallengeRequest) -> login_pb2.CreateChallengeResponse:
    return login_pb2.CreateChallengeResponse(
        statement=(
            f"signerd.v1 login challenge\nrelying party: dns:shop.example\n"
            f"domain: {request.domain}\nchallenge: {'A' * 43}\nexpires: 2026-11-01T00:02:00Z"
        ),
        expire_time=timestamp(_EVENT_TIME),
    )


def event(position: int) -> admin_pb2.AuditEvent:
    """The audit event at a position."""
    return admin_pb2.AuditEvent(
        position=position,
        chain="local/front-0",
        sequence=position,
        event_time=timestamp(_EVENT_TIME),
        kind="certificate.issued",
        principal="spiffe://bank.example/ra",
        resource=SUBSCRIBER,
        request_id=f"00000000-0000-4000-8000-{position:012}",
        details={"serial": "4f", "common_name": "홍길동"},
        previous_hash="ab",
        hash="cd",
    )


def subscriber() -> registry.Subscriber:
    """The subscriber that exists, personal data masked."""
    return registry.Subscriber(
        name=SUBSCRIBER,
        real_name="홍길동",
        branch="041",
        masked=registry.PersonalData(
            document_kind=registry.DOCUMENT_KIND_DRIVERS_LICENCE,
            document_number="********5601",
            account="**********6789",
            phone="+82*******5678",
            email="h***@example.com",
            language="ko",
        ),
        register_time=timestamp(_EVENT_TIME),
        has_virtual_id=True,
    )


def _identity(request: authority.VerifyIdentityRequest) -> authority.VerifyIdentityResponse:
    return authority.VerifyIdentityResponse(
        matches=request.identity_number == IDENTITY_NUMBER,
        state=types_pb2.CERTIFICATE_STATE_ACTIVE,
    )


def timestamp(moment: datetime) -> Timestamp:
    """A message of a time."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def message(number: int) -> admin_pb2.OutboxMessage:
    """A message to a subscriber: the first was sent, the others wait."""
    made = admin_pb2.OutboxMessage(
        name=f"messages/{number:032x}",
        kind=admin_pb2.MESSAGE_KIND_CODE,
        subscriber=SUBSCRIBER,
        attempts=1,
        create_time=timestamp(_EVENT_TIME),
    )
    if number > 1:
        made.state = admin_pb2.MESSAGE_STATE_PENDING
        made.problem = "webhook: answered 503"
        made.next_attempt_time.CopyFrom(timestamp(_EVENT_TIME))
        return made
    made.state = admin_pb2.MESSAGE_STATE_SENT
    made.channel = admin_pb2.MESSAGE_CHANNEL_SMS
    made.send_time.CopyFrom(timestamp(_EVENT_TIME))
    made.content.address = "+821012345678"
    made.content.text = "[Example Bank] 인증번호 042917"
    return made


def _messages(request: admin_pb2.ListMessagesRequest) -> admin_pb2.ListMessagesResponse:
    if request.page_token:
        return admin_pb2.ListMessagesResponse(messages=[message(3)])
    first = admin_pb2.ListMessagesResponse(messages=[message(1), message(2)])
    first.next_page_token = str(2)
    return first


def _server_info(_request: object) -> admin_pb2.GetServerInfoResponse:
    return admin_pb2.GetServerInfoResponse(
        version="0.1.0",
        node="local",
        process="front-0",
        process_id=4711,
        start_time=timestamp(_EVENT_TIME),
        current_time=timestamp(_EVENT_TIME),
        principal="spiffe://bank.example/ra",
        roles=["ra-officer"],
        profiles=["personal"],
    )


def _counts(_request: object) -> authority.CountCertificatesResponse:
    of_each = (
        (types_pb2.CERTIFICATE_STATE_ACTIVE, "personal", "071", "2027-03", 40),
        (types_pb2.CERTIFICATE_STATE_ACTIVE, "personal", "", "2027-04", 1),
        (types_pb2.CERTIFICATE_STATE_SUSPENDED, "personal", "071", "2027-03", 2),
        (types_pb2.CERTIFICATE_STATE_REVOKED, "corporate", "001", "2027-03", 10),
    )
    return authority.CountCertificatesResponse(
        counts=[
            authority.CertificateCount(
                state=state, profile=profile, branch=branch, expire_month=month, count=count
            )
            for state, profile, branch, month, count in of_each
        ]
    )


def _token_status(_request: object) -> admin_pb2.GetTokenStatusResponse:
    return admin_pb2.GetTokenStatusResponse(
        tokens=[
            admin_pb2.TokenStatus(
                label="authority",
                serial="01",
                purpose=admin_pb2.TOKEN_PURPOSE_AUTHORITY,
                available=True,
                key_count=3,
            ),
            admin_pb2.TokenStatus(
                label="subscribers-0",
                serial="02",
                purpose=admin_pb2.TOKEN_PURPOSE_SUBSCRIBER,
                problem="the token is not present; insert it",
                key_count=200,
                key_capacity=1000,
            ),
        ],
        hosts=[
            admin_pb2.TokenHostStatus(name="host-0", connected=True, process_id=4712, outstanding=1)
        ],
    )


def _events(request: admin_pb2.ListAuditEventsRequest) -> admin_pb2.ListAuditEventsResponse:
    begin = int(request.page_token or 0)
    end = min(EVENT_COUNT, begin + (request.page_size or 2))
    return admin_pb2.ListAuditEventsResponse(
        events=[event(position + 1) for position in range(begin, end)],
        next_page_token=str(end) if end < EVENT_COUNT else "",
    )
