"""Targets and headers: ``target add/list/show/drop``, ``column set``, ``headers``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pgimport.cli._app import (
    REFUSED,
    Command,
    Group,
    State,
    StopCommand,
    client,
    emit_result,
    pass_state,
)
from pgimport.cli._output import number
from pgimport.cli._read import read_options, take_read


def json_object(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> dict[str, Any] | None:
    """Parse a JSON object typed on the command line, or @FILE."""
    if value is None:
        return None
    text = value
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise click.BadParameter(f"{text[1:]}: {error.strerror}") from None
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not valid JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise click.BadParameter('a JSON object is needed, such as {"name": "value"}')
    return parsed


@click.group(cls=Group)
def target() -> None:
    """Tables registered for import."""


@target.command("add")
@click.argument("relation")
@click.option("--name", help="Name of the target; else that of the table.")
@click.option("--key", required=True, metavar="COL,COL", help="Columns of the unique key.")
@click.option(
    "--options",
    callback=json_object,
    metavar="JSON",
    default="{}",
    help="As of pgimport.register_target().",
)
@pass_state
def add(state: State, relation: str, name: str | None, key: str, options: dict[str, Any]) -> None:
    """Register a table as a target."""
    columns = [column.strip() for column in key.split(",") if column.strip()]
    name = name or relation.rsplit(".", 1)[-1].strip('"')
    result = client(state).register_target(relation, name, columns, options)
    emit_result(state, result.raw)
    for statement in result.raw.get("ddl") or []:
        state.out.line(f"  {statement}")
    state.out.next(f"pgimport headers {name} FOLDER", "are the files as the table needs them?")


@target.command("list")
@pass_state
def list_(state: State) -> None:
    """List all targets."""
    rows = [row.raw for row in client(state).list_targets()]
    state.out.emit({"success": True, "job_id": None, "targets": rows})
    if not rows:
        state.out.line("no target is registered")
        state.out.next("pgimport target add TABLE --key COLUMN,COLUMN")
        return
    state.out.table(
        ("target", "table", "key", "jobs"),
        [
            (row.get("name"), row.get("target"), ", ".join(row.get("key") or []), row.get("jobs"))
            for row in rows
        ],
        right=("jobs",),
    )


@target.command("show")
@click.argument("target_name", metavar="TARGET")
@pass_state
def show(state: State, target_name: str) -> None:
    """Show key, columns and rules of a target."""
    result = client(state).describe_target(target_name).raw
    emit_result(state, result)
    options = {name: value for name, value in (result.get("options") or {}).items() if value}
    if options:
        state.out.facts([(name, _word(value)) for name, value in sorted(options.items())])
        state.out.line()
    columns = result.get("columns") or []
    state.out.table(
        ("column", "type", "required", "rules"),
        [
            (
                column.get("column") or column.get("name"),
                column.get("type"),
                "yes" if column.get("required") else "",
                json.dumps(column.get("rules") or {}, ensure_ascii=False)
                if column.get("rules")
                else "",
            )
            for column in columns
        ],
    )


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@target.command("drop")
@click.argument("target_name", metavar="TARGET")
@pass_state
def drop(state: State, target_name: str) -> None:
    """Forget a target. The table and the history of its jobs stay."""
    emit_result(state, client(state).drop_target(target_name).raw)


_ON_UPDATE = {
    "overwrite": "gets the file's value, also an empty one",
    "fill_blank": "gets the file's value where it is empty",
    "keep": "keeps its value",
}


def _on_update(rules: Mapping[str, Any]) -> str:
    """Say what becomes of the column where the row is in the table already."""
    rule = str(rules.get("on_update") or "overwrite")
    return f"on_update  {rule}: when a row is updated, the column {_ON_UPDATE.get(rule, rule)}"


@click.group(cls=Group)
def column() -> None:
    """Rules of the columns of a target."""


@column.command("set")
@click.argument("target_name", metavar="TARGET")
@click.argument("column_name", metavar="COLUMN")
@click.argument("rules", callback=json_object, metavar="RULES_JSON")
@pass_state
def set_(state: State, target_name: str, column_name: str, rules: dict[str, Any]) -> None:
    """Set rules of a column: aliases, required, default, trim, null_values and others."""
    result = client(state).set_column(target_name, column_name, rules).raw
    emit_result(state, result)
    state.out.line(f"  rules  {json.dumps(result.get('rules'), ensure_ascii=False)}")
    state.out.line(f"  {_on_update(result.get('rules') or {})}")


@click.command("headers", cls=Command)
@click.argument("target_name", metavar="TARGET")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@read_options
@click.option(
    "--constant",
    "constants",
    multiple=True,
    metavar="COLUMN[=VALUE]",
    help="Given for the whole job: need not be in the files.",
)
@click.option("--columns", "show_columns", is_flag=True, help="Show where each field goes.")
@pass_state
def headers(
    state: State,
    /,
    target_name: str,
    paths: tuple[str, ...],
    *,
    constants: tuple[str, ...],
    show_columns: bool,
    **given: Any,
) -> None:
    """Check the headers of files before anything is loaded."""
    from pgimport.cli._headers import check_headers

    found = check_headers(
        client(state),
        target_name,
        paths,
        read=take_read(given),
        constants={constant.partition("=")[0] for constant in constants},
    )
    bad = [file for file in found if file["status"] != "ok"]
    rows = sum(file["rows"] or 0 for file in found)
    message = f"{number(len(found))} files, {number(rows)} rows: " + (
        "all are ready to import" if not bad else f"{number(len(bad))} are not ready"
    )
    state.out.emit(
        {
            "success": not bad,
            "job_id": None,
            "message": message,
            "files_checked": len(found),
            "files_ok": len(found) - len(bad),
            "rows": rows,
            "files": found,
        }
    )
    sheets = ("sheet",) if any(file["sheet"] for file in found) else ()
    state.out.table(
        ("file", "columns", "rows", "delimiter", "encoding", *sheets, "status", "not imported"),
        [
            (
                file["file"],
                file["columns"],
                file["rows"],
                {"\t": "tab"}.get(file["delimiter"], file["delimiter"]),
                file["encoding"],
                *(file[name] for name in sheets),
                file["verdict"],
                ", ".join(file["unmapped"]),
            )
            for file in found
        ],
        right=("columns", "rows"),
    )
    if show_columns:
        for file in found:
            state.out.line(f"\n{file['file']}")
            state.out.table(
                ("field", "goes to", "how", "score"),
                [
                    (field["header"], field.get("column") or "-", field.get("how"),
                     field.get("score"))
                    for field in file["mapping"]
                ],
                right=("score",),
                indent="  ",
            )  # fmt: skip
    state.out.warnings(
        [f"{file['file']}: {warning}" for file in found for warning in file["warnings"]]
    )
    state.out.line(f"\n{message}")
    if bad:
        raise StopCommand(REFUSED, message, shown=True)
    state.out.next(f"pgimport import {target_name} {' '.join(paths)}")
