"""Puts the commands together, and turns everything that can go wrong into an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import click
import psycopg

from pgimport import __version__
from pgimport.cli import (
    delete,
    demo,
    fix,
    jobs,
    limits,
    maintain,
    mappings,
    preview,
    rehearse,
    reports,
    retry,
    rollback,
    server,
    setup,
    targets,
    watch,
    worker,
)
from pgimport.cli._app import (
    DONE,
    INTERRUPTED,
    REFUSED,
    UNCONFIRMED,
    UNREACHABLE,
    USAGE,
    Group,
    State,
    StopCommand,
    without_secrets,
)
from pgimport.cli._output import plain
from pgimport.errors import Interrupted, PgImportError, from_database

# wrong words on the command line; what is not listed is the data's or the job's fault
_USAGE_CODES = (
    "PI101",
    "PI201",
    "PI202",
    "PI203",
    "PI206",
    "PI207",
    "PI210",
    "PI212",
    "PI213",
    "PI506",
    "PI508",
)
_STRONGER_CODES = ("PI504", "PI602")


# the functions' hints are SQL to type; this is the same for those who type commands
_COMMANDS = {
    "PI101": "pgimport history",
    "PI102": "pgimport show {job}",
    "PI309": "pgimport retry {job} FILES, once nobody else loads them",
    "PI106": "pgimport show {job}",
    "PI201": "pgimport target list",
    "PI304": "pgimport rollback JOB, or the same command with --force",
    "PI315": "pgimport import TARGET FILES: its staged rows are gone",
    "PI310": "pgimport report {job} --issues -o issues.xlsx",
    "PI312": "pgimport report {job} --issues -o issues.xlsx",
    "PI402": "pgimport report {job} --issues -o issues.xlsx",
    "PI403": "pgimport report {job} --duplicates -o duplicates.csv",
    "PI406": "pgimport rollback JOB of the same rows, or the same command with --force",
    "PI405": "pgimport report {job} --duplicates -o duplicates.csv",
    "PI404": "pgimport check {job}",
    "PI407": "pgimport insert {job} --batch-rows 100000, or pgimport rollback {job}",
    "PI501": "pgimport show {job}",
    "PI504": "pgimport plan {job}, then pgimport rollback {job} --mode keep_modified",
}


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=False,
)
@click.version_option(__version__, prog_name="pgimport", message="%(prog)s %(version)s")
def cli() -> None:
    """Bulk import into PostgreSQL with preview, proof and rollback.

    Works on the database named by --dsn or by the PG* variables, else on a server of its own
    ("embedded"). JOB is an id, six or more of its first or last characters, or "last".

    Exit codes: 0 done, 1 data refused or import failed, 2 usage, 3 needs confirmation or a
    stronger mode, 4 cannot connect or not installed, 5 interrupted.
    """


for _command in (
    setup.install,
    setup.upgrade,
    setup.sql,
    setup.doctor,
    setup.version,
    maintain.maintain,
    limits.limit,
    targets.target,
    targets.column,
    targets.headers,
    mappings.mapping,
    jobs.import_,
    jobs.stage,
    jobs.check,
    preview.preview,
    rehearse.rehearse,
    jobs.insert,
    jobs.verify,
    retry.retry,
    rollback.plan,
    rollback.rollback,
    rollback.redo,
    watch.watch,
    worker.submit,
    worker.queue,
    worker.worker,
    jobs.cancel,
    delete.delete,
    jobs.clear,
    reports.report,
    fix.fix,
    reports.history,
    reports.show,
    delete.record,
    demo.demo,
    server.start,
    server.status,
    server.stop,
    server.reset,
):
    cli.add_command(_command)


def main() -> None:
    """Entry point of the command."""
    code = run(sys.argv[1:])
    _hear_no_more()
    sys.exit(code)


def _hear_no_more() -> None:
    """Let nothing interrupt the last words: the command that goes on is among them."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    state = State()
    # known before the options are parsed, so that also wrong usage is answered in JSON
    words = list(arguments)
    if "--json" in (words[: words.index("--")] if "--" in words else words):
        state.out.as_json = True
    try:
        cli.main(args=words, prog_name="pgimport", standalone_mode=False, obj=state)
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except BaseException as error:
        try:
            return _fail(state, error)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return REFUSED
    finally:
        state.close()
    return DONE


