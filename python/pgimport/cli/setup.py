"""Installing and looking after pgimport: install, upgrade, sql, doctor, version."""

from __future__ import annotations

from typing import Any

import click
import psycopg

from pgimport import __version__
from pgimport.cli._app import (
    REFUSED,
    UNREACHABLE,
    Command,
    State,
    StopCommand,
    installed_version,
    pass_state,
    shown_command,
)


def _is_extension(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'pgimport'"
    ).fetchone()
    return row is not None


def _install(state: State, *, only_upgrade: bool) -> None:
    from pgimport._assemble import assemble

    connection = state.connect()
    before = installed_version(connection)
    if only_upgrade and before is None:
        raise StopCommand(
            UNREACHABLE,
            "pgimport is not installed in this database, or this role may not use it",
            hint=shown_command(*state.connection_words(), "install"),
        )
    if _is_extension(connection):
        connection.execute("ALTER EXTENSION pgimport UPDATE")
    else:
        with connection.transaction():
            connection.execute(assemble().encode())
    after = installed_version(connection)
    if before is None:
        message = f"pgimport {after} is installed"
    elif before == after:
        message = f"pgimport {after} was installed already: nothing to upgrade"
    else:
        message = f"pgimport is upgraded from {before} to {after}"
    state.out.emit(
        {
            "success": True,
            "job_id": None,
            "message": message,
            "version": after,
            "version_before": before,
        }
    )
    state.out.line(message)
    state.out.next(
        shown_command(*state.connection_words(), "target", "add", "TABLE", "--key", "COLUMN")
    )


@click.command("install", cls=Command)
@pass_state
def install(state: State) -> None:
    """Install pgimport into the database, or upgrade it."""
    _install(state, only_upgrade=False)


@click.command("upgrade", cls=Command)
@pass_state
def upgrade(state: State) -> None:
    """Upgrade pgimport in the database."""
    _install(state, only_upgrade=True)


@click.command("sql", cls=Command)
@click.option("--extension", is_flag=True, help="The script of the extension.")
@pass_state
def sql(state: State, extension: bool) -> None:
    """Print the SQL that installs or upgrades pgimport."""
    from pgimport._assemble import assemble

    text = assemble(extension=extension)
    if state.out.as_json:
        state.out.emit({"success": True, "job_id": None, "version": __version__, "sql": text})
    else:
        click.echo(text, nl=False)


@click.command("version", cls=Command)
@pass_state
def version(state: State) -> None:
    """Print the version of this command."""
    state.out.emit({"success": True, "job_id": None, "version": __version__})
    state.out.line(f"pgimport {__version__}")


@click.command("doctor", cls=Command)
@click.option("--deep", is_flag=True, help="Read every target whole, too.")
@pass_state
def doctor(state: State, deep: bool) -> None:
    """Look for what would hinder or slow imports, with the command that mends it."""
    from pgimport.cli._doctor import examine

    findings = examine(state, deep)
    bad = [finding for finding in findings if finding["status"] == "problem"]
    warned = [finding for finding in findings if finding["status"] == "warning"]
    if bad:
        message = f"{len(bad)} problem{'s' if len(bad) > 1 else ''} found"
    else:
        message = "no problem found"
    if warned:
        message += f", {len(warned)} thing{'s' if len(warned) > 1 else ''} could be better"
    state.out.emit({"success": not bad, "job_id": None, "message": message, "findings": findings})
    state.out.table(
        ("", "what", "found"),
        [
            (
                {"ok": "ok", "warning": "warning", "problem": "PROBLEM"}[finding["status"]],
                finding["what"],
                finding["found"],
            )
            for finding in findings
        ],
        width=90,
    )
    mend = [finding for finding in findings if finding["mend"]]
    if mend:
        state.out.line("\nTo mend it:")
        for finding in mend:
            state.out.line(f"  {finding['what']}: {finding['why']}")
            state.out.line(f"      {finding['mend']}")
    state.out.line(f"\n{message}")
    if bad:
        unreachable = any(finding["what"] in ("connection", "pgimport") for finding in bad)
        raise StopCommand(UNREACHABLE if unreachable else REFUSED, message, shown=True)
