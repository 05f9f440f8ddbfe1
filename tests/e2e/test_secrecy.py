"""Nobody finds an identity number, or what else is personal, in anything the daemon keeps."""

import hashlib
import re
import sqlite3
import uuid
from base64 import b64encode
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from examples.private_daemon import PrivateDaemon
from signerd_client import (
    Client,
    CodeProof,
    DocumentKind,
    DocumentProof,
    Factor,
    KeyAlgorithm,
    PasswordProof,
    PersonalData,
    SignerdError,
)
from tests.e2e.counter import ISSUED, PASSWORD, Counter
from tests.e2e.customer import Customer, another, issue_banking


def _forms(secret: str) -> dict[bytes, str]:
    """How a secret could stand somewhere."""
    hashed = hashlib.sha256(secret.encode())
    twice = hashlib.sha256(hashed.digest())
    forms = {secret.encode(): "clear", secret[::-1].encode(): "reversed"}
    forms |= {secret.encode("utf-16-le"): "UTF-16", secret.encode().hex().encode(): "hexadecimal"}
    forms[b64encode(secret.encode()).rstrip(b"=")[:-1]] = "base64"
    if secret.isdigit():
        forms[f"{secret[:6]}-{secret[6:]}".encode()] = "with hyphen"
        forms[int(secret).to_bytes(8, "big")] = "integer"
    for name, digest in (("SHA-256", hashed), ("SHA-256 twice", twice)):
        forms |= {digest.digest(): name, digest.hexdigest().encode(): f"{name}, hexadecimal"}
    return forms


def _files(daemon: PrivateDaemon) -> list[Path]:
    """Database with its write-ahead log, tokens, log, mailbox, everything but the file that stands
    for the bank's document service."""
    listed = [path for path in daemon.directory.rglob("*") if path.is_file()]
    return [path for path in listed if path.name != "documents.csv"]


def _found(daemon: PrivateDaemon, secrets: tuple[str, ...]) -> list[str]:
    forms = {form: what for secret in secrets for form, what in _forms(secret).items()}
    found = []
    for path in _files(daemon):
        with suppress(FileNotFoundError):  # a file of a process that has ended
            content = path.read_bytes()
            if path.parent.name == "mailbox":
                content = _without_recipient(content)
            found += [f"{what} in {path}" for form, what in forms.items() if form in content]
    return found


def _without_recipient(letter: bytes) -> bytes:
    """A letter to a customer, or an SMS, without what says where it goes."""
    letter = re.sub(rb'"to":\s*"[^"]*"', b"", letter)
    return re.sub(rb"^To:.*$", b"", letter, flags=re.MULTILINE | re.IGNORECASE)


def _tables(daemon: PrivateDaemon) -> str:
    """Every value of every table, as text."""
    with closing(sqlite3.connect(f"file:{daemon.directory}/signerd.db?mode=ro", uri=True)) as db:
        names = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return "".join(repr(db.execute(f"SELECT * FROM {name}").fetchall()) for name in names)  # noqa: S608 - names of our own tables


def _live(officer: Client, relying_party: Client, customer: Customer, guest: Customer) -> None:
    """Everything that numbers and personal data are given for, the refusals too."""
    request_id = str(uuid.uuid4())
    issued = issue_banking(officer, guest, identity_number=guest.number, request_id=request_id)
    for number in (another(guest.number), f"{guest.number}0", "0" + guest.number[1:]):
        with suppress(SignerdError):
            issue_banking(officer, guest, identity_number=number, request_id=request_id)
        with suppress(SignerdError):
            relying_party.verify_identity(issued.name, number)
    assert relying_party.verify_identity(issued.name, guest.number).matches
    with suppress(SignerdError):
        officer.issue_certificate(
            guest.subscriber,
            "tls-client",
            guest.name,
            key_algorithm=KeyAlgorithm.EC_P256_SHA256,
            identity_number=guest.number,
        )
    officer.reissue_certificate(issued.name)
    for _ in range(2):
        with suppress(SignerdError):
            officer.register_subscriber(
                customer.subscriber,
                customer.name,
                customer.data,
                identity_number=customer.number,
            )
    with suppress(SignerdError):
        officer.register_subscriber(
            guest.subscriber,
            guest.name,
            PersonalData(DocumentKind.RESIDENT_CARD, guest.number, "x", guest.phone, "x"),
        )
    officer.register_subscriber(
        guest.subscriber,
        guest.name,
        PersonalData(
            DocumentKind.RESIDENT_CARD, guest.number, guest.account, guest.phone, guest.email
        ),
    )
    assert officer.find_subscribers(document_number=guest.number)
    assert officer.find_subscribers(email=customer.email)
    own = issue_banking(officer, customer)
    assert relying_party.verify_identity(own.name, customer.number).matches
    officer.revoke_certificate(own.name, "KEY_COMPROMISE")


