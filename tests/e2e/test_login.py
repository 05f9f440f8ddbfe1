"""Login by certificate against a running daemon, on every front."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from threading import Barrier

import pytest
from asn1crypto import cms

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.core.fault import LOGIN_POINTS, FaultPoint
from signerd_client import Certificate, Client, CmsForm, login_statement
from signerd_client.error import (
    AlreadyExists,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    SignerdError,
)
from tests.e2e.front_clients import front_clients
from tests.e2e.reloading import reload
from tests.faults.fault_order import SETTINGS, FaultOrders

DOMAIN = "shop.bank.example"
_RIVAL = """
[[grant]]
principal = "uri:spiffe://signerd.local/client/rival"
role = "relying-party"
"""


@pytest.fixture(scope="module")
def bank() -> Iterator[PrivateDaemon]:
    """A daemon whose faults can be armed, with two relying parties."""
    with private_daemon(DaemonSize(fronts=2, hosts=1), SETTINGS) as daemon:
        FaultOrders(daemon)
        made = daemon.run("add-client", "rival")
        assert made.returncode == 0, made.stderr
        with (daemon.directory / "policy.toml").open("a") as policy:
            policy.write(_RIVAL)
        reload(daemon)
        yield daemon


@pytest.fixture
def shop(bank: PrivateDaemon) -> Iterator[Client]:
    """The relying party."""
    with Client(bank.target("relying-party")) as client:
        yield client


@pytest.fixture
def app(bank: PrivateDaemon) -> Iterator[Client]:
    """The customer's app."""
    with Client(bank.target("signer")) as client:
        yield client


@pytest.fixture(scope="module")
def customer(bank: PrivateDaemon) -> Certificate:
    return _issue(bank)


def _issue(bank: PrivateDaemon) -> Certificate:
    with Client(bank.target("ra-officer")) as officer:
        return officer.issue_certificate(
            f"login-{uuid.uuid4().hex[:12]}", "personal", "Hong", key_algorithm="EC_P256_SHA256"
        )


def _refusal(call: Callable[[], object], kind: type[SignerdError] = FailedPrecondition) -> str:
    with pytest.raises(kind) as refused:
        call()
    return refused.value.reason


def test_a_customer_logs_in(bank: PrivateDaemon, shop: Client, app: Client) -> None:
    """The app sees whom it answers, the shop learns whose certificate it is, and both the login
    and the signature are on record."""
    customer = _issue(bank)
    challenge = shop.create_challenge(DOMAIN, subscriber=customer.subscriber)
    statement = login_statement(challenge.statement)
    assert (statement.domain, statement.subscriber) == (DOMAIN, customer.subscriber)
    assert statement.relying_party == shop.server_info().principal
    assert statement.expire_time == challenge.expire_time
    signature = app.sign_login(customer.credential, challenge.statement, domain=DOMAIN).signature
    login = shop.verify_challenge_response(
        challenge.statement, signature, certificate=customer.name
    )
    assert (login.valid, login.problems) == (True, ())
    assert (login.subscriber, login.certificate) == (customer.subscriber, customer.name)
    assert login.certificate_state == "ACTIVE"
    with Client(bank.target("auditor")) as auditor:
        (event,) = auditor.list_audit_events(resource=customer.name, kind="login.verified")
    assert event.details["subscriber"] == customer.subscriber.removeprefix("subscribers/")


