"""Rows as they would be written, and what is in the table already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from pgimport.cli._app import Command, State, client, emit_result, find_job, pass_state
from pgimport.cli._output import number, printable
from pgimport.cli._show import show_refusal

_WIDTH = 36


@click.command("preview", cls=Command)
@click.argument("job", metavar="JOB")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option(
    "--changes", is_flag=True, help="Of rows whose key is in the table: what differs, old → new."
)
@pass_state
def preview(state: State, job: str, limit: int, changes: bool) -> None:
    """Show rows as they would be written."""
    job_id = find_job(state, job)
    result = client(state).preview_job(job_id, limit).raw
    emit_result(state, result)
    rows: Sequence[Mapping[str, Any]] = result.get("rows") or []
    if changes:
        _show_changes(state, result, rows)
    else:
        _show_rows(state, result, rows)
    _show_whole(state, result)
    there = sum(1 for row in rows if row.get("changes"))
    if there and not changes:
        state.out.next(
            f"pgimport preview {job_id} --changes",
            f"what differs in {number(there)} of these rows from the table",
        )
    elif not result.get("refused_because"):
        state.out.next(f"pgimport rehearse {job_id}", "or insert")


def _places(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the columns that tell where a row is from: its file only where there are several."""
    return ("file", "line") if len({row.get("file_no") for row in rows}) > 1 else ("line",)


def _place(row: Mapping[str, Any], names: Sequence[str]) -> list[object]:
    known = {"file": row.get("file"), "line": row.get("line_no")}
    return [known[name] for name in names]


def _columns(result: Mapping[str, Any], key_only: bool = False) -> list[str]:
    return [
        str(column["column"])
        for column in result.get("columns") or []
        if column.get("key") or not key_only
    ]


def _show_rows(state: State, result: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    columns = _columns(result)
    places = _places(rows)
    state.out.table(
        ("class", *places, *columns, "issues"),
        [
            (
                row.get("class"),
                *_place(row, places),
                *((row.get("values") or {}).get(name) for name in columns),
                "; ".join(
                    f"{issue.get('column') or ''} {issue.get('code')}".strip()
                    for issue in row.get("issues") or []
                ),
            )
            for row in rows
        ],
        right=("line",),
        width=_WIDTH,
    )


def _show_changes(
    state: State, result: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    there = [row for row in rows if row.get("changes") is not None]
    if not there:
        state.out.line("none of these rows is in the table")
        return
    columns = _columns(result, key_only=True)
    places = _places(there)
    order = {name: place for place, name in enumerate(_columns(result))}
    state.out.table(
        ("class", *places, *columns, "changes"),
        [
            (
                row.get("class"),
                *_place(row, places),
                *((row.get("values") or {}).get(name) for name in columns),
                "; ".join(
                    f"{name}: {_value(change.get('old'))} → {_value(change.get('new'))}"
                    for name, change in sorted(
                        row["changes"].items(), key=lambda item: order.get(item[0], 0)
                    )
                )
                or "none",
            )
            for row in there
        ],
        right=("line",),
        width=200,
    )


def _value(value: object) -> str:
    return "null" if value is None else printable(value, _WIDTH)


def _show_whole(state: State, result: Mapping[str, Any]) -> None:
    """Show what the rows above do not: the whole job, and columns that the table fills."""
    classes = result.get("classes") or {}
    state.out.line(
        "\nwhole job: " + ", ".join(f"{number(count)} {name}" for name, count in _by_class(classes))
    )
    omitted = result.get("not_shown") or []
    if omitted:
        state.out.line(
            "not shown: "
            + "; ".join(
                printable(f"{item.get('column') or item.get('header')} ({item.get('why')})", 100)
                for item in omitted
            )
        )
    show_refusal(state, result)


def _by_class(classes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, classes.get(name)) for name in ("insert", "update", "skip", "invalid")]
