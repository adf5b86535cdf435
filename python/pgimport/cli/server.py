"""The server of pgimport's own: ``pgimport --embedded start``, ``status``, ``stop``, ``reset``."""

from __future__ import annotations

import click

from pgimport.cli._app import Command, State, StopCommand, confirm, embedded_server, pass_state

_USAGE = "this is for the server of pgimport's own: pgimport --embedded {}"


def _require_embedded(state: State, word: str) -> None:
    if not state.embedded or state.dsn is not None:
        raise StopCommand(2, _USAGE.format(word), hint=f"pgimport --embedded {word}")


def _answer(state: State, message: str, **own: object) -> None:
    state.out.line(message)
    state.out.emit({"success": True, "job_id": None, "message": message, **own})


@click.command("start", cls=Command)
@pass_state
def start(state: State) -> None:
    """Start the server and print how to connect (with --embedded)."""
    _require_embedded(state, "start")
    server = embedded_server(state)
    _answer(state, f"the embedded server runs: {server.dsn}", running=True, dsn=server.dsn)
    state.out.next(f"psql '{server.dsn}'")


@click.command("status", cls=Command)
@pass_state
def status(state: State) -> None:
    """Say whether the server runs, and where its data are (with --embedded)."""
    _require_embedded(state, "status")
    server = embedded_server(state, start=False)
    running = server.is_running()
    message = f"the embedded server {'runs' if running else 'is stopped'}"
    if running:
        message += f": {server.dsn}"
    _answer(
        state,
        message,
        running=running,
        dsn=server.dsn if running else None,
        data_dir=str(server.cluster),
    )
    state.out.line(f"data: {server.cluster}")
    if not running:
        state.out.next("pgimport --embedded start")


@click.command("stop", cls=Command)
@pass_state
def stop(state: State) -> None:
    """StopCommand the server; its data stay (with --embedded)."""
    _require_embedded(state, "stop")
    server = embedded_server(state, start=False)
    was_running = server.is_running()
    server.stop()
    message = "the embedded server is stopped" if was_running else "the server was not running"
    _answer(state, message, running=False, was_running=was_running)


@click.command("reset", cls=Command)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def reset(state: State, yes: bool) -> None:
    """StopCommand the server and delete all its data (with --embedded)."""
    _require_embedded(state, "reset")
    server = embedded_server(state, start=False)
    confirm(
        state,
        "RESET",
        f"This deletes every database of the embedded server in {server.cluster}.",
        yes,
        "pgimport --embedded reset --yes",
    )
    server.reset()
    _answer(state, "the embedded server is reset: its data are deleted", running=False)
