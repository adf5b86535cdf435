"""The life of a job, from its files to its rollback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from pgimport._batches import insert_rows
from pgimport.cli._app import (
    REFUSED,
    Command,
    State,
    StopCommand,
    client,
    confirm,
    emit_result,
    find_job,
    pass_state,
    persist,
    resumable,
    shown_command,
)
from pgimport.cli._output import number
from pgimport.cli._progress import following
from pgimport.cli._read import read_options, read_words, take_read
from pgimport.cli._show import show_check, show_insert, show_verify, what_will_be_written
from pgimport.cli._stage import stage_paths
from pgimport.cli.targets import json_object
from pgimport.errors import InsertFailed, StagingError

_job_argument = click.argument("job", metavar="JOB")
yes_option = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")


def _pairs(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = {}
    for value in values:
        column, equals, text = value.partition("=")
        if not equals or not column:
            raise click.BadParameter(f'"{value}": COLUMN=VALUE is needed')
        pairs[column] = text
    return pairs


def _job_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that go into create_job, and those of the files."""
    options = (
        click.option(
            "--on-duplicate",
            type=click.Choice(["skip", "update", "create", "error"]),
            help="What becomes of rows whose key is in the table.",
        ),
        click.option(
            "--on-issue",
            type=click.Choice(["skip", "abort"]),
            help="Leave invalid rows out, or insert nothing if there is one.",
        ),
        click.option(
            "--keep",
            type=click.Choice(["first", "last"]),
            help="Which of several rows with one key in the files.",
        ),
        click.option("--max-issues", type=click.IntRange(0), help="More, and nothing is inserted."),
        click.option("--max-issue-ratio", type=click.FloatRange(0, 1), metavar="0..1"),
        click.option("--max-duplicate-ratio", type=click.FloatRange(0, 1), metavar="0..1"),
        click.option(
            "--constant",
            multiple=True,
            callback=_pairs,
            metavar="COLUMN=VALUE",
            help="The same value in all rows.",
        ),
        click.option("--tenant", help="Whose data these are."),
        click.option("--actor", help="Who imports; else the role."),
        click.option("--source", help="Where the data come from."),
        click.option("--source-info", help="More about it."),
        click.option("--idempotency-key", help="The same key never makes a second job."),
        click.option("--durable", is_flag=True, help="Staged rows survive a crash of the server."),
        click.option(
            "--mapping", callback=json_object, metavar="JSON", help='{"header": "column" or null}.'
        ),
        click.option(
            "--options",
            callback=json_object,
            metavar="JSON",
            help="Any options of pgimport.create_job().",
        ),
        click.option(
            "--force", is_flag=True, help="Also files, and rows, that were imported before."
        ),
        click.option("--parallel", type=click.IntRange(1, 32), help="Files loaded side by side."),
        click.option("--job", "job", metavar="JOB", help="Go on with this job."),
    )
    command = read_options(command)
    for option in reversed(options):
        command = option(command)
    return command


