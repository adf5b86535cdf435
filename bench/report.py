"""What a run came to: JSON, tables in the documentation, and on the terminal."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from bench import chart
from bench.machine import machine
from bench.result import Figure
from bench.server import BenchServer
from pgimport import __version__

TITLES = {
    "targets": "Targets",
    "phases": "Seconds behind the targets",
    "others": "What one would use instead",
    "shapes": "Other shapes of data",
    "readers": "While others read",
    "files": "Files of all formats, bad cells and their repair",
    "rollback": "Updates, plans and rollbacks",
    "operations": "Batches and history",
}


@dataclass
class Results:
    """The figures of a number of rows, of this run and, part by part, of the last one before.

    Attributes:
        folder: where the JSON goes. rows: records in the files. about: machine, versions, settings.
        parts: for each part: command, date, runs, seconds, notes and figures.

    """

    folder: Path
    rows: int
    about: dict[str, Any]
    command: str
    runs: int
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def begin(
        cls, folder: Path, rows: int, runs: int, server: BenchServer, command: str
    ) -> Results:  # fmt: skip
        """Begin with what was measured before on the same machine, server and settings."""
        about = {
            "machine": machine(),
            "versions": {
                "pgimport": __version__,
                "PostgreSQL": server.version,
                "Python": platform.python_version(),
                "psycopg": psycopg.__version__,
            },
            "settings": dict(server.settings),
        }
        new = cls(folder, rows, about, command, runs)
        if new.path.is_file():
            old = json.loads(new.path.read_text(encoding="utf-8"))
            if all(old.get(name) == about[name] for name in about):
                new.parts = old["parts"]
        return new

    @property
    def path(self) -> Path:
        """Where the JSON goes."""
        return self.folder / f"{self.rows}.json"

    def add(
        self, part: str, figures: Sequence[Figure], notes: Sequence[str], seconds: float
    ) -> None:  # fmt: skip
        """Take the figures of a part, in place of those it had."""
        self.parts[part] = {
            "date": datetime.now(UTC).date().isoformat(),
            "command": self.command,
            "runs": self.runs,
            "seconds": round(seconds, 1),
            "notes": list(notes),
            "figures": [_as_json(figure) for figure in figures],
        }

    def figures(self, table: str) -> list[Figure]:
        """Return the figures of one table."""
        return [
            _from_json(item)
            for part in self.parts.values()
            for item in part["figures"]
            if item["part"] == table
        ]


def _as_json(figure: Figure) -> dict[str, Any]:
    low, high = figure.spread
    return {
        "part": figure.part,
        "name": figure.name,
        "unit": figure.unit,
        "values": [float(f"{value:.6g}") for value in figure.values],
        "median": float(f"{figure.median:.6g}"),
        "min": float(f"{low:.6g}"),
        "max": float(f"{high:.6g}"),
        "at_most": figure.at_most,
        "at_least": figure.at_least,
        "passed": figure.passed,
        "note": figure.note,
    }


def _from_json(item: Mapping[str, Any]) -> Figure:
    names = ("part", "name", "values", "unit", "at_most", "at_least", "note")
    return Figure(**{name: item[name] for name in names})


def seconds_per_row(folder: Path, rows: int) -> float | None:
    """Return what the pipeline took a row in an earlier run of that size on this machine."""
    path = folder / f"{rows}.json"
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["machine"] != machine():
        return None
    for item in found["parts"].get("targets", {}).get("figures", []):
        if (item["part"], item["name"]) == ("phases", "pipeline"):
            return float(item["median"]) / rows
    return None


# -- words ------------------------------------------------------------------------------------


def shown(value: float, unit: str) -> str:
    """Return a value with as many digits as it deserves."""
    if unit in ("rows/s", "rows"):
        return f"{value:,.0f}"
    if unit == "ms":
        return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
    if unit == "MB":
        return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
    if unit == "ratio":
        return f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _unit(unit: str) -> str:
    return "" if unit == "ratio" else f" {unit}"


def target(figure: Figure) -> str:
    """Return the target of a figure in words, empty where there is none."""
    if figure.at_most is not None:
        return f"≤ {figure.at_most:,g}{_unit(figure.unit)}"
    if figure.at_least is not None:
        return f"≥ {figure.at_least:,g}{_unit(figure.unit)}"
    return ""


def verdict(figure: Figure) -> str:
    """Return pass, or by how much the figure falls short; empty where there is no target."""
    if figure.passed is None:
        return ""
    if figure.passed:
        return "pass"
    limit = figure.at_most if figure.at_most is not None else figure.at_least
    if not limit:
        return "falls short"
    percent = abs(figure.median / limit - 1) * 100
    return f"falls short by {percent:.0f} %" if percent >= 1 else "falls short by less than 1 %"


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    low, high = figure.spread
    spread = (
        f"{shown(low, figure.unit)} to {shown(high, figure.unit)}"
        if len(figure.values) > 1 else "one run"
    )  # fmt: skip
    value = f"{shown(figure.median, figure.unit)}{_unit(figure.unit)}"
    return figure.name, value, spread, target(figure), verdict(figure)


# -- where it goes ----------------------------------------------------------------------------


def write(results: Results, docs: Path | None) -> None:
    """Write the JSON and, unless ``docs`` is None, the tables and the chart there.

    Without ``docs`` the chart goes beside the JSON.
    """
    results.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {
            "rows": results.rows,
            **results.about,
            "parts": {name: results.parts[name] for name in sorted(results.parts)},
        },
        indent=1,
        ensure_ascii=False,
    )
    results.path.write_text(text + "\n", encoding="utf-8")
    picture = chart.draw(results.figures("phases"), results.rows)
    image = f"img/time-{results.rows}.svg"
    if docs is None:
        if picture:
            (results.folder / f"time-{results.rows}.svg").write_text(picture, encoding="utf-8")
        return
    page = docs / "performance.md"
    if page.is_file() and _marker(results.rows) in (before := page.read_text(encoding="utf-8")):
        after = _between(before, results.rows, markdown(results, image if picture else None))
        page.write_text(after, encoding="utf-8")
        if picture:
            (docs / "img").mkdir(exist_ok=True)
            (docs / image).write_text(picture, encoding="utf-8")


def _marker(rows: int) -> str:
    return f"<!-- bench:{rows} -->"


def _between(text: str, rows: int, inside: str) -> str:
    """Replace what stands between the markers of a number of rows."""
    head, _, rest = text.partition(_marker(rows))
    closing = f"<!-- /bench:{rows} -->"
    _, found, tail = rest.partition(closing)
    if not found:
        raise ValueError(f"{closing} is missing")
    return f"{head}{_marker(rows)}\n{inside}\n{closing}{tail}"


def markdown(results: Results, image: str | None) -> str:
    """Return all tables of a run as Markdown."""
    about, settings = results.about, results.about["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    where = about["machine"]
    lines = [
        f"{where['cpu']}, {where['cores']} cores, {where['memory_gb']:g} GB, {where['system']}; "
        f"{versions}.",
        "",
        "Settings: " + ", ".join(f"`{name} = {value}`" for name, value in settings.items()) + ".",
    ]
    if image:
        lines += ["", f"![seconds of the pipeline and of both baselines]({image})"]
    for part in sorted(results.parts.values(), key=_place):
        tables = dict.fromkeys(item["part"] for item in part["figures"])
        for table in tables:
            lines += ["", f"### {TITLES.get(table, table)}", ""]
            lines += _markdown_table(results.figures(table))
        lines += ["", f"`{part['command']}`, {part['date']}, {_duration(part['seconds'])}."]
        lines += [f"Not measured: {note}." for note in part["notes"]]
    return "\n".join(lines)


def _place(part: Mapping[str, Any]) -> int:
    """Where a part stands: as its first table does in ``TITLES``; one without figures is last."""
    names = [item["part"] for item in part["figures"]]
    return list(TITLES).index(names[0]) if names and names[0] in TITLES else len(TITLES)


def _markdown_table(figures: Sequence[Figure]) -> list[str]:
    held = any(figure.passed is not None for figure in figures)
    noted = any(figure.note for figure in figures)
    head = ["what", "median", "spread", *(["target", ""] if held else []), *(["note"] * noted)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for figure in figures:
        name, value, spread, wanted, word = _row(figure)
        cells = [name, value, spread, *([wanted, word] if held else []), *([figure.note] * noted)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def show(results: Results, tables: Sequence[str]) -> None:
    """Print the tables on the terminal, those with targets with pass or falls short."""
    from rich.console import Console  # noqa: PLC0415 - late: it is slow
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    if not console.is_terminal:
        console = Console(width=130)
    for name in [one for one in TITLES if one in tables]:
        figures = results.figures(name)
        if not figures:
            continue
        shown_table = Table(title=f"{TITLES[name]}, {results.rows:,} rows", title_justify="left")
        held = any(figure.passed is not None for figure in figures)
        for head in ("what", "median", "spread", *(("target", "") if held else ())):
            shown_table.add_column(head, justify="left" if head in ("what", "") else "right")
        for figure in figures:
            row = _row(figure)
            style = {True: "green", False: "red", None: ""}[figure.passed]
            shown_table.add_row(*row[: 5 if held else 3], style=style)
        console.print(shown_table)
    judged = [figure for table in tables for figure in results.figures(table)]
    judged = [figure for figure in judged if figure.passed is not None]
    if judged:
        passed = sum(bool(figure.passed) for figure in judged)
        console.print(f"{passed} of {len(judged)} targets pass; all values: {results.path}")
