"""What does not grow with the rows: a job of 100 rows, and the headers of 100 files."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.data import TARGET, TEMPLATE, Reference, create_table, example
from bench.measure import timed
from bench.proof import same
from bench.server import BenchServer
from pgimport import check_headers, import_files

_DATABASE = "bench_fixed"
_ROWS = 100
_WARM_UP = 3
SMALL_JOBS = 20

HEADER_FILES = 100
HEADER_BYTES = 1_600_000_000
# the size the target of the headers is given for belongs to this many rows; fewer, and it shrinks
HEADER_FULL_ROWS = 2_000_000


def small_jobs(server: BenchServer, template: str | None, times: int = SMALL_JOBS) -> list[float]:
    """Return the milliseconds of imports of 100 new rows each, after some to warm up.

    Args:
        server: where.
        template: a database with a filled table, or None for an empty one.
        times: how many imports are timed.

    Raises:
        WrongResultError: other counts than expected.

    """
    dsn = server.fresh(_DATABASE, template)
    if template is None:
        create_table(server, _DATABASE)
        server.install(_DATABASE)
        with server.connect(_DATABASE) as conn:
            conn.execute(example("target.sql"))
    milliseconds = []
    with tempfile.TemporaryDirectory(prefix="pgimport-bench-") as folder:
        for number in range(_WARM_UP + times):
            path = Path(folder) / f"small_{number:02d}.csv"
            path.write_text(_small_file(number), encoding="utf-8")
            with timed() as taken:
                result = import_files(dsn, TARGET, [path])
            same(
                "job of 100 rows",
                {
                    "inserted": result.insert and result.insert.rows_inserted,
                    "verified": result.verify and result.verify.verified,
                },
                {"inserted": _ROWS, "verified": True},
            )
            milliseconds.append(1000 * taken.value)
    server.drop(_DATABASE)
    return milliseconds[_WARM_UP:]


def _small_file(number: int) -> str:
    merchant = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
    lines = [
        f"{merchant},SMALL{number:03d}{row:03d},S{row},SKU-1001,{row},B001,1.50"
        for row in range(_ROWS)
    ]
    return "\n".join(["merchant_id,code,serial,sku,points,batch_code,price", *lines, ""])


def header_bytes(rows: int) -> int:
    """Return how many bytes the 100 files have together in a run of so many rows."""
    return HEADER_BYTES * min(rows, HEADER_FULL_ROWS) // HEADER_FULL_ROWS


def headers(server: BenchServer, reference: Reference, rows: int) -> float | None:
    """Return the seconds check_headers takes for 100 files, or None where the disk is too full.

    Raises:
        WrongResultError: a file is not found to be in order, or has other rows than it was given.

    """
    wanted = header_bytes(rows)
    if shutil.disk_usage(reference.folder).free < 2 * wanted:
        return None
    with _header_files(reference, wanted // HEADER_FILES) as (folder, rows_each):
        server.fresh(_DATABASE, TEMPLATE)
        with server.connect(_DATABASE) as conn, timed() as taken:
            reports = check_headers(conn, TARGET, [folder])
        server.drop(_DATABASE)
        same(
            "headers",
            {
                "files": len(reports),
                "ok": sum(report.status == "ok" for report in reports),
                "rows": statistics.mode(report.rows for report in reports),
            },
            {"files": HEADER_FILES, "ok": HEADER_FILES, "rows": rows_each},
        )
    return taken.value


@contextmanager
def _header_files(reference: Reference, size: int) -> Iterator[tuple[Path, int]]:
    """Write 100 files of about that size out of the records of the first file of the data."""
    header, _, body = reference.files[0].read_bytes().partition(b"\n")
    body = (body * (size // len(body) + 1))[: max(size, 1000)]
    body = body[: body.rindex(b"\n") + 1]
    folder = reference.folder / "headers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        for number in range(HEADER_FILES):
            (folder / f"wide_{number:03d}.csv").write_bytes(header + b"\n" + body)
        yield folder, body.count(b"\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
