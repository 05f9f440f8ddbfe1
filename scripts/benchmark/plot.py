"""Rate and latency against callers, as PNG."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.benchmark.table import KEYS

if TYPE_CHECKING:
    from scripts.benchmark.report import Result


def draw(result: "Result", directory: Path) -> None:
    """Write signing-rate.png and signing-latency.png."""
    # Here: it takes seconds to load and is needed for nothing else.
    import matplotlib as mpl  # noqa: PLC0415 - see above

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - see above

    directory.mkdir(parents=True, exist_ok=True)
    for what, name, unit in (
        ("rate_per_s", "signing-rate", "signatures per second"),
        ("p99_ms", "signing-latency", "p99 of a call, ms"),
    ):
        figure, axes = plt.subplots(1, len(KEYS), figsize=(11, 4.2), constrained_layout=True)
        for panel, kind in zip(axes, KEYS, strict=True):
            _panel(panel, result, kind, what, unit)
        figure.savefig(directory / f"{name}.png", dpi=110)
        plt.close(figure)


def _panel(panel: Any, result: "Result", kind: Any, what: str, unit: str) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter  # noqa: PLC0415 - as in draw

    lines: dict[str, list[tuple[int, float]]] = {}
    for rate in result.forms:
        if rate.kind == kind:
            name = rate.form if rate.size == 1 else f"{rate.form} of {rate.size}"
            lines.setdefault(name, []).append((rate.callers, getattr(rate, what)))
    for name, points in lines.items():
        callers, values = zip(*points, strict=True)
        panel.plot(callers, values, marker="o", label=name)
    if what == "rate_per_s":
        for bare in result.bare:
            if bare.kind == kind and bare.processes == result.daemon.hosts:
                panel.axhline(bare.rate_per_s, linestyle="--", color="grey", label="token alone")
    panel.set_title(KEYS[kind])
    panel.set_xscale("log", base=2)
    panel.set_xticks(sorted({callers for points in lines.values() for callers, _ in points}))
    panel.xaxis.set_major_formatter("{x:.0f}")
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set_xlabel("callers")
    panel.set_ylabel(unit)
    panel.legend(fontsize=8)
    panel.grid(visible=True, alpha=0.3)
