"""Activation against a running daemon: no agreement, no signature."""

import hashlib
import re
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from threading import Barrier

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.core.fault import FaultPoint
from signerd_client import ActivationMode, Certificate, Client, SigningAuthorisation, SignItem
from signerd_client.error import (
    FailedPrecondition,
    InvalidRequest,
    PermissionDenied,
    SignerdError,
)
from tests.e2e.customer import Customer
from tests.e2e.front_clients import front_clients
from tests.e2e.reloading import reload
from tests.e2e.waiting import wait_until
from tests.faults.fault_order import SETTINGS, FaultOrders

PIN = "274953"
DATA = b"transfer 10,000"
DIGEST = hashlib.sha256(DATA).digest()
_RIVAL = """
[[grant]]
principal = "uri:spiffe://signerd.local/client/rival"
role = "signer"
subscribers = ["*"]
"""
# There the last days, in which certificates can be renewed, are all their days.
_RENEWABLE = Path(__file__).parents[1] / "faults" / "profiles" / "tls-client.toml"
_CODE = re.compile(r"\b[0-9]{6}\b")


@dataclass(frozen=True)
class Desk:
    """The bank's people and programs around one daemon."""

    bank: PrivateDaemon
    officer: Client
    app: Client
    rival: Client
    auditor: Client
    operator: Client

    def issued(
        self,
        subscriber: str = "",
        algorithm: str = "EC_P256_SHA256",
        profile: str = "personal",
    ) -> Certificate:
        """A certificate whose key requires activation."""
        return self.officer.issue_certificate(
            subscriber or f"active-{uuid.uuid4().hex[:12]}",
            profile,
            "Hong",
            key_algorithm=algorithm,
            activation=ActivationMode.REQUIRED,
        )

    def with_pin(self, algorithm: str = "EC_P256_SHA256") -> str:
        """The credential of one, with PIN."""
        credential = self.issued(algorithm=algorithm).credential
        self.officer.set_activation_pin(credential, PIN)
        return credential

    def authorised(self, credential: str, count: int = 1) -> SigningAuthorisation:
        return self.app.authorize_signing(credential, pin=PIN, signature_count=count)

    def signed(self, credential: str, data: bytes, agreed: SigningAuthorisation) -> bool:
        """Whether the key signs this."""
        made = self.app.sign(credential, data=data, authorisation=agreed.authorisation)
        return self.app.verify(made.signature, credential=credential, data=data).valid

    def signatures(self, credential: str) -> list[dict[str, str]]:
        """Details of the signatures on record."""
        events = self.auditor.list_audit_events(resource=credential, kind="signature.created")
        return [dict(event.details) for event in events]


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    """A daemon whose faults can be armed, with two signers for everybody."""
    with private_daemon(DaemonSize(fronts=2, hosts=1), SETTINGS) as daemon:
        FaultOrders(daemon)
        assert daemon.run("add-client", "rival").returncode == 0
        with (daemon.directory / "policy.toml").open("a") as policy:
            policy.write(_RIVAL)
        copy(_RENEWABLE, daemon.directory / "profiles")
        reload(daemon)
        yield daemon


@pytest.fixture
def desk(bank: PrivateDaemon) -> Iterator[Desk]:
    names = ("ra-officer", "signer", "rival", "auditor", "operator")
    clients = [Client(bank.target(name)) for name in names]
    yield Desk(bank, *clients)
    for client in clients:
        client.close()


def _refusal(call: Callable[[], object], kind: type[SignerdError] = FailedPrecondition) -> str:
    with pytest.raises(kind) as refused:
        call()
    return refused.value.reason


