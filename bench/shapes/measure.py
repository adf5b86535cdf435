"""Measuring one shape: plain COPY of its clean rows, and the import of its files."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

import pgimport
from bench.server import BenchServer
from bench.shapes.shape import Shape
from pgimport import ImportResult, Progress

TEMPLATE = "shapes"
_PREPARED = "shape"
_BLOCK = 256 * 1024


@dataclass(frozen=True)
class Measured:
    """Seconds of plain COPY and of the pipeline, and of the pipeline's phases."""

    plain: float
    pipeline: float
    phases: dict[str, float]


class WrongResultError(AssertionError):
    """An import did not come to the expected numbers."""


def words(phases: dict[str, float]) -> str:
    """Return the seconds of each phase in words."""
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in phases.items()) + " s"


def measure(server: BenchServer, shape: Shape) -> Measured:
    """Load the clean rows of a shape by plain COPY, then import its files, both from one state."""
    prepare(server, shape, _PREPARED)
    with tempfile.TemporaryDirectory(prefix="pgimport-shape-") as place:
        clean = Path(place) / "clean"
        with server.connect(_PREPARED) as conn:
            paths = write_files(conn, shape, Path(place))
            to_file(conn, shape.clean_sql, clean)

        server.fresh(f"{_PREPARED}_plain", _PREPARED)
        with server.connect(f"{_PREPARED}_plain") as conn:
            plain = copy_seconds(conn, shape.load_sql, clean)
            _check_count(conn, shape)
        server.drop(f"{_PREPARED}_plain")

        # a copy too, so that its pages are as cold; an empty table has none
        database = f"{_PREPARED}_import" if shape.existing else _PREPARED
        if shape.existing:
            server.fresh(database, _PREPARED)
        else:
            server.checkpoint()
        seconds, phases, result = import_seconds(server.dsn(database), "shape", paths)
        check_result(shape.name, result, shape.rows, shape.clean)
        server.drop(database)
    return Measured(plain, seconds, phases)


def prepare(server: BenchServer, shape: Shape, database: str) -> None:
    """Make a database with the table of a shape, its rows and the target ``shape``."""
    server.fresh(database, TEMPLATE)
    with server.connect(database) as conn:
        conn.execute("SET maintenance_work_mem = '512MB'")
        conn.execute(shape.table_sql.encode())
        if shape.existing:
            conn.execute(shape.existing_sql.encode())
        for statement in shape.index_sql:
            conn.execute(statement.encode())
        conn.execute(
            "SELECT pgimport.register_target('public.shape', 'shape', %s)", [list(shape.key)]
        )
        conn.execute("VACUUM (ANALYZE) public.shape")


def write_files(conn: psycopg.Connection[Any], shape: Shape, folder: Path) -> list[Path]:
    """Write the files of a shape."""
    paths = [folder / f"shape_{number:04d}.csv" for number in range(shape.files)]
    for number, path in enumerate(paths):
        to_file(conn, shape.file_sql(number), path)
    return paths


def to_file(conn: psycopg.Connection[Any], statement: str, path: Path) -> None:
    """Write what a COPY gives to a file."""
    with path.open("wb") as file, conn.cursor().copy(statement.encode()) as copy:
        for data in copy:
            file.write(data)


def copy_seconds(conn: psycopg.Connection[Any], statement: str, path: Path) -> float:
    """Load a file by one COPY and return the seconds until it is committed."""
    begin = time.perf_counter()
    with path.open("rb") as file, conn.cursor().copy(statement.encode()) as copy:
        while block := file.read(_BLOCK):
            copy.write(block)
    return time.perf_counter() - begin


def import_seconds(
    dsn: str, target: str, paths: list[Path]
) -> tuple[float, dict[str, float], ImportResult]:
    """Import files; return the seconds, the seconds of each phase, and the result.

    Phase ``headers`` holds what comes before the first row is loaded: reading the files, making
    the job and opening its files.
    """
    starts: list[tuple[str, float]] = []

    def progress(now: Progress) -> None:
        if not starts or starts[-1][0] != now.phase:
            starts.append((now.phase, time.perf_counter()))

    begin = time.perf_counter()
    result = pgimport.import_files(dsn, target, paths, progress=progress)
    end = time.perf_counter()
    phases: dict[str, float] = {}
    for (name, start), (_, stop) in zip(starts, [*starts[1:], ("", end)], strict=True):
        phases[name] = phases.get(name, 0.0) + stop - start
    return end - begin, phases, result


def check_result(name: str, result: ImportResult, rows: int, clean: int) -> None:
    """Raise WrongResultError unless exactly the clean rows came in and were verified."""
    if result.insert is None or result.verify is None:
        raise WrongResultError(f"{name}: nothing was inserted")
    expected = (rows, clean, clean, True)
    found = (
        result.check.total_rows,
        result.check.clean_count,
        result.insert.rows_inserted,
        result.verify.verified,
    )
    if found != expected:
        raise WrongResultError(f"{name}: expected {expected}, found {found}")


def _check_count(conn: psycopg.Connection[Any], shape: Shape) -> None:
    counted = conn.execute("SELECT count(*) FROM public.shape").fetchone()
    if counted != (shape.existing + shape.clean,):
        raise WrongResultError(f"{shape.name}: plain COPY of the clean rows left {counted}")
