"""Scenario files: TOML, in which a key that means nothing is an error that names it."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

from signerd_client import KeyAlgorithm
from signerd_harness.act import RULES, Act, Standing
from signerd_harness.customer import LIMIT, SEED_LIMIT
from signerd_harness.scenario import (
    Arrival,
    EnrolmentWay,
    Extent,
    Incident,
    Population,
    PrivateSize,
    Scenario,
    Thresholds,
    Verification,
)

T = TypeVar("T")

_SHIPPED: Final = resources.files("signerd_harness") / "scenarios"
_VICTIMS: Final = ("front", "host", "keeper")
_DAY_S: Final = 86_400.0


class ScenarioError(ValueError):
    """A scenario that cannot be run; the message names file and key."""


def shipped_scenarios() -> tuple[Scenario, ...]:
    """Those that come with the package, by name."""
    found = sorted(entry.name for entry in _SHIPPED.iterdir() if entry.name.endswith(".toml"))
    return tuple(load_scenario(name.removesuffix(".toml")) for name in found)


def scenario_text(name: str) -> str:
    """The TOML of a file, or of a shipped scenario by its name. Raises ScenarioError."""
    shipped = _SHIPPED / f"{name}.toml"
    if "/" not in name and shipped.is_file():
        return shipped.read_text("utf-8")
    try:
        return Path(name).read_text("utf-8")
    except OSError as error:
        raise ScenarioError(
            f"cannot read {name}: {error.strerror}; give a file, or a name that"
            " `signerctl harness list` shows"
        ) from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{name} is not UTF-8") from None


def load_scenario(name: str) -> Scenario:
    """A scenario by file or shipped name. Raises ScenarioError."""
    return parse_scenario(scenario_text(name), name)


def parse_scenario(text: str, name: str) -> Scenario:
    """name: of the file or shipped scenario, for messages. Raises ScenarioError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{name} is no TOML: {error}") from None
    whole = _Table(name, "", document)
    scenario = Scenario(
        name=Path(name).stem,
        title=whole.text("title", Path(name).stem),
        customers=_population(whole.table("customers", required=True)),
        arrival=_arrival(whole.table("arrival", required=True)),
        extent=_extent(whole.table("run", required=True)),
        mix=_acts(whole.table("mix", required=True), positive=True),
        thresholds=_thresholds(whole.table("thresholds")),
        verification=_verification(whole.table("verification")),
        private=_private(whole.table("private")),
        incident=_incident(whole.table("incident")),
        timeout_s=whole.number("timeout_s", 60.0, least=0.1, most=600.0),
    )
    whole.end()
    _check_customers(scenario, name)
    return scenario


class _Table:
    """A table of the document, from which keys are taken; what is left at the end is unknown."""

    def __init__(self, file: str, path: str, entries: Mapping[str, Any]) -> None:
        self._file = file
        self._path = path
        self._entries = dict(entries)

    def table(self, key: str, *, required: bool = False) -> "_Table":
        """A table in it; empty where there is none."""
        if key not in self._entries and required:
            raise self.error(key, "is missing")
        entries = self._entries.pop(key, {})
        if not isinstance(entries, dict):
            raise self.error(key, f"is a table: write [{self._name(key)}]")
        return _Table(self._file, self._name(key), entries)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if not isinstance(value, str) or not value:
            raise self.error(key, "is a text that is not empty")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "is true or false")
        return value

    def whole_number(self, key: str, default: int | None = None, *, least: int, most: int) -> int:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.error(key, f"is a whole number from {least} to {most}")
        return value

    def number(self, key: str, default: float | None = None, *, least: float, most: float) -> float:
        value = self._take(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not least <= value <= most
        ):
            raise self.error(key, f"is a number from {least:g} to {most:g}")
        return float(value)

    def one_of(
        self,
        key: str,
        make: Callable[[str], T],
        names: Iterable[str],
        default: str | None = None,
    ) -> T:
        text = self.text(key, default)
        if text not in (known := list(names)):
            raise self.error(key, f"is one of {', '.join(known)}, not {text}")
        return make(text)

    def texts(self, key: str, names: Iterable[str]) -> tuple[str, ...]:
        value = self._take(key, [])
        known = list(names)
        if not isinstance(value, list) or any(one not in known for one in value):
            raise self.error(key, f"is a list of some of {', '.join(known)}")
        return tuple(value)

    def names(self) -> list[str]:
        return list(self._entries)

    def end(self) -> None:
        """Raises ScenarioError for a key that nobody took."""
        for key in self._entries:
            raise self.error(key, "means nothing here; check its spelling")

    def error(self, key: str, problem: str) -> ScenarioError:
        return ScenarioError(f"{self._file}: {self._name(key)} {problem}")

    def _take(self, key: str, default: object) -> object:
        value = self._entries.pop(key, default)
        if value is None:
            raise self.error(key, "is missing")
        return value

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def _population(table: _Table) -> Population:
    count = table.whole_number("count", least=1, most=LIMIT)
    expired = table.whole_number("expired", 0, least=0, most=count - 1)
    found = Population(
        count=count,
        seed=table.whole_number("seed", 0, least=0, most=SEED_LIMIT - 1),
        profile=table.text("profile", "personal"),
        algorithm=table.one_of("algorithm", KeyAlgorithm, KeyAlgorithm),
        expired=expired,
        with_pin=table.whole_number("with_pin", 0, least=0, most=count - 1 - expired),
        enrolment=table.one_of("enrolment", EnrolmentWay, EnrolmentWay, EnrolmentWay.DIRECT),
    )
    table.end()
    return found


