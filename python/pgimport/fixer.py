"""Corrected rows sent back: a report that somebody edited goes into its job again.

Everything that is decided is decided by stage_fix() and apply_fix() in the database; here the file
is read, by the readers of all other files, and streamed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from pgimport.client import Client
from pgimport.errors import FileError
from pgimport.importer import connected
from pgimport.models import FixResult
from pgimport.progress import Meter, ProgressCallback
from pgimport.readers import BadRow, Head, ReadOptions, display_names, read_any_head, row_reader

__all__ = ["fix_file"]

_ROWS_BETWEEN_REPORTS = 2000


def fix_file(
    conninfo: str,
    job_id: UUID | str,
    path: str | os.PathLike[str],
    *,
    read: ReadOptions | None = None,
    force: bool = False,
    as_sent: bool = False,
    progress: ProgressCallback | None = None,
) -> FixResult:
    """Apply a file of corrected rows to its job and check these rows again; all of it or nothing.

    The file is a report of the job as CSV or a spreadsheet: with its column ``pgimport_row`` and
    as many of the other columns as were corrected, in any order. Rows that are not in it, and
    columns that it lacks, stay as they are staged.

    Args:
        conninfo: connection string; a connection of its own is made.
        job_id: the job, checked and not inserted yet.
        path: the file.
        read: how it is to be read, where it does not say so itself.
        force: also a file that was applied before.
        as_sent: also cells that had no issue and look as if a spreadsheet had rewritten them.
        progress: called with a Progress of phase "fix".

    Raises:
        FileError: the file cannot be read whole. StagingError: tokens that are not of this job.
        JobStateError: the job does not wait for corrections. psycopg.Error: PostgreSQL's own.

    """
    given = Path(path)
    head = read_any_head(given, read or ReadOptions())
    options: dict[str, Any] = {"sha256": head.sha256, "bytes": head.size}
    if force:
        options["force"] = True
    meter = Meter(progress, "fix", 1, head.size)
    with connected(conninfo) as conn, conn.transaction():
        client = Client(conn)
        name = display_names([given])[0]
        opened = client.stage_fix(job_id, name, head.header, options)
        rows, warnings = 0, [*getattr(head, "warnings", ())]
        if not opened.existing and opened.row_copy_sql is not None:
            rows, said = _load(conn, opened.row_copy_sql, head, name, meter)
            warnings += said
        result = client.apply_fix(
            job_id, opened.fix_no, rows, {"as_sent": True} if as_sent else None
        )
    return _warned(result, [*warnings, *opened.warnings])


def _load(
    conn: psycopg.Connection[Any], statement: str, head: Head, name: str, meter: Meter
) -> tuple[int, tuple[str, ...]]:
    """Stream the rows of a file; returns their number and what is to be said of them.

    Raises:
        FileError: a record cannot be read, or the file changed meanwhile.

    """
    reader = row_reader(head)
    with reader.source:
        problem: BadRow | None = None
        with conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for record in reader:
                if isinstance(record, BadRow):
                    problem = record
                    break
                if isinstance(record, bytes):
                    copy.write(record)
                else:
                    copy.write_row((record[0], *record[1]))
                    if reader.rows % _ROWS_BETWEEN_REPORTS:
                        continue
                meter.report(name, reader.rows, reader.source.bytes_read)
        if problem is not None:
            raise FileError(
                f'"{name}", line {problem.line_no}: {problem.message}',
                detail="nothing was changed",
                hint=problem.hint,
            )
        if reader.source.sha256 != head.sha256:
            raise FileError(f'"{name}" changed while it was read', hint="send it again")
    meter.report(name, reader.rows, head.size, done=True)
    return reader.rows, tuple(getattr(reader, "warnings", ()))


def _warned(result: FixResult, warnings: list[str]) -> FixResult:
    """Return the result with more warnings, those before its own."""
    if not warnings:
        return result
    raw: Mapping[str, Any] = result.raw
    return FixResult.from_json({**raw, "warnings": [*warnings, *(raw.get("warnings") or [])]})
