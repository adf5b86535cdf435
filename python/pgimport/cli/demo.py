"""The command ``demo``."""

from __future__ import annotations

from pathlib import Path

import click

from pgimport.cli._app import REFUSED, Command, State, StopCommand, pass_state


@click.command("demo", cls=Command)
@click.argument("name", type=click.Choice(["codes"]), default="codes")
@click.option("--rows", type=click.IntRange(5_000), default=1_000_000, show_default=True)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the generated files here.",
)
@pass_state
def demo(state: State, name: str, rows: int, folder: Path | None) -> None:
    """Run a whole life on the embedded server: import, proof, rollback, import again."""
    from pgimport.demo import run_codes

    proved = run_codes(state, rows, folder)
    state.out.emit(proved)
    if not proved["success"]:
        raise StopCommand(REFUSED, str(proved["message"]), envelope=proved, shown=True)
