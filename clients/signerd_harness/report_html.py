"""The report of a run for people: one HTML file that needs nothing else."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from signerd_harness.act import RULES, Act
from signerd_harness.plot import Line, Mark, plot
from signerd_harness.result import Check, Result
from signerd_harness.summary import Summary
from signerd_harness.tally import Outcome

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 960px; margin: 2em auto;
  padding: 0 1em }
h1 { font-size: 1.5em; margin-bottom: 0 } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25em .8em .25em 0; border-bottom: 1px solid #e3e8ee;
  vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
.verdict { font-weight: 600; padding: .2em .6em; border-radius: 4px; color: white }
.good { background: #237a4b } .bad { background: #b3261e } .off { color: #7a8694 }
.facts td:first-child { color: #56616e; width: 15em }
pre { white-space: pre-wrap; background: #f6f8fa; padding: .6em; font-size: 13px; margin: .3em 0 }
svg { width: 100%; font: 11px system-ui, sans-serif; fill: #56616e }
svg .grid { stroke: #e3e8ee } svg .mark { stroke: #b3261e; stroke-dasharray: 3 2 }
svg .y { text-anchor: end } svg .x { text-anchor: middle } svg polyline { stroke-width: 1.6 }
"""
_PERCENTILES: Final = ((0.5, "#1f6feb"), (0.95, "#a371f7"), (0.99, "#d1732a"))


def html_report(result: Result, checks: Sequence[Check], summary: Summary) -> str:
    """The page."""
    title = f"{result.scenario.name}: {result.scenario.title}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            _verdict(summary),
            _facts(result, summary),
            "<h2>Acts a second</h2>",
            _rates(result),
            "<h2>Latency</h2>",
            _latencies(result),
            _kills(result),
            "<h2>Acts</h2>",
            _acts(summary),
            "<h2>What had to hold</h2>",
            _checks(checks),
            _samples(summary),
            "</body></html>",
        ]
    )


def _verdict(summary: Summary) -> str:
    word, kind = ("passed", "good") if summary.passed else ("failed", "bad")
    stopped = ", stopped early" if summary.stopped else ""
    return (
        f'<p><span class="verdict {kind}">{word}</span>'
        f" {summary.wrong_results} wrong results{stopped}; {escape(summary.begun)}</p>"
    )


def _facts(result: Result, summary: Summary) -> str:
    scenario = result.scenario
    arrival = scenario.arrival
    rows = {
        **result.facts,
        "customers": f"{summary.enrolled:,} of {summary.customers:,} with a certificate"
        f" ({scenario.customers.algorithm}, profile {scenario.customers.profile}),"
        f" {summary.enrolled_now:,} of them now, in {summary.enrolment_s:g} s",
        "arrival": f"{arrival.callers} callers, each waiting for its answer"
        if arrival.callers
        else f"{arrival.rate_per_s:g} acts a second, whether or not others have ended;"
        f" {result.tally.late:,} began late",
        "acts": f"{summary.acts:,} in {summary.acts_s:g} s, {summary.acts_per_s:g} a second",
        "latency": f"p50 {summary.p50_ms:g} ms, p99 {summary.p99_ms:g} ms",
        "signatures": f"{summary.signatures:,} answered, {summary.signatures_verified:,} verified"
        f" by openssl, {summary.verification_s:g} s after the last act",
        "certificates": f"{summary.chains_verified:,} of {result.chains:,} chains verified by"
        " openssl",
        "memory of the workers": ", ".join(f"{one} MiB" for one in summary.peak_mib),
    }
    return _table((), ((escape(name), escape(text)) for name, text in rows.items()), "facts")


def _rates(result: Result) -> str:
    points, width_s = result.timeline.points, result.timeline.width_s

    def line(outcome: Outcome, label: str, colour: str, *, filled: bool = False) -> Line:
        values = [point.outcomes[outcome] / width_s for point in points]
        return Line(label, colour, values, filled=filled)

    lines = [
        line(Outcome.DONE, "done", "#237a4b", filled=True),
        line(Outcome.REFUSED, "refused as expected", "#1f6feb"),
        line(Outcome.ERROR, "without a result", "#d1732a"),
        line(Outcome.WRONG, "wrong", "#b3261e"),
    ]
    # A line along the bottom would look like something.
    seen = [one for one in lines if any(one.values)]
    return plot(seen, width_s=width_s, unit="a second", marks=_marks(result))


def _latencies(result: Result) -> str:
    points = result.timeline.points
    lines = [
        Line(
            f"p{share * 100:g}",
            colour,
            [point.latencies.percentile_ms(share) for point in points],
        )
        for share, colour in _PERCENTILES
    ]
    return plot(lines, width_s=result.timeline.width_s, unit="ms", marks=_marks(result))


def _marks(result: Result) -> list[Mark]:
    return [Mark(kill.at, f"{kill.name} killed at {kill.at:.1f} s") for kill in result.kills]


def _kills(result: Result) -> str:
    if not result.kills:
        return ""
    told = ", ".join(f"{kill.name} at {kill.at:.1f} s" for kill in result.kills)
    return f"<p>{len(result.kills)} processes killed (dashed lines): {escape(told)}.</p>"


def _acts(summary: Summary) -> str:
    rows = [
        (
            f"<b>{one.act}</b><br>{escape(RULES[Act(one.act)].meaning)}",
            escape(RULES[Act(one.act)].refusal or "done"),
            *(_number(n) for n in (one.done, one.refused, one.wrong, one.errors)),
            _number(one.p50_ms),
            _number(one.p99_ms),
        )
        for one in summary.by_act
    ]
    headings = (
        "act", "must be", "done", "refused", "wrong", "no result", "p50 ms", "p99 ms"
    )  # fmt: skip
    return _table(headings, rows, "")


def _checks(checks: Sequence[Check]) -> str:
    rows = []
    for check in checks:
        if check.problem:
            word = f'<span class="verdict bad">does not</span><pre>{escape(check.problem)}</pre>'
        else:
            word = '<span class="off">nothing to judge</span>' if check.skipped else "holds"
        rows.append((escape(check.name), word))
    return _table((), rows, "")


def _samples(summary: Summary) -> str:
    if not summary.samples:
        return ""
    return (
        "<h2>Examples of what went wrong</h2><pre>" + escape("\n".join(summary.samples)) + "</pre>"
    )


def _number(value: float) -> str:
    return f'<span class="number">{value:,}</span>'


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], kind: str) -> str:
    """Cells are HTML."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><tr>{head}</tr>\n{body}</table>'
