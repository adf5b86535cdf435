"""The same rows from CSV, NDJSON, JSON and XLSX into staging, and the memory of the client."""

from __future__ import annotations

from pathlib import Path

from bench.files.table import (
    TARGET,
    TEMPLATE,
    Bad,
    write_csv,
    write_json,
    write_ndjson,
    write_xlsx,
)
from bench.measure import run_module
from bench.proof import same
from bench.result import Figure
from bench.server import BenchServer
from pgimport.readers.table import MEMORY_BYTES

# what is asked of a spreadsheet; the others stand beside it
XLSX_AT_LEAST = 40_000
XLSX_AT_MOST_MB = 200
_DATABASE = "bench_files_formats"
_LIMIT = MEMORY_BYTES // 1024**3


def figures(server: BenchServer, folder: Path, rows: int, runs: int) -> list[Figure]:
    """Stage ``rows`` rows from a file of each format, each ``runs`` times.

    Raises:
        WrongResultError: other counts than expected.

    """
    with server.connect(TEMPLATE) as conn:
        csv = write_csv(conn, folder / "rows.csv", rows, Bad.NONE)
    paths = {
        "XLSX": write_xlsx(csv, folder / "rows.xlsx"),
        "JSON": write_json(csv, folder / "rows.json"),
        "NDJSON": write_ndjson(csv, folder / "rows.ndjson"),
        "CSV": csv,
    }
    speeds: dict[str, list[float]] = {name: [] for name in paths}
    peaks: dict[str, list[float]] = {name: [] for name in paths}
    children: list[float] = []
    for _ in range(runs):
        for name, path in paths.items():
            dsn = server.fresh(_DATABASE, TEMPLATE)
            answer, memory = run_module(
                "bench.client",
                {"do": "stage", "dsn": dsn, "target": TARGET, "paths": [str(path)], "jobs": 1},
            )
            same(f"staging {name}", answer, {"rows_staged": rows, "failed": []})
            speeds[name].append(rows / sum(answer["phases"].values()))
            peaks[name].append(memory.peak_mb)
            if name == "XLSX":
                children.append(memory.child_mb)
    server.drop(_DATABASE)
    found = [_speed(name, path, rows, speeds[name]) for name, path in paths.items()]
    for name in paths:
        held = XLSX_AT_MOST_MB if name == "XLSX" else None
        found.append(
            Figure("files", f"{name}: memory of the client, peak", peaks[name], "MB", held)
        )
    found.append(
        Figure(
            "files",
            "XLSX: memory of the process that reads the file, peak",
            children,
            "MB",
            note=f"looked at every 50 ms; the kernel refuses it more than {_LIMIT} GB of addresses",
        )
    )
    for path in paths.values():
        path.unlink()
    return found


def _speed(name: str, path: Path, rows: int, speeds: list[float]) -> Figure:
    size = path.stat().st_size / 1e6
    return Figure(
        "files",
        f"{name} into staging",
        speeds,
        "rows/s",
        at_least=XLSX_AT_LEAST if name == "XLSX" else None,
        note=f"{rows:,} rows of 10 columns, {size:,.1f} MB; its head included",
    )
