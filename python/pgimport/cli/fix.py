"""Sending corrected rows back to their job."""

from __future__ import annotations

from typing import Any

import click
from psycopg.conninfo import make_conninfo

from pgimport.cli._app import Command, State, client, emit_result, find_job, pass_state
from pgimport.cli._progress import working
from pgimport.readers.options import ReadOptions


@click.command("fix", cls=Command)
@click.argument("job", metavar="JOB")
@click.argument("file", metavar="FILE")
@click.option("--delimiter", help="Of a CSV file; else found.")
@click.option("--encoding", help="Of a CSV file; else told by the file, or UTF-8.")
@click.option("--sheet", help="Name of the sheet, or its number from 1.")
@click.option(
    "--header-row",
    type=click.IntRange(1),
    metavar="N",
    help="Line, or row of the sheet, of the header; else found.",
)
@click.option("--force", is_flag=True, help="Also a file that was applied before.")
@click.option(
    "--as-sent",
    is_flag=True,
    help="Also cells without an issue that look as if a spreadsheet had rewritten them.",
)
@pass_state
def fix(state: State, /, job: str, file: str, force: bool, as_sent: bool, **read: Any) -> None:
    """Send a corrected report back: its rows replace the staged ones and are checked again.

    FILE is what "report JOB --issues" wrote, CSV or XLSX, edited: leave the column pgimport_row
    as it is; order, and columns or rows that are missing, do not matter. Exit code 0 when it was
    applied, also if issues are left.
    """
    from pgimport.fixer import fix_file

    client(state)
    job_id = find_job(state, job)
    with working(state.out, "fix"):
        result = fix_file(
            make_conninfo(state.conninfo(), application_name="pgimport"),
            job_id,
            file,
            read=ReadOptions(**read),
            force=force,
            as_sent=as_sent,
        )
    emit_result(state, result.raw)
    state.out.facts(
        [
            ("rows in the file", result.rows),
            ("fixed", result.rows_fixed),
            ("changed, still invalid", result.rows_still_invalid),
            ("left as they were", result.rows_unchanged),
            ("issues left in the job", result.issues_left),
            ("clean rows of the job", result.counts.clean_rows),
        ]
    )
    if result.issues_left:
        state.out.next(
            f"pgimport report {job_id} --issues -o issues.xlsx", "correct it and send it back"
        )
    else:
        state.out.next(f"pgimport insert {job_id}")