def _arrival(table: _Table) -> Arrival:
    found = Arrival(
        rate_per_s=table.number("rate_per_s", 0.0, least=0.0, most=1e6),
        callers=table.whole_number("callers", 0, least=0, most=10_000),
        ramp_s=table.number("ramp_s", 0.0, least=0.0, most=_DAY_S),
    )
    if (found.rate_per_s > 0) == (found.callers > 0):
        raise table.error("rate_per_s", "or arrival.callers is given, one of the two")
    table.end()
    return found


def _extent(table: _Table) -> Extent:
    found = Extent(
        duration_s=table.number("duration_s", 0.0, least=0.0, most=30 * _DAY_S),
        count=table.whole_number("count", 0, least=0, most=10**9),
    )
    if (found.duration_s > 0) == (found.count > 0):
        raise table.error("duration_s", "or run.count is given, one of the two")
    table.end()
    return found


def _acts(table: _Table, *, positive: bool) -> dict[Act, float]:
    """Numbers by act."""
    found: dict[Act, float] = {}
    for key in table.names():
        if key not in list(Act):
            raise table.error(key, f"is no act; there are {', '.join(Act)}")
        found[Act(key)] = table.number(key, least=0.0, most=1e9)
    if positive and not any(found.values()):
        raise table.error(Act.TRANSFER, "or another act needs a weight above 0")
    return {act: value for act, value in found.items() if value > 0}


def _thresholds(table: _Table) -> Thresholds:
    found = Thresholds(
        error_share=table.number("error_share", 0.0, least=0.0, most=1.0),
        p99_ms=_acts(table.table("p99_ms"), positive=False),
    )
    table.end()
    return found


def _verification(table: _Table) -> Verification:
    found = Verification(
        processes=table.whole_number("processes", 2, least=1, most=256),
        during_run=table.flag("during_run", default=False),
    )
    table.end()
    return found


def _private(table: _Table) -> PrivateSize:
    found = PrivateSize(
        fronts=table.whole_number("fronts", 2, least=1, most=64),
        hosts=table.whole_number("hosts", 2, least=1, most=64),
    )
    table.end()
    return found


def _incident(table: _Table) -> Incident:
    found = Incident(
        victims=table.texts("victims", _VICTIMS),
        interval_s=table.number("interval_s", 1.0, least=0.05, most=_DAY_S),
    )
    table.end()
    return found


def _check_customers(scenario: Scenario, name: str) -> None:
    """That there are customers for each act."""
    if Act.WRONG_PASSWORD in scenario.mix and (
        scenario.customers.enrolment is not EnrolmentWay.PROOFS
    ):
        raise ScenarioError(
            f'{name}: mix.{Act.WRONG_PASSWORD} needs customers.enrolment = "proofs": the others'
            " have no password"
        )
    for act in scenario.mix:
        if Standing.EXPIRED in RULES[act].needs and not scenario.customers.expired:
            raise ScenarioError(
                f"{name}: mix.{act} needs customers.expired, customers whose certificate has"
                " expired"
            )
        if Standing.WITH_PIN in RULES[act].needs and not scenario.customers.with_pin:
            raise ScenarioError(
                f"{name}: mix.{act} needs customers.with_pin, customers whose key signs with their"
                " PIN only"
            )
