"""What a job costs that can be interrupted, or whose rows are to be known for ever.

The same rows are inserted by one statement, in ten and in a hundred batches, and with a history row
for each of them, in turns, each time into a copy of one database.
"""

from __future__ import annotations

from bench.data import Reference
from bench.measure import timed
from bench.proof import same
from bench.result import Figure
from bench.rollback import table
from bench.server import BenchServer
from pgimport._batches import insert_rows
from pgimport.client import Client

ROWS = 1_000_000
_LEAST = 400
# with fewer rows it is a trial
_MEANT = 100_000
_RUNS = 3
_DATABASE = "bench_operations"
_WAYS = ("at once", "10 batches", "100 batches", "row history")


def run(server: BenchServer, data: Reference, rows: int) -> list[Figure]:
    """Measure with half of ``rows``, but no more than meant.

    Raises:
        WrongResultError: other counts than expected.

    """
    del data  # its database is the template
    new = min(max(rows // 2, _LEAST), ROWS)
    table.prepare(server, new)
    seconds: dict[str, list[float]] = {way: [] for way in _WAYS}
    for _ in range(_RUNS if rows >= _MEANT else 1):
        for way in _WAYS:
            seconds[way].append(_insert(server, new, way))
    server.drop(table.TEMPLATE)
    once = seconds["at once"]
    notes = {
        "10 batches": f"{new:,} rows, each batch committed; all indexes are gone through ten times",
        "100 batches": "the same a hundred times",
        "row history": "a row in pgimport.row_history for each, with its key",
    }
    return [
        Figure("operations", "insert at once", [new / one for one in once], "rows/s"),
        *(
            Figure(
                "operations",
                f"insert, {way} / at once",
                [one / bare for one, bare in zip(seconds[way], once, strict=True)],
                "ratio",
                note=note,
            )
            for way, note in notes.items()
        ),
    ]


def _insert(server: BenchServer, rows: int, way: str) -> float:
    """Return the seconds of one insert, which is verified and rolled back."""
    server.fresh(_DATABASE, table.TEMPLATE)
    with server.connect(_DATABASE) as conn:
        if way == "row history":
            conn.execute(
                "UPDATE pgimport.target SET options = options || '{\"row_history\": true}'"
            )
        job_id, _ = table.checked_job(server, _DATABASE, rows, table.NEW)
        client = Client(conn)
        batches = int(way.split(maxsplit=1)[0]) if way.endswith("batches") else None
        with timed() as taken:
            done = insert_rows(client, job_id, batch_rows=rows // batches if batches else None)
        same(
            way,
            {
                "rows": done.rows_inserted,
                "batches": done.batch_no,
                "verified": client.verify_job(job_id).verified,
            },
            {"rows": rows, "batches": batches, "verified": True},
        )
        kept = conn.execute("SELECT count(*) FROM pgimport.row_history").fetchone()
        same(way, {"kept": kept and kept[0]}, {"kept": rows if way == "row history" else 0})
        same(way, {"deleted": client.rollback_job(job_id).rows_deleted}, {"deleted": rows})
    server.drop(_DATABASE)
    return taken.value
