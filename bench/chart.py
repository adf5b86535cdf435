"""Bars of the seconds by step: the pipeline against both baselines, as SVG.

Drawn without any library; the colours are readable on a light and on a dark page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.result import Figure

_COLOURS = {
    "headers": "#8c96a3",
    "stage": "#4a90d9",
    "check": "#d9902f",
    "internal duplicates": "#b3953a",
    "database duplicates": "#b56a1d",
    "insert": "#2f9e63",
    "COPY": "#2f9e63",
    "verify": "#b065c0",
}
_WIDTH, _LEFT, _RIGHT = 760, 150, 80
_BAR, _GAP, _TOP = 34, 18, 44
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}"
    ".in{fill:#fff}.title{font-weight:600}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.in{fill:#fff}}"
)
_Bar = tuple[str, list[tuple[str, float]]]


def draw(figures: Sequence[Figure], rows: int) -> str | None:
    """Return the chart of the figures of ``phases``, or None where there are none."""
    bars = _bars(figures)
    if not bars:
        return None
    scale = (_WIDTH - _LEFT - _RIGHT) / max(sum(size for _, size in steps) for _, steps in bars)
    names = list(dict.fromkeys(name for _, steps in bars for name, _ in steps))
    below = _TOP + len(bars) * (_BAR + _GAP)
    height = below + 20 * ((len(names) + 3) // 4) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="seconds by step">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="0" y="20">Seconds for {rows:,} rows, by step (medians)</text>',
    ]
    for number, (title, steps) in enumerate(bars):
        parts += _draw_bar(title, steps, _TOP + number * (_BAR + _GAP), scale)
    for number, name in enumerate(names):
        x, y = 150 * (number % 4) + _LEFT, below + 20 * (number // 4)
        parts.append(
            f'<rect x="{x}" y="{y}" width="12" height="12" rx="2" fill="{_COLOURS[name]}"/>'
            f'<text x="{x + 18}" y="{y + 11}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _bars(figures: Sequence[Figure]) -> list[_Bar]:
    found = {figure.name: figure.median for figure in figures}
    bars: list[_Bar] = []
    for title, name in (("pgimport", "pipeline"), ("P: plain COPY", "P"), ("R: reference", "R")):
        if name == "P" and name in found:
            bars.append((title, [("COPY", found[name])]))
            continue
        steps = [
            (key.removeprefix(f"{name}: "), value)
            for key, value in found.items()
            if key.startswith(f"{name}: ")
        ]
        if steps:
            bars.append((title, steps))
    return bars


def _draw_bar(title: str, steps: Sequence[tuple[str, float]], y: int, scale: float) -> list[str]:
    middle = y + _BAR / 2 + 5
    parts = [f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{escape(title)}</text>']
    x = float(_LEFT)
    for name, seconds in steps:
        width = seconds * scale
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" '
            f'fill="{_COLOURS[name]}"><title>{escape(name)} {seconds:.1f} s</title></rect>'
        )
        if width > 34:
            parts.append(
                f'<text class="in" x="{x + width / 2:.1f}" y="{middle}" '
                f'text-anchor="middle">{seconds:.1f}</text>'
            )
        x += width
    total = sum(seconds for _, seconds in steps)
    parts.append(f'<text x="{x + 8:.1f}" y="{middle}">{total:.1f} s</text>')
    return parts
