"""Retention: remove what is not to be kept any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from pgimport.cli._app import Command, State, client, pass_state, shown_command

_KINDS = {
    "open_rollbacks": "rollbacks closed",
    "staged_rows": "staged rows",
    "rollback_data": "data of closed rollbacks",
    "row_history": "row history",
}
_NUMBERS = ("jobs", "partitions", "rows", "bytes")


@click.command("maintain", cls=Command)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@pass_state
def maintain(state: State, dry_run: bool) -> None:
    """Remove what is older than retention says, and nothing an open rollback needs."""
    caller = client(state)
    removed: dict[str, dict[str, Any]] = {}
    while True:
        # a run frees so many jobs: the locks of a transaction are not without number
        result = caller.run_maintenance({"dry_run": dry_run})
        _add(removed, result.removed)
        if dry_run or not result.remaining or not result.removed:
            break
    answer = {**result.raw, "removed": list(removed.values())}
    freed = _size(sum(row["bytes"] for row in removed.values()))
    answer["message"] = f"a dry run: {freed} would be freed" if dry_run else f"{freed} freed"
    state.out.emit(answer)
    state.out.warnings(result.warnings)
    state.out.line(answer["message"])
    if removed:
        state.out.line("\nwould be removed:" if dry_run else "\nremoved:")
        _table(state, removed.values())
    if result.kept:
        state.out.line("\nkept:")
        _table(state, result.kept, why=True)
    if dry_run and removed:
        state.out.next(shown_command(*state.connection_words(), "maintain"))


def _add(removed: dict[str, dict[str, Any]], rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        known = removed.setdefault(row["kind"], {"kind": row["kind"], **dict.fromkeys(_NUMBERS, 0)})
        for number in _NUMBERS:
            known[number] += row[number] or 0


def _table(state: State, rows: Iterable[Mapping[str, Any]], *, why: bool = False) -> None:
    shown = []
    for row in rows:
        line = [
            _KINDS.get(row["kind"], row["kind"]),
            row["jobs"] or "",
            row["partitions"] or "",
            _size(row["bytes"] or 0),
        ]
        shown.append([*line, row["why"]] if why else [*line, row["rows"] or ""])
    state.out.table(
        ("what", "jobs", "partitions", "size", "why" if why else "rows"),
        shown,
        right=("jobs", "partitions", "size") if why else ("jobs", "partitions", "size", "rows"),
    )


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 10240 or unit == "GB":
            break
        size /= 1024
    return f"{size:.0f} {unit}"
