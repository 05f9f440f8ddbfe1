"""SIGKILL while an identity number is used: it is asked for once, and forgotten by the dead."""

import uuid
from collections.abc import Iterator

import pytest

from examples.private_daemon import DaemonSize, PrivateDaemon, private_daemon
from signerd.core.fault import FaultPoint
from signerd_client import CertificateState, Client, RetryPolicy
from tests.e2e.customer import Customer, another, issue_banking
from tests.faults.fault_order import SETTINGS, FaultOrders
from tests.faults.judgement import judge_audit
from tests.faults.scene import places_of, query

pytestmark = pytest.mark.long

_RETRY = RetryPolicy(unreachable_s=60.0)
_POINTS = (
    # The number was used and its VID sealed; nothing is stored.
    FaultPoint.ISSUE_BEFORE_RESERVE,
    FaultPoint.STORE_RESERVE_UNCOMMITTED,
    # Whoever takes it over was never given the number.
    FaultPoint.ISSUE_RESERVED,
    FaultPoint.ISSUE_LINTED,
    FaultPoint.ISSUE_INTENT_RECORDED,
)


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    """Fault points can be armed."""
    with private_daemon(DaemonSize(fronts=2, hosts=1), SETTINGS) as running:
        yield running


@pytest.fixture
def orders(daemon: PrivateDaemon) -> Iterator[FaultOrders]:
    """Who dies where."""
    made = FaultOrders(daemon)
    yield made
    made.withdraw_all()


@pytest.fixture
def officer(daemon: PrivateDaemon) -> Iterator[Client]:
    """Tries again until a process answers."""
    with Client(daemon.target("ra-officer"), timeout_s=90, retry=_RETRY) as client:
        yield client


@pytest.fixture
def relying_party(daemon: PrivateDaemon) -> Iterator[Client]:
    """Asks whose a certificate is."""
    with Client(daemon.target("relying-party"), timeout_s=90, retry=_RETRY) as client:
        yield client


@pytest.mark.parametrize("point", _POINTS)
def test_an_issuance_is_brought_to_its_end(
    daemon: PrivateDaemon,
    orders: FaultOrders,
    officer: Client,
    relying_party: Client,
    point: FaultPoint,
) -> None:
    """One certificate, whose VID is that of the number, and no trace of the number."""
    customer, request_id = Customer(), str(uuid.uuid4())
    orders.give(point)
    issued = issue_banking(
        officer, customer, identity_number=customer.number, request_id=request_id
    )
    assert orders.wait_taken(point, 0.0)
    again = issue_banking(officer, customer, identity_number=customer.number, request_id=request_id)
    assert again == issued
    listed = officer.list_certificates(subscriber=customer.subscriber)
    assert [(one.name, one.state) for one in listed] == [(issued.name, CertificateState.ACTIVE)]
    assert relying_party.verify_identity(issued.name, customer.number).matches
    assert not relying_party.verify_identity(issued.name, another(customer.number)).matches
    assert places_of({customer.number.encode()}, daemon) == []


@pytest.mark.parametrize("point", [FaultPoint.STORE_CHANGE_UNCOMMITTED])
def test_a_registration_and_its_erasure_are_whole(
    daemon: PrivateDaemon, orders: FaultOrders, officer: Client, point: FaultPoint
) -> None:
    """What is not answered is repeated: registered once, changed once, erased once."""
    customer, new = Customer(), Customer()
    orders.give(point)
    registered = officer.register_subscriber(
        customer.subscriber, customer.name, customer.data, identity_number=customer.number
    )
    assert orders.wait_taken(point, 0.0)
    assert officer.find_subscribers(account=customer.account) == (registered,)
    orders.give(point)
    officer.update_subscriber(customer.subscriber, phone=new.phone)
    assert orders.wait_taken(point, 0.0)
    assert officer.find_subscribers(phone=customer.phone) == ()
    orders.give(point)
    erased = officer.erase_subscriber(customer.subscriber)
    assert orders.wait_taken(point, 0.0)
    assert (erased.masked, erased.real_name) == (None, "")
    left = query(
        daemon,
        "SELECT count(*) FROM subscriber_lookups WHERE subscriber_id = ?",
        customer.subscriber,
    )
    assert left == [(0,)]
    kinds = query(
        daemon,
        "SELECT kind FROM audit_events WHERE resource = ? ORDER BY position",
        f"subscribers/{customer.subscriber}",
    )
    assert kinds == [
        ("subscriber.registered",),
        ("subscriber.updated",),
        ("subscriber.erased",),
    ]
    judge_audit(daemon)
