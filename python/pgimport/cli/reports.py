"""Looking back: history, show, report."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from click.core import ParameterSource

from pgimport.cli._app import Command, State, client, find_job, pass_state, shown_command
from pgimport.cli._html import html_options, write_history, write_job_report
from pgimport.cli._output import duration, moment, number, plain, printable
from pgimport.cli._show import COUNTS

_STATUSES = (
    "pending", "staging", "staged", "checked", "queued", "inserting", "completed", "failed",
    "cancelled", "staging_lost", "rolled_back",
)  # fmt: skip


@click.command("history", cls=Command)
@click.option("--target", help="Jobs into this target.")
@click.option("--status", type=click.Choice(_STATUSES), help="Jobs in this state.")
@click.option("--tenant", help="Jobs of this tenant.")
@click.option("--actor", help="Jobs of this person, or role.")
@click.option("--role", help="Jobs of this role of the database.")
@click.option("--source", help="Jobs from this source.")
@click.option("--since", metavar="TIME", help="Created at or after, such as 2026-01-31.")
@click.option("--until", metavar="TIME", help="Created before.")
@click.option("--file", "file_name", metavar="TEXT", help="Jobs with a file of such a name.")
@click.option("--deleted/--not-deleted", default=None, help="Only deleted jobs, or only others.")
@click.option("--after", metavar="JOB", help="Go on after this job: the next page.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@html_options
@pass_state
def history(
    state: State,
    /,
    *,
    after: str | None,
    limit: int,
    html: Path | None,
    language: str,
    zone: tzinfo,
    **filters: str | bool | None,
) -> None:
    """List jobs, the newest first; with --html all of them, unless --limit is given."""
    wanted = {name: value for name, value in filters.items() if value is not None}
    after_id = UUID(find_job(state, after)) if after else None
    state.job_id = None
    if html is not None:
        given = click.get_current_context().get_parameter_source("limit")
        most = None if given == ParameterSource.DEFAULT else limit
        state.out.emit(
            write_history(
                state, wanted, html, language=language, zone=zone, after=after_id, limit=most
            )
        )
        return
    rows = [plain(row.raw) for row in client(state).list_jobs(wanted, after_id, limit)]
    next_page = str(rows[-1]["job_id"]) if len(rows) == limit else None
    state.out.emit({"success": True, "job_id": None, "jobs": rows, "next_after": next_page})
    if not rows:
        state.out.line("no job" + (" like that" if wanted else " yet"))
        return
    state.out.table(
        ("job", "created (UTC)", "target", "status", "files", "rows", "clean", "inserted",
         "updated", "skipped", "failed", "deleted", "restored", "kept", "by"),
        [
            (
                row["job_id"],
                moment(row.get("created_at")),
                row.get("target"),
                _status(row),
                row.get("files"),
                number(row.get("total_rows")),
                number(row.get("clean_rows")),
                number(row.get("rows_inserted")),
                number(row.get("rows_updated")),
                number(row.get("rows_skipped")),
                number(row.get("rows_rejected")),
                number(row.get("rows_deleted")),
                number(row.get("rows_restored")),
                number(row.get("rows_kept")),
                row.get("actor") or row.get("owner_role"),
            )
            for row in rows
        ],
        right=("files", "rows", "clean", "inserted", "updated", "skipped", "failed", "deleted",
               "restored", "kept"),
    )  # fmt: skip
    if next_page:
        words = [word for name, value in wanted.items() for word in _filter_words(name, value)]
        state.out.next(shown_command("history", *words, "--after", next_page), "the next page")
    else:
        state.out.next(f"pgimport show {rows[0]['job_id']}")


def _filter_words(name: str, value: str | bool) -> list[str]:
    if isinstance(value, bool):
        return ["--deleted" if value else "--not-deleted"]
    return ["--file" if name == "file_name" else f"--{name}", value]


def _status(row: Mapping[str, Any]) -> str:
    """Return the status in words, with what was done to the job since it was inserted."""
    words = [str(row.get("status"))]
    if row.get("status") == "completed" and row.get("partial_rollbacks"):
        words.append("partly rolled back")
    if row.get("redone"):
        words.append("redone" if row["redone"] == 1 else f"redone {row['redone']} times")
    if row.get("deleted_at"):
        words.append("deleted")
    return ", ".join(words)


@click.command("show", cls=Command)
@click.argument("job", metavar="JOB")
@pass_state
def show(state: State, job: str) -> None:
    """Show one job: state, counts, files and what happened to it."""
    caller = client(state)
    job_id = find_job(state, job)
    raw = caller.get_job(job_id).raw
    events = [plain(event.raw) for event in caller.job_events(job_id)]
    state.out.emit({**raw, "events": events})
    out = state.out
    out.line(f"job {job_id}")
    undone = raw.get("rollback") or {}
    out.facts(
        [
            ("status", _status({**undone, **{n: raw.get(n) for n in ("status", "deleted_at")}})),
            *(
                (shown, value)
                for name, shown in (
                    ("target", "target"),
                    ("actor", "actor"),
                    ("owner_role", "role"),
                    ("tenant", "tenant"),
                    ("source", "source"),
                    ("source_info", "source info"),
                    ("error_message", "failed because"),
                )
                if (value := _known(raw, name)) not in (None, "")
            ),
        ]
    )
    counts = raw.get("counts") or {}
    out.line()
    out.facts(
        [
            (shown, counts[name])
            for name, shown in (
                *COUNTS,
                ("rows_inserted", "inserted"),
                ("rows_updated", "updated"),
                ("rows_unchanged", "in the table already as they are"),
                ("rows_skipped", "skipped"),
                ("rows_rejected", "rejected as invalid"),
                ("rows_deleted", "deleted by the rollback"),
                ("rows_restored", "restored by the rollback"),
                ("rows_kept", "kept by the rollback"),
            )
            if counts.get(name) is not None
        ]
    )
    _show_rollback_of(state, raw)
    files = raw.get("files") or []
    if files:
        out.line()
        out.table(
            ("no", "file", "status", "rows", "refused", "bytes", "problem"),
            [
                (
                    file.get("file_no"),
                    file.get("file_name"),
                    file.get("status"),
                    file.get("rows_staged"),
                    file.get("rows_refused"),
                    file.get("bytes"),
                    file.get("error_message"),
                )
                for file in files
            ],
            right=("no", "rows", "refused", "bytes"),
        )
    if events:
        out.line()
        out.table(
            ("when (UTC)", "event", "times", "from", "to", "by"), _shown(events), right=("times",)
        )
    command = _NEXT.get(str(raw.get("status")))
    if command and not raw.get("deleted_at"):
        out.next(f"pgimport {command} {job_id}")


def _show_rollback_of(state: State, raw: Mapping[str, Any]) -> None:
    """Say in a sentence what became of the job's rows since, and until when they can go back."""
    undone = raw.get("rollback") or {}
    counts = raw.get("counts") or {}
    partial = raw.get("status") == "completed" and undone.get("partial_rollbacks")
    if undone.get("rolled_back_at") or partial:
        numbers = ", ".join(
            f"{number(counts.get(name) or 0)} {word}"
            for name, word in (
                ("rows_deleted", "declared deleted" if undone.get("soft") else "deleted"),
                ("rows_restored", "restored"),
                ("rows_kept", "kept"),
            )
        )
        how = "Partly rolled back" if partial else "Rolled back"
        when = undone.get("rolled_back_at")
        said = [
            f"{how} ({numbers})",
            f"{moment(when)} UTC" if when else "",
            f"by {printable(undone['rolled_back_by'])}" if undone.get("rolled_back_by") else "",
            f"mode {undone['mode']}" if undone.get("mode") else "",
        ]
        reason = f": {printable(undone['reason'], 200)}" if undone.get("reason") else ""
        state.out.line(f"\n  {', '.join(word for word in said if word)}{reason}.")
    if undone.get("redone"):
        times = "" if undone["redone"] == 1 else f" {number(undone['redone'])} times"
        state.out.line(f"\n  Inserted again{times} after a rollback.")
    if raw.get("deleted_at"):
        state.out.line(
            f"\n  Deleted {moment(raw['deleted_at'])} UTC by {printable(raw['deleted_by'])}:"
            " this record, its log and what it imported are left."
        )
    elif raw.get("status") == "completed" and undone.get("until"):
        state.out.line(f"\n  Can be rolled back until {moment(undone['until'])} UTC.")


