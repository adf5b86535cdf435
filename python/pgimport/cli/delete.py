"""Deleting a job, and looking up which jobs wrote a record."""

from __future__ import annotations

import click

from pgimport.cli._app import (
    Command,
    State,
    client,
    confirm,
    emit_result,
    find_job,
    pass_state,
    shown_command,
)
from pgimport.cli._output import moment, number, plain, printable
from pgimport.cli.jobs import yes_option


@click.command("delete", cls=Command)
@click.argument("job", metavar="JOB")
@click.option("--reason", help="Recorded with the job.")
@yes_option
@pass_state
def delete(state: State, job: str, reason: str | None, yes: bool) -> None:
    """Delete what a job has; its record, its log and what it imported stay.

    Staged rows, before-images and issues go, and its files may be imported again. Not while the job
    can be rolled back.
    """
    caller = client(state)
    job_id = find_job(state, job)
    if not yes:
        known = caller.get_job(job_id).raw
        counts = known.get("counts") or {}
        words = ["--reason", reason] if reason else []
        confirm(
            state,
            "DELETE",
            f"Everything of job {job_id} but its record will be deleted: it is"
            f" {known.get('status')}, into {known.get('target')},"
            f" {number(counts.get('files') or 0)} files,"
            f" {number(counts.get('rows_inserted') or 0)} rows inserted.",
            yes,
            shown_command("delete", job_id, *words, "--yes"),
        )
    emit_result(state, caller.delete_job(job_id, reason).raw)


@click.command("record", cls=Command)
@click.argument("target")
@click.argument("key", nargs=-1, required=True, metavar="VALUE...")
@click.option("--after", type=click.IntRange(1), metavar="ID", help="The next page.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@pass_state
def record(state: State, target: str, key: tuple[str, ...], after: int | None, limit: int) -> None:
    """Tell which jobs wrote a record, found by the values of its key.

    For targets with the option row_history, the newest first.
    """
    rows = [plain(row.raw) for row in client(state).row_history(target, list(key), after, limit)]
    next_page = rows[-1]["history_id"] if len(rows) == limit else None
    state.out.emit({"success": True, "job_id": None, "rows": rows, "next_after": next_page})
    if not rows:
        state.out.line("no import is known to have written this record")
        return
    state.out.table(
        ("when (UTC)", "action", "job", "status", "file", "line", "by"),
        [
            (
                moment(row.get("written_at")),
                row.get("action"),
                row.get("job_id"),
                row.get("job_status"),
                printable(row["file_name"]) if row.get("file_name") else "",
                number(row.get("line_no")),
                row.get("actor") or row.get("role_name"),
            )
            for row in rows
        ],
        right=("line",),
    )
    if next_page:
        state.out.next(
            shown_command("record", target, *key, "--after", str(next_page)), "the next page"
        )
    else:
        state.out.next(f"pgimport show {rows[0]['job_id']}")
