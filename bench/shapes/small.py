"""A job of ten rows into tables of a thousand and of millions of rows."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.result import Figure
from bench.server import BenchServer
from bench.shapes.measure import TEMPLATE, check_result, import_seconds, words
from pgimport.client import Client

_ROWS = 10
_JOBS = 5
_SMALL = 1_000
_DATABASE = "shape_huge"


@dataclass(frozen=True)
class _Jobs:
    """Milliseconds of several jobs of ten rows, and how much of the table they read.

    Attributes:
        imports, rollbacks: milliseconds each.
        note: the phases of the last import. pages: read by an import, as a share of the table.

    """

    imports: tuple[float, ...]
    rollbacks: tuple[float, ...]
    note: str
    pages: float


def figures(server: BenchServer, huge: int) -> list[Figure]:
    """Import ten rows into a small table and into one of ``huge`` rows."""
    small = _measure(server, _SMALL)
    large = _measure(server, huge)
    grown = statistics.median(large.imports) / statistics.median(small.imports)
    many = f"{huge:,} rows"
    return [
        Figure("shapes", f"10 rows into {_SMALL:,} rows", small.imports, "ms", note=small.note),
        Figure("shapes", f"10 rows into {many}", large.imports, "ms", 150, note=large.note),
        Figure(
            "shapes",
            f"10 rows into {many} / into {_SMALL:,} rows",
            [grown],
            "ratio",
            1.5,
            note="keys are looked up in the index, the table is not read",
        ),
        Figure(
            "shapes",
            f"share of {many} read for an import of 10",
            [large.pages],
            "ratio",
            0.05,
            note="pages of the table touched / pages it has",
        ),
        Figure("shapes", f"rollback of 10 rows in {many}", large.rollbacks, "ms", 150),
    ]


def _measure(server: BenchServer, size: int) -> _Jobs:
    server.fresh(_DATABASE, TEMPLATE)
    dsn = server.dsn(_DATABASE)
    with server.connect(_DATABASE) as conn:
        conn.execute("SET maintenance_work_mem = '1GB'")
        conn.execute("CREATE TABLE public.huge (id bigint NOT NULL, value integer)")
        # the even numbers are taken
        conn.execute(
            "INSERT INTO public.huge SELECT 2 * k, k %% 1000 FROM generate_series(1, %s::bigint) k",
            [size],
        )
        conn.execute("ALTER TABLE public.huge ADD PRIMARY KEY (id)")
        conn.execute("SELECT pgimport.register_target('public.huge', 'huge', '{id}')")
        conn.execute("VACUUM (ANALYZE) public.huge")
    server.checkpoint()

    imports, rollbacks, shares, note = [], [], [], ""
    for run in range(_JOBS):
        with _file(size, run) as path, _pages(server) as share:
            seconds, phases, result = import_seconds(dsn, "huge", [path])
        check_result(f"10 rows into {size:,}", result, _ROWS, _ROWS // 2)
        imports.append(seconds * 1000)
        shares.append(share[0])
        note = "5 of the 10 are new; " + words(phases)
        with server.connect(_DATABASE) as conn:
            begin = time.perf_counter()
            Client(conn).rollback_job(result.job_id, reason="measured")
            rollbacks.append((time.perf_counter() - begin) * 1000)
    server.drop(_DATABASE)
    return _Jobs(tuple(imports), tuple(rollbacks), note, statistics.median(shares))


@contextmanager
def _file(size: int, run: int) -> Iterator[Path]:
    """Write a file of ten rows spread over the table; every second key is in it."""
    with tempfile.TemporaryDirectory(prefix="pgimport-shape-") as folder:
        path = Path(folder) / f"ten_{run}.csv"
        step = size // 10
        keys = [2 * (number * step + 7 * run + 1) + number % 2 for number in range(_ROWS)]
        path.write_text("id,value\n" + "".join(f"{key},1\n" for key in keys), encoding="utf-8")
        yield path


@contextmanager
def _pages(server: BenchServer) -> Iterator[list[float]]:
    """Say how much of the table was read inside: page accesses / pages."""
    share: list[float] = []
    before, _ = _touched(server)
    yield share
    # what was done inside was counted when its connections were closed
    after, pages = _touched(server)
    share.append((after - before) / pages)


def _touched(server: BenchServer) -> tuple[int, int]:
    with server.connect(_DATABASE) as conn:
        row = conn.execute(
            "SELECT heap_blks_read + heap_blks_hit, "
            "greatest(1, pg_relation_size('public.huge') / current_setting('block_size')::bigint) "
            "FROM pg_statio_user_tables WHERE relid = 'public.huge'::regclass"
        ).fetchone()
    if row is None:
        raise LookupError("there are no statistics of the table")
    return int(row[0]), int(row[1])
