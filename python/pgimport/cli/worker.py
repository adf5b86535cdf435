"""The queue: handing jobs to workers, looking at it, and working."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import click

from pgimport.cli._app import (
    Command,
    State,
    client,
    emit_result,
    find_job,
    pass_state,
    shown_command,
)
from pgimport.cli._output import moment, plain, printable

_STATES = ("waiting", "running", "done", "dead", "cancelled")


@click.command("submit", cls=Command)
@click.argument("job", metavar="JOB")
@click.option("--batch-rows", type=click.IntRange(1), help="So many rows in a transaction.")
@click.option("--priority", type=click.IntRange(-999, 999), help="The highest first; else 0.")
@click.option("--max-attempts", type=click.IntRange(1, 100), help="Before it is given up; else 5.")
@click.option(
    "--after", "run_after", metavar="TIME", help="Not before, such as 2030-01-31 22:00+01."
)
@pass_state
def submit(state: State, /, job: str, **given: Any) -> None:
    """Hand a staged or checked job to the workers."""
    caller = client(state)
    job_id = find_job(state, job)
    options = {name: value for name, value in given.items() if value is not None}
    emit_result(state, caller.submit_job(job_id, options).raw)
    state.out.next("pgimport queue", "or pgimport worker, to run it here")


@click.command("queue", cls=Command)
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@pass_state
def queue(state: State, states: tuple[str, ...], limit: int) -> None:
    """Show the jobs of the queue, the last submitted first."""
    rows = client(state).list_queue({"state": list(states)} if states else {}, None, limit)
    state.out.emit({"success": True, "jobs": [plain(row.raw) for row in rows]})
    if not rows:
        state.out.line("the queue is empty" if not states else "no such job is in the queue")
        return
    state.out.table(
        ("no", "job", "target", "state", "job is", "attempt", "worker", "since", "what"),
        [
            (
                row.queue_no,
                str(row.job_id),
                row.target_name,
                row.state,
                row.status,
                f"{row.attempts}/{row.max_attempts}",
                row.worker,
                moment(row.finished_at or row.claimed_at or row.queued_at),
                _what(row),
            )
            for row in rows
        ],
        right=("no",),
    )


def _what(row: Any) -> str:
    if row.state == "running":
        return f"lease until {moment(row.lease_until)}"
    said = ": ".join(text for text in (row.last_sqlstate, row.last_message) if text)
    if row.state == "waiting" and row.run_after and row.run_after > row.queued_at:
        return f"after {moment(row.run_after)}" + (f" ({said})" if said else "")
    return said


@click.command("worker", cls=Command)
@click.option("--name", help="What the queue shows; else host and process.")
@click.option(
    "--lease",
    type=click.FloatRange(1, 86_400),
    default=60,
    show_default=True,
    help="Seconds after which others take the job of a worker that is not heard of.",
)
@click.option(
    "--poll",
    type=click.FloatRange(0.05, 3600),
    default=5,
    show_default=True,
    help="Seconds between two looks into an empty queue.",
)
@click.option("--once", is_flag=True, help="End when no job is waiting.")
@pass_state
def worker(state: State, name: str | None, lease: float, poll: float, once: bool) -> None:
    """Run jobs of the queue until it is interrupted.

    SIGINT or SIGTERM: the step that runs is finished and the job given back; a second one cancels
    the step, which is undone. Several workers may run side by side.
    """
    from pgimport.worker import Worker, WorkerEvent

    client(state)
    state.close()

    def tell(event: WorkerEvent) -> None:
        state.out.note(f"{event.what}: {printable(event.message, 1000)}")

    try:
        working = Worker(state.conninfo(), name=name, lease=lease, poll=poll, on_event=tell)
    except ValueError as error:
        raise click.UsageError(str(error)) from error

    def end(number: int, frame: FrameType | None) -> None:
        if working.is_stopping:
            working.abort()
        else:
            working.stop()
            state.out.note("ending after the step that runs; again to undo it and end now")

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    state.out.note(f'worker "{working.name}" waits for jobs')
    try:
        counts = working.run(once=once)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    completed, dead = counts.get("completed", 0), counts.get("dead", 0)
    emit_result(
        state,
        {
            "success": True,
            "worker": working.name,
            "events": counts,
            "message": f'worker "{working.name}" ended: {completed} completed, {dead} given up',
        },
    )
    if dead:
        state.out.next(shown_command("queue", "--state", "dead"), "why")
