"""Drawings: a Sankey of a job's rows, stacked bars over time, and bars inside tables.

Each drawing is made twice, for wide and for narrow screens, in the size in which it is read: letters
stay letters. No style attributes: the page's Content-Security-Policy forbids them. Labels never lie
on what is coloured, and every drawing has a title, a description, and a table beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgimport.html_report._markup import Html, Part, join, plain, tag

# thinner than this a flow would not be seen
LEAST = 2.0
_BAR = 14


@dataclass(frozen=True)
class Band:
    """One end of a drawing's flow: a name, a text below it, a number of rows and a colour."""

    name: str
    note: str
    rows: int
    colour: str


@dataclass(frozen=True)
class _Layout:
    width: int
    left: int
    right: int
    slot: int
    height: int
    letters: int
    shows_sources: bool


_WIDE = _Layout(880, 180, 215, 42, 300, 28, True)
_NARROW = _Layout(336, 0, 206, 42, 300, 27, False)


def _thickness(rows: int, scale: float) -> float:
    return max(rows * scale, LEAST)


def is_widened(bands: Iterable[Band], whole: int) -> bool:
    """Whether some band is drawn thicker than its number says, so that it can be seen."""
    scale = _WIDE.height / max(whole, 1)
    return any(band.rows * scale < LEAST for band in bands)


def sankey(
    anchor: str,
    title: str,
    description: str,
    middle: tuple[str, str],
    sources: Sequence[Band],
    outcomes: Sequence[Band],
) -> Html:
    """Draw where rows came from and where they went: widths are true to the numbers.

    Args:
        anchor: begins the ids of this drawing.
        title: what it is, for those who do not see it.
        description: what it shows, in words.
        middle: the name and the number of all rows.
        sources: files, at the left; left out on narrow screens.
        outcomes: what became of the rows, at the right.

    """
    return tag(
        "figure",
        *(
            _sankey(f"{anchor}-{name}", name, layout, title, description, middle, sources, outcomes)
            for name, layout in (("wide", _WIDE), ("narrow", _NARROW))
        ),
        class_="drawing",
    )


def _sankey(
    anchor: str,
    kind: str,
    layout: _Layout,
    title: str,
    description: str,
    middle: tuple[str, str],
    sources: Sequence[Band],
    outcomes: Sequence[Band],
) -> Html:
    whole = max(sum(band.rows for band in outcomes), 1)
    scale = layout.height / whole
    shown = sources if layout.shows_sources else []
    ends = _places(outcomes, layout.slot, scale)
    starts = _places(shown, layout.slot, scale)
    out_sum = sum(_thickness(band.rows, scale) for band in outcomes)
    in_sum = sum(_thickness(band.rows, scale) for band in shown)
    heading = 46
    height = heading + max(ends[-1][1] if ends else 0, starts[-1][1] if starts else 0, out_sum) + 8
    body = height - heading - 8

    first_x = layout.left
    middle_x = (
        (first_x + _BAR + layout.width - layout.right - _BAR) / 2 - _BAR / 2
        if layout.shows_sources
        else 0.0
    )
    last_x = layout.width - layout.right - _BAR
    middle_height = max(out_sum, in_sum)
    top = heading + (body - middle_height) / 2

    parts: list[Part] = []
    at = top + (middle_height - in_sum) / 2
    shift = heading + (body - (starts[-1][1] if starts else 0)) / 2
    for band, (begin, _) in zip(shown, starts, strict=True):
        thick = _thickness(band.rows, scale)
        y = shift + begin + (max(thick, layout.slot) - thick) / 2
        parts.append(_flow(first_x + _BAR, y, middle_x, at, thick, "source"))
        parts.append(_node(first_x, y, thick, band, "source"))
        parts.append(_label(first_x - 8, y + thick / 2, band, layout, "end", 24))
        at += thick
    at = top + (middle_height - out_sum) / 2
    shift = heading + (body - (ends[-1][1] if ends else 0)) / 2
    for band, (begin, _) in zip(outcomes, ends, strict=True):
        thick = _thickness(band.rows, scale)
        y = shift + begin + (max(thick, layout.slot) - thick) / 2
        parts.append(_flow(middle_x + _BAR, at, last_x, y, thick, band.colour))
        parts.append(_node(last_x, y, thick, band, band.colour))
        parts.append(
            _label(last_x + _BAR + 8, y + thick / 2, band, layout, "start", layout.letters)
        )
        at += thick
    centre = middle_x + _BAR / 2
    anchor_at, centre = ("middle", centre) if layout.shows_sources else ("start", 0)
    parts += [
        tag(
            "rect", x=_n(middle_x), y=_n(top), width=_BAR, height=_n(middle_height), class_="source"
        ),
        tag("text", middle[1], x=_n(centre), y=16, text_anchor=anchor_at, class_="strong"),
        tag("text", middle[0], x=_n(centre), y=34, text_anchor=anchor_at, class_="soft"),
    ]
    return _picture(anchor, kind, layout.width, height, title, description, parts)


def _places(bands: Sequence[Band], slot: int, scale: float) -> list[tuple[float, float]]:
    """Begin and end of each band's place: no label comes near another one."""
    places = []
    at = 0.0
    for band in bands:
        end = at + max(_thickness(band.rows, scale), slot)
        places.append((at, end))
        at = end + 8
    return places


def _node(x: float, y: float, thick: float, band: Band, colour: str) -> Html:
    return tag(
        "rect",
        tag("title", f"{band.name}: {band.note}"),
        x=_n(x), y=_n(y), width=_BAR, height=_n(thick), class_=colour,
    )  # fmt: skip


