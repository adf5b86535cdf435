"""That everything measured did the same work: counts and contents, held against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.data import CLEAN_COLUMNS


class WrongResultError(AssertionError):
    """Something came to other numbers than the generated data hold: its time says nothing."""


def same(what: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Raise WrongResultError unless everything expected was found."""
    wrong = [
        f"{name} is {found.get(name)}, not {value}"
        for name, value in expected.items()
        if found.get(name) != value
    ]
    if wrong:
        raise WrongResultError(f"{what}: {'; '.join(wrong)}")


@dataclass(frozen=True)
class Content:
    """The imported rows of the table: how many, and the sum of their hashes in any order."""

    rows: int
    checksum: int


def imported(conn: psycopg.Connection[Any]) -> Content:
    """Count the rows that have an import_job_id, and add up the hashes of their columns."""
    row = conn.execute(
        f"SELECT count(*), coalesce(sum(hashtextextended(row({', '.join(CLEAN_COLUMNS)})::text, 0)"
        "::numeric), 0) FROM codes WHERE import_job_id IS NOT NULL"
    ).fetchone()
    if row is None:
        raise WrongResultError("the table of the imported rows has no count")
    return Content(int(row[0]), int(row[1]))


def count_rows(conn: psycopg.Connection[Any]) -> int:
    """Count all rows of the table."""
    row = conn.execute("SELECT count(*) FROM codes").fetchone()
    return int(row[0]) if row else 0
