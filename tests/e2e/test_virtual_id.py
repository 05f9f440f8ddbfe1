"""Certificates with a virtual ID, and who asks about them."""

import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pypinksign  # type: ignore[import-untyped] # pypinksign has no types
import pytest

from examples.private_daemon import PrivateDaemon
from signerd_client import CertificateState, Client, KeyAlgorithm
from signerd_client.error import (
    AlreadyExists,
    FailedPrecondition,
    InvalidRequest,
    PermissionDenied,
    ResourceExhausted,
)
from tests.e2e.customer import Customer, another, issue_banking
from tests.e2e.openssl import openssl


def _vid_of(der: bytes, directory: Path) -> tuple[str, bytes]:
    """Real name and virtual ID of a certificate, as `openssl asn1parse` shows them."""
    file = directory / "leaf.der"
    file.write_bytes(der)

    def parse(offset: int) -> list[str]:
        arguments = ("-in", str(file), "-inform", "DER", "-strparse", str(offset))
        return openssl("asn1parse", *arguments).stdout.splitlines()

    lines = openssl("asn1parse", "-in", str(file), "-inform", "DER").stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if "X509v3 Subject Alternative Name" in line)
    inside = parse(int(lines[at + 1].split(":")[0]))
    assert "1.2.410.200004.10.1.1" in inside[2]
    assert sum(":1.2.410.200004.10.1.1.1" in line for line in inside) == 1
    name = next(line for line in inside if "UTF8STRING" in line).rpartition(":")[2]
    vid = next(line for line in inside if "[HEX DUMP]" in line).rpartition(":")[2]
    return name, bytes.fromhex(vid)


def test_a_number_given_with_the_request_is_certified(
    officer: Client, relying_party: Client, tmp_path: Path
) -> None:
    """The form of Korean certificates, read by others; the number matches and no other does."""
    customer = Customer()
    issued = issue_banking(officer, customer, identity_number=customer.number)
    certificate = pypinksign.PinkSign(pubkey_data=issued.der)
    name = certificate.cn()
    today = issued.not_before_time.astimezone(ZoneInfo("Asia/Seoul"))
    assert name[:-9] == f"홍길동()0089041{today:%Y%m%d}"
    assert name[-9:].isdigit()
    assert certificate.cert_type_oid() == "1.2.410.200005.1.1.4"
    shown, vid = _vid_of(issued.der, tmp_path)
    assert len(vid) == 32
    assert shown
    answer = relying_party.verify_identity(issued.name, customer.number)
    assert (answer.matches, answer.state) == (True, CertificateState.ACTIVE)
    assert not relying_party.verify_identity(issued.name, another(customer.number)).matches
    officer.revoke_certificate(issued.name, "KEY_COMPROMISE")
    answer = relying_party.verify_identity(issued.name, customer.number)
    assert (answer.matches, answer.state) == (True, CertificateState.REVOKED)


def test_running_numbers_are_never_used_twice(officer: Client) -> None:
    """Every certificate has a name of its own, reissued ones too."""
    customer = Customer()
    issued = [issue_banking(officer, customer, identity_number=customer.number) for _ in range(2)]
    issued.append(officer.reissue_certificate(issued[0].name).certificate)
    names = [pypinksign.PinkSign(pubkey_data=one.der).cn() for one in issued]
    assert len(set(names)) == 3
    assert len({name[:-9] for name in names}) == 1


def test_a_reissue_keeps_the_virtual_id(
    officer: Client, relying_party: Client, tmp_path: Path
) -> None:
    """Nobody asks for the number again, and it still matches."""
    customer = Customer()
    old = issue_banking(officer, customer, identity_number=customer.number)
    new = officer.reissue_certificate(old.name).certificate
    assert _vid_of(new.der, tmp_path) == _vid_of(old.der, tmp_path)
    assert relying_party.verify_identity(new.name, customer.number).matches
    assert not relying_party.verify_identity(new.name, another(customer.number)).matches


def test_a_registered_number_is_certified(
    officer: Client, relying_party: Client, tmp_path: Path
) -> None:
    """Given at registration, it is not given again: a second one could be a guess."""
    customer = Customer()
    officer.register_subscriber(
        customer.subscriber, customer.name, customer.data, identity_number=customer.number
    )
    first, second = (issue_banking(officer, customer) for _ in range(2))
    assert _vid_of(first.der, tmp_path) == _vid_of(second.der, tmp_path)
    assert relying_party.verify_identity(second.name, customer.number).matches
    with pytest.raises(InvalidRequest) as refused:
        issue_banking(officer, customer, identity_number=customer.number)
    assert refused.value.reason == "IDENTITY_REGISTERED"
    with pytest.raises(InvalidRequest) as refused:
        officer.issue_certificate(
            customer.subscriber,
            "npki-personal",
            "김영희",
            key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
            branch="041",
        )
    assert refused.value.reason == "NAME_NOT_REGISTERED"


