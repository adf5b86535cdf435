"""The reference table with rows to be updated, and jobs staged on it, made in SQL from numbers."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from bench.data import CLEAN_COLUMNS, TARGET
from bench.data import TEMPLATE as REFERENCE
from bench.measure import timed
from bench.proof import WrongResultError, same
from bench.server import BenchServer
from pgimport.client import Client
from pgimport.errors import RollbackRefused

TEMPLATE = "bench_rollback_template"

# the columns of CLEAN_COLUMNS of row g; %s tells its key from those of other rows
_CELLS = (
    "md5('merchant ' || g % 20)::uuid",
    "%s || upper(left(md5(g::text), 10)) || g",
    "'S' || g",
    "'SKU-' || g % 500",
    "g % 1000",
    "'some name ' || g % 500",
    "'B' || g / 10000",
    "g % 1000 || '.25'",
    "date '2024-01-01' + (g % 366)::int",
    "date '2025-01-01' + (g % 366)::int",
)
# what an update makes of some of them
_CHANGED = {
    "points": "g % 1000 + 1",
    "sku_name": "'another name ' || g % 500",
    "price": "g % 1000 || '.75'",
}
Kind = LiteralString
NEW: Kind = "N"
# in the table since long before any job
THERE: Kind = "T"


def prepare(server: BenchServer, rows: int) -> None:
    """Make the template database: that of the reference data, with ``rows`` rows more.

    They come in through the indexes, like the others.
    """
    server.fresh(TEMPLATE, REFERENCE)
    with server.connect(TEMPLATE) as conn:
        conn.execute(
            f"INSERT INTO codes ({', '.join(CLEAN_COLUMNS)}, source) "
            f"SELECT {_cells(THERE, {})}, 'shop' "
            f"FROM generate_series(1, {rows}::bigint) AS g".encode()
        )
        conn.execute("VACUUM (FREEZE, ANALYZE) codes")


def _cells(kind: Kind, changed: dict[str, str]) -> str:
    return ", ".join(
        f"({changed.get(name, cell.replace('%s', repr(kind)))})"
        f"{'::numeric' if name == 'price' else ''} AS {name}"
        for name, cell in zip(CLEAN_COLUMNS, _CELLS, strict=True)
    )


def given_sql(kind: Kind, rows: int) -> str:
    """Return a query of the rows of a job, in no order of their keys."""
    cells = _cells(kind, _CHANGED if kind == THERE else {})
    return f"SELECT {cells} FROM generate_series(1, {rows}::bigint) AS g ORDER BY hashint8(g)"


def checked_job(
    server: BenchServer, database: str, rows: int, kind: Kind, options: dict[str, Any] | None = None
) -> tuple[str, float]:
    """Stage rows straight from the server and check them; return the job and the check's seconds.

    Rows of the kind ``THERE`` have other values than those in the table. They are in no order.

    Raises:
        WrongResultError: not all of the rows are clean, or not as many are in the table.

    """
    statement = f"COPY ({given_sql(kind, rows)}) TO STDOUT (FORMAT csv)"
    with server.connect(database) as source, server.connect(database) as conn:
        client = Client(conn)
        job_id = str(client.create_job(TARGET, options or {}).job_id)
        opened = client.stage_file(job_id, "rows.csv", CLEAN_COLUMNS, {"header": False})
        with source.cursor() as made, conn.cursor() as cursor, conn.transaction():
            with (
                made.copy(statement.encode()) as out,
                cursor.copy(opened.copy_sql.encode()) as copy,
            ):
                for block in out:
                    copy.write(block)
            client.finish_file(job_id, opened.file_no, rows)
        server.checkpoint()
        with timed() as taken:
            checked = client.check_job(job_id)
    same(
        "check",
        checked.raw["counts"],
        {
            "total_rows": rows,
            "invalid_rows": 0,
            "internal_duplicates": 0,
            "database_duplicates": rows if kind == THERE else 0,
        },
    )
    server.checkpoint()
    return job_id, taken.value


def insert(client: Client, job_id: str, inserted: int, updated: int) -> float:
    """Insert a checked job, and return the seconds.

    Raises:
        WrongResultError: not so many rows inserted or updated, or not verified.

    """
    with timed() as taken:
        done = client.insert_job(job_id)
    verified = client.verify_job(job_id)
    same(
        "insert",
        {
            "rows_inserted": done.raw.get("rows_inserted"),
            "rows_updated": done.raw.get("rows_updated"),
            "verified": verified.verified,
        },
        {"rows_inserted": inserted, "rows_updated": updated, "verified": True},
    )
    return taken.value


def plan(client: Client, job_id: str, expected: dict[str, Any], mode: str = "refuse") -> float:
    """Ask for the plan of a job's rollback, and return the seconds.

    Raises:
        WrongResultError: the plan is not the expected one.

    """
    with timed() as taken:
        planned = client.plan_rollback(job_id, mode)
    same(
        "plan",
        {**planned.raw, "dependents": sum(one["count"] for one in planned.raw["dependents"])},
        {"eligible": True, "modified": 0, "already_gone": 0, "dependents": 0, **expected},
    )
    return taken.value


def undo(
    client: Client, job_id: str, expected: dict[str, Any], mode: str = "refuse", force: bool = False
) -> float:
    """Roll a job back, and return the seconds.

    Raises:
        WrongResultError: it is refused, or comes to other numbers than expected.

    """
    try:
        with timed() as taken:
            undone = client.rollback_job(
                job_id, mode, "benchmark", {"force": True} if force else {}
            )
    except RollbackRefused as error:
        raise WrongResultError(f"rollback: {error}") from error
    same("rollback", undone.raw, {"success": True, "status": "rolled_back", **expected})
    return taken.value


def content(conn: psycopg.Connection[Any]) -> tuple[int, int]:
    """Count all rows of the table, and add up the hashes of them as they are."""
    row = conn.execute(
        "SELECT count(*), coalesce(sum(hashtextextended(c::text, 0)::numeric), 0) FROM codes AS c"
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
