"""The calls of signerd.v1.Enrolment from application to certificate, or to the report of a loss."""

from datetime import UTC
from typing import Final

from signerd.v1 import enrolment_pb2 as wire
from signerd_client.activation import ActivationMode, mode_to_wire
from signerd_client.algorithm import KeyAlgorithm, algorithm_to_wire
from signerd_client.call import Call, Listing, Page, decoder, new_request_id
from signerd_client.certificate import Certificate, certificate_from_wire
from signerd_client.enrolment import (
    Claimed,
    Enrolment,
    EnrolmentPurpose,
    EnrolmentState,
    EnrolmentStory,
    Factor,
    Proven,
    SentCode,
    claimed_from_wire,
    enrolment_from_wire,
    enrolment_state_to_wire,
    factor_to_wire,
    proven_from_wire,
    purpose_to_wire,
    story_from_wire,
)
from signerd_client.name import (
    certificate_name,
    enrolment_name,
    is_support_reference,
    subscriber_name,
)
from signerd_client.proof import Proof, proof_to_wire

_SERVICE: Final = "/signerd.v1.Enrolment"


def open_enrolment(
    subscriber: str,
    purpose: EnrolmentPurpose | str,
    *,
    profile: str = "",
    key_algorithm: KeyAlgorithm | str | None = None,
    certificate: str = "",
    key_group: str = "",
    activation: ActivationMode | str = ActivationMode.NONE,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[Enrolment]:
    """Apply for a registered subscriber: ISSUE with profile and key_algorithm, REISSUE and
    LOSS_REPORT with certificate; otherwise ValueError.

    Returns the enrolment; its `missing` says which proofs it needs.
    """
    is_issue = EnrolmentPurpose(purpose) is EnrolmentPurpose.ISSUE
    if is_issue != bool(profile and key_algorithm) or is_issue == bool(certificate):
        raise ValueError(
            "give profile and key_algorithm for ISSUE, certificate for REISSUE and LOSS_REPORT"
        )
    request = wire.OpenEnrolmentRequest(
        subscriber=subscriber_name(subscriber),
        purpose=purpose_to_wire(purpose),
        profile=profile,
        certificate=certificate_name(certificate),
        key_group=key_group,
        activation=mode_to_wire(activation),
        request_id=request_id or new_request_id(),
    )
    if key_algorithm:
        request.key_algorithm = algorithm_to_wire(key_algorithm)
    return Call(
        f"{_SERVICE}/OpenEnrolment",
        request.SerializeToString(),
        decoder(wire.OpenEnrolmentResponse, lambda answer: enrolment_from_wire(answer.enrolment)),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def send_code(
    enrolment: str,
    factor: Factor | str,
    *,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[SentCode]:
    """Have a one-time code sent to the registered phone (PHONE_CODE) or e-mail address
    (EMAIL_CODE); it replaces the one before."""
    request = wire.SendCodeRequest(
        enrolment=enrolment_name(enrolment),
        factor=factor_to_wire(factor),
        request_id=request_id or new_request_id(),
    )
    return Call(
        f"{_SERVICE}/SendCode",
        request.SerializeToString(),
        decoder(
            wire.SendCodeResponse,
            lambda answer: SentCode(answer.sent_to, answer.expire_time.ToDatetime(UTC)),
        ),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def prove_identity(
    enrolment: str,
    proof: Proof,
    *,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[Proven]:
    """Give one proof. The one that completes what is needed for a certificate is answered with
    reference number and authorisation code; the same request_id again gets them again, another
    last proof makes new ones and voids them."""
    request = proof_to_wire(enrolment, proof)
    request.request_id = request_id or new_request_id()
    return Call(
        f"{_SERVICE}/ProveIdentity",
        request.SerializeToString(),
        decoder(wire.ProveIdentityResponse, proven_from_wire),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def claim_certificate(
    reference_number: str,
    authorisation_code: str,
    *,
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[Claimed]:
    """Exchange reference number and authorisation code for the certificate, once; the same
    request_id again gets the same certificate."""
    request = wire.ClaimCertificateRequest(
        reference_number=reference_number,
        authorisation_code=authorisation_code,
        request_id=request_id or new_request_id(),
    )
    return Call(
        f"{_SERVICE}/ClaimCertificate",
        request.SerializeToString(),
        decoder(wire.ClaimCertificateResponse, claimed_from_wire),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def report_loss(
    enrolment: str, *, request_id: str | None = None, timeout_s: float | None = None
) -> Call[Certificate]:
    """Revoke the certificate of a report of loss (KEY_COMPROMISE) once the identity is proven.

    Returns it, revoked; its key never signs again from the answer on.
    """
    request = wire.ReportLossRequest(
        enrolment=enrolment_name(enrolment), request_id=request_id or new_request_id()
    )
    return Call(
        f"{_SERVICE}/ReportLoss",
        request.SerializeToString(),
        decoder(wire.ReportLossResponse, lambda answer: certificate_from_wire(answer.certificate)),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def get_enrolment(
    name_or_reference: str, *, timeout_s: float | None = None
) -> Call[EnrolmentStory]:
    """Return an enrolment with its story, by name or by the support reference that a customer
    quotes."""
    asked = name_or_reference.strip()
    request = (
        wire.GetEnrolmentRequest(support_reference=asked)
        if is_support_reference(asked)
        else wire.GetEnrolmentRequest(name=enrolment_name(asked))
    )
    return Call(
        f"{_SERVICE}/GetEnrolment",
        request.SerializeToString(),
        decoder(wire.GetEnrolmentResponse, story_from_wire),
        timeout_s,
    )


def list_enrolments(
    *,
    subscriber: str = "",
    state: EnrolmentState | str | None = None,
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Listing[Enrolment]:
    """List enrolments, newest first, over all pages, which are fetched as they are needed.

    Filters combine with "and". timeout_s is the deadline of one page.
    """
    request = wire.ListEnrolmentsRequest(
        subscriber=subscriber_name(subscriber),
        state=enrolment_state_to_wire(state),
        page_size=page_size,
    )
    decode = decoder(
        wire.ListEnrolmentsResponse,
        lambda answer: Page(
            tuple(enrolment_from_wire(item) for item in answer.enrolments), answer.next_page_token
        ),
    )

    def page(token: str) -> Call[Page[Enrolment]]:
        asked = wire.ListEnrolmentsRequest(page_token=token)
        asked.MergeFrom(request)
        return Call(f"{_SERVICE}/ListEnrolments", asked.SerializeToString(), decode, timeout_s)

    return Listing(page)


def cancel_enrolment(
    enrolment: str, *, request_id: str | None = None, timeout_s: float | None = None
) -> Call[Enrolment]:
    """End an enrolment that is not completed; its authorisation is void. Returns it, cancelled."""
    request = wire.CancelEnrolmentRequest(
        enrolment=enrolment_name(enrolment), request_id=request_id or new_request_id()
    )
    return Call(
        f"{_SERVICE}/CancelEnrolment",
        request.SerializeToString(),
        decoder(wire.CancelEnrolmentResponse, lambda answer: enrolment_from_wire(answer.enrolment)),
        timeout_s,
        request.request_id,
        is_change=True,
    )
