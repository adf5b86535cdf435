"""How the answers of the functions look to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pgimport.cli._app import State
from pgimport.cli._output import moment, number

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
    facts = [(shown, counts.get(name)) for name, shown in COUNTS]
    if raw.get("would_update"):
        facts.append(("in the table, to be updated", raw["would_update"]))
    state.out.facts(facts)
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


def what_will_be_written(raw: Mapping[str, Any]) -> str:
    """Say how many rows an insert would write, by what a check, or the job, tells."""
    counts = raw.get("counts") or {}
    inserted = raw.get("would_insert")
    text = f"{number(counts.get('clean_rows') if inserted is None else inserted)} rows will be"
    text += f" inserted into {raw.get('target')}"
    if raw.get("would_update"):
        text += f", {number(raw['would_update'])} updated there where they differ"
    return text


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
            ("skipped", raw.get("rows_skipped")),
            *(
                [("of these in the table already as they are", raw["rows_unchanged"])]
                if raw.get("rows_unchanged")
                else []
            ),
            ("rejected as invalid", raw.get("rows_rejected")),
            ("set out to write", raw.get("expected")),
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
            *([("rewritten, but equal", raw["rewritten"])] if raw.get("rewritten") else []),
        ]
    )
    state.out.facts(
        [
            ("checksum of the staged rows", raw.get("checksum_staged")),
            ("checksum of the table's rows", raw.get("checksum_target")),
        ]
    )