def _options_of_job(given: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = dict(given["options"] or {})
    for name in (
        "on_duplicate", "on_issue", "keep", "max_issues", "max_issue_ratio",
        "max_duplicate_ratio", "tenant", "actor", "source", "source_info", "idempotency_key",
        "mapping",
    ):  # fmt: skip
        if given[name] is not None:
            options[name] = given[name]
    # of a job: the same rows in other bytes, too
    options.update((name, True) for name in ("durable", "force") if given[name])
    if given["constant"]:
        options["constants"] = {**options.get("constants", {}), **given["constant"]}
    return options


def _stage(
    state: State,
    command: str,
    target: str,
    paths: tuple[str, ...],
    given: dict[str, Any],
    *more: str,
) -> dict[str, Any]:
    """Stage the files; an interruption prints the same command with the job's id."""
    job = find_job(state, given["job"]) if given["job"] else None
    options = _options_of_job(given)

    read = take_read(dict(given))
    words = [*read_words(read), *more]
    if given["force"]:
        words.append("--force")

    def begun(job_id: str) -> None:
        state.job_id = job_id
        state.resume = shown_command(command, target, *paths, *words, "--job", job_id)

    return stage_paths(
        state,
        target,
        paths,
        options,
        job_id=job,
        read=read,
        force=given["force"],
        parallel=given["parallel"],
        begun=begun,
    )


def _timed(state: State, phase: str, call: Callable[[], Any]) -> Any:
    def once() -> Any:
        with following(state, phase, str(state.job_id)):
            return call()

    return persist(state, once)


batch_option = click.option(
    "--batch-rows",
    type=click.IntRange(1),
    metavar="N",
    help="Commit after every N rows: what is written stays, and the insert can be resumed.",
)


def batch_words(batch_rows: int | None) -> list[str]:
    """Return the words that give this option again."""
    return [] if batch_rows is None else ["--batch-rows", str(batch_rows)]


def check_now(state: State, job_id: str) -> dict[str, Any]:
    """Check a job and return the envelope."""
    checked: dict[str, Any] = _timed(state, "check", lambda: client(state).check_job(job_id)).raw
    return checked


@contextmanager
def _telling(**details: Any) -> Iterator[None]:
    """Within this block an insert that is refused answers with what was found before, too."""
    try:
        yield
    except InsertFailed as error:
        raw = getattr(error.result, "raw", {})
        raise StopCommand(
            REFUSED,
            error.message,
            code=error.code,
            detail=error.detail,
            hint=error.hint,
            envelope={**raw, "details": {**(raw.get("details") or {}), **details}},
        ) from error


@click.command("import", cls=Command)
@click.argument("target")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@_job_options
@click.option("--dry-run", is_flag=True, help="Everything but the insert.")
@batch_option
@yes_option
@pass_state
def import_(
    state: State,
    /,
    *,
    target: str,
    paths: tuple[str, ...],
    dry_run: bool,
    batch_rows: int | None,
    yes: bool,
    **given: Any,
) -> None:
    """Stage, check, insert and verify files: the whole life in one command."""
    caller = client(state)
    if given["job"]:
        job_id = find_job(state, given["job"])
        if caller.get_job(job_id).status == "inserting":
            # its files are staged and checked, and some of its rows are in the table
            insert_and_verify(state, job_id, batch_rows, {})
            return
    staged = _stage(state, "import", target, paths, given, *batch_words(batch_rows))
    job_id = str(staged["job_id"])
    if staged["status"] in ("inserting", "completed"):
        # what a killed client had begun went on without it, or was done already
        insert_and_verify(state, job_id, batch_rows, {"stage": staged})
        return
    try:
        check = check_now(state, job_id)
    except StagingError as error:
        if getattr(error.result, "status", None) != "staging_lost":
            raise
        # the server crashed behind the staging
        staged = _stage(state, "import", target, paths, {**given, "job": job_id})
        check = check_now(state, job_id)
    state.out.warnings([*staged["warnings"], *(check.get("warnings") or [])])
    show_check(state, check)
    found = {"stage": staged, "check": check}
    if dry_run:
        with _telling(**found):
            result = caller.insert_job(job_id, {"dry_run": True}).raw
        result["details"] = {**result["details"], **found}
        emit_result(state, result)
        state.out.next(f"pgimport insert {job_id}")
        return
    if not check.get("refused_because"):
        confirm(
            state,
            "YES",
            f"\n{what_will_be_written(check)}.",
            yes,
            shown_command("insert", job_id, *batch_words(batch_rows), "--yes"),
        )
    insert_and_verify(state, job_id, batch_rows, found)


def insert_and_verify(
    state: State, job_id: str, batch_rows: int | None, found: dict[str, Any]
) -> None:
    """Insert a checked job, verify it and show both; ``found`` goes into the details."""
    caller = client(state)
    again = resumable(state, "insert", job_id, *batch_words(batch_rows))
    with again, _telling(**found):
        result = _timed(
            state, "insert", lambda: insert_rows(caller, job_id, batch_rows=batch_rows)
        ).raw
    with resumable(state, "verify", job_id):
        verified = _timed(state, "verify", lambda: caller.verify_job(job_id)).raw
    state.resume = None
    result["details"] = {**result["details"], **found, "verify": verified}
    if not verified.get("verified"):
        raise StopCommand(
            REFUSED,
            "inserted, but what is in the table is not what was staged",
            detail=str(verified.get("message")),
            hint=f"pgimport plan {job_id}",
            envelope={**result, "success": False},
        )
    emit_result(state, result)
    show_insert(state, result)
    show_verify(state, verified)
    state.out.next(f"pgimport plan {job_id}", "what a rollback would do")


@click.command("stage", cls=Command)
@click.argument("target")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@_job_options
@pass_state
def stage(state: State, /, target: str, paths: tuple[str, ...], **given: Any) -> None:
    """Load files into a new job, or with --job into one that is there."""
    client(state)
    staged = _stage(state, "stage", target, paths, given)
    state.resume = None
    emit_result(state, staged)
    state.out.next(f"pgimport check {staged['job_id']}")


@click.command("check", cls=Command)
@_job_argument
@pass_state
def check(state: State, job: str) -> None:
    """Validate the staged rows and mark the duplicates."""
    caller = client(state)
    job_id = find_job(state, job)
    with resumable(state, "check", job_id):
        result = _timed(state, "check", lambda: caller.check_job(job_id)).raw
    emit_result(state, result)
    show_check(state, result)
    state.out.next(f"pgimport insert {job_id}", "or preview, or report")


@click.command("insert", cls=Command)
@_job_argument
@click.option("--dry-run", is_flag=True, help="Stop before anything is written.")
@click.option(
    "--options",
    callback=json_object,
    metavar="JSON",
    default="{}",
    help="As of pgimport.insert_job().",
)
@batch_option
@yes_option
@pass_state
def insert(
    state: State,
    /,
    *,
    job: str,
    dry_run: bool,
    options: dict[str, Any],
    batch_rows: int | None,
    yes: bool,
) -> None:
    """Insert the clean rows of a checked job; all of them or none, or batch by batch."""
    caller = client(state)
    job_id = find_job(state, job)
    if dry_run:
        try:
            result = caller.insert_job(job_id, {**options, "dry_run": True}).raw
        except InsertFailed as error:
            show_check(state, getattr(error.result, "raw", {}))
            raise
        emit_result(state, result)
        show_check(state, result)
        return
    if not yes:
        known = caller.get_job(job_id).raw
        counts = known.get("counts") or {}
        confirm(
            state,
            "YES",
            f"{number(counts.get('clean_rows'))} rows will be inserted into {known.get('target')}"
            f" ({number(counts.get('total_rows'))} staged,"
            f" {number(counts.get('invalid_rows'))} invalid,"
            f" {number(counts.get('internal_duplicates'))} duplicates in the files,"
            f" {number(counts.get('database_duplicates'))} in the table).",
            yes,
            shown_command("insert", job_id, *batch_words(batch_rows), "--yes"),
        )
    with resumable(state, "insert", job_id, *batch_words(batch_rows)):
        result = _timed(
            state, "insert", lambda: insert_rows(caller, job_id, options, batch_rows)
        ).raw
    emit_result(state, result)
    show_insert(state, result)
    state.out.next(f"pgimport verify {job_id}")


@click.command("verify", cls=Command)
@_job_argument
@pass_state
def verify(state: State, job: str) -> None:
    """Compare what is in the table with what was staged."""
    job_id = find_job(state, job)
    caller = client(state)
    result = _timed(state, "verify", lambda: caller.verify_job(job_id)).raw
    if not result.get("verified"):
        show_verify(state, result)
        raise StopCommand(
            REFUSED,
            str(result.get("message") or "not verified"),
            hint=f"pgimport plan {job_id}",
            envelope=result,
        )
    emit_result(state, result)
    show_verify(state, result)
    state.out.next(f"pgimport plan {job_id}", "what a rollback would do")


@click.command("cancel", cls=Command)
@_job_argument
@click.option("--reason", help="Recorded with the job.")
@pass_state
def cancel(state: State, job: str, reason: str | None) -> None:
    """End a job that was not inserted, also one that runs elsewhere; its staged rows go."""
    job_id = find_job(state, job)
    emit_result(state, client(state).cancel_job(job_id, reason).raw)


@click.command("clear", cls=Command)
@click.argument("job", metavar="JOB", required=False)
@click.option("--target", help="Instead of one job: all of this target …")
@click.option("--tenant", help="… and of this tenant.")
@yes_option
@pass_state
def clear(state: State, job: str | None, target: str | None, tenant: str | None, yes: bool) -> None:
    """Drop the staged rows of a job, or of all jobs of a target."""
    if (job is None) == (target is None):
        raise click.UsageError("name a JOB or --target")
    caller = client(state)
    if job is not None:
        job_id = find_job(state, job)
        what = f"The staged rows of job {job_id} will be dropped."
        again = shown_command("clear", job_id, "--yes")
    else:
        what = f'The staged rows of all jobs of target "{target}"' + (
            f' and tenant "{tenant}" will be dropped.' if tenant else " will be dropped."
        )
        again = shown_command(
            "clear", "--target", str(target), *(["--tenant", tenant] if tenant else []), "--yes"
        )
    confirm(state, "YES", what, yes, again)
    if job is not None:
        result = caller.clear_staging(job_id).raw
    else:
        result = caller.clear_target_staging(str(target), tenant).raw
    emit_result(state, result)
    state.out.line(f"  remaining rows  {number(result.get('remaining_rows'))}")
