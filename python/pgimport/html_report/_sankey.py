"""The Sankey of a job's rows: where they came from, and where each of them went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgimport.html_report._markup import Html, Part, join, plain, tag
from pgimport.html_report._svg import Drawing, Said, figure, number

# thinner than this a flow would not be seen
LEAST = 2.0
# width of the bars at which flows begin and end
_BAR = 14
# height of what is drawn for all rows, of a label, of a gap, and of the words above
_ALL, _SLOT, _GAP, _HEADING = 300, 42, 8, 46


@dataclass(frozen=True)
class Band:
    """One end of a flow: a name, a text below it, a number of rows and a colour."""

    name: str
    note: str
    rows: int
    colour: str


@dataclass(frozen=True)
class _Side:
    """The ends of flows at one side of the drawing.

    Attributes:
        bands: the ends, from above.
        scale: height of one row.
        bar, edge: where their bars stand, and the edge of the bar at which flows begin or end.
        label, anchor, letters: where their labels stand, which end of them, how many letters.

    """

    bands: Sequence[Band]
    scale: float
    bar: float
    edge: float
    label: float
    anchor: str
    letters: int

    def thickness(self, band: Band) -> float:
        """How thick a flow is drawn."""
        return max(band.rows * self.scale, LEAST)

    @property
    def together(self) -> float:
        """All flows of this side on each other."""
        return sum(map(self.thickness, self.bands))

    @property
    def height(self) -> float:
        """What this side needs: no label comes near another one."""
        slots = [max(self.thickness(band), _SLOT) for band in self.bands]
        return sum(slots) + _GAP * max(len(slots) - 1, 0)

    def draw(self, body: float, middle: float) -> Iterable[Part]:
        """Draw flows between this side and the bar in the middle, of which the edge is given."""
        y = _HEADING + (body - self.height) / 2
        at = _HEADING + (body - self.together) / 2
        for band in self.bands:
            thick = self.thickness(band)
            slot = max(thick, _SLOT)
            top = y + (slot - thick) / 2
            yield _flow((self.edge, top), (middle, at), thick, band.colour)
            yield tag(
                "rect", tag("title", plain(f"{band.name}: {band.note}")),
                x=number(self.bar), y=number(top), width=_BAR, height=number(thick),
                class_=band.colour,
            )  # fmt: skip
            yield self._label(band, top + thick / 2)
            y += slot + _GAP
            at += thick

    def _label(self, band: Band, y: float) -> Html:
        x = number(self.label)
        return join(
            tag("text", plain(band.name, self.letters), x=x, y=number(y - 3),
                text_anchor=self.anchor),
            tag("text", band.note, x=x, y=number(y + 14), text_anchor=self.anchor, class_="soft"),
        )  # fmt: skip


def _flow(begin: tuple[float, float], end: tuple[float, float], thick: float, colour: str) -> Html:
    (x1, y1), (x2, y2) = begin, end
    half = number((x1 + x2) / 2)
    upper = f"M{number(x1)} {number(y1)}C{half} {number(y1)} {half} {number(y2)}"
    turn = f" {number(x2)} {number(y2)}V{number(y2 + thick)}"
    lower = f"C{half} {number(y2 + thick)} {half} {number(y1 + thick)}"
    return tag(
        "path", d=f"{upper}{turn}{lower} {number(x1)} {number(y1 + thick)}Z",
        class_=f"flow {colour}",
    )  # fmt: skip


def is_widened(bands: Iterable[Band], whole: int) -> bool:
    """Whether some band is drawn thicker than its number says, so that it can be seen."""
    return any(band.rows * _ALL / max(whole, 1) < LEAST for band in bands)


def sankey(
    said: Said, middle: tuple[str, str], sources: Sequence[Band], outcomes: Sequence[Band]
) -> Html:
    """Draw where rows came from and where they went: widths are true to the numbers.

    Args:
        said: what is said of the drawing.
        middle: the number of all rows, and its name.
        sources: files, at the left; left out on narrow screens.
        outcomes: what became of the rows, at the right.

    """
    return figure(said, lambda kind: _draw(kind == "wide", middle, sources, outcomes))


def _draw(
    is_wide: bool, middle: tuple[str, str], sources: Sequence[Band], outcomes: Sequence[Band]
) -> Drawing:
    width, left, right = (880, 180, 215) if is_wide else (336, 0, 206)
    scale = _ALL / max(sum(band.rows for band in outcomes), 1)
    begin = _Side(sources if is_wide else (), scale, left, left + _BAR, left - 8, "end", 24)
    end_x = width - right - _BAR
    end = _Side(outcomes, scale, end_x, end_x, end_x + _BAR + 8, "start", 28)
    middle_x = (left + end_x) / 2 if is_wide else 0.0
    body = max(begin.height, end.height, begin.together, end.together)
    tall = max(begin.together, end.together)
    words = {"x": number(middle_x + _BAR / 2), "text_anchor": "middle"}
    if not is_wide:
        words = {"x": "0", "text_anchor": "start"}
    parts: list[Part] = [
        *begin.draw(body, middle_x),
        *end.draw(body, middle_x + _BAR),
        tag(
            "rect", x=number(middle_x), y=number(_HEADING + (body - tall) / 2), width=_BAR,
            height=number(tall), class_="source",
        ),
        tag("text", middle[0], y=16, class_="strong", **words),
        tag("text", middle[1], y=34, class_="soft", **words),
    ]  # fmt: skip
    return width, _HEADING + body + _GAP, parts
