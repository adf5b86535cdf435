"""Taking a job back, and doing it again: plan, rollback, redo."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from pgimport.cli._output import moment, printable
from pgimport.cli._plan import Json, Plan, choices, does, several
from pgimport.cli._progress import following, working
from pgimport.cli._show import show_insert
from pgimport.cli._show_plan import headline, show_plan, show_rollback
from pgimport.cli.targets import json_object
from pgimport.errors import PgImportError, RollbackRefused

_CLASSES = ("delete", "restore", "gone", "modified", "taken", "kept")
_ROW = "pgimport_row"
_yes_option = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")


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
        if _is_file(path):
            found += _tokens_of_file(path)
        elif path.suffix.lower() in (".csv", ".xlsx", ".txt"):
            raise click.BadParameter(f"{given}: there is no such file")
        else:
            found += [token.strip() for token in given.split(",") if token.strip()]
    if values and not found:
        raise click.BadParameter("no token is given")
    return list(dict.fromkeys(found))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # many tokens are longer than any name of a file
        return False


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


def _rollback_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a rollback, of its plan as well."""
    options = (
        click.option(
            "--mode",
            type=click.Choice(["refuse", "keep_modified", "force", "cascade"]),
            default="refuse",
            show_default=True,
            help="What becomes of rows others have changed since: stop, keep them, or take them "
            "back, too. cascade: rows of other tables that refer to them go, too.",
        ),
        click.option(
            "--filter",
            "wanted",
            multiple=True,
            callback=_filter,
            metavar="COLUMN=VALUE",
            help="Only rows with this value; one column several times: any of its values.",
        ),
        click.option(
            "--rows",
            multiple=True,
            callback=_tokens,
            metavar="TOKENS|FILE",
            help="Only these rows: tokens of a report, separated by commas, or a report (.csv, "
            ".xlsx) that holds them.",
        ),
        click.option(
            "--soft-delete/--hard-delete",
            "soft_delete",
            default=None,
            help="Declare rows deleted, or delete them; else as the target says.",
        ),
        click.option(
            "--with-later-jobs", is_flag=True, help="First the later jobs on the same rows."
        ),
        click.option(
            "--force", is_flag=True, help="With mode cascade: also rows no import has brought."
        ),
        click.option(
            "--options",
            callback=json_object,
            metavar="JSON",
            default="{}",
            help="As of pgimport.rollback_job().",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of rollback_job() that the words of the command stand for."""
    made = dict(given["options"])
    if given["wanted"]:
        made["filter"] = {**made.get("filter", {}), **given["wanted"]}
    if given["rows"]:
        made["rows"] = [*made.get("rows", []), *given["rows"]]
    if given["soft_delete"] is not None:
        made["soft_delete"] = given["soft_delete"]
    made.update((name, True) for name in ("with_later_jobs", "force") if given[name])
    return made


def _words(given: Mapping[str, Any]) -> list[str]:
    """Return the words that give these options again, without the mode."""
    words: list[str] = []
    for column, values in given["wanted"].items():
        for value in values if isinstance(values, list) else [values]:
            words += ["--filter", f"{column}={value}"]
    if given["rows"]:
        words += ["--rows", ",".join(given["rows"])]
    if given["soft_delete"] is not None:
        words.append("--soft-delete" if given["soft_delete"] else "--hard-delete")
    words += ["--with-later-jobs"] if given["with_later_jobs"] else []
    words += ["--force"] if given["force"] else []
    if given["options"]:
        words += ["--options", json.dumps(given["options"], ensure_ascii=False)]
    return words


@click.command("plan", cls=Command)
@click.argument("job", metavar="JOB")
@_rollback_options
@click.option(
    "--list", "row_class", type=click.Choice(_CLASSES), help="List the rows of one class instead."
)
@click.option("--after", type=click.IntRange(0), default=0, help="Of that list: after this row_no.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@pass_state
def plan(
    state: State, /, job: str, *, row_class: str | None, after: int, limit: int, **given: Any
) -> None:
    """Show what a rollback would do; no row is changed."""
    caller = client(state)
    job_id = find_job(state, job)
    if row_class is not None:
        _list_rows(state, job_id, row_class, after, limit)
        return
    options = _options(given)
    with working(state.out, "plan"):
        result = caller.plan_rollback(job_id, given["mode"], options or None).raw
    state.out.emit(result)
    known = None if state.out.as_json else caller.get_job(job_id).raw
    show_plan(state, result, job_id, job=known, words=_words(given))


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
        words = ("plan", job_id, "--list", row_class, "--after", str(following))
        state.out.next(shown_command(*words), "the next page")


@click.command("rollback", cls=Command)
@click.argument("job", metavar="JOB")
@_rollback_options
@click.option("--reason", help="Recorded with the job.")
@_yes_option
@pass_state
def rollback(
    state: State, /, job: str, *, mode: str, reason: str | None, yes: bool, **given: Any
) -> None:
    """Take back what a job wrote; shows the plan and asks to type DELETE."""
    caller = client(state)
    job_id = find_job(state, job)
    options, words = _options(given), _words(given)
    again = ["rollback", job_id, "--mode", mode, *words]
    again += ["--reason", reason] if reason else []
    if not yes:
        known = caller.get_job(job_id).raw
        with working(state.out, "plan"):
            planned = caller.plan_rollback(job_id, mode, options or None).raw
        show_plan(state, planned, job_id, final=False, job=known)
        # what later jobs leave of the obstacles is seen when they are rolled back
        if planned.get("eligible") and Plan(planned).refused and "with_later_jobs" not in options:
            raise _stopped(_refusal(planned), planned, job_id, words)
        confirm(
            state,
            "DELETE",
            "\n" + _question(planned, known, options),
            yes,
            shown_command(*again, "--yes"),
        )
    with (
        resumable(state, *again),
        _telling_the_plan(state, job_id, words),
        following(state, "rollback", job_id),
    ):
        result = caller.rollback_job(job_id, mode, reason, options or None).raw
    emit_result(state, result)
    show_rollback(state, result)
    _next(state, result, job_id)


def _refusal(planned: Mapping[str, Any]) -> str:
    return f"nothing was rolled back: {Plan(planned).refused}"


def _next(state: State, result: Mapping[str, Any], job_id: str) -> None:
    if result.get("rows_kept"):
        state.out.next(f"pgimport plan {job_id} --list kept", "what was left as it is")
    elif result.get("status") == "rolled_back":
        state.out.next(f"pgimport redo {job_id}", "if that was a mistake, or import again")
    else:
        state.out.next(f"pgimport show {job_id}")


def _question(planned: Mapping[str, Any], known: Mapping[str, Any], options: Json) -> str:
    """Say what is about to happen: how many rows, of what time, in which table."""
    found = Plan(planned)
    when = known.get("completed_at")
    of = f"of the job of {moment(when)} UTC" if when else "of the job"
    what = does(found, found.mode, bool(options.get("force")))
    if options.get("with_later_jobs") and found.later:
        counts = known.get("counts") or {}
        what = (
            f"{several(len(found.later), 'later job')} will be rolled back first, then this one: "
            f"{several(counts.get('rows_inserted') or 0, 'row')} inserted, "
            f"{several(counts.get('rows_updated') or 0, 'row')} updated by it"
        )
    return f"{what}; {of}, in {planned.get('target')} (mode {found.mode})."


@contextmanager
def _telling_the_plan(state: State, job_id: str, words: Sequence[str]) -> Iterator[None]:
    """Within this block a refusal is told with the plan's lists and the commands to choose from."""
    try:
        yield
    except RollbackRefused as error:
        result = getattr(error.result, "raw", {})
        planned = (result.get("details") or {}).get("plan")
        if error.code != "PI504" or not isinstance(planned, Mapping):
            raise
        whole = {**planned, "refused_because": error.message, "warnings": result.get("warnings")}
        show_plan(state, whole, job_id, final=False)
        raise _stopped(error.message, whole, job_id, words, error) from error


def _stopped(
    message: str,
    planned: Mapping[str, Any],
    job_id: str,
    words: Sequence[str],
    error: PgImportError | None = None,
) -> StopCommand:
    found = choices(planned, job_id, words)
    result = getattr(error.result, "raw", None) if error is not None else None
    return StopCommand(
        UNCONFIRMED,
        message,
        code="PI504",
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
    with resumable(state, "redo", job_id), following(state, "redo", job_id):
        result = caller.redo_job(job_id).raw
    emit_result(state, result)
    show_insert(state, result)
    state.out.next(f"pgimport verify {job_id}")