def _flow(x1: float, y1: float, x2: float, y2: float, thick: float, colour: str) -> Html:
    half = (x1 + x2) / 2
    path = (
        f"M{_n(x1)} {_n(y1)}C{_n(half)} {_n(y1)} {_n(half)} {_n(y2)} {_n(x2)} {_n(y2)}"
        f"V{_n(y2 + thick)}C{_n(half)} {_n(y2 + thick)} {_n(half)} {_n(y1 + thick)} "
        f"{_n(x1)} {_n(y1 + thick)}Z"
    )
    return tag("path", d=path, class_=f"flow {colour}")


def _label(x: float, y: float, band: Band, layout: _Layout, anchor: str, letters: int) -> Html:
    return join(
        tag("text", plain(band.name, letters), x=_n(x), y=_n(y - 3), text_anchor=anchor),
        tag("text", band.note, x=_n(x), y=_n(y + 14), text_anchor=anchor, class_="soft"),
    )


def _picture(
    anchor: str,
    kind: str,
    width: float,
    height: float,
    title: str,
    description: str,
    parts: Iterable[Part],
) -> Html:
    return tag(
        "svg",
        tag("title", title, id=f"{anchor}-title"),
        tag("desc", description, id=f"{anchor}-desc"),
        *parts,
        class_=kind,
        viewBox=f"0 0 {_n(width)} {_n(height)}",
        role="img",
        aria_labelledby=f"{anchor}-title",
        aria_describedby=f"{anchor}-desc",
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def bar(parts: Sequence[tuple[float, str]]) -> Html:
    """Draw a bar inside a cell: parts of 1 with their colours; the number stands beside it."""
    at = 0.0
    pieces: list[Part] = [tag("rect", width="100%", height=8, class_="track")]
    for part, colour in parts:
        if part <= 0:
            continue
        wide = max(part, 0.006)
        pieces.append(
            tag("rect", x=f"{100 * min(at, 1 - wide):.2f}%", width=f"{100 * wide:.2f}%", height=8,
                class_=colour)
        )  # fmt: skip
        at += part
    return tag("svg", *pieces, class_="bar", height=8, aria_hidden="true", focusable="false")


@dataclass(frozen=True)
class Column:
    """One bar over time: its name below the axis (or nothing), its full name, and its pieces."""

    name: str
    full: str
    pieces: tuple[tuple[int, str], ...]

    @property
    def sum(self) -> int:
        """All pieces together."""
        return sum(number for number, _ in self.pieces)


def columns(
    anchor: str,
    title: str,
    description: str,
    bars: Sequence[Column],
    ticks: Sequence[tuple[int, str]],
) -> Html:
    """Draw stacked bars over time with an axis of numbers.

    Args:
        anchor: begins the ids of this drawing.
        title: what it is, for those who do not see it.
        description: what it shows, in words.
        bars: one a day, week or month; those without rows, too.
        ticks: numbers of the axis and how they are written, the greatest last.

    """
    return tag(
        "figure",
        *(
            _columns(f"{anchor}-{kind}", kind, width, title, description, bars, ticks)
            for kind, width in (("wide", 880), ("narrow", 336))
        ),
        class_="drawing",
    )


def _columns(
    anchor: str,
    kind: str,
    width: int,
    title: str,
    description: str,
    bars: Sequence[Column],
    ticks: Sequence[tuple[int, str]],
) -> Html:
    left, top, high, below = 58, 10, 180, 30
    top_value = max(ticks[-1][0], 1) if ticks else 1
    step = (width - left) / max(len(bars), 1)
    thick = max(min(step * 0.72, 46), 1.5)
    parts: list[Part] = []
    for value, name in ticks:
        y = top + high * (1 - value / top_value)
        parts.append(tag("path", d=f"M{left} {_n(y)}H{width}", class_="rule"))
        parts.append(
            tag("text", name, x=left - 8, y=_n(y + 4), text_anchor="end", class_="soft small")
        )
    # names that fit: about so many letters stand side by side
    longest = max((len(bar.name) for bar in bars), default=1)
    every = max(1, -(-(longest * 7 + 14) // max(int(step), 1))) if step < longest * 7 + 14 else 1
    for place, column in enumerate(bars):
        x = left + step * place + (step - thick) / 2
        y = float(top + high)
        for number, colour in column.pieces:
            if not number:
                continue
            tall = max(high * number / top_value, 1.5)
            y -= tall
            parts.append(
                tag("rect", tag("title", column.full), x=_n(x), y=_n(y), width=_n(thick),
                    height=_n(tall), class_=colour)
            )  # fmt: skip
        if column.name and place % every == 0:
            centre = x + thick / 2
            half = len(column.name) * 3.6
            centre = min(max(centre, left + half - 20), width - half)
            parts.append(
                tag("text", column.name, x=_n(centre), y=top + high + 20, text_anchor="middle",
                    class_="soft small")
            )  # fmt: skip
    return _picture(anchor, kind, width, top + high + below, title, description, parts)


def axis(greatest: int) -> list[int]:
    """Return round numbers from 0 to at least the greatest."""
    if greatest <= 4:
        return list(range(max(greatest, 1) + 1))
    size = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * size
            if step * 4 >= greatest:
                return [step * place for place in range(-(-greatest // step) + 1)]
        size *= 10


def legend(entries: Iterable[tuple[str, str]]) -> Html:
    """Return the colours of a drawing with their names."""
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag(
                    "svg",
                    tag("rect", width=12, height=12, rx=2, class_=colour),
                    width=12, height=12, aria_hidden="true", focusable="false",
                ),
                " ",
                name,
            )
            for name, colour in entries
        ),
        class_="legend",
    )  # fmt: skip
