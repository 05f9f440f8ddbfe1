"""Subscribers: registered, changed, found, erased."""

import uuid
from dataclasses import replace

import pytest

from signerd_client import Client, DocumentKind, KeyAlgorithm, PersonalData
from signerd_client.error import AlreadyExists, FailedPrecondition, InvalidRequest, NotFound
from tests.e2e.customer import Customer, issue_banking


def test_a_registration_is_answered_masked(officer: Client) -> None:
    """Enough to recognise the subscriber; nothing that could be used."""
    customer = Customer()
    registered = officer.register_subscriber(
        customer.subscriber,
        customer.name,
        customer.data,
        branch="041",
        identity_number=customer.number,
    )
    assert (registered.real_name, registered.branch) == (customer.name, "041")
    assert registered.has_virtual_id
    assert registered.register_time is not None
    masked = registered.masked
    assert masked is not None
    assert masked.document_kind is DocumentKind.DRIVERS_LICENCE
    assert masked.phone.endswith(customer.phone[-3:])
    assert masked.email == "h***@example.com"
    assert masked.language == "ko"
    assert not [secret for secret in customer.secrets if secret in str(registered)]
    assert officer.get_subscriber(customer.subscriber) == registered


def test_the_same_request_registers_once(officer: Client) -> None:
    """A retry is answered; other content under the same id, and a second registration, are
    refused, also when only the identity number is another."""
    customer, request_id = Customer(), str(uuid.uuid4())

    def register(number: str, request_id: str) -> object:
        return officer.register_subscriber(
            customer.subscriber,
            customer.name,
            customer.data,
            identity_number=number,
            request_id=request_id,
        )

    first = register(customer.number, request_id)
    assert register(customer.number, request_id) == first
    with pytest.raises(AlreadyExists) as reused:
        register("9001011000001", request_id)
    assert reused.value.reason == "REQUEST_ID_REUSED"
    with pytest.raises(AlreadyExists) as twice:
        register(customer.number, str(uuid.uuid4()))
    assert twice.value.reason == "SUBSCRIBER_REGISTERED"


def test_subscribers_are_found_by_what_was_registered(officer: Client) -> None:
    """By account with or without hyphens, phone, e-mail in any case, document; not by others'."""
    customer = Customer()
    officer.register_subscriber(customer.subscriber, customer.name, customer.data)
    wanted = f"subscribers/{customer.subscriber}"
    for found in (
        officer.find_subscribers(account=customer.account),
        officer.find_subscribers(account=customer.account.replace("-", "")),
        officer.find_subscribers(phone=customer.phone),
        officer.find_subscribers(email=customer.email.upper()),
        officer.find_subscribers(document_number=customer.licence),
    ):
        assert [one.name for one in found] == [wanted]
    assert officer.find_subscribers(account=Customer().account) == ()
    assert officer.find_subscribers(phone=customer.account) == ()


def test_a_change_leaves_the_rest(officer: Client) -> None:
    """The new phone finds the subscriber, the old one no longer, everything else stays."""
    customer, new = Customer(), Customer()
    before = officer.register_subscriber(customer.subscriber, customer.name, customer.data)
    request_id = str(uuid.uuid4())
    after = officer.update_subscriber(
        customer.subscriber, phone=new.phone, branch="042", request_id=request_id
    )
    assert before.masked is not None
    assert after.masked is not None
    assert (after.branch, after.masked.phone[-3:]) == ("042", new.phone[-3:])
    assert replace(after.masked, phone=before.masked.phone) == before.masked
    assert officer.find_subscribers(phone=customer.phone) == ()
    (found,) = officer.find_subscribers(phone=new.phone)
    assert found == after == officer.find_subscribers(account=customer.account)[0]
    again = officer.update_subscriber(
        customer.subscriber, phone=new.phone, branch="042", request_id=request_id
    )
    assert again == after


