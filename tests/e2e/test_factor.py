"""Each proof of identity fails for its own reason, locks, and is told to support."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from examples.private_daemon import PrivateDaemon
from signerd_client import (
    BiometricProof,
    Client,
    CodeProof,
    DocumentKind,
    DocumentProof,
    Enrolment,
    EnrolmentState,
    Factor,
    PasswordProof,
    SignerdError,
    biometric_statement,
)
from signerd_client.error import ResourceExhausted
from signerd_client.proof import Proof
from tests.e2e.counter import NAME, PASSWORD, Counter, bank_with_counter, licence_of
from tests.e2e.customer import Customer

_RULES = """\
[factors]
issue = [["DOCUMENT"], ["PASSWORD", "BIOMETRIC", "EMAIL_CODE"]]
[code]
resend_s = 0
[lockout]
max_failures = 3
"""


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    with bank_with_counter(_RULES) as daemon:
        yield daemon


@pytest.fixture
def counter(bank: PrivateDaemon) -> Iterator[Counter]:
    with Client(bank.target("ra-officer")) as officer, Client(bank.target("operator")) as operator:
        yield Counter(bank, officer, operator)


def _refused(counter: Counter, enrolment: Enrolment, proof: Proof) -> str:
    """The reason; support finds it under the reference of the error."""
    with pytest.raises(SignerdError) as refused:
        counter.officer.prove_identity(enrolment.name, proof)
    error = refused.value
    assert error.support_reference == enrolment.support_reference
    last = counter.officer.get_enrolment(error.support_reference).events[-1]
    assert (last.kind, last.details["reason"]) == ("proof_refused", error.reason)
    return error.reason


def _other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_document_is_refused_for_its_own_reason(counter: Counter) -> None:
    """Somebody else's, misread, unknown to the issuer, of another name, with another date, with a
    date to come; and where the service cannot answer, which counts for nothing."""
    customer, unknown, renamed = map(counter.registered, (NAME, "", "김영희"))
    enrolment = counter.opened(customer, "REISSUE", counter.issued(customer).name)
    tomorrow = date.today() + timedelta(days=2)  # noqa: DTZ011 - two zones apart at most
    kind = DocumentKind.DRIVERS_LICENCE
    for proof, reason in (
        (DocumentProof(kind, "99-22-345678-60", date(2020, 5, 6)), "DOCUMENT_NUMBER_INVALID"),
        (licence_of(customer, tomorrow), "DOCUMENT_ISSUE_DATE_INVALID"),
        (licence_of(Customer()), "DOCUMENT_NOT_REGISTERED"),
        (licence_of(customer, date(2021, 5, 6)), "DOCUMENT_NOT_GENUINE"),
    ):
        assert _refused(counter, enrolment, proof) == reason
    for one, reason in ((unknown, "DOCUMENT_UNKNOWN"), (renamed, "DOCUMENT_NAME_DIFFERS")):
        assert _refused(counter, counter.opened(one, "ISSUE"), licence_of(one)) == reason
    documents = counter.bank.directory / "documents.csv"
    whole = documents.read_text()
    documents.write_text(whole + "no document\n")
    with pytest.raises(SignerdError) as down:
        counter.officer.prove_identity(enrolment.name, licence_of(customer), timeout_s=2)
    documents.write_text(whole)
    assert "documents.csv" in down.value.message
    assert counter.officer.prove_identity(enrolment.name, licence_of(customer)).enrolment.proven


def test_a_password_is_refused_for_its_own_reason(counter: Counter) -> None:
    """None set, weak, wrong, used before; a change needs the one in force; the third failure
    locks."""
    customer = counter.registered()
    enrolment = counter.opened(customer, "ISSUE")
    officer, subscriber = counter.officer, customer.subscriber
    assert _refused(counter, enrolment, PasswordProof(PASSWORD)) == "PASSWORD_ABSENT"
    new = "vague trombone 42 harbour"
    first = officer.set_password(subscriber, PASSWORD)
    assert first > enrolment.open_time + timedelta(days=300)
    attempts: tuple[tuple[Callable[[], datetime], str], ...] = (
        (lambda: officer.set_password(subscriber, new), "PASSWORD_CURRENT_MISSING"),
        (
            lambda: officer.set_password(subscriber, "qwerty12345", current_password=PASSWORD),
            "PASSWORD_",
        ),
        (
            lambda: officer.set_password(subscriber, PASSWORD, current_password=PASSWORD),
            "PASSWORD_REUSED",
        ),
        (
            lambda: officer.set_password(subscriber, new, current_password="not the one"),  # noqa: S106
            "PASSWORD_WRONG",
        ),
    )
    for attempt, reason in attempts:
        with pytest.raises(SignerdError) as refused:
            attempt()
        assert refused.value.reason.startswith(reason)
        assert new not in refused.value.message
    officer.set_password(subscriber, new, current_password=PASSWORD)
    reasons = [_refused(counter, enrolment, PasswordProof(PASSWORD)) for _ in range(3)]
    assert reasons == ["PASSWORD_WRONG", "PASSWORD_WRONG", "LOCKED_OUT"]
    assert _refused(counter, enrolment, PasswordProof(new)) == "LOCKED_OUT"


@pytest.mark.parametrize("factor", [Factor.PHONE_CODE, Factor.EMAIL_CODE])
def test_a_code_is_refused_for_its_own_reason(counter: Counter, factor: Factor) -> None:
    """None sent, mistyped, replaced, of another enrolment, given twice; five in an hour are
    enough."""
    customer = counter.registered()
    one, other = counter.opened(customer, "ISSUE"), counter.opened(customer, "ISSUE")
    assert _refused(counter, one, CodeProof(factor, "123456")) == "CODE_ABSENT"
    first = counter.code(one, factor)
    second = counter.code(one, factor)
    assert _refused(counter, one, CodeProof(factor, "12345")) == "CODE_MALFORMED"
    if first != second:
        assert _refused(counter, one, CodeProof(factor, first)) == "CODE_WRONG"
    foreign = counter.code(other, factor)
    if foreign != second:
        assert _refused(counter, one, CodeProof(factor, foreign)) == "CODE_WRONG"
    answer = counter.officer.prove_identity(one.name, CodeProof(factor, second))
    assert answer.enrolment.proven == (factor,)
    assert _refused(counter, one, CodeProof(factor, second)) == "CODE_ABSENT"
    for _ in range(3):
        counter.officer.send_code(one.name, factor)
    with pytest.raises(ResourceExhausted) as enough:
        counter.officer.send_code(one.name, factor)
    assert enough.value.reason == "CODE_HOURLY_LIMIT"
    assert enough.value.support_reference == one.support_reference


def test_an_assertion_is_refused_for_its_own_reason(counter: Counter) -> None:
    """No key, no statement, another enrolment's, another key's, an old one; then one that holds
    completes the application together with the document."""
    customer = counter.registered()
    enrolment, app = counter.opened(customer, "ISSUE"), ec.generate_private_key(ec.SECP256R1())

    def asserted(
        of: str, moment: datetime, key: ec.EllipticCurvePrivateKey = app
    ) -> BiometricProof:
        statement = biometric_statement(of, customer.subscriber, moment)
        return BiometricProof(statement, key.sign(statement.encode(), ec.ECDSA(hashes.SHA256())))

    now = counter.officer.server_info().current_time
    holds = asserted(enrolment.name, now)
    assert _refused(counter, enrolment, holds) == "BIOMETRIC_KEY_ABSENT"
    spki = app.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(SignerdError) as unusable:
        counter.officer.register_biometric_key(customer.subscriber, b"no key")
    assert unusable.value.reason == "BIOMETRIC_KEY_UNUSABLE"
    counter.officer.register_biometric_key(customer.subscriber, spki)
    assert counter.officer.get_subscriber(customer.subscriber).has_biometric_key
    stranger = ec.generate_private_key(ec.SECP256R1())
    for proof, reason in (
        (BiometricProof("it was them", b"x"), "BIOMETRIC_STATEMENT_MALFORMED"),
        (asserted("6a" * 16, now), "BIOMETRIC_STATEMENT_FOREIGN"),
    ):
        assert _refused(counter, enrolment, proof) == reason
    counter.officer.prove_identity(enrolment.name, licence_of(customer))
    second = counter.opened(customer, "ISSUE")
    for proof, reason in (
        (asserted(second.name, now, stranger), "BIOMETRIC_SIGNATURE_WRONG"),
        (asserted(second.name, now - timedelta(minutes=5)), "BIOMETRIC_STATEMENT_STALE"),
    ):
        assert _refused(counter, second, proof) == reason
    last = counter.officer.prove_identity(enrolment.name, holds)
    assert last.enrolment.state is EnrolmentState.AUTHORISED
    assert last.authorisation is not None


def test_another_enrolment_gives_no_more_guesses(counter: Counter) -> None:
    """Wrong proofs count for the subscriber: a lock holds in every enrolment, whether it was opened
    before or after, and what was cancelled has not been forgotten; a right proof ends the count."""
    customer = counter.registered()
    before, tried = (counter.opened(customer, "ISSUE") for _ in range(2))
    wrong = licence_of(Customer())
    for _ in range(2):
        assert _refused(counter, tried, wrong) == "DOCUMENT_NOT_REGISTERED"
    counter.officer.prove_identity(before.name, licence_of(customer))
    for _ in range(2):
        assert _refused(counter, tried, wrong) == "DOCUMENT_NOT_REGISTERED"
    counter.officer.cancel_enrolment(tried.name)
    after = counter.opened(customer, "ISSUE")
    assert _refused(counter, after, wrong) == "LOCKED_OUT"
    for one in (before, after):
        assert _refused(counter, one, licence_of(customer)) == "LOCKED_OUT"
    code = counter.code(before, Factor.EMAIL_CODE)
    for _ in range(2):
        assert _refused(counter, before, CodeProof(Factor.EMAIL_CODE, _other(code))) == "CODE_WRONG"
    proof = CodeProof(Factor.EMAIL_CODE, _other(counter.code(after, Factor.EMAIL_CODE)))
    assert _refused(counter, after, proof) == "LOCKED_OUT"


def test_an_authorisation_is_refused_for_its_own_reason(counter: Counter) -> None:
    """Mistyped, unknown, wrong, and void after five wrong codes; the last proof makes another
    one, and a cancelled enrolment gets nothing."""
    customer = counter.registered()
    enrolment = counter.opened(customer, "ISSUE")
    counter.officer.prove_identity(enrolment.name, licence_of(customer))
    counter.officer.set_password(customer.subscriber, PASSWORD)
    made = counter.officer.prove_identity(enrolment.name, PasswordProof(PASSWORD)).authorisation
    assert made is not None

    def refusal(reference: str, code: str) -> SignerdError:
        with pytest.raises(SignerdError) as refused:
            counter.officer.claim_certificate(reference, code)
        return refused.value

    reference, code = made.reference_number, made.authorisation_code
    mistyped = reference[:-1] + str((int(reference[-1]) + 1) % 10)
    assert refusal(mistyped, code).reason == "REFERENCE_NUMBER_MISTYPED"
    assert refusal("0" * 13, code).reason == "REFERENCE_NUMBER_UNKNOWN"
    assert refusal(reference, code[:-1]).reason == "AUTHORISATION_CODE_MISTYPED"
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    errors = [refusal(reference, wrong) for _ in range(5)]
    assert [error.reason for error in errors] == ["AUTHORISATION_CODE_WRONG"] * 4 + [
        "AUTHORISATION_VOID"
    ]
    assert {error.support_reference for error in errors} == {enrolment.support_reference}
    assert refusal(reference, code).reason == "AUTHORISATION_VOID"
    again = counter.officer.prove_identity(enrolment.name, PasswordProof(PASSWORD)).authorisation
    assert again is not None
    cancelled = counter.officer.cancel_enrolment(enrolment.name)
    assert cancelled.state is EnrolmentState.CANCELLED
    ended = refusal(again.reference_number, again.authorisation_code)
    assert ended.reason == "ENROLMENT_CANCELLED"
    listed = counter.officer.list_enrolments(subscriber=customer.subscriber, state="CANCELLED")
    assert [one.name for one in listed] == [enrolment.name]


def test_time_ends_codes_locks_and_enrolments(counter: Counter) -> None:
    """A code after three minutes, a lock at the time of release, an enrolment after a day, an
    authorisation after two weeks."""
    bank = counter.bank
    guessing, waiting, proving = (counter.registered() for _ in range(3))
    locked, late, authorised = (
        counter.opened(one, "REISSUE", counter.issued(one).name)
        for one in (guessing, waiting, proving)
    )
    code, late_code = counter.code(locked), counter.code(late)
    for _ in range(3):
        _refused(counter, locked, CodeProof(Factor.PHONE_CODE, _other(code)))
    release = counter.officer.get_enrolment(locked.name).enrolment.lock_release_time
    assert release is not None
    made = counter.proven(authorised, proving).authorisation
    assert made is not None
    try:
        bank.restart("--clock-offset", "11m")
        assert counter.officer.server_info().current_time > release
        proof = CodeProof(Factor.PHONE_CODE, late_code)
        assert _refused(counter, late, proof) == "CODE_EXPIRED"
        proof = CodeProof(Factor.PHONE_CODE, counter.code(locked))
        assert counter.officer.prove_identity(locked.name, proof).enrolment.proven
        bank.restart("--clock-offset", "15d")
        with pytest.raises(SignerdError) as over:
            counter.officer.prove_identity(late.name, licence_of(waiting))
        assert over.value.reason == "ENROLMENT_EXPIRED"
        with pytest.raises(SignerdError) as lapsed:
            counter.officer.claim_certificate(made.reference_number, made.authorisation_code)
        assert lapsed.value.reason in {"ENROLMENT_EXPIRED", "AUTHORISATION_EXPIRED"}
        assert lapsed.value.support_reference == authorised.support_reference
    finally:
        bank.restart()
