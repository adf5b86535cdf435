"""The frame of a page: one file that needs nothing else and may do nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from pgimport.html_report._format import Language
from pgimport.html_report._markup import Html, Part, join, plain, tag
from pgimport.html_report._style import CSS


def policy(css: str = CSS) -> str:
    """Return the Content-Security-Policy: this style sheet, known by its digest, and nothing."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def page(
    language: Language,
    title: str,
    header: Iterable[Part],
    sections: Iterable[tuple[str, str, Html]],
    footer: Iterable[Part],
) -> str:
    """Return a whole page.

    Args:
        language: of the words in it.
        title: of the window.
        header: what stands first, with the one heading of the first level.
        sections: anchor, title and content of each; the first two make the table of contents.
        footer: what stands last.

    """
    sections = list(sections)
    contents = tag(
        "nav",
        tag("ul", *(tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name, _ in sections)),
        aria_label=language.say("contents"),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy()}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", plain(title)),
        tag("style", Html(CSS)),
    )
    body = tag(
        "body",
        tag("a", language.say("skip"), href="#content", class_="skip"),
        tag("header", *header),
        contents,
        tag("main", *(made for _, _, made in sections), id="content", tabindex="-1"),
        tag("footer", *footer),
    )
    document = tag("html", head, body, lang=language.name, dir="ltr")
    return str(join(Html("<!DOCTYPE html>\n"), document, Html("\n")))
