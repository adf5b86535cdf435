"""The reference import at 200,000 rows, or as many as PGIMPORT_TEST_ROWS says (2,000,000).

What must come out is computed here from the files, with the standard library and nothing of
pgimport: which rows are invalid, which are duplicates inside the files, in the table or both, and
what each clean row holds. Rows are compared by the sum of their hashes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgimport import Client, import_files
from pgimport.demo_codes import existing_rows, generate, shape

ROWS = int(os.environ.get("PGIMPORT_TEST_ROWS", "200000"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "codes"
COLUMNS = (
    "merchant_id", "code", "serial", "sku", "points",
    "sku_name", "batch_code", "price", "window_start", "window_end",
)  # fmt: skip
Row = dict[str, str | None]


@dataclass
class Computed:
    """What the files come to."""

    total: int = 0
    invalid: int = 0
    internal: int = 0
    database: int = 0
    both: int = 0
    clean: int = 0
    refused: int = 0
    issues: Counter[str] = field(default_factory=Counter)
    digest: int = 0


def row_hash(text: str) -> int:
    """Return 64 bits of a hash as PostgreSQL's bigint has them."""
    return int.from_bytes(hashlib.md5(text.encode()).digest()[:8], "big", signed=True)


def records(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Header and record of each record that is not blank; undecodable bytes as surrogates."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        first = next(text)
        delimiter = max(",;\t|", key=first.count)
        header = [name.strip().lower().replace(" ", "_") for name in first.split(delimiter)]
        header = ["batch_code" if name == "batch_id" else name for name in header]
        for record in csv.reader(text, delimiter=delimiter, strict=True):
            if record:
                yield header, record


def issue_of(header: list[str], record: list[str]) -> str | None:
    """Say what is wrong with a record, None for a good one."""
    if len(record) != len(header):
        return "ragged_row"
    if any("\udc80" <= sign <= "\udcff" for value in record for sign in value):
        return "bad_encoding"
    row = dict(zip(header, record, strict=True))
    if not row["code"] or not row["merchant_id"]:
        return "required"
    if not row["points"].isdigit():
        return "bad_integer"
    for name in ("window_start", "window_end"):
        try:
            date.fromisoformat(row.get(name, "2026-01-01"))
        except ValueError:
            return "bad_date"
    return None


def compute(folder: Path, table: set[tuple[str, str]]) -> Computed:
    out = Computed()
    seen: set[tuple[str, str]] = set()
    for path in sorted(folder.iterdir()):
        for header, record in records(path):
            issue = issue_of(header, record)
            if issue:
                out.issues[issue] += 1
                out.refused += issue in ("ragged_row", "bad_encoding")
                out.invalid += issue not in ("ragged_row", "bad_encoding")
                continue
            row: Row = dict(zip(header, record, strict=True))
            key = (str(row["merchant_id"]), str(row["code"]))
            internal, database = key in seen, key in table
            seen.add(key)
            out.internal += internal
            out.database += database
            out.both += internal and database
            if not internal and not database:
                out.clean += 1
                out.digest += row_hash("|".join(row.get(name) or "<null>" for name in COLUMNS))
            out.total += 1
    out.total += out.invalid
    return out


def scalar(conn: psycopg.Connection[Any], query: str, *arguments: Any) -> Any:
    row = conn.execute(query.encode(), arguments).fetchone()
    assert row is not None
    return row[0]


def table_digest(conn: psycopg.Connection[Any]) -> str:
    """All there is in the table, also what pgimport does not write."""
    return str(
        scalar(
            conn,
            "SELECT concat_ws(' ', count(*), sum(('x' || left(md5(c::text), 16))::bit(64)::bigint))"
            " FROM public.codes AS c",
        )
    )


def job_digest(conn: psycopg.Connection[Any], job_id: Any) -> int:
    """The rows of a job as ``compute`` adds them up."""
    texts = ", ".join(f"coalesce({name}::text, '<null>')" for name in COLUMNS)
    return int(
        scalar(
            conn,
            f"SELECT coalesce(sum(('x' || left(md5(concat_ws('|', {texts})), 16))"
            "::bit(64)::bigint), 0) FROM public.codes WHERE import_job_id = %s",
            job_id,
        )
    )


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    """The table of examples/codes, with the rows that are there before."""
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        for name in ("schema.sql", "target.sql"):
            conn.execute((EXAMPLE / name).read_bytes())
        with conn.cursor().copy(
            "COPY public.codes (merchant_id, code, serial, sku, points, source) FROM STDIN"
        ) as copy:
            for row in existing_rows(shape(ROWS)):
                copy.write_row(row)
        conn.execute("ANALYZE public.codes")
    return installed_dsn


def test_the_reference_import_and_its_rollback(dsn: str, tmp_path: Path) -> None:
    folder = tmp_path / "codes"
    generate(folder, shape(ROWS))
    with psycopg.connect(dsn, autocommit=True) as conn:
        client = Client(conn)
        table = {
            (str(merchant), code)
            for merchant, code in conn.execute("SELECT merchant_id, code FROM public.codes")
        }
        expected = compute(folder, table)
        assert expected.total + expected.refused == ROWS
        assert min(expected.internal, expected.database, expected.both) > 0
        before = table_digest(conn)

        for turn in ("first", "after the rollback"):
            result = import_files(dsn, "codes", [folder])
            check = result.check
            assert (
                check.total_rows,
                check.counts.invalid_rows,
                check.internal_duplicates,
                check.database_duplicates,
                check.both_duplicates,
                check.total_clean,
            ) == (
                expected.total,
                expected.invalid,
                expected.internal,
                expected.database,
                expected.both,
                expected.clean,
            ), turn
            assert {error["code"] for error in check.errors} == expected.issues.keys(), turn
            found = conn.execute(
                "SELECT code, count(*) FROM pgimport.issue WHERE job_id = %s GROUP BY code",
                [result.job_id],
            )
            assert dict(found.fetchall()) == expected.issues, turn

            # the rows themselves
            assert job_digest(conn, result.job_id) == expected.digest, turn
            verified = client.verify_job(result.job_id)
            assert verified.verified, turn
            assert verified.actual_count == expected.clean, turn
            assert verified.checksum_staged == verified.checksum_target, turn

            plan = client.plan_rollback(result.job_id)
            assert (plan.delete, plan.modified, plan.already_gone) == (expected.clean, 0, 0), turn
            undone = client.rollback_job(result.job_id, reason=turn)
            assert undone.rows_deleted == expected.clean, turn
            assert table_digest(conn) == before, turn