def test_a_challenge_counts_once(
    bank: PrivateDaemon, shop: Client, app: Client, customer: Certificate
) -> None:
    """Of many responses on all fronts at the same moment one is accepted; a retry of that one gets
    the same answer, and another call under its id is refused."""
    challenge = shop.create_challenge(DOMAIN)
    signature = app.sign_login(customer.credential, challenge.statement, domain=DOMAIN).signature
    ids = [str(uuid.uuid4()) for _ in range(8)]
    start = Barrier(len(ids))

    def answer(client: Client, request_id: str) -> str:
        start.wait()
        try:
            login = client.verify_challenge_response(
                challenge.statement, signature, certificate=customer.name, request_id=request_id
            )
        except FailedPrecondition as refused:
            return refused.reason
        return f"valid {login.valid}"

    with front_clients(bank, "relying-party") as fronts, ThreadPoolExecutor(len(ids)) as pool:
        clients = [fronts[number % len(fronts)] for number in range(len(ids))]
        answers = list(pool.map(answer, clients, ids))
    assert sorted(answers) == ["CHALLENGE_USED"] * 7 + ["valid True"]
    winner = ids[answers.index("valid True")]

    def repeat(certificate: str) -> bool:
        return shop.verify_challenge_response(
            challenge.statement, signature, certificate=certificate, request_id=winner
        ).valid

    assert repeat(customer.name)
    other = _issue(bank).name
    assert _refusal(lambda: repeat(other), AlreadyExists) == "REQUEST_ID_REUSED"


def test_a_login_is_no_transaction_and_a_transaction_no_login(
    shop: Client, app: Client, customer: Certificate
) -> None:
    """Sign and Verify do not take a challenge for a transfer; a signed transfer answers no
    challenge; and no changed statement is a challenge."""
    challenge = shop.create_challenge(DOMAIN)
    data = challenge.statement.encode()
    login = app.sign_login(customer.credential, data, domain=DOMAIN).signature
    found = shop.verify(login, certificate=customer.name, data=data)
    assert (found.valid, found.signature_valid) == (False, True)
    assert found.codes == ("LOGIN_CHALLENGE_NOT_A_TRANSACTION",)
    for wrong in (
        {"data": data},
        {"data": b"transfer 10,000", "purpose": "login"},
        {"digest": sha256(data).digest(), "purpose": "login"},
    ):
        assert (
            _refusal(
                lambda wrong=wrong: app.sign(customer.credential, **wrong),  # type: ignore[misc]
                InvalidRequest,
            )
            == "LOGIN_PURPOSE"
        )
    with pytest.raises(ValueError, match=r"evil\.example"):
        app.sign_login(customer.credential, data, domain="evil.example")
    transfer = app.sign(customer.credential, data=b"transfer 10,000").signature
    answer = shop.verify_challenge_response(
        challenge.statement, transfer, certificate=customer.name
    )
    assert answer.codes == ("SIGNATURE_INVALID",)
    changed = login_statement(challenge.statement)
    for other in (
        replace(changed, domain="evil.example"),
        replace(changed, expire_time=changed.expire_time + timedelta(days=1)),
        replace(changed, subscriber="subscribers/somebody"),
    ):
        text = other.data.decode()
        assert (
            _refusal(
                lambda text=text: shop.verify_challenge_response(  # type: ignore[misc]
                    text, login, certificate=customer.name
                ),
                NotFound,
            )
            == "CHALLENGE_UNKNOWN"
        )


def test_no_document_is_a_login(shop: Client, app: Client, customer: Certificate) -> None:
    """A challenge is not signed as a document, whose plain form would be the login; and a login
    that somebody wraps as a document is found out."""
    data = shop.create_challenge(DOMAIN).statement.encode()
    for form in CmsForm:
        refused = _refusal(
            lambda form=form: app.sign_cms(  # type: ignore[misc]
                customer.credential, data=data, form=form
            ),
            InvalidRequest,
        )
        assert refused == "LOGIN_PURPOSE"
    login = app.sign_login(customer.credential, data, domain=DOMAIN).signature
    order = app.sign_cms(customer.credential, data=b"order", form=CmsForm.PKCS7).cms
    message = cms.ContentInfo.load(order)
    signed = message["content"]
    signed["encap_content_info"]["content"] = data
    signed["signer_infos"][0]["signature"] = login
    verdict = shop.verify_cms(message.dump(force=True))
    assert not verdict.valid
    assert "LOGIN_CHALLENGE_NOT_A_TRANSACTION" in [one.code for one in verdict.problems]
    assert [one.signature_intact for one in verdict.signers] == [True]