@pytest.mark.parametrize("algorithm", ["EC_P256_SHA256", "RSA_2048_PSS_SHA256", "ED25519"])
def test_a_key_signs_as_often_as_was_agreed(desk: Desk, algorithm: str) -> None:
    """Without agreement never; with it so many times, each named on record; then no more."""
    credential = desk.with_pin(algorithm)
    assert _refusal(lambda: desk.app.sign(credential, data=DATA)) == "ACTIVATION_REQUIRED"
    agreed = desk.authorised(credential, 2)
    assert agreed.authorisation not in repr(agreed)
    for data in (b"1", b"2"):
        signed = desk.app.sign(credential, data=data, authorisation=agreed.authorisation)
        assert desk.app.verify(signed.signature, credential=credential, data=data).valid
    refused = _refusal(
        lambda: desk.app.sign(credential, data=b"3", authorisation=agreed.authorisation)
    )
    assert refused == "AUTHORISATION_USED_UP"
    recorded = [one["authorisation"] for one in desk.signatures(credential)]
    assert recorded == [agreed.name.removeprefix("authorisations/")] * 2
    (event,) = desk.auditor.list_audit_events(resource=credential, kind="signing.authorised")
    assert (event.details["count"], event.details["proof"]) == ("2", "PIN")


def test_an_authorisation_is_for_one_key_one_caller_and_these_digests(desk: Desk) -> None:
    """Another's, another key's, a changed or made-up one is worth nothing; what was not agreed to
    is not signed."""
    credential, other = desk.with_pin(), desk.with_pin()
    token = desk.authorised(credential, 5).authorisation

    def sign(client: Client, key: str, authorisation: str) -> Callable[[], object]:
        return lambda: client.sign(key, data=DATA, authorisation=authorisation)

    head, _, secret = token.partition(".")
    for attempt in (
        sign(desk.rival, credential, token),
        sign(desk.app, other, token),
        sign(desk.app, credential, f"{head}.{secret[:-2]}xx"),
        sign(desk.app, credential, head),
        sign(desk.app, credential, f"{'0' * 32}.{secret}"),
        sign(desk.app, credential, "한글"),
    ):
        assert _refusal(attempt, PermissionDenied) == "AUTHORISATION_INVALID"
    bound = desk.app.authorize_signing(credential, pin=PIN, digests=[DIGEST])
    assert bound.signature_count == 1
    elsewhere = _refusal(
        lambda: desk.app.sign(credential, data=b"x", authorisation=bound.authorisation),
        PermissionDenied,
    )
    assert elsewhere == "DIGEST_NOT_AUTHORISED"
    for authorisation in (bound.authorisation, token):
        desk.app.sign(credential, data=DATA, authorisation=authorisation)


def test_an_agreement_is_counted_across_fronts(desk: Desk) -> None:
    """Of eight signatures at the same moment on all fronts as many are answered as were agreed to,
    and as many are on record."""
    credential = desk.with_pin()
    token = desk.authorised(credential, 3).authorisation
    start = Barrier(8)

    def sign(numbered: tuple[int, Client]) -> str:
        number, client = numbered
        start.wait()
        try:
            client.sign(credential, data=bytes([number]), authorisation=token)
        except FailedPrecondition as refused:
            return refused.reason
        return "signed"

    with front_clients(desk.bank, "signer") as fronts, ThreadPoolExecutor(8) as pool:
        clients = [(number, fronts[number % len(fronts)]) for number in range(8)]
        answers = list(pool.map(sign, clients))
    assert sorted(answers) == ["AUTHORISATION_USED_UP"] * 5 + ["signed"] * 3
    assert len(desk.signatures(credential)) == 3


def test_a_batch_is_agreed_to_as_a_whole(desk: Desk) -> None:
    """Items of one authorisation are signed together or not at all; keys without activation in the
    same batch are signed whatever becomes of them."""
    credential = desk.with_pin()
    free = desk.officer.issue_certificate(
        "active-free", "personal", "Hong", key_algorithm="EC_P256_SHA256"
    )
    assert free.activation is ActivationMode.NONE
    token = desk.authorised(credential, 3).authorisation

    def batch(count: int, authorisation: str) -> list[str]:
        items = [
            SignItem(credential, data=bytes([number]), authorisation=authorisation)
            for number in range(count)
        ]
        results = desk.app.batch_sign([SignItem(free.credential, data=DATA), *items])
        return [one.reason if isinstance(one, SignerdError) else "signed" for one in results]

    assert batch(4, token) == ["signed", *["AUTHORISATION_USED_UP"] * 4]
    assert batch(2, "") == ["signed", *["ACTIVATION_REQUIRED"] * 2]
    assert batch(3, token) == ["signed"] * 4
    assert batch(1, token) == ["signed", "AUTHORISATION_USED_UP"]
    (event,) = desk.signatures(credential)
    assert (event["count"], "authorisation" in event) == ("3", True)
    assert all("authorisation" not in one for one in desk.signatures(free.credential))


