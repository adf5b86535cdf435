"""What it costs to undo a job, and to have been able to.

Three measurements on the reference table: rows that a job inserted, and what happened to them
since; rows that it updated; rows that others refer to. Each starts from a copy of one database.
"""

from __future__ import annotations

from bench.data import Reference
from bench.result import Figure
from bench.rollback import cascade, inserted, table, updated
from bench.server import BenchServer

# what the targets are about; a run with fewer rows measures in proportion
ROWS = 1_000_000
_LEAST = 400
# with fewer rows it is a trial
_MEANT = 100_000
_RUNS = 3


def run(server: BenchServer, data: Reference, rows: int) -> list[Figure]:
    """Measure all, with half of ``rows``, but no more than meant; a tenth of that for the cascade.

    Raises:
        WrongResultError: other counts than expected.

    """
    del data  # its database is the template
    undone = min(max(rows // 2, _LEAST), ROWS)
    runs = _RUNS if rows >= _MEANT else 1
    table.prepare(server, undone)
    figures = [
        *updated.figures(server, undone, runs),
        *inserted.figures(server, undone, runs),
        *cascade.figures(server, max(undone // 10, 1), runs),
    ]
    server.drop(table.TEMPLATE)
    return figures
