"""Saved mappings: ``mapping save/list/drop``."""

from __future__ import annotations

from typing import Any

import click

from pgimport.cli._app import Group, State, client, emit_result, find_job, pass_state


@click.group(cls=Group)
def mapping() -> None:
    """Keep mappings for later files with the same header."""


@mapping.command("save")
@click.argument("job", metavar="JOB")
@click.option("--name", help="What to call it; else the names of the header.")
@click.option("--file", "file_no", type=click.IntRange(min=1), help="Of this file alone.")
@click.option("--all-tenants", is_flag=True, help="Not for the job's tenant alone.")
@pass_state
def save(state: State, job: str, name: str | None, file_no: int | None, all_tenants: bool) -> None:
    """Keep where the fields of a job's files go."""
    options: dict[str, Any] = {}
    if name:
        options["name"] = name
    if file_no:
        options["file_no"] = file_no
    if all_tenants:
        options["tenant"] = None
    result = client(state).save_job_mapping(find_job(state, job), options).raw
    emit_result(state, result)
    for saved in result["saved"]:
        state.out.line(
            f"  {saved['mapping_id']}  {saved['name']}, version {saved['version']}"
            + (", as before" if saved["existing"] else "")
        )


@mapping.command("list")
@click.argument("target_name", metavar="[TARGET]", required=False)
@click.option("--tenant", help="Of this tenant alone.")
@pass_state
def list_(state: State, target_name: str | None, tenant: str | None) -> None:
    """List the saved mappings, newest first."""
    rows = [row.raw for row in client(state).list_mappings(target_name, tenant)]
    state.out.emit({"success": True, "job_id": None, "mappings": rows})
    if not rows:
        state.out.line("no mapping is saved")
        state.out.next("pgimport mapping save JOB", "keep that of a job for the next files")
        return
    state.out.table(
        ("id", "target", "tenant", "name", "version", "used", "fields", "saved by"),
        [
            (
                row["mapping_id"],
                row["target_name"],
                row["tenant"] or "all",
                row["name"],
                row["version"],
                "yes" if row["is_used"] else "",
                len(row["header"]),
                row["saved_by"],
            )
            for row in rows
        ],
        right=("id", "version", "fields"),
    )


@mapping.command("drop")
@click.argument("mapping_id", metavar="ID", type=int)
@pass_state
def drop(state: State, mapping_id: int) -> None:
    """Forget one version of a saved mapping."""
    emit_result(state, client(state).drop_mapping(mapping_id).raw)
