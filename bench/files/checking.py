"""The check alone, of staged rows: clean ones, with bad rows, with bad cells everywhere."""

from __future__ import annotations

from pathlib import Path

from bench.files.table import EVERY, TEMPLATE, Bad, count_bad, stage
from bench.measure import run_module, timed
from bench.proof import same
from bench.result import Figure
from bench.server import BenchServer
from pgimport.client import Client

AT_LEAST = 100_000
# that of any client
AT_MOST_MB = 120
_DATABASE = "bench_files_check"
_SHARE = f"{100 / EVERY:g} %"
_NAMES = {
    Bad.NONE: "clean",
    Bad.ROWS: f"a bad cell in {_SHARE} of the rows",
    Bad.CELLS: f"{_SHARE} of all cells bad",
}
_LINES = {"issues": "a line a row", "issue_list": "a line an issue"}


def figures(server: BenchServer, folder: Path, rows: int, runs: int) -> list[Figure]:
    """Check jobs of ``rows`` rows, each kind ``runs`` times; write the reports of the worst.

    Raises:
        WrongResultError: the check found other rows or issues than there are.

    """
    with server.connect(TEMPLATE) as conn:
        wrong = {bad: count_bad(conn, rows, bad) for bad in Bad}
    seconds: dict[Bad, list[float]] = {bad: [] for bad in Bad}
    job_id = ""
    for _ in range(runs):
        for bad in Bad:
            job_id, taken = _check(server, rows, bad, wrong[bad])
            seconds[bad].append(taken)
    # the kind that was checked last has the most issues
    bad_rows, issues = wrong[bad]
    reports = [
        *_report(server, folder, job_id, "issues", bad_rows),
        *_report(server, folder, job_id, "issue_list", issues),
    ]
    server.drop(_DATABASE)
    return [*_speeds(rows, seconds, wrong), *reports]


def _speeds(
    rows: int, seconds: dict[Bad, list[float]], wrong: dict[Bad, tuple[int, int]]
) -> list[Figure]:
    speeds = [
        Figure(
            "files",
            f"check, {_NAMES[bad]}",
            [rows / one for one in taken],
            "rows/s",
            at_least=AT_LEAST,
            note=f"check_job of {rows:,} rows; {wrong[bad][0]:,} bad, {wrong[bad][1]:,} issues",
        )
        for bad, taken in seconds.items()
    ]
    ratios = [
        Figure(
            "files",
            f"check, {_NAMES[bad]} / clean",
            [one / clean for one, clean in zip(taken, seconds[Bad.NONE], strict=True)],
            "ratio",
            note="seconds",
        )
        for bad, taken in seconds.items()
        if bad is not Bad.NONE
    ]
    return [*speeds, *ratios]


def _check(server: BenchServer, rows: int, bad: Bad, wrong: tuple[int, int]) -> tuple[str, float]:
    server.fresh(_DATABASE, TEMPLATE)
    job_id = stage(server, _DATABASE, rows, bad)
    server.checkpoint()
    with server.connect(_DATABASE) as conn:
        with timed() as taken:
            checked = Client(conn).check_job(job_id)
        issues = conn.execute("SELECT count(*) FROM pgimport.issue WHERE job_id = %s", [job_id])
        found = {**checked.raw["counts"], "issues": (issues.fetchone() or (0,))[0]}
    same(
        f"check, {_NAMES[bad]}", found,
        {"total_rows": rows, "clean_rows": rows - wrong[0], "issues": wrong[1]},
    )  # fmt: skip
    return job_id, taken.value


def _report(
    server: BenchServer, folder: Path, job_id: str, report: str, expected: int
) -> list[Figure]:
    path = folder / f"{report}.csv"
    answer, memory = run_module(
        "bench.client",
        {
            "do": "report",
            "dsn": server.dsn(_DATABASE),
            "job_id": job_id,
            "report": report,
            "path": str(path),
        },
    )
    same(f"report {report}", answer, {"rows": expected})
    size = path.stat().st_size / 1e6
    path.unlink()
    name = f"report of the issues as CSV, {_LINES[report]}"
    note = f"{expected:,} rows, {size:,.0f} MB"
    return [
        Figure("files", name, [expected / answer["seconds"]], "rows/s", note=note),
        Figure("files", f"{name}: memory of the client", [memory.peak_mb], "MB", AT_MOST_MB),
    ]