def _fail(state: State, error: BaseException) -> int:
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort, Interrupted)):
        _hear_no_more()
        why = None
        if isinstance(error, Interrupted):
            state.job_id = str(error.job_id) if error.job_id else state.job_id
            why = without_secrets(error.message, state.dsn) if error.__cause__ else None
        return _report(state, INTERRUPTED, "interrupted", detail=why, hint=state.resume)
    if isinstance(error, click.ClickException):
        hint = None
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"{error.ctx.command_path} --help"
        return _report(state, USAGE, error.format_message(), hint=hint)
    if isinstance(error, StopCommand):
        return _stopped(state, error)
    if isinstance(error, PgImportError):
        result = getattr(error.result, "raw", error.result)
        return _report(
            state,
            exit_code_of(error.code),
            error.message,
            code=error.code,
            detail=error.detail,
            hint=error.hint,
            envelope=result if isinstance(result, Mapping) else None,
        )
    if isinstance(error, psycopg.Error):
        return _database(state, error)
    if isinstance(error, OSError) and error.filename is not None:
        return _report(state, REFUSED, f"{error.filename}: {error.strerror}")
    if isinstance(error, Exception):
        if os.environ.get("PGIMPORT_TRACEBACK"):
            raise error
        return _report(
            state,
            REFUSED,
            without_secrets(f"{type(error).__name__}: {error}", state.dsn),
            hint="set PGIMPORT_TRACEBACK=1 to see where",
        )
    raise error


def _stopped(state: State, error: StopCommand) -> int:
    if error.shown:
        return error.exit_code
    if error.exit_code == UNREACHABLE and state.resume:
        return _report(state, INTERRUPTED, "interrupted", detail=error.message, hint=state.resume)
    return _report(
        state,
        error.exit_code,
        error.message,
        code=error.code,
        detail=error.detail,
        hint=error.hint,
        envelope=error.envelope,
        command=error.command,
    )


def exit_code_of(code: str) -> int:
    """Return the exit code for an error of pgimport."""
    if code in _STRONGER_CODES:
        return UNCONFIRMED
    if code.startswith("PI0") or code in _USAGE_CODES:
        return USAGE if code != "PI000" else REFUSED
    if code.startswith("PI9"):
        return UNREACHABLE
    return REFUSED


def _database(state: State, error: psycopg.Error) -> int:
    """Tell an error of PostgreSQL's own, or one of ours that came without the client."""
    ours = from_database(error)
    if ours is not None:
        return _fail(state, ours)
    code = error.sqlstate
    lost = code is None or code.startswith(("08", "57P")) or code in ("53300", "3D000", "28P01")
    if isinstance(error, psycopg.errors.QueryCanceled):
        lost = False
    if lost and state.resume:
        why = without_secrets(error.diag.message_primary or str(error), state.dsn)
        return _report(state, INTERRUPTED, "interrupted", code=code, detail=why, hint=state.resume)
    return _report(
        state,
        UNREACHABLE if lost else REFUSED,
        without_secrets(error.diag.message_primary or str(error), state.dsn),
        code=code,
        detail=error.diag.message_detail,
        hint=error.diag.message_hint,
    )


def _report(
    state: State,
    exit_code: int,
    message: str,
    *,
    code: str | None = None,
    detail: str | None = None,
    hint: str | None = None,
    envelope: Mapping[str, Any] | None = None,
    command: str | None = None,
) -> int:
    """Tell what went wrong: in JSON as one object, else on standard error."""
    command = command or _COMMANDS.get(code or "", "").format(job=state.job_id or "JOB") or None
    state.out.emit(
        {
            **plain(envelope or {}),
            "success": False,
            "job_id": state.job_id,
            "code": code,
            "message": message,
            "detail": detail,
            "hint": hint,
            "command": command,
            "exit_code": exit_code,
        }
    )
    name = {INTERRUPTED: "interrupted", UNCONFIRMED: "stopped"}.get(exit_code, "error")
    label = f"{name}: " if message != name else ""
    print(f"pgimport: {label}{message}" + (f" ({code})" if code else ""), file=sys.stderr)
    if detail:
        print(f"  detail: {detail}", file=sys.stderr)
    hint = command or hint
    if hint:
        word = "go on with" if exit_code == INTERRUPTED else "hint"
        print(f"  {word}: {hint}", file=sys.stderr)
    if state.job_id and exit_code != USAGE:
        print(f"  job: {state.job_id}", file=sys.stderr)
    return exit_code
