"""Rows that a job updated: the update with its before-images, and the way back."""

from __future__ import annotations

from bench.data import CLEAN_COLUMNS
from bench.measure import timed
from bench.proof import same
from bench.result import Figure
from bench.rollback import table
from bench.rollback.inserted import PLAN_AT_MOST
from bench.server import BenchServer
from pgimport.client import Client

UPDATE_AT_LEAST = 25_000
RESTORE_AT_LEAST = 20_000
_DATABASE = "bench_rollback_updated"


def figures(server: BenchServer, rows: int, runs: int) -> list[Figure]:
    """Update ``rows`` rows of the table by jobs, and roll these back.

    Raises:
        WrongResultError: other counts than expected, or the table is not as it was before.

    """
    seconds = [(*_life(server, rows), _plain(server, rows)) for _ in range(runs)]
    checks, updates, plans, undone, plain = (list(one) for one in zip(*seconds, strict=True))
    note = f"{rows:,} rows; three columns of eight have another value"
    return [
        Figure(
            "rollback",
            "update of rows that are there, with images",
            [rows / one for one in updates],
            "rows/s",
            at_least=UPDATE_AT_LEAST,
            note=f"insert_job: {note}",
        ),
        Figure(
            "rollback",
            "update of rows that are there, with images / plain UPDATE",
            [one / bare for one, bare in zip(updates, plain, strict=True)],
            "ratio",
            note="UPDATE … FROM a table of the new values, which knows that all rows change",
        ),
        Figure(
            "rollback",
            "check of rows that are there",
            [rows / one for one in checks],
            "rows/s",
            note="check_job of the same rows",
        ),
        Figure(
            "rollback",
            "rollback of updated rows",
            [rows / one for one in undone],
            "rows/s",
            at_least=RESTORE_AT_LEAST,
            note="afterwards every row is as it was, all columns",
        ),
        Figure(
            "rollback",
            "plan of updated rows",
            plans,
            "s",
            at_most=PLAN_AT_MOST,
            note=f"{rows:,} rows",
        ),
    ]


def _life(server: BenchServer, rows: int) -> tuple[float, float, float, float]:
    """Return the seconds of check, update, plan and rollback."""
    server.fresh(_DATABASE, table.TEMPLATE)
    job_id, check = table.checked_job(
        server, _DATABASE, rows, table.THERE, {"on_duplicate": "update"}
    )
    with server.connect(_DATABASE) as conn:
        client = Client(conn)
        before = table.content(conn)
        update = table.insert(client, job_id, 0, rows)
        server.checkpoint()
        plan = table.plan(client, job_id, {"delete": 0, "restore": rows})
        undone = table.undo(client, job_id, {"rows_restored": rows, "rows_kept": 0})
        same("rollback of an update", {"content": table.content(conn)}, {"content": before})
    server.drop(_DATABASE)
    return check, update, plan, undone


def _plain(server: BenchServer, rows: int) -> float:
    """Return the seconds of an UPDATE that writes the same values, and knows and keeps nothing."""
    server.fresh(_DATABASE, table.TEMPLATE)
    written = [name for name in CLEAN_COLUMNS if name not in ("code", "merchant_id")]
    with server.connect(_DATABASE) as conn:
        conn.execute(f"CREATE TABLE given AS {table.given_sql(table.THERE, rows)}".encode())
        conn.execute("VACUUM (ANALYZE) given")
        server.checkpoint()
        with timed() as taken:
            done = conn.execute(
                f"UPDATE codes AS c SET {', '.join(f'{name} = g.{name}' for name in written)} "
                "FROM given AS g WHERE c.code = g.code AND c.merchant_id = g.merchant_id".encode()
            )
        same("plain UPDATE", {"rows": done.rowcount}, {"rows": rows})
    server.drop(_DATABASE)
    return taken.value
