"""The calls of signerd.v1.Enrolment about who subscribers are, and the one that asks whose a
certificate is."""

from typing import Final

from signerd.v1 import certificate_authority_pb2 as authority_wire
from signerd.v1 import enrolment_pb2 as wire
from signerd_client.call import Call, decoder, new_request_id
from signerd_client.name import certificate_name, subscriber_name
from signerd_client.subscriber import (
    DocumentKind,
    IdentityVerification,
    PersonalData,
    Subscriber,
    document_kind_to_wire,
    subscriber_from_wire,
    verification_from_wire,
)

_SERVICE: Final = "/signerd.v1.Enrolment"


def register_subscriber(
    subscriber: str,
    real_name: str,
    personal_data: PersonalData,
    *,
    branch: str = "",
    identity_number: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[Subscriber]:
    """Register a person or business.

    identity_number is needed for certificates with a virtual ID: used for that and forgotten.
    Returns the subscriber, personal data masked.
    """
    request = wire.RegisterSubscriberRequest(
        subscriber=subscriber_name(subscriber),
        real_name=real_name,
        branch=branch,
        personal_data=wire.PersonalData(
            document_kind=document_kind_to_wire(personal_data.document_kind),
            document_number=personal_data.document_number,
            account=personal_data.account,
            phone=personal_data.phone,
            email=personal_data.email,
            language=personal_data.language,
        ),
        identity_number=identity_number,
        request_id=request_id or new_request_id(),
    )
    return Call(
        f"{_SERVICE}/RegisterSubscriber",
        request.SerializeToString(),
        decoder(
            wire.RegisterSubscriberResponse,
            lambda answer: subscriber_from_wire(answer.subscriber),
        ),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def update_subscriber(
    subscriber: str,
    *,
    real_name: str = "",
    branch: str = "",
    document_kind: DocumentKind | str | None = None,
    document_number: str = "",
    account: str = "",
    phone: str = "",
    email: str = "",
    language: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[Subscriber]:
    """Change what is registered; what is empty stays as it is. A document has kind and number.

    Returns the subscriber, personal data masked.
    """
    request = wire.UpdateSubscriberRequest(
        subscriber=subscriber_name(subscriber),
        real_name=real_name,
        branch=branch,
        personal_data=wire.PersonalData(
            document_kind=wire.DOCUMENT_KIND_UNSPECIFIED
            if document_kind is None
            else document_kind_to_wire(document_kind),
            document_number=document_number,
            account=account,
            phone=phone,
            email=email,
            language=language,
        ),
        request_id=request_id or new_request_id(),
    )
    return Call(
        f"{_SERVICE}/UpdateSubscriber",
        request.SerializeToString(),
        decoder(
            wire.UpdateSubscriberResponse, lambda answer: subscriber_from_wire(answer.subscriber)
        ),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def get_subscriber(subscriber: str, *, timeout_s: float | None = None) -> Call[Subscriber]:
    """Return one subscriber, personal data masked."""
    return Call(
        f"{_SERVICE}/GetSubscriber",
        wire.GetSubscriberRequest(name=subscriber_name(subscriber)).SerializeToString(),
        decoder(wire.GetSubscriberResponse, lambda answer: subscriber_from_wire(answer.subscriber)),
        timeout_s,
    )


def find_subscribers(
    *,
    account: str = "",
    phone: str = "",
    email: str = "",
    document_number: str = "",
    timeout_s: float | None = None,
) -> Call[tuple[Subscriber, ...]]:
    """Find subscribers by exactly one of account, phone, e-mail address and document number;
    otherwise ValueError. Returns at most 100."""
    given = {
        "account": account,
        "phone": phone,
        "email": email,
        "document_number": document_number,
    }
    chosen = {name: value for name, value in given.items() if value}
    if len(chosen) != 1:
        raise ValueError("give one of account, phone, email and document_number")
    return Call(
        f"{_SERVICE}/FindSubscribers",
        wire.FindSubscribersRequest(**chosen).SerializeToString(),
        decoder(
            wire.FindSubscribersResponse,
            lambda answer: tuple(subscriber_from_wire(one) for one in answer.subscribers),
        ),
        timeout_s,
    )


def erase_subscriber(
    subscriber: str, *, request_id: str | None = None, timeout_s: float | None = None
) -> Call[Subscriber]:
    """Erase a subscriber's personal data for good; certificates and audit records stay.

    Valid certificates must be revoked first. Returns the subscriber, without personal data.
    """
    request = wire.EraseSubscriberRequest(
        subscriber=subscriber_name(subscriber), request_id=request_id or new_request_id()
    )
    return Call(
        f"{_SERVICE}/EraseSubscriber",
        request.SerializeToString(),
        decoder(
            wire.EraseSubscriberResponse, lambda answer: subscriber_from_wire(answer.subscriber)
        ),
        timeout_s,
        request.request_id,
        is_change=True,
    )


def verify_identity(
    certificate: str, identity_number: str, *, timeout_s: float | None = None
) -> Call[IdentityVerification]:
    """Ask whether an identity number belongs to the holder of a certificate with a virtual ID.

    After five wrong numbers in a row the certificate is not asked about for an hour.
    """
    return Call(
        "/signerd.v1.CertificateAuthority/VerifyIdentity",
        authority_wire.VerifyIdentityRequest(
            certificate=certificate_name(certificate), identity_number=identity_number
        ).SerializeToString(),
        decoder(authority_wire.VerifyIdentityResponse, verification_from_wire),
        timeout_s,
    )
