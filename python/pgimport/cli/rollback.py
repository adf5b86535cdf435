"""Taking a job back, and doing it again: plan, rollback, redo."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from pgimport.cli._app import (
    UNCONFIRMED,
    Command,
    State,
    StopCommand,
    client,
    confirm,
    emit_result,
    find_job,
    pass_state,
    resumable,
    shown_command,
)
from pgimport.cli._output import moment, number, printable
from pgimport.cli._plan import Plan, choices, headline, show_plan, show_rollback
from pgimport.cli._progress import working
from pgimport.cli._show import show_insert
from pgimport.cli.targets import json_object
from pgimport.errors import PgImportError, RollbackRefused

_CLASSES = ("delete", "restore", "gone", "modified", "taken", "later", "kept")
_ROW = "pgimport_row"
_yes_option = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")


@click.command("plan", cls=Command)
@click.argument("job", metavar="JOB")
@click.option(
    "--rows", "row_class", type=click.Choice(_CLASSES), help="List the rows of one class instead."
)
@click.option("--after", type=click.IntRange(0), default=0, help="Of that list: after this row_no.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@pass_state
def plan(state: State, /, job: str, *, row_class: str | None, after: int, limit: int) -> None:
    """Show what a rollback would do; nothing is changed."""
    caller = client(state)
    job_id = find_job(state, job)
    if row_class is not None:
        _list_rows(state, job_id, row_class, after, limit)
        return
    with working(state.out, "plan"):
        result = caller.plan_rollback(job_id).raw
    state.out.emit(result)
    known = None if state.out.as_json else caller.get_job(job_id).raw
    show_plan(state, result, job_id, job=known)


def _list_rows(state: State, job_id: str, row_class: str, after: int, limit: int) -> None:
    rows = [row.raw for row in client(state).rollback_rows(job_id, row_class, after, limit)]
    following = rows[-1].get("row_no") if len(rows) == limit else None
    state.out.emit({"success": True, "job_id": job_id, "rows": rows, "next_after": following})
    if not rows:
        state.out.line("no row" + (" after that" if after else " of that class"))
        return
    keys = list(dict.fromkeys(name for row in rows for name in row.get("key") or {}))
    state.out.table(
        ("row_no", "row", *keys, "columns", "detail"),
        [
            (
                row.get("row_no"),
                row.get("kind"),
                *((row.get("key") or {}).get(name) for name in keys),
                ", ".join(row.get("columns") or []),
                row.get("detail"),
            )
            for row in rows
        ],
        right=("row_no",),
    )
    if following is not None:
        words = ("plan", job_id, "--rows", row_class, "--after", str(following))
        state.out.next(shown_command(*words), "the next page")


def _filter(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str | list[str]]:
    """COLUMN=VALUE, several of one column meaning any of them."""
    found: dict[str, str | list[str]] = {}
    for given in values:
        column, equals, text = given.partition("=")
        if not equals or not column:
            raise click.BadParameter(f'"{given}": COLUMN=VALUE is needed')
        before = found.get(column)
        if before is None:
            found[column] = text
        else:
            found[column] = [*(before if isinstance(before, list) else [before]), text]
    return found


def _tokens(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> list[str]:
    """Tokens, or files that hold some: a report as CSV or XLSX, or one token a line."""
    found: list[str] = []
    for given in values:
        path = Path(given)
        if path.is_file():
            found += _tokens_of_file(path)
        elif path.suffix.lower() in (".csv", ".xlsx", ".txt"):
            raise click.BadParameter(f"{given}: there is no such file")
        else:
            found += [token.strip() for token in given.split(",") if token.strip()]
    if values and not found:
        raise click.BadParameter("no token is given")
    return list(dict.fromkeys(found))


def _tokens_of_file(path: Path) -> Iterator[str]:
    if path.suffix.lower() == ".txt":
        lines = path.read_text(encoding="utf-8-sig").split()
        yield from lines
        return
    from pgimport.readers import BadRow, ReadOptions, read_any_head, row_reader

    head = read_any_head(path, ReadOptions())
    if _ROW not in head.header:
        raise click.BadParameter(f"{path}: it has no column {_ROW}")
    place = list(head.header).index(_ROW)
    reader = row_reader(head)
    with reader.source:
        for record in reader:
            if isinstance(record, BadRow):
                raise click.BadParameter(f"{path}, line {record.line_no}: {record.message}")
            # rows of a spreadsheet come as lines of COPY's text, the number of the line first
            fields = (
                record.decode().rstrip("\n").split("\t")[1:]
                if isinstance(record, bytes)
                else record[1]
            )
            if fields[place] and fields[place] != "\\N":
                yield str(fields[place])


def _options(
    options: dict[str, Any],
    wanted: dict[str, str | list[str]],
    rows: list[str],
    **switches: bool | None,
) -> dict[str, Any]:
    """Return the options of rollback_job() that the words of the command stand for."""
    made = dict(options)
    if wanted:
        made["filter"] = {**made.get("filter", {}), **wanted}
    if rows:
        made["rows"] = [*made.get("rows", []), *rows]
    made.update((name, value) for name, value in switches.items() if value is not None)
    return made


@click.command("rollback", cls=Command)
@click.argument("job", metavar="JOB")
@click.option(
    "--mode",
    type=click.Choice(["refuse", "keep_modified", "force", "cascade"]),
    default="refuse",
    show_default=True,
    help="What becomes of rows others have changed since: stop, keep them, or take them back, "
    "too. cascade: rows of other tables that refer to them go, too.",
)
@click.option("--reason", help="Recorded with the job.")
@click.option(
    "--filter",
    "wanted",
    multiple=True,
    callback=_filter,
    metavar="COLUMN=VALUE",
    help="Only rows with this value; one column several times: any of its values.",
)
@click.option(
    "--rows",
    multiple=True,
    callback=_tokens,
    metavar="TOKENS|FILE",
    help="Only these rows: tokens of a report, separated by commas, or a report (.csv, .xlsx) "
    "that holds them.",
)
@click.option(
    "--soft-delete/--hard-delete",
    "soft",
    default=None,
    help="Declare rows deleted, or delete them; else as the target says.",
)
@click.option("--with-later-jobs", is_flag=True, help="First the later jobs on the same rows.")
@click.option("--force", is_flag=True, help="With mode cascade: also rows no import has brought.")
@click.option(
    "--options",
    callback=json_object,
    metavar="JSON",
    default="{}",
    help="As of pgimport.rollback_job().",
)
@_yes_option
@pass_state
def rollback(
    state: State,
    /,
    job: str,
    *,
    mode: str,
    reason: str | None,
    wanted: dict[str, str | list[str]],
    rows: list[str],
    soft: bool | None,
    with_later_jobs: bool,
    force: bool,
    options: dict[str, Any],
    yes: bool,
) -> None:
    """Take back what a job wrote; shows the plan and asks to type DELETE."""
    caller = client(state)
    job_id = find_job(state, job)
    given = _options(
        options,
        wanted,
        rows,
        soft_delete=soft,
        with_later_jobs=with_later_jobs or None,
        force=force or None,
    )
    words = ["rollback", job_id, "--mode", mode]
    if not yes:
        known = caller.get_job(job_id).raw
        planned = caller.plan_rollback(job_id).raw
        show_plan(state, planned, job_id, final=False, job=known)
        if mode == "refuse" and not given:
            _stop_where_refused(state, planned, job_id)
        confirm(
            state,
            "DELETE",
            "\n" + _question(planned, known, mode, given),
            yes,
            shown_command(*words, *_words_again(given), "--yes"),
        )
    with (
        resumable(state, *words),
        _telling_the_plan(state, job_id),
        working(state.out, "rollback"),
    ):
        result = caller.rollback_job(job_id, mode, reason, given).raw
    emit_result(state, result)
    show_rollback(state, result)
    _next(state, result, job_id)


def _next(state: State, result: Mapping[str, Any], job_id: str) -> None:
    if result.get("rows_kept"):
        state.out.next(f"pgimport plan {job_id} --rows kept", "what was left as it is")
    elif result.get("status") == "rolled_back":
        state.out.next(f"pgimport redo {job_id}", "if that was a mistake, or import again")
    else:
        state.out.next(f"pgimport show {job_id}")


def _words_again(given: Mapping[str, Any]) -> list[str]:
    return ["--options", json.dumps(given, ensure_ascii=False)] if given else []


def _question(
    planned: Mapping[str, Any], known: Mapping[str, Any], mode: str, given: Mapping[str, Any]
) -> str:
    """Say what is about to happen: how many rows, of what time, in which table."""
    found = Plan(planned)
    when = known.get("completed_at")
    of = f"the job of {moment(when)} UTC" if when else "the job"
    some = [name for name in ("filter", "rows") if given.get(name)]
    if some:
        what = f"Those rows of {of} that {' and '.join(some)} name will be taken back"
        counts = "; the numbers above are of the whole job"
    else:
        parts = []
        if found.count("delete") or not found.count("restore"):
            verb = "declared deleted" if found.soft else "deleted"
            parts.append(f"{number(found.count('delete'))} rows will be {verb}")
        if found.count("restore"):
            parts.append(f"{number(found.count('restore'))} restored")
        what, counts = f"{', '.join(parts)}, of {of}", ""
    with_later = (
        f" after {number(len(found.later))} later jobs are rolled back"
        if given.get("with_later_jobs") and found.later
        else ""
    )
    return f"{what}, in {planned.get('target')} (mode {mode}{with_later}){counts}."


def _stop_where_refused(state: State, planned: Mapping[str, Any], job_id: str) -> None:
    """Do not ask for a confirmation of what the plan says cannot be: nothing else is decided."""
    if planned.get("eligible") is False or not Plan(planned).obstacles():
        return
    message = f"nothing was rolled back: {'; '.join(Plan(planned).obstacles())}"
    raise _stopped(message, "PI504", planned, job_id)


@contextmanager
def _telling_the_plan(state: State, job_id: str) -> Iterator[None]:
    """Within this block a refusal is told with the plan's lists and the commands to choose from."""
    try:
        yield
    except RollbackRefused as error:
        result = getattr(error.result, "raw", {})
        planned = (result.get("details") or {}).get("plan")
        if error.code != "PI504" or not isinstance(planned, Mapping):
            raise
        whole = {**planned, "warnings": result.get("warnings")}
        show_plan(state, whole, job_id, final=False)
        raise _stopped(error.message, error.code, planned, job_id, error) from error


