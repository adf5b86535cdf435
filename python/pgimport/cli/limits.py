"""Limits of what roles and tenants have under way: ``limit set/list``."""

from __future__ import annotations

from typing import Any

import click

from pgimport.cli._app import Group, State, client, emit_result, pass_state


@click.group(cls=Group)
def limit() -> None:
    """Bound how many jobs are at work at once, and how much is staged."""


@limit.command("set")
@click.option("--role", help="Jobs of this role; else of all roles.")
@click.option("--tenant", help="Jobs of this tenant; else of all tenants.")
@click.option("--running-jobs", metavar="NUMBER", help='So many at work at once, or "none".')
@click.option("--staged-bytes", metavar="SIZE", help='So much staged, such as 20GB, or "none".')
@pass_state
def set_(
    state: State,
    role: str | None,
    tenant: str | None,
    running_jobs: str | None,
    staged_bytes: str | None,
) -> None:
    """Set limits; "none" takes one away, what is not given stays."""
    limits: dict[str, Any] = {"role": role, "tenant": tenant}
    if running_jobs is not None:
        limits["running_jobs"] = _number(running_jobs)
    if staged_bytes is not None:
        limits["staged_bytes"] = _number(staged_bytes)
    emit_result(state, client(state).set_limit(limits).raw)


@limit.command("list")
@pass_state
def list_(state: State) -> None:
    """List the limits, with what is at work and staged now."""
    rows = [row.raw for row in client(state).list_limits()]
    state.out.emit({"success": True, "job_id": None, "limits": rows})
    if not rows:
        state.out.line("no limit is set")
        return
    state.out.table(
        ("role", "tenant", "jobs at once", "at work", "bytes", "staged"),
        [
            (
                row["role_name"] or "all",
                row["tenant"] or "all",
                row["running_jobs"],
                row["running_now"],
                row["staged_bytes"],
                row["staged_now"],
            )
            for row in rows
        ],
        right=("jobs at once", "at work", "bytes", "staged"),
    )


def _number(text: str) -> int | str | None:
    """Return what was typed as the function takes it; it says what is wrong with it."""
    if text.lower() == "none":
        return None
    return int(text) if text.isascii() and text.isdigit() else text