def test_a_resident_card_is_found_and_not_kept(officer: Client) -> None:
    """Its number is the identity number."""
    customer = Customer()
    data = replace(
        customer.data,
        document_kind=DocumentKind.RESIDENT_CARD,
        document_number=f"{customer.number[:6]}-{customer.number[6:]}",
    )
    registered = officer.register_subscriber(customer.subscriber, customer.name, data)
    assert registered.masked is not None
    assert registered.masked.document_number == "***"
    assert officer.find_subscribers(document_number=customer.number) == (registered,)
    changed = officer.update_subscriber(
        customer.subscriber,
        document_kind=DocumentKind.DRIVERS_LICENCE,
        document_number=customer.licence,
    )
    assert officer.find_subscribers(document_number=customer.number) == ()
    assert officer.find_subscribers(document_number=customer.licence) == (changed,)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "010-1234-5678"),
        ("email", "hong@example"),
        ("account", "110_123"),
        ("account", "110-123-456789-1234567890"),
        ("language", "fr"),
        ("document_number", "1234567890"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(field: str, value: str, officer: Client) -> None:
    """The error says which field and what form; the value may be somebody's."""
    customer = Customer()
    with pytest.raises(InvalidRequest) as refused:
        officer.register_subscriber(
            customer.subscriber,
            customer.name,
            replace(customer.data, **{field: value}),  # type: ignore[arg-type] # by name
        )
    assert f"personal_data.{field}" in refused.value.message
    assert value not in refused.value.message
    with pytest.raises(NotFound):
        officer.get_subscriber(customer.subscriber)


def test_who_has_a_certificate_is_registered_later(officer: Client) -> None:
    """The subscriber came into being with a certificate; until then nothing can be changed."""
    customer = Customer()
    issued = officer.issue_certificate(
        customer.subscriber,
        "tls-client",
        "Hong",
        key_algorithm=KeyAlgorithm.EC_P256_SHA256,
    )
    unregistered = officer.get_subscriber(customer.subscriber)
    assert (unregistered.register_time, unregistered.masked) == (None, None)
    with pytest.raises(FailedPrecondition) as refused:
        officer.update_subscriber(customer.subscriber, phone=customer.phone)
    assert refused.value.reason == "SUBSCRIBER_NOT_REGISTERED"
    with pytest.raises(FailedPrecondition):
        officer.erase_subscriber(customer.subscriber)
    registered = officer.register_subscriber(customer.subscriber, customer.name, customer.data)
    assert registered.register_time is not None
    assert officer.get_certificate(issued.name).subscriber == registered.name


def test_personal_data_is_erased_once_nothing_is_valid(
    officer: Client, auditor: Client, relying_party: Client
) -> None:
    """Refused while a certificate is active or suspended; then everything personal is gone, and
    certificates and audit are there."""
    customer = Customer()
    officer.register_subscriber(
        customer.subscriber, customer.name, customer.data, identity_number=customer.number
    )
    issued = issue_banking(officer, customer)
    assert relying_party.verify_identity(issued.name, customer.number).matches
    for prepare in (lambda: None, lambda: officer.suspend_certificate(issued.name)):
        prepare()
        with pytest.raises(FailedPrecondition) as refused:
            officer.erase_subscriber(customer.subscriber)
        assert refused.value.reason == "SUBSCRIBER_HAS_CERTIFICATE"
    officer.revoke_certificate(issued.name, "CESSATION_OF_OPERATION")
    request_id = str(uuid.uuid4())
    erased = officer.erase_subscriber(customer.subscriber, request_id=request_id)
    assert erased == officer.erase_subscriber(customer.subscriber, request_id=request_id)
    assert erased.erase_time is not None
    assert (erased.real_name, erased.masked, erased.has_virtual_id) == ("", None, False)
    assert officer.find_subscribers(account=customer.account) == ()
    assert officer.get_certificate(issued.name).der == issued.der
    for call in (
        lambda: relying_party.verify_identity(issued.name, customer.number),
        lambda: officer.reissue_certificate(issued.name),
    ):
        with pytest.raises(FailedPrecondition) as gone:
            call()
        assert gone.value.reason == "IDENTITY_ERASED"
    with pytest.raises(FailedPrecondition) as refused:
        issue_banking(officer, customer, identity_number=customer.number)
    assert refused.value.reason == "SUBSCRIBER_ERASED"
    with pytest.raises(FailedPrecondition) as refused:
        officer.update_subscriber(customer.subscriber, phone=customer.phone)
    assert refused.value.reason == "SUBSCRIBER_ERASED"
    kinds = [event.kind for event in auditor.list_audit_events(resource=erased.name)]
    assert kinds == ["subscriber.registered", "subscriber.erased"]


def test_who_was_erased_can_come_back(officer: Client) -> None:
    """A new registration, with nothing of the old one."""
    customer, new = Customer(), Customer()
    officer.register_subscriber(customer.subscriber, customer.name, customer.data)
    officer.erase_subscriber(customer.subscriber)
    back = officer.register_subscriber(customer.subscriber, "김영희", new.data)
    assert (back.erase_time, back.real_name) == (None, "김영희")
    assert officer.find_subscribers(account=customer.account) == ()
    assert officer.find_subscribers(account=new.account) == (back,)


def test_changes_are_on_record_without_what_was_changed(officer: Client, auditor: Client) -> None:
    """The audit names the fields."""
    customer = Customer()
    registered = officer.register_subscriber(customer.subscriber, customer.name, customer.data)
    officer.update_subscriber(customer.subscriber, phone=Customer().phone, real_name="김영희")
    _, event = auditor.list_audit_events(resource=registered.name)
    assert (event.kind, event.details) == ("subscriber.updated", {"fields": "real_name,phone"})


def test_a_document_has_kind_and_number(officer: Client) -> None:
    """One without the other is refused."""
    customer = Customer()
    officer.register_subscriber(customer.subscriber, customer.name, customer.data)
    for change in (
        {"document_kind": DocumentKind.PASSPORT},
        {"document_number": "M12345678"},
    ):
        with pytest.raises(InvalidRequest):
            officer.update_subscriber(customer.subscriber, **change)  # by name
    unknown = PersonalData(DocumentKind.PASSPORT, "12", "1", "2", "3")
    with pytest.raises(InvalidRequest):
        officer.register_subscriber(Customer().subscriber, "Kim", unknown)
