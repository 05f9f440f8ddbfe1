"""Plots as SVG that stands in an HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

_WIDTH: Final = 920
_HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 14, 34
_TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or an area from 0 to it. values: one for each point in time."""

    label: str
    colour: str
    values: Sequence[float]
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that is pointed out."""

    at_s: float
    label: str


def plot(lines: Sequence[Line], *, width_s: float, unit: str, marks: Sequence[Mark] = ()) -> str:
    """Values over time. width_s: seconds from a value to the next. unit: of the values."""
    count = max((len(line.values) for line in lines), default=0)
    seconds = max(count * width_s, width_s)
    most = _round_up(max((max(line.values, default=0.0) for line in lines), default=0.0))
    scale = _Scale(seconds, most)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        *_grid(scale, unit),
        *(_mark(scale, mark) for mark in marks),
        *(_line(scale, line, width_s) for line in lines),
        *_legend(lines),
        "</svg>",
    ]
    return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class _Scale:
    seconds: float
    most: float

    def x(self, at_s: float) -> float:
        return _LEFT + at_s / self.seconds * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self.most * (_HEIGHT - _TOP - _BOTTOM)


def _grid(scale: _Scale, unit: str) -> list[str]:
    found = []
    for tick in range(_TICKS + 1):
        value = scale.most * tick / _TICKS
        y = scale.y(value)
        found.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        found.append(f'<text class="y" x="{_LEFT - 6}" y="{y + 4:.1f}">{value:g}</text>')
        at_s = scale.seconds * tick / _TICKS
        x, below = scale.x(at_s), _HEIGHT - _BOTTOM + 16
        found.append(f'<text class="x" x="{x:.1f}" y="{below}">{at_s:g} s</text>')
    found.append(f'<text class="unit" x="{_LEFT}" y="{_TOP - 3}">{escape(unit)}</text>')
    return found


def _line(scale: _Scale, line: Line, width_s: float) -> str:
    points = [
        f"{scale.x((place + 0.5) * width_s):.1f},{scale.y(value):.1f}"
        for place, value in enumerate(line.values)
    ]
    if not points:
        return ""
    if not line.filled:
        return f'<polyline fill="none" stroke="{line.colour}" points="{" ".join(points)}"/>'
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    zero = f"{scale.y(0):.1f}"
    around = " ".join([f"{first},{zero}", *points, f"{last},{zero}"])
    return (
        f'<polygon fill="{line.colour}" fill-opacity="0.25" stroke="{line.colour}"'
        f' points="{around}"/>'
    )


def _mark(scale: _Scale, mark: Mark) -> str:
    x = scale.x(min(max(mark.at_s, 0.0), scale.seconds))
    return (
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}">'
        f"<title>{escape(mark.label)}</title></line>"
    )


def _legend(lines: Sequence[Line]) -> list[str]:
    found = []
    x = _LEFT + 70
    for line in lines:
        found.append(f'<rect x="{x}" y="{_TOP - 12}" width="10" height="10" fill="{line.colour}"/>')
        found.append(f'<text x="{x + 14}" y="{_TOP - 3}">{escape(line.label)}</text>')
        x += 34 + 7 * len(line.label)
    return found


def _round_up(value: float) -> float:
    """The next number with one digit and a half, so that axes have round ones."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return float(ceil(value / power * 2) / 2 * power)
