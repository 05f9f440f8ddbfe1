"""Calls that count tries, repeated after a lost answer: the same answer, counted once."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from examples.private_daemon import PrivateDaemon
from signerd_client import ActivationMode, Client, CodeProof, Factor, PasswordProof, SignerdError
from tests.e2e.counter import PASSWORD, Counter, bank_with_counter, licence_of
from tests.e2e.waiting import wait_until
from tests.faults.scene import query

_RULES = """\
[factors]
issue = [["DOCUMENT"], ["PASSWORD", "PHONE_CODE"]]
[code]
resend_s = 0
[lockout]
max_failures = 3
"""
_PIN, _OTHER_PIN, _WRONG_PIN = "274953", "482613", "274954"
_AGAIN = 6

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Desk:
    counter: Counter
    app: Client

    def credential(self, subscriber: str = "") -> str:
        """Of a key that requires activation."""
        issued = self.counter.officer.issue_certificate(
            subscriber or f"repeated-{uuid.uuid4().hex[:12]}",
            "personal",
            "Hong",
            key_algorithm="EC_P256_SHA256",
            activation=ActivationMode.REQUIRED,
        )
        return issued.credential

    def messages(self, subscriber: str) -> int:
        """How many codes have arrived."""
        listed = self.counter.operator.list_messages(subscriber=subscriber, kind="CODE")
        return sum(1 for message in listed if message.content)


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    with bank_with_counter(_RULES) as daemon:
        yield daemon


@pytest.fixture
def desk(bank: PrivateDaemon) -> Iterator[_Desk]:
    names = ("ra-officer", "operator", "signer")
    officer, operator, app = (Client(bank.target(name)) for name in names)
    with officer, operator, app:
        yield _Desk(Counter(bank, officer, operator), app)


def _repeated(call: Callable[[str], _T]) -> _T:
    """The answer of a call, which is the same each time."""
    request_id = str(uuid.uuid4())
    answer = call(request_id)
    for _ in range(_AGAIN):
        assert call(request_id) == answer
    return answer


def _refused(call: Callable[[str], object], request_id: str = "") -> SignerdError:
    """The refusal of a call, which is the same each time."""
    request_id = request_id or str(uuid.uuid4())
    errors = []
    for _ in range(1 + _AGAIN):
        with pytest.raises(SignerdError) as refused:
            call(request_id)
        errors.append(refused.value)
    first, *others = errors
    for other in others:
        assert (type(other), other.message, other.reason) == (
            type(first),
            first.message,
            first.reason,
        )
        assert other.support_reference == first.support_reference
    return first


def test_a_wrong_pin_counts_once(desk: _Desk) -> None:
    """Seven times the same call is one wrong try; another call is the next one. The repetition of
    the fifth says that it locked, and of the first still what that was told."""
    credential = desk.credential()
    desk.counter.officer.set_activation_pin(credential, _PIN)

    def wrong(request_id: str) -> object:
        return desk.app.authorize_signing(credential, pin=_WRONG_PIN, request_id=request_id)

    first = str(uuid.uuid4())
    assert "4 tries are left" in _refused(wrong, first).message
    left = [_refused(wrong) for _ in range(4)]
    assert [error.reason for error in left] == ["PIN_WRONG"] * 3 + ["ACTIVATION_LOCKED"]
    assert "4 tries are left" in _refused(wrong, first).message


def test_a_pin_is_set_once(desk: _Desk) -> None:
    """A repetition finds its own PIN in force and asks for none; a wrong current one counts once;
    the id is good for nothing else."""
    credential, officer = desk.credential(), desk.counter.officer
    _repeated(lambda it: officer.set_activation_pin(credential, _PIN, request_id=it))
    agreed = desk.app.authorize_signing(credential, pin=_PIN, signature_count=2)
    request_id = str(uuid.uuid4())
    officer.set_activation_pin(credential, _OTHER_PIN, current_pin=_PIN, request_id=request_id)
    again = desk.app.authorize_signing(credential, pin=_OTHER_PIN)
    officer.set_activation_pin(credential, _OTHER_PIN, current_pin=_PIN, request_id=request_id)
    assert desk.app.sign(credential, data=b"1", authorisation=again.authorisation).signature
    with pytest.raises(SignerdError) as withdrawn:
        desk.app.sign(credential, data=b"1", authorisation=agreed.authorisation)
    assert withdrawn.value.reason == "AUTHORISATION_INVALID"
    with pytest.raises(SignerdError) as reused:
        officer.set_activation_pin(credential, _PIN, current_pin=_PIN, request_id=request_id)
    assert reused.value.reason == "REQUEST_ID_REUSED"

    def wrong(it: str) -> None:
        officer.set_activation_pin(credential, _PIN, current_pin=_WRONG_PIN, request_id=it)

    assert "4 tries are left" in _refused(wrong).message


def test_an_agreement_is_given_once(desk: _Desk) -> None:
    """The same authorisation each time, for as many signatures as it was; its secret stands
    nowhere in clear."""
    credential = desk.credential()
    desk.counter.officer.set_activation_pin(credential, _PIN)
    agreed = _repeated(lambda it: desk.app.authorize_signing(credential, pin=_PIN, request_id=it))
    bank = desk.counter.bank
    made = query(
        bank, "SELECT count(*) FROM authorisations WHERE credential_id = ?", credential[12:]
    )
    assert made == [(1,)]
    assert desk.app.sign(credential, data=b"1", authorisation=agreed.authorisation).signature
    with pytest.raises(SignerdError) as used_up:
        desk.app.sign(credential, data=b"2", authorisation=agreed.authorisation)
    assert used_up.value.reason == "AUTHORISATION_USED_UP"
    secret = agreed.authorisation.split(".")[1].encode()
    files = [one for one in bank.directory.rglob("*") if one.is_file()]
    assert any(one.name.startswith("signerd.db") for one in files)
    assert not [one for one in files if secret in one.read_bytes()]


def test_a_code_for_a_key_is_sent_once(desk: _Desk) -> None:
    """One message for seven calls, and the code in it is good."""
    customer = desk.counter.registered()
    credential = desk.credential(customer.subscriber)
    _repeated(lambda it: desk.app.send_activation_code(credential, request_id=it))
    wait_until(lambda: desk.messages(customer.subscriber), "the code arrives")
    assert desk.messages(customer.subscriber) == 1


def test_an_unlocking_is_done_once(desk: _Desk) -> None:
    """The repetition of a reset does not take away the PIN that was set after it."""
    credential, officer = desk.credential(), desk.counter.officer
    officer.set_activation_pin(credential, _PIN)
    request_id = str(uuid.uuid4())
    assert not officer.unlock_activation(credential, reset_pin=True, request_id=request_id)
    officer.set_activation_pin(credential, _OTHER_PIN)
    assert not officer.unlock_activation(credential, reset_pin=True, request_id=request_id)
    assert desk.app.authorize_signing(credential, pin=_OTHER_PIN).authorisation


def test_a_password_is_set_once_and_a_wrong_one_counts_once(desk: _Desk) -> None:
    """The repetition of a change needs no other current password than the change did."""
    customer, officer = desk.counter.registered(), desk.counter.officer
    subscriber, new = customer.subscriber, "vague trombone 42 harbour"
    _repeated(lambda it: officer.set_password(subscriber, PASSWORD, request_id=it))

    def change(current: str) -> Callable[[str], object]:
        return lambda it: officer.set_password(
            subscriber, new, current_password=current, request_id=it
        )

    assert [_refused(change("not the one")).reason for _ in range(2)] == ["PASSWORD_WRONG"] * 2
    _repeated(change(PASSWORD))


def test_a_code_is_sent_once_and_a_wrong_one_counts_once(desk: _Desk) -> None:
    """One message, one failure for seven calls each; and what completes the proofs is told each
    time, until it is used and after."""
    counter, officer = desk.counter, desk.counter.officer
    customer = counter.registered()
    enrolment = counter.opened(customer, "ISSUE")
    officer.prove_identity(enrolment.name, licence_of(customer))
    counter.code(enrolment)
    assert desk.messages(customer.subscriber) == 1
    _repeated(lambda it: officer.send_code(enrolment.name, Factor.PHONE_CODE, request_id=it))
    wait_until(lambda: desk.messages(customer.subscriber) > 1, "the code arrives")
    code = counter.code(enrolment)
    assert desk.messages(customer.subscriber) == 3

    def proof(given: str) -> Callable[[str], object]:
        return lambda it: officer.prove_identity(
            enrolment.name, CodeProof(Factor.PHONE_CODE, given), request_id=it
        )

    other = f"{(int(code) + 1) % 1_000_000:06}"
    assert [_refused(proof(other)).reason for _ in range(2)] == ["CODE_WRONG"] * 2
    _repeated(proof(code))


def test_an_authorisation_is_given_once_and_a_wrong_code_counts_once(desk: _Desk) -> None:
    """Reference number and code are the same each time, and so is the refusal of a wrong code;
    with the right one they get the certificate."""
    counter, officer = desk.counter, desk.counter.officer
    customer = counter.registered()
    officer.set_password(customer.subscriber, PASSWORD)
    enrolment = counter.opened(customer, "ISSUE")
    officer.prove_identity(enrolment.name, licence_of(customer))
    proven = _repeated(
        lambda it: officer.prove_identity(enrolment.name, PasswordProof(PASSWORD), request_id=it)
    )
    made = proven.authorisation
    assert made is not None
    code = made.authorisation_code
    wrong = ("0" if code[0] != "0" else "1") + code[1:]

    def claim(given: str) -> Callable[[str], object]:
        return lambda it: officer.claim_certificate(made.reference_number, given, request_id=it)

    assert [_refused(claim(wrong)).reason for _ in range(4)] == ["AUTHORISATION_CODE_WRONG"] * 4
    _repeated(claim(code))
