"""Scenario files: strict, and an error names what is wrong."""

import re

import pytest

from signerd_client import KeyAlgorithm
from signerd_harness.act import RULES, Act
from signerd_harness.scenario import Arrival, Extent, Scenario
from signerd_harness.scenario_file import (
    ScenarioError,
    load_scenario,
    parse_scenario,
    shipped_scenarios,
)
from tests.docs.console import section, table

_LEAST = """
[customers]
count = 3
algorithm = "EC_P256_SHA256"
[arrival]
callers = 2
[run]
count = 5
[mix]
transfer = 1
"""


def _with(before: str, after: str) -> str:
    assert before in _LEAST
    return _LEAST.replace(before, after)


def test_the_least_that_a_scenario_says() -> None:
    """Everything else has a default."""
    found = parse_scenario(_LEAST, "mine.toml")
    assert (found.name, found.title) == ("mine", "mine")
    assert found.customers.algorithm is KeyAlgorithm.EC_P256_SHA256
    assert (found.arrival, found.extent) == (Arrival(callers=2), Extent(count=5))
    assert found.mix == {Act.TRANSFER: 1.0}
    assert found.thresholds.error_share == 0.0


@pytest.mark.parametrize("scenario", shipped_scenarios(), ids=lambda it: it.name)
def test_what_is_shipped_can_be_run(scenario: Scenario) -> None:
    """Each by its name."""
    assert load_scenario(scenario.name) == scenario


def test_the_smoke_scenario_has_every_act() -> None:
    """It is the one that finds out whether each works at all."""
    assert set(load_scenario("smoke").mix) == set(RULES) == set(Act)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (_LEAST + "[thresholds]\np99 = 3", "mine.toml: thresholds.p99 means nothing here"),
        ("tite = 'x'" + _LEAST, "mine.toml: tite means nothing here"),
        (_with("transfer", "transfr"), "mix.transfr is no act; there are transfer, payroll"),
        (_with("transfer = 1", "transfer = 0"), "mix.transfer or another act needs a weight"),
        (_with("[run]\ncount = 5", ""), "run is missing"),
        (_with("count = 5", ""), "run.duration_s or run.count is given"),
        (_with("count = 5", "count = 5\nduration_s = 1"), "run.duration_s or run.count is given"),
        (_with("callers = 2", "callers = 2\nrate_per_s = 1"), "arrival.rate_per_s or"),
        (_with("count = 3", "count = true"), "customers.count is a whole number from 1 to"),
        (_with("count = 3", "count = 3\nexpired = 3"), "customers.expired is a whole number"),
        (_with("EC_P256_SHA256", "RC4"), "customers.algorithm is one of RSA_2048"),
        (_with("transfer = 1", "transfer-expired = 1"), "needs customers.expired"),
        (_with("transfer = 1", "wrong-pin = 1"), "needs customers.with_pin"),
        (_with("transfer = 1", "wrong-password = 1"), "needs customers.enrolment"),
        (_LEAST + "[incident]\nvictims = ['supervisor']", "incident.victims is a list of some of"),
        ("customers = 3", "customers is a table: write [customers]"),
        ("customers", "mine.toml is no TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    """File, key and what would be right."""
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "mine.toml")
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_named() -> None:
    """With what else could be given."""
    with pytest.raises(ScenarioError, match=r"cannot read nowhere: .*harness list"):
        load_scenario("nowhere")


def test_the_readme_has_every_act_and_a_scenario_that_can_be_run() -> None:
    """Its table is that of the code, its example is taken as it stands."""
    text = section("Scenarios")
    listed = {row[0].strip("`"): row[1] for row in table(text)}
    assert listed == {
        act.value: f"refused, `{rule.refusal}`" if rule.refusal else "done"
        for act, rule in RULES.items()
    }
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert parse_scenario(example, "mine.toml").incident.victims == ("front", "host")
