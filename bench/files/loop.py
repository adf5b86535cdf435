"""The reject loop: a file with bad rows, its report, two uploads, all of it in the table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, cast

import psycopg

from bench.files.table import (
    EVERY,
    NAMES,
    TARGET,
    TEMPLATE,
    Bad,
    count_bad,
    rows_sql,
    write_csv,
    write_texts,
)
from bench.measure import timed
from bench.proof import same
from bench.result import Figure
from bench.server import BenchServer
from pgimport import export_report, fix_file, stage_files
from pgimport.client import Client

_DATABASE = "bench_files_loop"
_STILL_BAD = "still bad"
Rows = list[dict[str, str]]


class _Loop:
    """One job on its way, and the seconds of its steps."""

    def __init__(self, dsn: str, conn: psycopg.Connection[Any], folder: Path, rows: int) -> None:
        self.dsn, self.conn, self.folder, self.rows = dsn, conn, folder, rows
        self.client = Client(conn)
        self.job_id = ""
        self.seconds: dict[str, float] = {}
        self.speeds: dict[str, float] = {}

    def stage(self, path: Path) -> None:
        """Stage the file and check it."""
        with timed() as taken:
            staged = stage_files(self.dsn, None, [path], target=TARGET)
        self.seconds["stage"] = taken.value
        self.job_id = str(staged.job_id)
        same("staging", {"rows": staged.rows_staged}, {"rows": self.rows})
        with timed() as taken:
            self.client.check_job(self.job_id)
        self.seconds["check"] = taken.value

    def report(self, step: str, suffix: str, expected: int) -> Path:
        """Write the report of the issues."""
        path = self.folder / f"issues{suffix}"
        with timed() as taken:
            rows = export_report(self.conn, self.job_id, "issues", path)
        same(step, {"rows": rows}, {"rows": expected})
        self.seconds[step] = taken.value
        self.speeds[step] = rows / taken.value
        return path

    def upload(self, step: str, path: Path, sent: int, fixed: int) -> None:
        """Send corrected rows; ``fixed`` of them are right now, the others are the issues left."""
        with timed() as taken:
            done = fix_file(self.dsn, self.job_id, path)
        same(
            step,
            {"rows": done.rows, "fixed": done.rows_fixed, "left": done.issues_left},
            {"rows": sent, "fixed": fixed, "left": sent - fixed},
        )
        self.seconds[step] = taken.value

    def finish(self) -> None:
        """Insert all rows and verify them."""
        with timed() as taken:
            inserted = self.client.insert_job(self.job_id)
        self.seconds["insert"] = taken.value
        with timed() as taken:
            verified = self.client.verify_job(self.job_id)
        self.seconds["verify"] = taken.value
        same(
            "import after two uploads",
            {"rows": inserted.rows_inserted, "verified": verified.verified},
            {"rows": self.rows, "verified": True},
        )

    def places(self) -> dict[int, tuple[str, str]]:
        """Return where each staged row lies, and which transaction wrote it."""
        name = f"job_{self.job_id.replace('-', '')}_f1"
        found = self.conn.execute(
            f"SELECT row_no, ctid::text, xmin::text FROM pgimport_staging.{name}".encode()
        )
        return {row_no: (place, xmin) for row_no, place, xmin in found}


def figures(server: BenchServer, folder: Path, rows: int) -> list[Figure]:
    """Run the loop once, half of the first corrections wrong.

    Raises:
        WrongResultError: other counts than expected, at any step.

    """
    dsn = server.fresh(_DATABASE, TEMPLATE)
    with server.connect(_DATABASE) as conn:
        bad, _ = count_bad(conn, rows, Bad.ROWS)
        path = write_csv(conn, folder / "bad.csv", rows, Bad.ROWS)
        server.checkpoint()
        loop = _Loop(dsn, conn, folder, rows)
        loop.stage(path)
        before = loop.places()
        loop.report("report as XLSX", ".xlsx", bad)
        first = _corrected(conn, loop.report("report as CSV", ".csv", bad), rows, bad // 2)
        loop.upload("first upload, CSV", _written(folder / "first.csv", first), bad, bad - bad // 2)
        rest = _corrected(conn, loop.report("second report", ".csv", bad // 2), rows, 0)
        loop.upload(
            "second upload, XLSX", _written(folder / "second.xlsx", rest), bad // 2, bad // 2
        )
        after = loop.places()
        loop.finish()
    server.drop(_DATABASE)
    reported = {_number(row) for row in first}
    touched = sum(
        after.get(number) != place for number, place in before.items() if number not in reported
    )
    return _figures(loop, bad, touched)


def _number(row: dict[str, str]) -> int:
    """Return the number of a row of a report, after the header in line 1."""
    return int(row["pgimport_line_no"]) - 1


def _corrected(
    conn: psycopg.Connection[Any], report: Path, rows: int, wrong: int
) -> Rows:  # fmt: skip
    """Read a report and put the right values into its rows; ``wrong`` of them stay bad."""
    with report.open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    numbers = sorted(_number(row) for row in found)
    chosen = f"g = ANY ('{{{','.join(map(str, numbers))}}}')"
    good = conn.execute(rows_sql(rows, Bad.NONE, chosen).encode()).fetchall()
    right = dict(zip(numbers, cast("list[tuple[str, ...]]", good), strict=True))
    for place, row in enumerate(found):
        row.update(zip(NAMES, right[_number(row)], strict=True))
        if place < wrong:
            row["quantity"] = _STILL_BAD
    return found


def _written(path: Path, rows: Rows) -> Path:
    header = tuple(rows[0])
    return write_texts(path, header, [[row[name] for name in header] for row in rows])


def _figures(loop: _Loop, bad: int, touched: int) -> list[Figure]:
    share = f"{100 / EVERY:g} %"
    return [
        Figure(
            "files",
            f"reject loop, {share} of the rows bad: from the file to all rows in the table",
            [sum(loop.seconds.values())],
            "s",
            note=f"{loop.rows:,} rows, {bad:,} bad, two uploads, half of the first still wrong",
        ),
        *(
            Figure("files", f"reject loop: {step}", [taken], "s")
            for step, taken in loop.seconds.items()
        ),
        *(
            Figure("files", f"reject loop: {step}, speed", [speed], "rows/s")
            for step, speed in loop.speeds.items()
            if step.startswith("report")
        ),
        Figure(
            "files",
            "reject loop: good rows whose staged row was touched",
            [touched],
            "rows",
            0,
            note="place and writing transaction (ctid, xmin) of each staged row, before and after",
        ),
    ]
