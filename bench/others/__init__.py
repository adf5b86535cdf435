"""What a user would pick instead of pgimport: the same rows, the same table, the same server.

One module a tool. Each tool is given its fastest documented way, in a virtual environment of its
own; one that cannot be had here leaves out its figures and says why. Slow ones get fewer rows, and
beside them stands what pgimport does with as many: no figure is extrapolated.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench.data import Reference
from bench.others import django, dlt, pgloader, psql
from bench.others.case import Case, UnavailableError, by_pgimport
from bench.result import Figure
from bench.server import BenchServer

# what is run, and with how many rows at most: so that each takes seconds, not minutes
_RUNS: tuple[tuple[Callable[[Case], list[Figure]], int | None], ...] = (
    (psql.in_file_order, None),
    (psql.in_key_order, None),
    (dlt.run, 2_000_000),
    (pgloader.staged, 200_000),
    (django.with_own_lookup, 100_000),
    (pgloader.direct, 20_000),
    (django.as_documented, 10_000),
)


def run(server: BenchServer, reference: Reference, rows: int) -> list[Figure]:
    """Measure each tool once, and pgimport at each number of rows below ``rows``.

    Raises:
        WrongResultError: pgimport came to other numbers than the data hold. Where another tool
        does, its figure's note says so.

    """
    figures: list[Figure] = []
    compared = {rows}
    for tool, most in _RUNS:
        size = min(rows, most or rows)
        with Case.of(server, reference, size) as case:
            try:
                found = tool(case)
            except UnavailableError as error:
                print(f"others: left out: {error}", file=sys.stderr, flush=True)
                continue
            figures += found
            if size not in compared:
                compared.add(size)
                figures.append(by_pgimport(case))
    return figures
