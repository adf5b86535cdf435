"""Files of all formats, what a check of bad cells costs, and how bad rows are repaired.

Three measurements, each on a table of ten columns of mixed types: the check alone of a staged job,
clean and with bad cells, and its report; the same rows staged from CSV, NDJSON, JSON and XLSX; and
the way of a file with bad rows through its report and two uploads into the table.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.files import checking, formats, loop, table
from bench.result import Figure
from bench.server import BenchServer

# what the targets are about; a run with fewer rows measures in proportion
CHECKED_ROWS = 1_000_000
FILE_ROWS = 200_000
_LEAST = 400
# with fewer rows it is a trial
_MEANT = 100_000
_RUNS = 3


def run(server: BenchServer, rows: int) -> list[Figure]:
    """Measure all: half of ``rows`` are checked, a tenth is in the files, but no more than meant.

    Raises:
        WrongResultError: other counts than expected.

    """
    checked = min(max(rows // 2, _LEAST), CHECKED_ROWS)
    in_files = min(max(rows // 10, _LEAST), FILE_ROWS)
    runs = _RUNS if rows >= _MEANT else 1
    table.prepare(server)
    with tempfile.TemporaryDirectory(prefix="pgimport-files-") as place:
        figures = [
            *checking.figures(server, Path(place), checked, runs),
            *formats.figures(server, Path(place), in_files, runs),
            *loop.figures(server, Path(place), in_files),
        ]
    server.drop(table.TEMPLATE)
    return figures