def _enrol(counter: Counter, customer: Customer) -> tuple[str, ...]:
    """A first certificate, its reissue and a refused report of loss, proven with a resident card,
    whose number is the identity number; what else was secret on the way."""
    officer = counter.officer
    kind, number = DocumentKind.RESIDENT_CARD, f"{customer.number[:6]}-{customer.number[6:]}"
    card = DocumentProof(kind, number, ISSUED)
    data = replace(customer.data, document_kind=kind, document_number=number)
    officer.register_subscriber(
        customer.subscriber,
        customer.name,
        data,
        branch="041",
        identity_number=customer.number,
    )
    with (counter.bank.directory / "documents.csv").open("a") as documents:
        documents.write(f"RESIDENT_CARD,{customer.number},{customer.name},{ISSUED}\n")
    officer.set_password(customer.subscriber, PASSWORD)
    first = counter.opened(customer, "ISSUE")
    with suppress(SignerdError):
        other = replace(card, number=another(customer.number))
        officer.prove_identity(first.name, other)
    officer.prove_identity(first.name, card)
    made = officer.prove_identity(first.name, PasswordProof(PASSWORD)).authorisation
    assert made is not None
    issued = officer.claim_certificate(made.reference_number, made.authorisation_code).certificate
    second = counter.opened(customer, "REISSUE", issued.name)
    officer.prove_identity(second.name, card)
    code = CodeProof(Factor.PHONE_CODE, counter.code(second))
    again = officer.prove_identity(second.name, code).authorisation
    assert again is not None
    renewed = officer.claim_certificate(again.reference_number, again.authorisation_code)
    loss = counter.opened(customer, "LOSS_REPORT", renewed.certificate.name)
    with suppress(SignerdError):
        officer.report_loss(loss.name)
    codes = [made.authorisation_code, again.authorisation_code]
    return (PASSWORD, *codes, *(one.replace("-", "") for one in codes))


def test_what_proves_an_identity_is_nowhere(
    daemon: PrivateDaemon, officer: Client, operator: Client
) -> None:
    """Number of the resident card, password and authorisation codes are in no file of the daemon,
    no table and no story, before and after the customer is erased, and the audit stays whole."""
    counter, customer = Counter(daemon, officer, operator), Customer()
    secrets = (*customer.secrets, *_enrol(counter, customer))
    stories = [officer.get_enrolment(one.name) for one in officer.list_enrolments()]

    def are_nowhere() -> bool:
        shown = _tables(daemon) + str(stories)
        return _found(daemon, secrets) == [secret for secret in secrets if secret in shown] == []

    assert are_nowhere()
    for one in officer.list_certificates(subscriber=customer.subscriber, state="ACTIVE"):
        officer.revoke_certificate(one.name, "CESSATION_OF_OPERATION")
    officer.erase_subscriber(customer.subscriber)
    assert are_nowhere()
    assert daemon.run("audit", "verify").returncode == 0


def test_what_is_secret_is_nowhere(
    daemon: PrivateDaemon, officer: Client, relying_party: Client, auditor: Client
) -> None:
    """Identity numbers, in clear or as a plain hash, and personal data are in no file of the
    daemon, no table, no audit record and no answer, before and after they are erased."""
    customer, guest = Customer(), Customer()
    _live(officer, relying_party, customer, guest)
    secrets = (*customer.secrets, *guest.secrets)
    names = {path.relative_to(daemon.directory).parts[0] for path in _files(daemon)}
    assert {"signerd.db", "signerd.db-wal", "softhsm", "serve.log"} <= names
    assert _found(daemon, secrets) == []
    tables = _tables(daemon)
    assert customer.subscriber in tables
    assert customer.name in tables
    assert not [secret for secret in secrets if secret in tables]
    events = str(list(auditor.list_audit_events(page_size=1000)))
    shown = events + str([officer.get_subscriber(one.subscriber) for one in (customer, guest)])
    assert not [secret for secret in secrets if secret in shown]
    officer.erase_subscriber(customer.subscriber)
    assert _found(daemon, secrets) == []


def test_the_search_finds_what_is_there(daemon: PrivateDaemon, officer: Client) -> None:
    """A name, which certificates show, is found: so would a number be."""
    name = f"Kim {uuid.uuid4().hex[:12]}"
    officer.issue_certificate(
        Customer().subscriber, "tls-client", name, key_algorithm=KeyAlgorithm.EC_P256_SHA256
    )
    assert any(found.startswith("clear in") for found in _found(daemon, (name,)))
