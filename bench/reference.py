"""Baseline R: the way of an earlier import system; its statements are in reference.sql.

A staging table with flags and indexes, a window UPDATE for the duplicates inside the files, EXISTS
in chunks of 100,000 rows for those of the table, INSERT … WHERE NOT EXISTS, a count by job id. Its
staging table has typed columns and fresh statistics, which makes R faster than it was in life.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench.data import TEMPLATE, Reference, copy_file, header_of
from bench.measure import timed
from bench.proof import Content, imported, same
from bench.server import BenchServer

_DATABASE = "bench_reference"
_CHUNK = 100_000


def statements() -> dict[str, bytes]:
    """Return the statements of reference.sql by the name of their step."""
    text = (Path(__file__).parent / "reference.sql").read_text(encoding="utf-8")
    steps = (part.partition("\n") for part in text.split("-- step: ")[1:])
    return {name.strip(): body.encode() for name, _, body in steps}


def run(
    server: BenchServer, reference: Reference, with_content: bool
) -> tuple[dict[str, float], Content | None]:
    """Return the seconds of each step and, when asked for, what the table then holds.

    Raises:
        WrongResultError: other counts than expected.

    """
    step = statements()
    job = {"job_id": uuid.uuid4()}
    seconds: dict[str, float] = {}
    dsn = server.fresh(_DATABASE, TEMPLATE)
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as conn:
        with timed() as taken:
            conn.execute(step["create"])
            _stage(conn, reference)
            conn.execute(step["analyze"])
        seconds["stage"] = taken.value
        with timed() as taken:
            conn.execute(step["internal"])
        seconds["internal duplicates"] = taken.value
        with timed() as taken:
            for first in range(1, reference.shape.rows + 1, _CHUNK):
                conn.execute(step["database"], {"first": first, "after": first + _CHUNK})
        seconds["database duplicates"] = taken.value
        with timed() as taken, conn.transaction():
            conn.execute(step["insert"], job)
        seconds["insert"] = taken.value
        with timed() as taken:
            row = conn.execute(step["verify"], job).fetchone()
        seconds["verify"] = taken.value
        _prove(conn, step["counts"], reference, row)
        content = imported(conn) if with_content else None
    server.drop(_DATABASE)
    return seconds, content


def _stage(conn: psycopg.Connection[Any], reference: Reference) -> None:
    for path in reference.files:
        delimiter, columns = header_of(path)
        copy_file(conn, "staged_codes", columns, path, f", HEADER, DELIMITER '{delimiter}'")


def _prove(
    conn: psycopg.Connection[Any],
    counts: bytes,
    reference: Reference,
    inserted: tuple[int, ...] | None,
) -> None:
    with conn.cursor(row_factory=dict_row) as cursor:
        found = dict(cursor.execute(counts).fetchone() or {})
    found["inserted"] = inserted[0] if inserted else None
    expected = reference.expected
    same(
        "reference algorithm",
        found,
        {
            "total_rows": expected.total_rows,
            "internal_duplicates": expected.internal_duplicates,
            "database_duplicates": expected.database_duplicates,
            "both_duplicates": expected.both_duplicates,
            "clean_rows": expected.clean_rows,
            "inserted": expected.clean_rows,
        },
    )
