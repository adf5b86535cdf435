"""Baseline P: a plain COPY of exactly the clean rows into the same table with its four indexes.

The rows come in the order of the files, in one transaction; its commit is in the time. The job id
is the column's default here, so that P has nothing to read but the rows. P knows before it starts
which rows are clean: it neither looks for duplicates nor checks or proves anything.
"""

from __future__ import annotations

import uuid

import psycopg
from psycopg import sql

from bench.data import CLEAN_COLUMNS, TEMPLATE, Reference, copy_file
from bench.measure import timed
from bench.proof import Content, imported, same
from bench.server import BenchServer

_DATABASE = "bench_plain"


def run(
    server: BenchServer, reference: Reference, with_content: bool
) -> tuple[float, Content | None]:
    """Return the seconds P takes and, when asked for, what the table then holds.

    Raises:
        WrongResultError: other rows than expected.

    """
    dsn = server.fresh(_DATABASE, TEMPLATE)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            sql.SQL("ALTER TABLE codes ALTER COLUMN import_job_id SET DEFAULT {}").format(
                sql.Literal(uuid.uuid4())
            )
        )
        with timed() as taken, conn.transaction():
            rows = copy_file(conn, "codes", CLEAN_COLUMNS, reference.clean)
        same("plain COPY", {"rows": rows}, {"rows": reference.expected.clean_rows})
        content = imported(conn) if with_content else None
    server.drop(_DATABASE)
    return taken.value, content
