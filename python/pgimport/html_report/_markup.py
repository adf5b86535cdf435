"""HTML that is escaped by construction: text is never markup unless a function here made it so."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable

# elements without an end tag
_VOID = frozenset({"meta", "br", "hr", "wbr", "link"})
# what cannot be seen, or moves what stands beside it: shown by its number
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# joiners are letters' own in several scripts and in emoji
_HARMLESS = frozenset("\u200c\u200d\u00ad")
_NAMED = {"\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", "\t": "\N{RIGHTWARDS ARROW TO BAR}"}


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Part = str | int | None | Iterable["Part"]


def text(value: object) -> Html:
    """Return a text escaped, with everything invisible in it made visible."""
    if isinstance(value, Html):
        return value
    plain = str(value)
    if plain.isascii() and plain.isprintable():
        return Html(html.escape(plain))
    return Html("".join(_sign(sign) for sign in plain))


def _sign(sign: str) -> str:
    if sign in _NAMED:
        return f'<span class="sign">{_NAMED[sign]}</span>'
    if sign not in _HARMLESS and unicodedata.category(sign) in _HIDDEN_CATEGORIES:
        return f'<span class="sign">U+{ord(sign):04X}</span>'
    return html.escape(sign)


def plain(value: object, most: int = 300) -> str:
    """Return a text for an attribute or a drawing: cut, and without invisible signs."""
    shown = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in _HIDDEN_CATEGORIES else sign
        for sign in str(value)[: most + 1]
    )
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def join(*parts: Part) -> Html:
    """Put parts after each other; None is nothing, lists are taken apart, text is escaped."""
    made: list[str] = []
    for part in parts:
        if part is None:
            continue
        if isinstance(part, (str, int)):
            made.append(text(part))
        else:
            made.append(join(*part))
    return Html("".join(made))


def tag(name: str, /, *parts: Part, **attributes: object) -> Html:
    """Return an element. ``class_`` and ``for_`` lose their underscore; None leaves one out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{html.escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*parts)}</{name}>")


def data(value: object, most: int = 300) -> Html:
    """Return somebody's data: isolated from the direction of what stands around, and cut."""
    shown = str(value)
    cut = len(shown) > most
    return tag("bdi", shown[:most], "…" if cut else None)


def code(value: object, most: int = 300) -> Html:
    """Return somebody's data in the face of code."""
    return tag("code", data(value, most))


def section(anchor: str, title: str, *parts: Part) -> Html:
    """Return a section with its heading, to which the table of contents leads."""
    return tag(
        "section",
        tag("h2", title, id=anchor),
        *parts,
        aria_labelledby=anchor,
    )


def table(
    caption: str,
    columns: Iterable[tuple[str, str]],
    rows: Iterable[Iterable[Part]],
    *,
    anchor: str,
    row_ids: Iterable[str] | None = None,
    hide_caption: bool = False,
) -> Html:
    """Return a table in a frame of its own that scrolls sideways where it is too wide.

    Args:
        caption: what the table shows.
        columns: titles and classes of the columns (num, wide, mono or nothing).
        rows: cells; the first one of each row is its heading.
        anchor: id of the caption.
        row_ids: ids of the rows.
        hide_caption: the caption is for those who cannot see, as a heading says the same.

    """
    columns = list(columns)
    # numbers stand near to what they say
    is_slim = len(columns) <= 4 and not any(kind == "wide" for _, kind in columns)
    ids = iter(row_ids) if row_ids is not None else None
    body = []
    for row in rows:
        cells = [
            tag("th", cell, scope="row", class_=kind or None)
            if place == 0
            else tag("td", cell, class_=kind or None)
            for place, (cell, (_, kind)) in enumerate(zip(row, columns, strict=True))
        ]
        body.append(tag("tr", *cells, id=next(ids) if ids else None))
    head = [tag("th", title, scope="col", class_=kind or None) for title, kind in columns]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, id=anchor, class_="unseen" if hide_caption else None),
            tag("thead", tag("tr", *head)),
            tag("tbody", *body),
        ),
        class_="frame slim" if is_slim else "frame",
        role="region",
        aria_labelledby=anchor,
        tabindex="0",
    )


def facts(pairs: Iterable[tuple[str, Part]], class_: str = "facts") -> Html:
    """Return names and what they are; what is None is left out."""
    return tag(
        "dl",
        *(
            tag("div", tag("dt", name), tag("dd", value))
            for name, value in pairs
            if value is not None
        ),
        class_=class_,
    )