def test_wrong_proofs_lock_until_an_officer_unlocks(desk: Desk) -> None:
    """PINs and codes count together; the fifth locks, also for the right PIN, and the audit has
    each. An officer unlocks, and resets a forgotten PIN, which withdraws what was agreed."""
    credential = desk.with_pin()
    token = desk.authorised(credential, 9).authorisation

    def wrong() -> SignerdError:
        with pytest.raises(SignerdError) as refused:
            desk.app.authorize_signing(credential, pin="274954")
        assert "274954" not in str(refused.value)
        return refused.value

    assert [wrong().reason for _ in range(4)] == ["PIN_WRONG"] * 4
    fifth = wrong()
    assert fifth.reason == "ACTIVATION_LOCKED"
    assert "UnlockActivation" in fifth.message
    assert _refusal(lambda: desk.authorised(credential)) == "ACTIVATION_LOCKED"
    change = _refusal(
        lambda: desk.officer.set_activation_pin(credential, "482613", current_pin=PIN)
    )
    assert change == "ACTIVATION_LOCKED"
    assert _refusal(lambda: desk.app.unlock_activation(credential), PermissionDenied)
    assert desk.officer.unlock_activation(credential)
    desk.authorised(credential)
    assert not desk.officer.unlock_activation(credential, reset_pin=True)
    assert _refusal(lambda: desk.authorised(credential)) == "PIN_ABSENT"
    withdrawn = _refusal(
        lambda: desk.app.sign(credential, data=DATA, authorisation=token), PermissionDenied
    )
    assert withdrawn == "AUTHORISATION_INVALID"
    kinds = [event.kind for event in desk.auditor.list_audit_events(resource=credential)]
    assert kinds.count("activation.refused") == 5
    assert kinds.count("activation.unlocked") == 2


def test_a_pin_is_changed_with_the_one_in_force(desk: Desk) -> None:
    """Whoever may set PINs still needs the current one, and weak ones are not taken."""
    credential = desk.with_pin()

    def change(new: str, current: str = "") -> Callable[[], object]:
        return lambda: desk.officer.set_activation_pin(credential, new, current_pin=current)

    assert _refusal(change("482613")) == "PIN_CURRENT_MISSING"
    assert _refusal(change("482613", "999999"), InvalidRequest) == "PIN_WRONG"
    assert _refusal(change("111111", PIN), InvalidRequest) == "PIN_WEAK"
    change("482613", PIN)()
    assert _refusal(lambda: desk.authorised(credential), InvalidRequest) == "PIN_WRONG"
    desk.app.authorize_signing(credential, pin="482613")


def test_a_code_is_sent_to_the_phone_and_counts_once(desk: Desk) -> None:
    """The registered phone gets it; used, another one is needed. A reset withdraws what was agreed
    by it, though there is no PIN to take away."""
    customer = Customer()
    desk.officer.register_subscriber(
        customer.subscriber, customer.name, customer.data, branch="041"
    )
    credential = desk.issued(customer.subscriber).credential
    assert _refusal(lambda: desk.app.authorize_signing(credential, code="123456")) == "CODE_ABSENT"
    sent = desk.app.send_activation_code(credential)
    assert customer.phone not in sent.sent_to
    codes: list[str] = []

    def arrived() -> bool:
        for message in desk.operator.list_messages(subscriber=customer.subscriber, kind="CODE"):
            told = _CODE.search(message.content.text) if message.content else None
            codes.extend([told[0]] if told else [])
        return bool(codes)

    wait_until(arrived, "the code arrives")
    agreed = desk.app.authorize_signing(credential, code=codes[0], signature_count=2)
    assert desk.signed(credential, DATA, agreed)
    assert _refusal(lambda: desk.app.authorize_signing(credential, code=codes[0])) == "CODE_ABSENT"
    assert not desk.officer.unlock_activation(credential, reset_pin=True)
    token = agreed.authorisation
    withdrawn = _refusal(
        lambda: desk.app.sign(credential, data=DATA, authorisation=token), PermissionDenied
    )
    assert withdrawn == "AUTHORISATION_INVALID"
    unregistered = desk.issued().credential
    refused = _refusal(lambda: desk.app.send_activation_code(unregistered))
    assert refused == "SUBSCRIBER_NOT_REGISTERED"


