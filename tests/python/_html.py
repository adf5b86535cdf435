"""What tests of HTML reports share: a reader of pages, and made-up jobs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from uuid import UUID

from pgimport import html_report
from pgimport.html_report import _data, _style, _words
from pgimport.html_report._format import Language

LANGUAGES = ("en", "fr")
VOID = {"meta", "br", "hr", "wbr", "link", "img", "input"}
HOSTILE = "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202egnp.exe"


class Page(HTMLParser):
    """A page that was read: its elements, and what a validator would object to."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.cells: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        if self._open:
            self.faults.append(f"not closed: {self._open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.cells.append([])
        elif tag in ("th", "td"):
            self.cells[-1].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> in {self._open[-3:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)
            if {"th", "td"} & set(self._open):
                self.cells[-1][-1] += data

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def row(self, first: str, columns: int | None = None) -> list[str]:
        """The cells of the one row that begins so, in a table of so many columns."""
        rows = [[cell.strip() for cell in cells] for cells in self.cells if cells]
        rows = [cells for cells in rows if columns in (None, len(cells))]
        found = [cells for cells in rows if cells[0] == first]
        found = found or [cells for cells in rows if cells[0].startswith(first)]
        assert len(found) == 1, (first, found)
        return found[0]


def checked(text: str) -> Page:
    """Read a page and look for everything it must not do, and for what it must."""
    page = Page(text)
    assert page.faults == []
    assert text.startswith("<!DOCTYPE html>")
    names = [name for name, _ in page.elements]
    assert not {"script", "iframe", "object", "embed", "link", "form", "base", "img"} & set(names)
    for name, attrs in page.elements:
        assert not any(key.startswith("on") for key in attrs), (name, attrs)
        assert "style" not in attrs, "style attributes are against the policy"
        for key in ("src", "href", "action", "xlink:href", "srcset", "data"):
            assert (attrs.get(key) or "#").startswith("#"), (name, attrs)
    ids = [attrs["id"] for _, attrs in page.elements if attrs.get("id")]
    assert len(ids) == len(set(ids)), "ids are unique"
    for _, attrs in page.elements:
        for key in ("href", "aria-labelledby", "aria-describedby"):
            wanted = (attrs.get(key) or "").lstrip("#")
            assert not wanted or wanted in ids, (key, wanted)
    assert page.all("html")[0]["lang"] in LANGUAGES
    heads = [int(name[1]) for name in names if re.fullmatch("h[1-6]", name)]
    assert heads[0] == 1
    assert heads.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(heads))
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(attrs.get("scope") in ("col", "row") for attrs in page.all("th"))
    for attrs in page.all("svg"):
        assert attrs.get("role") == "img" or attrs.get("aria-hidden") == "true"
    return page


def schemes() -> list[dict[str, str]]:
    """The colours as they stand in the style sheet: by day and by night."""
    found = re.findall(r":root\{([^}]*)\}", _style.CSS)
    assert len(found) == 2
    return [dict(re.findall(r"--(\w+):(#\w{6})(?:;|\w)", scheme)) for scheme in found]


def story(status: str, counts: dict[str, int], files: list[dict[str, Any]]) -> _data.JobStory:
    job = {
        "job_id": str(UUID(int=7)), "status": status, "target": "public.t", "target_name": "t",
        "owner_role": "me", "counts": counts, "files": files, "options": {},
        "created_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    return _data.JobStory(job=job, events=[], issues=[], sensitive=frozenset())


def jobs(count: int, days: int = 200) -> list[dict[str, Any]]:
    states = ("completed", "completed", "completed", "failed", "rolled_back", "checked")
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for place in range(count):
        created = begin + timedelta(days=days * place / count)
        status = states[place % len(states)]
        done = status in ("completed", "rolled_back")
        made.append(
            {
                "job_id": str(UUID(int=1000 + place)), "status": status,
                "target_name": f"t{place % 5}", "target": f"public.t{place % 5}",
                "owner_role": "importer", "actor": "marie",
                "created_at": created.isoformat(),
                "completed_at": (created + timedelta(seconds=place)).isoformat() if done else None,
                "total_rows": 1000, "rows_inserted": 900 if done else None,
                "rows_updated": 50 if done else None, "rows_rejected": 1 if done else None,
                "error_message": f"{HOSTILE}" if status == "failed" else None,
            }
        )  # fmt: skip
    return made[::-1]


def history(rows: list[dict[str, Any]], language: str = "en") -> str:
    words = Language(language, _words.WORDS[language])
    return html_report._history_page(words, _data.History(rows, {}))
