"""What the command prints: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import UUID


def number(value: object) -> str:
    """Show a count with thousands separators; "-" for one that is not known."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return str(value)


def duration(seconds: float) -> str:
    """Show seconds for people: 0.4 s, 12 s, 3 min 05 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def moment(value: object) -> str:
    """Show a time stamp in UTC without fractions."""
    if value is None:
        return "-"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(UTC)
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def printable(value: object, width: int = 60) -> str:
    """Return the text of a cell: data never moves the cursor nor breaks a line of the table."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else number(value)
    text = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return text if len(text) <= width else text[: width - 1] + "…"


def plain(value: Any) -> Any:
    """Turn what a result holds into what json can write."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


class Output:
    """Prints for people, or exactly one JSON object for programs."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.emitted = False

    @property
    def _results(self) -> TextIO:
        return sys.stderr if self.as_json else sys.stdout

    def line(self, text: str = "") -> None:
        """Print a line of the result, for people only."""
        if not self.as_json:
            print(text, file=self._results)

    def note(self, text: str) -> None:
        """Print a line that tells what is going on; on standard error, not with --quiet."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def warnings(self, texts: Iterable[object]) -> None:
        """Print the warnings of a function; they are shown also with --quiet."""
        for text in texts:
            print(f"warning: {printable(text, 400)}", file=sys.stderr)

    def next(self, command: str, why: str = "") -> None:
        """Print the command that somebody is likely to want now."""
        if not self.as_json and not self.quiet:
            print(f"\nnext: {command}" + (f"   ({why})" if why else ""), file=self._results)

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        right: Sequence[str] = (),
        indent: str = "",
        width: int = 60,
    ) -> None:
        """Print a table with one line a row; the columns named in ``right`` hold numbers."""
        if self.as_json:
            return
        cells = [[printable(value, width) for value in row] for row in rows]
        widths = [
            max([len(title), *(len(row[place]) for row in cells)])
            for place, title in enumerate(columns)
        ]

        def show(row: Sequence[str]) -> str:
            shown = (
                text.rjust(size) if title in right else text.ljust(size)
                for title, text, size in zip(columns, row, widths, strict=True)
            )
            return (indent + "  ".join(shown)).rstrip()

        self.line(show(columns))
        self.line(indent + "  ".join("-" * size for size in widths))
        for row in cells:
            self.line(show(row))

    def facts(self, pairs: Iterable[tuple[str, object]], indent: str = "  ") -> None:
        """Print names and values under each other; numbers are aligned on the right."""
        shown = [
            (name, number(value), isinstance(value, (int, float)) and not isinstance(value, bool))
            for name, value in pairs
        ]
        if not shown:
            return
        left = max(len(name) for name, _, _ in shown)
        right = max([len(text) for _, text, numeric in shown if numeric], default=0)
        for name, text, numeric in shown:
            self.line(f"{indent}{name.ljust(left)}  {text.rjust(right) if numeric else text}")

    def emit(self, value: Mapping[str, Any]) -> None:
        """Print the one object on standard output, with --json."""
        if self.as_json and not self.emitted:
            self.emitted = True
            sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")
            sys.stdout.flush()
