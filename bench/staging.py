"""Staging against the server's own COPY, and what can be timed on a staged job.

In one database, in this order, each after a checkpoint: COPY by the server of the same files into
the tables that stage_file made for them; staging through the client on one connection, and on two;
validation of the one staged job, check of the other (validation and marks: the difference is the
marking); the insert's dry run, whose work is the race re-check; the report of the duplicates.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.data import TARGET, TEMPLATE, Reference, raw_header
from bench.measure import run_module, timed
from bench.proof import same
from bench.server import BenchServer
from pgimport import Client, export_report

_DATABASE = "bench_staging"


@dataclass(frozen=True)
class Staging:
    """Seconds of each thing; ``server_copy`` is None where the server cannot read the files."""

    server_copy: float | None
    one: float
    two: float
    validate: float
    check: float
    recheck: float
    report: float
    report_rows: int

    @property
    def marking(self) -> float:
        """Seconds of marking both kinds of duplicates: a whole check less the validation."""
        return max(0.0, self.check - self.validate)


def run(server: BenchServer, reference: Reference) -> Staging:
    """Stage the reference data in three ways, and time what can be done with a staged job.

    Raises:
        WrongResultError: other counts than expected.

    """
    dsn = server.fresh(_DATABASE, TEMPLATE)
    copied = _server_copy(server, reference)
    first, one = _client(server, dsn, reference, 1)
    second, two = _client(server, dsn, reference, 2)
    with server.connect(_DATABASE) as conn:
        client = Client(conn)
        server.checkpoint()
        with timed() as validate:
            client.validate_job(first)
        server.checkpoint()
        with timed() as check:
            checked = client.check_job(second)
        same("check", checked.raw["counts"], {"clean_rows": reference.expected.clean_rows})
        with timed() as recheck:
            tried = client.insert_job(second, {"dry_run": True})
        same("dry run", tried.raw["counts"], {"clean_rows": reference.expected.clean_rows})
        report, rows = _report(conn, second, reference)
    server.drop(_DATABASE)
    return Staging(
        copied, one, two, validate.value, check.value, recheck.value, report, rows
    )  # fmt: skip


def _client(
    server: BenchServer, dsn: str, reference: Reference, jobs: int
) -> tuple[str, float]:  # fmt: skip
    server.checkpoint()
    answer, _ = run_module(
        "bench.client",
        {
            "do": "stage",
            "dsn": dsn,
            "target": TARGET,
            "paths": [str(reference.data)],
            "jobs": jobs,
        },
    )
    same("staging", answer, {"rows_staged": reference.expected.total_rows, "failed": []})
    return answer["job_id"], answer["phases"]["stage"]


def _server_copy(server: BenchServer, reference: Reference) -> float | None:
    """Let the server read the files itself, by the very COPY statements of stage_file."""
    with server.connect(_DATABASE) as conn:
        paths = _readable(conn, server, reference.files)
        if paths is None:
            return None
        client = Client(conn)
        job_id = str(client.create_job(TARGET, {}).job_id)
        statements = []
        for path in paths:
            delimiter, header = raw_header(path)
            opened = client.stage_file(job_id, path.name, header, {"delimiter": delimiter})
            statements.append(_from_path(conn, opened.copy_sql, path))
        server.checkpoint()
        with timed() as taken:
            rows = sum(conn.execute(statement).rowcount for statement in statements)
        same("server-side COPY", {"rows": rows}, {"rows": reference.expected.total_rows})
        client.cancel_job(job_id, "benchmark")
    if paths[0].parent != reference.data.resolve():
        shutil.rmtree(paths[0].parent)
    return taken.value


def _from_path(conn: psycopg.Connection[Any], copy_sql: str, path: Path) -> bytes:
    quoted = psycopg.sql.Literal(str(path)).as_string(conn)
    return copy_sql.replace("FROM STDIN", f"FROM {quoted}").encode()


def _readable(
    conn: psycopg.Connection[Any], server: BenchServer, files: Sequence[Path]
) -> list[Path] | None:
    """Return paths by which the server can read the files: as they are, or as copies."""
    try:
        for path in files:
            conn.execute("SELECT pg_read_binary_file(%s, 0, 1)", [str(path.resolve())])
        return [path.resolve() for path in files]
    except psycopg.Error:
        if server.folder is None:
            return None
    folder = Path(tempfile.mkdtemp(prefix="files-", dir=server.folder))
    folder.chmod(0o755)
    return [Path(shutil.copyfile(path, folder / path.name)) for path in files]


def _report(
    conn: psycopg.Connection[Any], job_id: str, reference: Reference
) -> tuple[float, int]:  # fmt: skip
    """Write the report of the duplicates to a file and return seconds and rows."""
    path = reference.folder / "duplicates.csv"
    with timed() as taken:
        rows = export_report(conn, job_id, "duplicates", path)
    path.unlink()
    expected = reference.expected
    same(
        "report of the duplicates",
        {"rows": rows},
        {
            "rows": expected.internal_duplicates
            + expected.database_duplicates
            - expected.both_duplicates
        },
    )
    return taken.value, rows
