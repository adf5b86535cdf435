"""The options --html of the commands report and history, and what they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from pgimport.cli._app import State, client
from pgimport.cli._output import duration, number

F = TypeVar("F", bound=Callable[..., Any])


def _zone(_: click.Context, __: click.Parameter, name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise click.BadParameter(f'"{name}" is no time zone, such as Europe/Paris') from error


def html_options(command: F) -> F:
    """Add --html, --language and --time-zone to a command."""
    for option in (
        click.option(
            "--time-zone",
            "zone",
            default="UTC",
            show_default=True,
            metavar="NAME",
            callback=_zone,
            help="Time zone of the times in the HTML report.",
        ),
        click.option(
            "--language",
            type=click.Choice(("en", "fr")),
            default="en",
            show_default=True,
            help="Language of the HTML report.",
        ),
        click.option(
            "--html",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write a report for people as one HTML file.",
        ),
    ):
        command = option(command)
    return command


def write_job_report(
    state: State,
    job_id: str,
    path: Path,
    *,
    language: str,
    zone: tzinfo,
    verify: bool,
    plan: bool,
) -> dict[str, Any]:
    """Write the report of a job; returns what --json says of it."""
    from pgimport.html_report import job_report

    return _write(
        state,
        path,
        lambda: job_report(
            client(state), job_id, language=language, verify=verify, plan=plan, zone=zone
        ),
    )


def write_history(
    state: State,
    filters: Mapping[str, Any],
    path: Path,
    *,
    language: str,
    zone: tzinfo,
    after: UUID | None,
    limit: int | None,
) -> dict[str, Any]:
    """Write the report of many jobs; returns what --json says of it."""
    from pgimport.html_report import history_report

    return _write(
        state,
        path,
        lambda: history_report(
            client(state), filters, language=language, after=after, limit=limit, zone=zone
        ),
    )


def _write(state: State, path: Path, make: Callable[[], str]) -> dict[str, Any]:
    from pgimport.html_report import write_report

    begin = time.monotonic()
    size = write_report(path, make())
    seconds = time.monotonic() - begin
    message = f"{number(size)} bytes written to {path} in {duration(seconds)}"
    state.out.line(message)
    return {
        "success": True,
        "job_id": state.job_id,
        "message": message,
        "file": str(path),
        "bytes": size,
        "seconds": round(seconds, 3),
    }
