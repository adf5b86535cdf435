"""What all drawings share, stacked bars over time, and bars inside tables.

Each drawing is made twice, for wide and for narrow screens, in the size in which it is read:
letters stay letters. No style attributes: the page's Content-Security-Policy forbids them. Labels
never lie on what is coloured; every drawing has a title, a description, and a table beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pgimport.html_report._markup import Html, Part, tag


@dataclass(frozen=True)
class Said:
    """What is said of a drawing to those who do not see it.

    Attributes:
        anchor: begins the ids of the drawing.
        title: what it is.
        description: what it shows, in words.

    """

    anchor: str
    title: str
    description: str


# a drawing: its width, its height and what is in it
Drawing = tuple[float, float, Iterable[Part]]


def figure(said: Said, draw: Callable[[str], Drawing]) -> Html:
    """Make a drawing for both kinds of screens; ``draw`` is told which: wide or narrow."""
    return tag("figure", *(_picture(said, kind, draw(kind)) for kind in ("wide", "narrow")),
               class_="drawing")  # fmt: skip


def _picture(said: Said, kind: str, drawing: Drawing) -> Html:
    width, height, parts = drawing
    anchor = f"{said.anchor}-{kind}"
    return tag(
        "svg",
        tag("title", said.title, id=f"{anchor}-title"),
        tag("desc", said.description, id=f"{anchor}-desc"),
        *parts,
        class_=kind,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_labelledby=f"{anchor}-title",
        aria_describedby=f"{anchor}-desc",
    )


def number(value: float) -> str:
    """Write a coordinate shortly."""
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


def columns(said: Said, bars: Sequence[Column], ticks: Sequence[tuple[int, str]]) -> Html:
    """Draw stacked bars over time with an axis of numbers.

    Args:
        said: what is said of the drawing.
        bars: one a day, week or month; those without rows, too.
        ticks: numbers of the axis and how they are written, the greatest last.

    """
    return figure(said, lambda kind: _columns(880 if kind == "wide" else 336, bars, ticks))


_LEFT, _TOP, _HIGH, _BELOW = 58, 10, 180, 30


def _columns(width: int, bars: Sequence[Column], ticks: Sequence[tuple[int, str]]) -> Drawing:
    most = max(ticks[-1][0], 1)
    step = (width - _LEFT) / len(bars)
    thick = max(min(step * 0.72, 46), 1.5)
    parts: list[Part] = []
    for value, name in ticks:
        y = _TOP + _HIGH * (1 - value / most)
        parts.append(tag("path", d=f"M{_LEFT} {number(y)}H{width}", class_="rule"))
        parts.append(_small(name, _LEFT - 8, y + 4, "end"))
    # names that fit: a letter is about 7 wide
    room = max(len(bar.name) for bar in bars) * 7 + 14
    every = max(1, -int(-room // step))
    for place, column in enumerate(bars):
        x = _LEFT + step * place + (step - thick) / 2
        y = float(_TOP + _HIGH)
        for count, colour in column.pieces:
            if count:
                tall = max(_HIGH * count / most, 1.5)
                y -= tall
                parts.append(
                    tag("rect", tag("title", column.full), x=number(x), y=number(y),
                        width=number(thick), height=number(tall), class_=colour)
                )  # fmt: skip
        if place % every == 0:
            half = len(column.name) * 3.6
            centre = min(max(x + thick / 2, _LEFT + half - 20), width - half)
            parts.append(_small(column.name, centre, _TOP + _HIGH + 20, "middle"))
    return width, _TOP + _HIGH + _BELOW, parts


def _small(words: str, x: float, y: float, anchor: str) -> Html:
    return tag("text", words, x=number(x), y=number(y), text_anchor=anchor, class_="soft small")


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
