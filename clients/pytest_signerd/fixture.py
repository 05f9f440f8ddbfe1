"""The fixtures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_signerd.option import ExistingDaemon, daemon_settings, existing_daemon, terms
from pytest_signerd.stash import CLOCK_DAEMON, SEED, allotment_of, begun_run, shared_daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_signerd.bank import Bank
    from pytest_signerd.clock import Clock
    from pytest_signerd.holding import Holding
    from pytest_signerd.outbox import Outbox
    from signerd_harness import Customer
    from signerd_harness.daemon_directory import DaemonDirectory


@pytest.fixture(scope="session")
def signerd_daemon(pytestconfig: pytest.Config) -> DaemonDirectory | ExistingDaemon:
    """The daemon of the run: `target(identity)`, `address`, `publisher_url`."""
    return shared_daemon(pytestconfig)


@pytest.fixture(scope="session")
def _session_bank(
    signerd_daemon: DaemonDirectory | ExistingDaemon, pytestconfig: pytest.Config
) -> Iterator[Bank]:
    bank = _bank_of(signerd_daemon, pytestconfig)
    yield bank
    bank.close()


@pytest.fixture(scope="session")
def _clock_and_bank(pytestconfig: pytest.Config) -> Iterator[tuple[Clock, Bank]]:
    from pytest_signerd.clock import Clock  # noqa: PLC0415 - loads gRPC
    from pytest_signerd.daemon import own_daemon  # noqa: PLC0415 - likewise

    if existing_daemon(pytestconfig) is not None:
        pytest.skip("the clock of the daemon at --signerd-target is not for tests to set")
    settings = {**daemon_settings(pytestconfig), "test.allow_clock_offset": "true"}
    with own_daemon(begun_run(pytestconfig), f"clock-{os.getpid()}", settings) as daemon:
        pytestconfig.stash[CLOCK_DAEMON] = daemon
        bank = _bank_of(daemon, pytestconfig)
        yield Clock(daemon), bank
        bank.close()


@pytest.fixture
def clock(_clock_and_bank: tuple[Clock, Bank]) -> Clock:
    """The daemon's clock: `advance("200d")`, `now()`. A test with it has a daemon that no other
    process uses, and everything of the bank is of that daemon."""
    clock = _clock_and_bank[0]
    # Not at the end of a test, where perhaps no other one follows.
    clock.reset()
    return clock


@pytest.fixture
def bank(request: pytest.FixtureRequest) -> Bank:
    """The bank: clients in each role (`officer`, `supervisor`, `signer`, `relying_party`,
    `auditor`, `operator`), and `register`, `issue`, `suspend`, `resume`, `revoke`, `reissue`."""
    if "clock" in request.fixturenames:
        of_clock: Bank = request.getfixturevalue("_clock_and_bank")[1]
        return of_clock
    bank: Bank = request.getfixturevalue("_session_bank")
    return bank


@pytest.fixture
def customers(bank: Bank, request: pytest.FixtureRequest) -> Callable[[int], list[Customer]]:
    """`customers(n)`: so many registered customers of this test, the same ones in every run. More
    than 50 need the mark `signerd_customers(count)`."""
    from signerd_harness import customers as made  # noqa: PLC0415 - loads gRPC

    allotment, seed = allotment_of(request.node), request.config.stash[SEED]
    given = 0

    def customers(count: int) -> list[Customer]:
        nonlocal given
        start, given = allotment.start + given, given + count
        if given > allotment.count:
            pytest.fail(
                f"this test may ask for {allotment.count} customers; for more mark it"
                f" with @pytest.mark.signerd_customers({given})"
            )
        return [bank.register(one) for one in made(count, seed=seed, start=start)]

    return customers


@pytest.fixture
def customer(customers: Callable[[int], list[Customer]]) -> Customer:
    """A registered customer: `name`, `subscriber`, `identity_number`, `account`, `phone`, …"""
    return customers(1)[0]


@pytest.fixture
def issued_certificate(bank: Bank, customer: Customer) -> Holding:
    """The customer's certificate: `sign(data)`, `private_key`, `x509`, `pem`, `now()`."""
    return bank.issue(customer)


@pytest.fixture
def suspended_certificate(bank: Bank, customer: Customer) -> Holding:
    """One that is on hold."""
    return bank.suspend(bank.issue(customer))


@pytest.fixture
def revoked_certificate(bank: Bank, customer: Customer) -> Holding:
    """One that was reported lost."""
    return bank.revoke(bank.issue(customer))


@pytest.fixture
def expired_certificate(bank: Bank, customer: Customer, pytestconfig: pytest.Config) -> Holding:
    """One that expired a moment ago, for everybody; takes two seconds to make."""
    if existing_daemon(pytestconfig) is not None:
        pytest.skip("the daemon at --signerd-target has no profile for it")
    return bank.issue_expired(customer)


@pytest.fixture
def outbox(bank: Bank) -> Outbox:
    """What customers were sent: `code(customer)`, `wait_for(customer, kind)`, `messages`."""
    from pytest_signerd.outbox import Outbox  # noqa: PLC0415 - loads gRPC

    return Outbox(bank.operator)


def _bank_of(daemon: DaemonDirectory | ExistingDaemon, config: pytest.Config) -> Bank:
    from pytest_signerd.bank import Bank  # noqa: PLC0415 - loads gRPC
    from pytest_signerd.daemon import documents_of  # noqa: PLC0415 - likewise

    return Bank(
        daemon.target,
        terms(config),
        publisher_url=daemon.publisher_url,
        documents=None if isinstance(daemon, ExistingDaemon) else documents_of(daemon.directory),
    )
