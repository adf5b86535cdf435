"""psql: what a good database administrator writes in ten lines."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.data import CLEAN_COLUMNS
from bench.others.case import Case, run_program
from bench.result import Figure

_NOTE = (
    "one transaction; layouts of the files written down by hand; duplicates are dropped without a "
    "word about which{order}; the first bad value or ragged row ends it, only that one is named "
    "(from 17 on bad values can be left out instead); no preview, no verification; each row has "
    "the id of its job because the script says so, but not its file and line; undo is a DELETE of "
    "one's own; peak memory of psql {memory:,.0f} MB"
)


def in_file_order(case: Case) -> list[Figure]:
    r"""``\copy`` into a temporary table, INSERT … SELECT … ON CONFLICT DO NOTHING, one transaction.

    The four layouts of the files are known beforehand: each ``\copy`` has its list of columns.
    The staging table is typed, so that the server casts once, while it reads.
    """
    return [_run(case, r"psql \copy + INSERT … ON CONFLICT DO NOTHING", "")]


def in_key_order(case: Case) -> list[Figure]:
    """Insert in the order of the key, as someone does who knows what indexes like."""
    name = r"psql \copy + INSERT … ORDER BY key ON CONFLICT DO NOTHING"
    return [_run(case, name, ", and of several rows of a key any may stay", "code, merchant_id")]


def _run(case: Case, name: str, order: str, order_by: str = "") -> Figure:
    psql = str(case.server.bin / "psql")
    with tempfile.TemporaryDirectory() as folder, case.database("psql") as database:
        script = Path(folder) / "import.sql"
        script.write_text(_script(case, order_by), encoding="utf-8")
        command = [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script)]
        done = run_program("psql", [*command, "-d", case.server.dsn(database)])
        left = case.left(database)
    note = _NOTE.format(order=order, memory=done.memory_mb)
    return case.figure(name, [done.seconds], left, note)


def _script(case: Case, order_by: str) -> str:
    columns = ", ".join(CLEAN_COLUMNS)
    order = f" ORDER BY {order_by}" if order_by else ""
    lines = [
        "BEGIN;",
        "SELECT gen_random_uuid() AS job \\gset",
        f"CREATE TEMPORARY TABLE staging AS SELECT {columns}, ''::text AS remark FROM codes"
        " WITH NO DATA;",
    ]
    for file in case.files():
        path = file["path"].replace("'", "''")
        lines.append(
            f"\\copy staging ({', '.join(file['columns'])}) FROM '{path}'"
            f" WITH (FORMAT csv, HEADER, DELIMITER '{file['delimiter']}', ENCODING 'UTF8')"
        )
    lines += [
        "ANALYZE staging;",
        f"INSERT INTO codes ({columns}, import_job_id) SELECT {columns}, :'job' FROM staging"
        f"{order} ON CONFLICT (code, merchant_id) DO NOTHING;",
        "COMMIT;",
    ]
    return "\n".join(lines) + "\n"
