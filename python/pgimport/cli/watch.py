"""Watching a job that runs elsewhere."""

from __future__ import annotations

import time
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
    shown_command,
)
from pgimport.cli._output import number
from pgimport.cli._progress import Progress, what_runs
from pgimport.models import ProgressResult

_WELL_ENDED = ("completed", "rolled_back")
_BADLY_ENDED = ("failed", "cancelled", "staging_lost")


@click.command("watch", cls=Command)
@click.argument("job", metavar="JOB")
@click.option(
    "--every",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@click.option("--once", is_flag=True, help="Look once, whatever the job does.")
@pass_state
def watch(state: State, job: str, every: float, once: bool) -> None:
    """Show how far a job is while another session runs it, until the job ends.

    Exit code 1 when it ended as failed, cancelled or without its staged rows.
    """
    job_id = find_job(state, job)
    caller = client(state)
    state.resume = shown_command("watch", job_id)
    now = caller.job_progress(job_id)
    with Progress(state.out, transient=True, eager=True) as shown:
        while not once and (now.running or now.status not in (*_WELL_ENDED, *_BADLY_ENDED)):
            _show(shown, now)
            time.sleep(every)
            now = caller.job_progress(job_id)
    state.resume = None
    if not once and now.status in _BADLY_ENDED:
        raise StopCommand(
            REFUSED,
            caller.get_job(job_id).message or f"the job is {now.status}",
            hint=shown_command("show", job_id),
            envelope=now.raw,
        )
    emit_result(state, now.raw)
    if once:
        state.out.facts(_facts(now))


def _show(shown: Progress, now: ProgressResult) -> None:
    status = str(now.status)
    shown.update(
        f"{status}: {now.phase}" if now.phase else status,
        rows=now.rows_done,
        rate=now.rows_per_second,
        eta=now.eta_seconds,
        done=now.rows_done if now.rows_total else None,
        total=now.rows_total,
        note=what_runs("", None if now.running else "nothing runs", now.waiting_for),
    )


def _facts(now: ProgressResult) -> list[tuple[str, Any]]:
    return [
        ("running", f"yes, pid {now.pid}" if now.running else "no"),
        ("phase", now.phase or "-"),
        ("rows", f"{number(now.rows_done)} of {number(now.rows_total)}"),
        ("rows per second", number(now.rows_per_second)),
        ("eta (s)", number(now.eta_seconds)),
        ("waiting for", now.waiting_for or "-"),
    ]
