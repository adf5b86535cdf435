"""Going on with a job that was interrupted, that failed, or that a crash has cost its rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from pgimport.cli._app import (
    UNCONFIRMED,
    Command,
    State,
    StopCommand,
    client,
    confirm,
    find_job,
    pass_state,
    shown_command,
)
from pgimport.cli._read import read_options, read_words, take_read
from pgimport.cli._show import show_check, what_will_be_written
from pgimport.cli._stage import stage_paths
from pgimport.cli.jobs import (
    batch_option,
    batch_words,
    check_now,
    insert_and_verify,
    yes_option,
)
from pgimport.errors import StagingError

# states in which files may have to be staged again
_BEFORE_INSERT = ("pending", "staging", "staged", "checked", "failed", "staging_lost")


@click.command("retry", cls=Command)
@click.argument("job", metavar="JOB")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@read_options
@click.option("--parallel", type=click.IntRange(1, 32), help="Files loaded side by side.")
@batch_option
@yes_option
@pass_state
def retry(
    state: State,
    /,
    *,
    job: str,
    paths: tuple[str, ...],
    parallel: int | None,
    batch_rows: int | None,
    yes: bool,
    **given: Any,
) -> None:
    """Go on with a job where it stopped.

    Files that were not staged to their end, that failed, or whose rows a crash of the server has
    emptied are staged again from PATH: the files, or the folder they are in. Then the job is
    checked, inserted and verified.
    """
    caller = client(state)
    job_id = find_job(state, job)
    read = take_read(given)
    known = caller.get_job(job_id).raw
    found: dict[str, Any] = {}
    if known["status"] in _BEFORE_INSERT:
        if not paths and _wanted(known):
            paths = _asked(_wanted(known), job_id)
        words = [*read_words(read), *batch_words(batch_rows)]
        state.resume = shown_command("retry", job_id, *paths, *words)
        while True:
            if paths:
                found["stage"] = stage_paths(
                    state,
                    str(known["target_name"]),
                    paths,
                    {},
                    job_id=job_id,
                    read=read,
                    parallel=parallel,
                    known_only=True,
                )
                state.out.warnings(found["stage"]["warnings"])
            try:
                check = check_now(state, job_id)
                break
            except StagingError as error:
                lost = getattr(error.result, "status", None) == "staging_lost"
                if not lost or (paths and known["status"] == "staging_lost"):
                    raise
                # nobody had noticed yet
                known = caller.get_job(job_id).raw
                paths = paths or _asked(_wanted(known), job_id)
        found["check"] = check
        show_check(state, check)
        if not check.get("refused_because"):
            again = shown_command("insert", job_id, *batch_words(batch_rows), "--yes")
            confirm(state, "YES", f"\n{what_will_be_written(check)}.", yes, again)
    elif known["status"] not in ("inserting", "completed"):
        caller.retry_job(job_id)  # says why not
    insert_and_verify(state, job_id, batch_rows, found)


def _wanted(known: Mapping[str, Any]) -> list[str]:
    """Return the names of the files without which a job cannot go on."""
    lost = known["status"] == "staging_lost"
    return [
        str(file["file_name"])
        for file in known.get("files") or []
        if file["status"] == "open" or (lost and file["status"] in ("staged", "failed"))
    ]


def _asked(names: list[str], job_id: str) -> tuple[str, ...]:
    """Ask where files are; without a terminal say how to tell it."""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    if sys.stdin.isatty():
        print(f"To be staged again: {shown}\nThe folder they are in: ", end="", file=sys.stderr)
        sys.stderr.flush()
        folder = sys.stdin.readline().strip()
        if folder:
            return (folder,)
    raise StopCommand(
        UNCONFIRMED,
        f"these files are to be staged again: {shown}",
        detail="where they came from is not recorded",
        hint=shown_command("retry", job_id, "FOLDER"),
    )
