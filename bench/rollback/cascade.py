"""Rows that others refer to, rolled back with them."""

from __future__ import annotations

from bench.proof import same
from bench.result import Figure
from bench.rollback import table
from bench.server import BenchServer
from pgimport.client import Client

# rows of people that refer to each row of the job
CHILDREN = 3
_DATABASE = "bench_rollback_cascade"
_REFER = (
    "CREATE TABLE claim (claim_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code_id bigint)",
    "INSERT INTO claim (code_id) SELECT c.id FROM codes AS c, generate_series(1, {children}) "
    "WHERE c.import_job_id IS NOT NULL ORDER BY hashint8(c.id)",
    "CREATE INDEX ON claim (code_id)",
    "ALTER TABLE claim ADD FOREIGN KEY (code_id) REFERENCES codes (id)",
    "VACUUM (ANALYZE) claim",
)


def figures(server: BenchServer, rows: int, runs: int) -> list[Figure]:
    """Roll back ``rows`` rows with all rows that refer to them.

    Raises:
        WrongResultError: other counts than expected.

    """
    seconds = [_life(server, rows) for _ in range(runs)]
    plans, undone = (list(one) for one in zip(*seconds, strict=True))
    together = f"{rows:,} rows, {rows * CHILDREN:,} refer to them"
    return [
        Figure(
            "rollback",
            "cascade: rollback of inserted rows and of those that refer to them",
            [rows * (1 + CHILDREN) / one for one in undone],
            "rows/s",
            note=f"both together: {together}",
        ),
        Figure("rollback", "cascade: plan", plans, "s", note=together),
    ]


def _life(server: BenchServer, rows: int) -> tuple[float, float]:
    server.fresh(_DATABASE, table.TEMPLATE)
    job_id, _ = table.checked_job(server, _DATABASE, rows, table.NEW)
    with server.connect(_DATABASE) as conn:
        client = Client(conn)
        before = table.content(conn)
        table.insert(client, job_id, rows, 0)
        for statement in _REFER:
            conn.execute(statement.format(children=CHILDREN).encode())
        server.checkpoint()
        plan = table.plan(
            client, job_id, {"delete": rows, "dependents": rows * CHILDREN}, "cascade"
        )
        undone = table.undo(
            client,
            job_id,
            {"rows_deleted": rows, "rows_cascaded": rows * CHILDREN},
            "cascade",
            force=True,
        )
        left = conn.execute("SELECT count(*) FROM claim").fetchone()
        same(
            "cascade",
            {"content": table.content(conn), "left": left},
            {"content": before, "left": (0,)},
        )
    server.drop(_DATABASE)
    return plan, undone