def _stopped(
    message: str,
    code: str,
    planned: Mapping[str, Any],
    job_id: str,
    error: PgImportError | None = None,
) -> StopCommand:
    found = choices(planned, job_id)
    result = getattr(error.result, "raw", None) if error is not None else None
    return StopCommand(
        UNCONFIRMED,
        message,
        code=code,
        hint=error.hint if error is not None else None,
        command=" · or: ".join(command for command, _ in found) or None,
        envelope=result or {**planned, "details": {"plan": dict(planned)}},
    )


@click.command("redo", cls=Command)
@click.argument("job", metavar="JOB")
@_yes_option
@pass_state
def redo(state: State, job: str, yes: bool) -> None:
    """Insert a job that was rolled back once more, from its staged rows; checked anew."""
    caller = client(state)
    job_id = find_job(state, job)
    if not yes:
        known = caller.get_job(job_id).raw
        state.out.note(headline(known))
        undone = known.get("rollback") or {}
        if undone.get("rolled_back_at"):
            why = f": {printable(undone['reason'])}" if undone.get("reason") else ""
            state.out.note(
                f"Rolled back {moment(undone['rolled_back_at'])} UTC by "
                f"{printable(undone.get('rolled_back_by'))}{why}."
            )
        confirm(
            state,
            "YES",
            f"Its rows will be checked and inserted into {known.get('target')} again.",
            yes,
            shown_command("redo", job_id, "--yes"),
        )
    with resumable(state, "redo", job_id), working(state.out, "redo"):
        result = caller.redo_job(job_id).raw
    emit_result(state, result)
    show_insert(state, result)
    state.out.next(f"pgimport verify {job_id}")