def test_renewal_keeps_the_pin_and_reissue_does_not(desk: Desk) -> None:
    """Both keep that the key requires activation. A renewal, itself agreed to, keeps the PIN;
    reissue follows a loss, and the PIN is set again. What needs no agreement cannot be agreed
    to."""
    old = desk.issued(profile="tls-client")
    desk.officer.set_activation_pin(old.credential, PIN)
    assert _refusal(lambda: desk.app.renew(old.name)) == "ACTIVATION_REQUIRED"
    token = desk.authorised(old.credential).authorisation
    renewed = desk.app.renew(old.name, authorisation=token).certificate
    assert renewed.activation is ActivationMode.REQUIRED
    assert desk.signed(renewed.credential, DATA, desk.authorised(renewed.credential))
    issued = desk.issued()
    desk.officer.set_activation_pin(issued.credential, PIN)
    reissued = desk.officer.reissue_certificate(issued.name).certificate
    assert reissued.activation is ActivationMode.REQUIRED
    assert _refusal(lambda: desk.authorised(reissued.credential)) == "PIN_ABSENT"
    assert _refusal(lambda: desk.app.sign(reissued.credential, data=DATA)) == "ACTIVATION_REQUIRED"
    assert _refusal(lambda: desk.authorised(issued.credential)) == "CREDENTIAL_RETIRED"
    free = desk.officer.issue_certificate(
        "active-none", "personal", "Hong", key_algorithm="EC_P256_SHA256"
    )
    nothing = _refusal(lambda: desk.authorised(free.credential))
    assert nothing == "ACTIVATION_NOT_REQUIRED"


def test_no_secret_is_in_log_or_database(desk: Desk, bank: PrivateDaemon) -> None:
    """PIN and authorisation are in neither, nor in the audit."""
    credential = desk.with_pin()
    token = desk.authorised(credential).authorisation
    desk.app.sign(credential, data=DATA, authorisation=token)
    _, _, secret = token.partition(".")
    files = [one.read_bytes() for one in bank.directory.glob("signerd.db*")]
    for kept in (bank.log().encode(), *files):
        assert secret.encode() not in kept
        assert f'"{PIN}"'.encode() not in kept


@pytest.mark.parametrize(
    "point",
    [
        FaultPoint.HOST_AFTER_SIGN,
        FaultPoint.SIGN_BEFORE_RECORD,
        FaultPoint.SIGN_RECORDED,
    ],
)
def test_a_crash_costs_one_signature_and_no_more(desk: Desk, point: FaultPoint) -> None:
    """Whatever dies on the way, the call is answered when it is repeated, and one of the agreed
    signatures is gone."""
    credential = desk.with_pin()
    token = desk.authorised(credential, 2).authorisation
    orders = FaultOrders(desk.bank)
    orders.give(point)
    desk.app.sign(credential, data=b"1", authorisation=token)
    assert orders.is_taken(point)
    desk.app.sign(credential, data=b"2", authorisation=token)
    refused = _refusal(lambda: desk.app.sign(credential, data=b"3", authorisation=token))
    assert refused == "AUTHORISATION_USED_UP"


def test_a_crash_while_agreeing_leaves_all_or_nothing(desk: Desk) -> None:
    """Killed in the transaction, the repeated call is answered, and one authorisation is on
    record."""
    credential = desk.with_pin()
    orders = FaultOrders(desk.bank)
    orders.give(FaultPoint.STORE_ACTIVATION_UNCOMMITTED)
    token = desk.authorised(credential).authorisation
    assert orders.is_taken(FaultPoint.STORE_ACTIVATION_UNCOMMITTED)
    desk.app.sign(credential, data=DATA, authorisation=token)
    events = desk.auditor.list_audit_events(resource=credential, kind="signing.authorised")
    assert len(list(events)) == 1