_NEXT = {
    "staged": "check",
    "checked": "insert",
    "completed": "plan",
    "failed": "retry",
    "staging_lost": "retry",
    "inserting": "retry",
    "rolled_back": "redo",
}


def _shown(events: list[dict[str, Any]]) -> list[list[Any]]:
    """Return one line for events of the same kind that follow each other."""
    lines: list[list[Any]] = []
    for event in events:
        what = [event.get("event"), event.get("from_status"), event.get("to_status")]
        who = event.get("actor") or event.get("role_name")
        if lines and [lines[-1][1], *lines[-1][3:]] == [*what, who]:
            lines[-1][2] += 1
        else:
            lines.append([moment(event.get("happened_at")), what[0], 1, what[1], what[2], who])
    return lines


def _known(raw: dict[str, Any], name: str) -> Any:
    for holder in (raw, raw.get("job") or {}, raw.get("details") or {}):
        if holder.get(name) is not None:
            return holder[name]
    return None


@click.command("report", cls=Command)
@click.argument("job", metavar="JOB")
@click.option("--duplicates", "kind", flag_value="duplicates", help="Only duplicate rows.")
@click.option(
    "--issues",
    "kind",
    flag_value="issues",
    help="Only rows with issues, to be corrected and sent back with fix.",
)
@click.option("--issue-list", "kind", flag_value="issue_list", help="One line an issue.")
@click.option("--all", "kind", flag_value="all", help="All rows with their class (default).")
@click.option(
    "-o",
    "--output",
    metavar="FILE.csv|.xlsx",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it, as CSV or XLSX; - for CSV on standard output.",
)
@click.option("--raw", is_flag=True, help="Do not neutralise formulas of spreadsheets.")
@html_options
@click.option("--verify", is_flag=True, help="The HTML report compares the table, too.")
@click.option("--plan", is_flag=True, help="The HTML report tells what a rollback would do, too.")
@pass_state
def report(
    state: State,
    /,
    *,
    job: str,
    kind: str | None,
    output: Path | None,
    raw: bool,
    html: Path | None,
    language: str,
    zone: tzinfo,
    verify: bool,
    plan: bool,
) -> None:
    """Write rows as CSV or XLSX, streamed, or the story of a job as HTML."""
    if output is not None and html is not None:
        raise click.UsageError("either rows, -o FILE, or the story of the job, --html FILE")
    if html is not None:
        if kind or raw:
            raise click.UsageError("--html tells of the whole job: leave out the kind and --raw")
        job_id = find_job(state, job)
        made = write_job_report(
            state, job_id, html, language=language, zone=zone, verify=verify, plan=plan
        )
        state.out.emit(made)
        return
    if output is None:
        raise click.UsageError("where to? -o FILE.csv or FILE.xlsx for rows, or --html FILE.html")
    if verify or plan:
        raise click.UsageError("--verify and --plan go with --html FILE.html")
    if state.out.as_json and str(output) == "-":
        raise click.UsageError("with --json the report goes to a file: -o FILE.csv")
    if str(output) != "-" and output.suffix.lower() not in (".csv", ".xlsx"):
        raise click.UsageError("the report is CSV or XLSX: -o FILE.csv or FILE.xlsx")
    job_id = find_job(state, job)
    kind = kind or "all"
    begin = time.monotonic()
    written = export(state, job_id, kind, output, raw)
    seconds = time.monotonic() - begin
    message = f"{number(written['rows'])} rows, {number(written['bytes'])} bytes"
    state.out.emit(
        {
            "success": True,
            "job_id": job_id,
            "message": f"{message} written",
            "report": kind,
            "file": str(output),
            "raw": raw,
            "rows": written["rows"],
            "bytes": written["bytes"],
            "seconds": round(seconds, 3),
        }
    )
    text = f"{message} written to {output} in {duration(seconds)}"
    if str(output) == "-":
        state.out.note(text)
    else:
        state.out.line(text)
        # what was inserted is not corrected any more
        open_job = client(state).get_job(job_id).status in ("staged", "checked", "failed")
        if kind == "issues" and written["rows"] and open_job:
            state.out.next(shown_command("fix", job_id, str(output)), "once it is corrected")


def export(state: State, job_id: str, kind: str, output: Path, raw: bool) -> dict[str, int]:
    """Stream a report to a file or to standard output; returns rows and bytes."""
    from pgimport.exports import export_report

    caller = client(state)
    if str(output) != "-":
        rows = export_report(caller.conn, job_id, kind, output, raw)
        return {"rows": rows, "bytes": output.stat().st_size}
    stdout = sys.stdout.buffer
    sent = stdout.write(b"\xef\xbb\xbf")
    statement = caller.report_copy_sql(job_id, kind, raw or None).copy_sql
    with caller.conn.cursor() as cursor:
        with cursor.copy(statement.encode()) as copy:
            for block in copy:
                sent += stdout.write(block)
        stdout.flush()
        return {"rows": cursor.rowcount, "bytes": sent}
