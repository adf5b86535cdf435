"""Options of commands that read files: how they are to be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from pgimport.readers.options import ReadOptions

_NAMES = ("delimiter", "encoding", "header_row", "header", "sheet", "records")


def _names(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Split names of columns at commas."""
    if value is None:
        return None
    names = tuple(name.strip() for name in value.split(","))
    if not all(names):
        raise click.BadParameter(f'"{value}": names separated by commas are needed')
    return names


def read_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of reading files; ``take_read`` makes one object of them."""
    options = (
        click.option("--delimiter", help="Of all files; else found in each."),
        click.option("--encoding", help="Of all files; else told by the file, or UTF-8."),
        click.option(
            "--header-row",
            type=click.IntRange(1),
            metavar="N",
            help="Line, or row of the sheet, of the header; else found.",
        ),
        click.option(
            "--header",
            callback=_names,
            metavar="A,B,C",
            help="Names of the columns of files that have no header line.",
        ),
        click.option("--sheet", help="Name of the sheet, or its number from 1."),
        click.option("--records", metavar="KEY", help="JSON: key of the list of records."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def take_read(given: dict[str, Any]) -> ReadOptions:
    """Take the options of reading files out of the values of a command."""
    return ReadOptions(**{name: given.pop(name) for name in _NAMES})


def read_words(read: ReadOptions) -> list[str]:
    """Return the words that give these options again."""
    words: list[str] = []
    for name in _NAMES:
        value = getattr(read, name)
        if value is not None:
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            words += [f"--{name.replace('_', '-')}", text]
    return words
