"""The real insert, undone."""

from __future__ import annotations

from typing import Any

import click

from pgimport.cli._app import (
    REFUSED,
    Command,
    State,
    StopCommand,
    client,
    emit_result,
    find_job,
    pass_state,
)
from pgimport.cli._output import duration, number
from pgimport.cli._progress import following
from pgimport.cli._show import show_refusal
from pgimport.cli.targets import json_object

# below, all rows take no longer than finding out how long they take
_FEW_ROWS = 10_000


@click.command("rehearse", cls=Command)
@click.argument("job", metavar="JOB")
@click.option(
    "--sample",
    type=click.IntRange(1, 2**31 - 1),
    default=1000,
    show_default=True,
    help="How many rows: first, last, at the edges, at random.",
)
@click.option("--all", "all_rows", is_flag=True, help="All rows; tells the time beforehand.")
@click.option(
    "--options",
    callback=json_object,
    metavar="JSON",
    default="{}",
    help="As of pgimport.rehearse_job().",
)
@pass_state
def rehearse(
    state: State, /, job: str, *, sample: int, all_rows: bool, options: dict[str, Any]
) -> None:
    """Insert rows for real, with triggers and all constraints, and undo it."""
    caller = client(state)
    job_id = find_job(state, job)
    if all_rows:
        _tell_cost(state, job_id, options)
    with following(state, "rehearse", job_id):
        result = caller.rehearse_job(job_id, 0 if all_rows else sample, options).raw
    emit_result(state, result)
    failures = result.get("failures") or []
    if failures:
        several = len({failure.get("file_no") for failure in failures}) > 1
        places = ("file", "line") if several else ("line",)
        state.out.table(
            (*places, "sqlstate", "constraint", "column", "message"),
            [
                (
                    *([failure.get("file")] if several else []),
                    failure.get("line_no") or "all",
                    failure.get("sqlstate"),
                    failure.get("constraint"),
                    failure.get("column"),
                    failure.get("message"),
                )
                for failure in failures
            ],
            right=("line",),
            width=120,
        )
        unlisted = (result.get("failed") or 0) - len(failures)
        if unlisted > 0:
            state.out.line(f"and {number(unlisted)} more")
    show_refusal(state, result)
    if not result.get("passed"):
        raise StopCommand(REFUSED, str(result.get("message")), shown=True)
    predicted = (result.get("details") or {}).get("predicted_seconds")
    state.out.next(
        f"pgimport insert {job_id}",
        f"about {duration(float(predicted))}" if predicted is not None else "",
    )


def _tell_cost(state: State, job_id: str, options: dict[str, Any]) -> None:
    """Say how long all rows will take, measured by a few of them."""
    caller = client(state)
    clean = caller.get_job(job_id).counts.clean_rows or 0
    if clean <= _FEW_ROWS:
        return
    estimated = caller.rehearse_job(job_id, 0, {**options, "estimate": True})
    predicted = estimated.details.get("predicted_seconds")
    if predicted is not None:
        state.out.note(
            f"all {number(clean)} rows will take about {duration(float(predicted))}, "
            "and leave as many dead rows in the table until its next VACUUM"
        )