def test_challenges_are_bound(
    bank: PrivateDaemon, shop: Client, app: Client, customer: Certificate
) -> None:
    """To the relying party that made it, and to the subscriber and the certificate it names."""
    other = _issue(bank)
    challenge = shop.create_challenge(DOMAIN, subscriber=other.subscriber, certificate=other.name)
    signature = app.sign_login(customer.credential, challenge.statement, domain=DOMAIN).signature
    answer = shop.verify_challenge_response(
        challenge.statement, signature, certificate=customer.der
    )
    assert answer.codes == ("OTHER_SUBSCRIBER", "OTHER_CERTIFICATE")
    made = shop.create_challenge(DOMAIN)
    signature = app.sign_login(customer.credential, made.statement, domain=DOMAIN).signature
    with Client(bank.target("rival")) as rival:

        def answer_of_rival() -> bool:
            return rival.verify_challenge_response(
                made.statement, signature, certificate=customer.name
            ).valid

        assert _refusal(answer_of_rival, NotFound) == "CHALLENGE_UNKNOWN"
    assert shop.verify_challenge_response(
        made.statement, signature, certificate=customer.name
    ).valid


def test_refusals_count(shop: Client, app: Client, customer: Certificate) -> None:
    """Five responses that do not count end a challenge, even for the right one."""
    challenge = shop.create_challenge(DOMAIN)
    for _ in range(5):
        wrong = shop.verify_challenge_response(
            challenge.statement, b"wrong", certificate=customer.name
        )
        assert wrong.codes == ("SIGNATURE_INVALID",)
    right = app.sign_login(customer.credential, challenge.statement, domain=DOMAIN).signature

    def answer() -> bool:
        return shop.verify_challenge_response(
            challenge.statement, right, certificate=customer.name
        ).valid

    assert _refusal(answer) == "CHALLENGE_FAILED"


def test_the_signers_standing_counts(bank: PrivateDaemon, shop: Client, app: Client) -> None:
    """A certificate revoked after the challenge was signed does not log in."""
    customer = _issue(bank)
    challenge = shop.create_challenge(DOMAIN)
    signature = app.sign_login(customer.credential, challenge.statement, domain=DOMAIN).signature
    with Client(bank.target("ra-officer")) as officer:
        officer.revoke_certificate(customer.name, "KEY_COMPROMISE")
    answer = shop.verify_challenge_response(
        challenge.statement, signature, certificate=customer.name
    )
    assert (answer.valid, answer.codes) == (False, ("CERTIFICATE_REVOKED",))
    assert answer.certificate_state == "REVOKED"


@pytest.mark.parametrize("domain", ["", " ", "a\nb", "a ", "a  b", "x" * 101, "a\u202eb"])
def test_domains_are_plain(shop: Client, domain: str) -> None:
    """A name that cannot be shown as it is, or could carry another line, is refused."""
    assert _refusal(lambda: shop.create_challenge(domain), InvalidRequest) == "DOMAIN_INVALID"


@pytest.mark.parametrize("point", LOGIN_POINTS)
def test_a_crash_while_logging_in_costs_nothing(
    bank: PrivateDaemon, shop: Client, app: Client, customer: Certificate, point: FaultPoint
) -> None:
    """The same response again logs in; another one does not; the login is on record once."""
    challenge = shop.create_challenge(DOMAIN)
    signature = app.sign_login(customer.credential, challenge.statement, domain=DOMAIN).signature
    orders = FaultOrders(bank)
    orders.give(point)
    request_id = str(uuid.uuid4())
    login = shop.verify_challenge_response(
        challenge.statement, signature, certificate=customer.name, request_id=request_id
    )
    assert login.valid
    assert orders.is_taken(point)

    def again() -> bool:
        return shop.verify_challenge_response(
            challenge.statement, signature, certificate=customer.name
        ).valid

    assert _refusal(again) == "CHALLENGE_USED"
    with Client(bank.target("auditor")) as auditor:
        events = auditor.list_audit_events(resource=customer.name, kind="login.verified")
        assert [one.request_id for one in events].count(request_id) == 1
