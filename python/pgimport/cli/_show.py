"""How the answers of the functions look to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pgimport.cli._app import State
from pgimport.cli._output import moment, number, printable

COUNTS = (
    ("files", "files"),
    ("total_rows", "rows staged"),
    ("invalid_rows", "invalid"),
    ("internal_duplicates", "duplicates in the files"),
    ("database_duplicates", "duplicates in the table"),
    ("both_duplicates", "of these in both"),
    ("clean_rows", "clean, to be inserted"),
)


def show_check(state: State, raw: Mapping[str, Any]) -> None:
    """Show counts, and the issues by code and column."""
    counts = raw.get("counts") or {}
    state.out.facts([(shown, counts.get(name)) for name, shown in COUNTS])
    errors = raw.get("errors") or []
    if errors:
        state.out.line()
        state.out.table(
            ("issue", "column", "rows", "for example"),
            [
                (
                    error.get("code"),
                    error.get("column"),
                    error.get("count"),
                    error.get("sample"),
                )
                for error in errors
            ],
            right=("rows",),
            indent="  ",
        )
    show_refusal(state, raw)


def show_refusal(state: State, raw: Mapping[str, Any]) -> None:
    """Show why the limits of a job forbid its insert, where they do."""
    refused = raw.get("refused_because")
    if refused:
        state.out.line(
            f"\n  nothing will be inserted: {refused.get('message')} ({refused.get('code')})"
        )


def show_insert(state: State, raw: Mapping[str, Any]) -> None:
    """Show what the insert did."""
    state.out.facts(
        [
            ("inserted", raw.get("rows_inserted")),
            ("updated", raw.get("rows_updated")),
            ("skipped as duplicates", raw.get("rows_skipped")),
            ("rejected as invalid", raw.get("rows_rejected")),
            ("expected to be inserted", raw.get("expected")),
        ]
    )
    details = raw.get("details") or {}
    if details.get("rollback_until"):
        state.out.line(f"  can be rolled back until {moment(details['rollback_until'])} UTC")


def show_verify(state: State, raw: Mapping[str, Any]) -> None:
    """Show counts and checksums of a job against its table."""
    state.out.line()
    state.out.line(f"  {'verified' if raw.get('verified') else 'NOT VERIFIED'}")
    state.out.facts(
        [
            ("rows expected", raw.get("expected_count")),
            ("rows in the table", raw.get("actual_count")),
            ("modified since", raw.get("modified")),
        ]
    )
    state.out.facts(
        [
            ("checksum of the staged rows", raw.get("checksum_staged")),
            ("checksum of the table's rows", raw.get("checksum_target")),
        ]
    )


def show_plan(state: State, raw: Mapping[str, Any], job_id: str, final: bool = True) -> None:
    """Show what a rollback would do, what stands in its way, and each way out."""
    out = state.out
    if not final:
        out.line(str(raw.get("message") or ""))
    details = raw.get("details") or {}
    modified = raw.get("modified") or 0
    dependents = raw.get("dependents") or []
    later = raw.get("later_jobs") or []
    reasons = raw.get("reasons") or []
    out.facts(
        [
            ("inserted originally", details.get("inserted")),
            ("untouched, to be deleted", raw.get("delete")),
            ("updated, to be restored", raw.get("restore")),
            ("already gone", raw.get("already_gone")),
            ("modified since", modified),
            ("tables with dependent rows", len(dependents)),
            ("later jobs on the same rows", len(later)),
        ]
    )
    if reasons:
        out.line("\n  There is no rollback of this job:")
        for reason in reasons:
            out.line(f"  - {printable(_reason(reason), 300)}")
    rows = details.get("modified_rows") or []
    if rows:
        shown = f", {number(len(rows))} of them" if modified > len(rows) else ""
        out.line(f"\n  Rows modified since the import{shown}:")
        _any_table(state, rows)
    if dependents:
        out.line("\n  Rows of other tables that refer to rows of this job:")
        _any_table(state, dependents)
    if later:
        out.line("\n  Later jobs that touched the same rows:")
        _any_table(state, [item if isinstance(item, Mapping) else {"job": item} for item in later])
    if raw.get("expires_at"):
        out.line(f"\n  The window for a rollback ends {moment(raw['expires_at'])} UTC.")
    if final:
        _plan_hints(state, raw, job_id)


def _reason(reason: object) -> str:
    if isinstance(reason, Mapping):
        return f"{reason.get('message')} ({reason.get('code')})"
    return str(reason)


def _plan_hints(state: State, raw: Mapping[str, Any], job_id: str) -> None:
    out = state.out
    if raw.get("dependents"):
        out.next(f"pgimport plan {job_id}", "again, once the dependent rows are gone")
    elif raw.get("eligible") and raw.get("modified"):
        out.next(f"pgimport rollback {job_id} --mode keep_modified", "the modified rows stay")
        if not out.quiet:
            out.line(f"  or: pgimport rollback {job_id} --mode force   (they are deleted, too)")
    elif raw.get("eligible"):
        out.next(f"pgimport rollback {job_id}")


def _any_table(state: State, rows: Sequence[Mapping[str, Any]]) -> None:
    names: list[str] = []
    for row in rows:
        names += [name for name in row if name not in names]
    state.out.table(
        [name.replace("_", " ") for name in names],
        [[row.get(name) for name in names] for row in rows],
        right=[
            name.replace("_", " ")
            for name in names
            if any(isinstance(row.get(name), (int, float)) for row in rows)
        ],
        indent="  ",
    )


def show_rollback(state: State, raw: Mapping[str, Any]) -> None:
    """Show deleted and kept against inserted."""
    state.out.facts(
        [
            ("inserted originally", raw.get("inserted_originally")),
            ("deleted", raw.get("rows_deleted")),
            ("restored", raw.get("rows_restored")),
            ("kept, because modified", raw.get("rows_kept")),
        ]
    )