def test_a_number_is_asked_for_exactly_where_it_is_certified(officer: Client) -> None:
    """Required by an NPKI profile, refused by another; wrong numbers are never repeated."""
    customer = Customer()
    with pytest.raises(InvalidRequest) as refused:
        issue_banking(officer, customer)
    assert refused.value.reason == "IDENTITY_REQUIRED"
    with pytest.raises(InvalidRequest) as refused:
        officer.issue_certificate(
            customer.subscriber,
            "tls-client",
            "Hong",
            key_algorithm=KeyAlgorithm.EC_P256_SHA256,
            identity_number=customer.number,
        )
    assert refused.value.reason == "IDENTITY_NOT_ALLOWED"
    wrong = f"9913321{customer.number[7:]}"
    with pytest.raises(InvalidRequest) as refused:
        issue_banking(officer, customer, identity_number=wrong)
    assert refused.value.reason == "IDENTITY_NUMBER_INVALID"
    assert wrong not in str(refused.value)


def test_a_retry_brings_the_same_number(officer: Client) -> None:
    """The same one returns the certificate; another one, or none, is another request."""
    customer, request_id = Customer(), str(uuid.uuid4())

    def issue(number: str) -> object:
        return issue_banking(officer, customer, identity_number=number, request_id=request_id)

    first = issue(customer.number)
    assert issue(customer.number) == first
    for number in (another(customer.number), ""):
        with pytest.raises(AlreadyExists) as refused:
            issue(number)
        assert refused.value.reason == "REQUEST_ID_REUSED"
    assert len(list(officer.list_certificates(subscriber=customer.subscriber))) == 1


def test_validate_only_seals_nothing(officer: Client) -> None:
    """Everything is checked, and there is no subscriber afterwards."""
    customer = Customer()
    made = officer.issue_certificate(
        customer.subscriber,
        "npki-personal",
        customer.name,
        key_algorithm=KeyAlgorithm.RSA_2048_PKCS1_SHA256,
        branch="041",
        identity_number=customer.number,
        validate_only=True,
    )
    assert made is None
    assert list(officer.list_certificates(subscriber=customer.subscriber)) == []


def test_five_wrong_numbers_lock_until_the_time_told(
    daemon: PrivateDaemon, officer: Client, relying_party: Client
) -> None:
    """The right number is refused too, until the release; afterwards it is answered, and the
    count begins anew."""
    customer = Customer()
    issued = issue_banking(officer, customer, identity_number=customer.number)
    wrong = another(customer.number)
    for _ in range(4):
        assert not relying_party.verify_identity(issued.name, wrong).matches
    assert relying_party.verify_identity(issued.name, customer.number).matches
    for _ in range(5):
        assert not relying_party.verify_identity(issued.name, wrong).matches
    with pytest.raises(ResourceExhausted) as locked:
        relying_party.verify_identity(issued.name, customer.number, timeout_s=5)
    assert locked.value.reason == "IDENTITY_LOCKED"
    assert locked.value.retry_after_s is not None
    assert 3000 < locked.value.retry_after_s <= 3601
    assert " UTC" in locked.value.message
    _release(daemon, issued.serial_number)
    assert relying_party.verify_identity(issued.name, customer.number).matches
    assert not relying_party.verify_identity(issued.name, wrong).matches


def _release(daemon: PrivateDaemon, serial: str) -> None:
    """As if the hour had passed."""
    with closing(sqlite3.connect(daemon.directory / "signerd.db", timeout=30)) as connection:
        now = int(datetime.now(UTC).timestamp() * 1_000_000)
        changed = connection.execute(
            "UPDATE identity_failures SET release_utc = ? WHERE certificate_id = ?", (now, serial)
        )
        assert changed.rowcount == 1
        connection.commit()


def test_every_question_is_on_record_without_the_number(
    officer: Client, auditor: Client, relying_party: Client
) -> None:
    """Who asked, about which certificate, with what result."""
    customer = Customer()
    issued = issue_banking(officer, customer, identity_number=customer.number)
    relying_party.verify_identity(issued.name, customer.number)
    relying_party.verify_identity(issued.name, another(customer.number))
    asked = [
        event
        for event in auditor.list_audit_events(resource=issued.name)
        if event.kind == "identity.verified"
    ]
    assert [event.details for event in asked] == [
        {"matches": answer, "method": "VerifyIdentity"} for answer in ("True", "False")
    ]
    assert all(event.principal.endswith("/relying-party") for event in asked)


def test_only_relying_parties_ask(officer: Client, relying_party: Client) -> None:
    """Not even who issued it; and a certificate without a virtual ID tells nothing."""
    customer = Customer()
    issued = officer.issue_certificate(
        customer.subscriber, "tls-client", "Hong", key_algorithm=KeyAlgorithm.EC_P256_SHA256
    )
    with pytest.raises(PermissionDenied):
        officer.verify_identity(issued.name, customer.number)
    with pytest.raises(FailedPrecondition) as refused:
        relying_party.verify_identity(issued.name, customer.number)
    assert refused.value.reason == "IDENTITY_ABSENT"
    with pytest.raises(InvalidRequest) as invalid:
        relying_party.verify_identity(issued.name, "")
    assert invalid.value.reason == "IDENTITY_NUMBER_INVALID"
