"""Loading one file into its staging table: raw blocks through COPY, or record by record.

A file is loaded in one transaction together with the call that closes it: either all of it is
staged and counted, or nothing of it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from pgimport.client import Client
from pgimport.errors import FileError, PgImportError
from pgimport.models import StageFileResult
from pgimport.readers import BadRow, FileScan, RowReader, Source, copy_blocks

_ISSUES_AT_ONCE = 500
_ISSUE_BYTES_AT_ONCE = 4 * 1024 * 1024
_ROWS_BETWEEN_REPORTS = 2000


@dataclass(frozen=True)
class FileResult:
    """What became of one file.

    Attributes:
        file_no: its number in the job, or None where it could not be opened there.
        status: staged, failed, or already (it was staged by an earlier call).
        way: copy (its bytes as they are) or rows (record by record).
        rows_staged, rows_refused, blank_rows: of its records; refused ones are issues of the job.
        seconds: time for loading it. message: why it failed. hint: what to do.

    """

    name: str
    path: str
    file_no: int | None = None
    status: str = "failed"
    way: str | None = None
    bytes: int | None = None
    rows_staged: int = 0
    rows_refused: int = 0
    blank_rows: int = 0
    seconds: float = 0.0
    code: str | None = None
    message: str | None = None
    hint: str | None = None
    warnings: tuple[str, ...] = ()


class Stopped(Exception):  # noqa: N818 - no error
    """Raised inside a loading thread when the user interrupted."""


@dataclass
class Loading:
    """One file to load: what the scan found, and where it goes."""

    scan: FileScan
    name: str
    opened: StageFileResult
    reopen: Callable[[Client], StageFileResult]


class Loader:
    """Loads files on one connection, one after the other.

    Args:
        conn: in autocommit mode; a transaction is opened for each file.
        job_id: the job. stop: set when the user interrupted.
        report: called with (name, rows, bytes of text) while a file is loaded.

    """

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        job_id: str,
        stop: threading.Event,
        report: Callable[[str, int, int], None],
    ) -> None:
        self._conn = conn
        self._client = Client(conn)
        self._job_id = job_id
        self._stop = stop
        self._report = report

    def load(self, loading: Loading) -> FileResult:
        """Load one file. A problem of the file makes it failed; anything else is raised."""
        begin = time.monotonic()
        scan = loading.scan
        result = FileResult(
            name=loading.name,
            path=str(scan.path),
            file_no=loading.opened.file_no,
            bytes=scan.size,
            warnings=tuple(loading.opened.warnings),
        )
        try:
            result = self._load(loading, result)
        except (FileError, psycopg.DataError) as error:
            result = self._give_up(loading, result, error)
        except PgImportError as error:
            if error.code != "PI303":
                raise
            result = self._give_up(loading, result, error)
        return replace(result, seconds=round(time.monotonic() - begin, 3))

    def _load(self, loading: Loading, result: FileResult) -> FileResult:
        if loading.scan.fast:
            try:
                return self._copy(loading, result)
            except psycopg.DataError:
                pass  # COPY refused the file: some record is not as the header says
            except PgImportError as error:
                if error.code != "PI303":
                    raise
            # Row numbers begin at 1 again only in a new table.
            loading.opened = loading.reopen(self._client)
        return self._rows(loading, result)

    def _copy(self, loading: Loading, result: FileResult) -> FileResult:
        """Take the fast path: the bytes as they are."""
        scan, opened = loading.scan, loading.opened
        with self._conn.transaction(), Source(scan.path, scan.encoding) as source:
            sent = 0
            with (
                self._conn.cursor() as cursor,
                cursor.copy(opened.copy_sql.encode()) as copy,
            ):
                for block in copy_blocks(scan, source):
                    self._check_stop()
                    copy.write(block)
                    sent += len(block)
                    rows = scan.rows * sent // max(scan.data_bytes, 1)
                    self._report(loading.name, rows, sent)
            self._same_bytes(scan, source)
            self._finish(opened.file_no, scan.rows, 0, scan)
        return replace(
            result,
            status="staged",
            way="copy",
            rows_staged=scan.rows,
            blank_rows=scan.blank_rows,
        )

    def _rows(self, loading: Loading, result: FileResult) -> FileResult:
        """Take the row path: good records are staged with their line, bad ones become issues."""
        scan, opened = loading.scan, loading.opened
        reader = RowReader(scan.path, scan.delimiter, len(scan.header), scan.encoding)
        with self._conn.transaction(), reader.source:
            records = iter(reader)
            more = True
            while more:
                issues: list[BadRow] = []
                more = self._copy_rows(loading, reader, records, issues)
                if issues:
                    self._client.add_issues(
                        self._job_id, opened.file_no, [_issue(bad, opened) for bad in issues]
                    )
            self._same_bytes(scan, reader.source)
            self._finish(opened.file_no, reader.rows, reader.refused, scan)
        return replace(
            result,
            status="staged",
            way="rows",
            rows_staged=reader.rows,
            rows_refused=reader.refused,
            blank_rows=reader.blank,
        )

    def _copy_rows(
        self,
        loading: Loading,
        reader: RowReader,
        records: Iterator[tuple[int, list[str | None]] | BadRow],
        issues: list[BadRow],
    ) -> bool:
        """COPY until the file or the room for issues is at its end; returns whether more is."""
        size = 0
        scan = loading.scan
        with (
            self._conn.cursor() as cursor,
            cursor.copy(loading.opened.row_copy_sql.encode()) as copy,
        ):
            for record in records:
                if isinstance(record, BadRow):
                    issues.append(record)
                    size += len(record.value)
                    if len(issues) >= _ISSUES_AT_ONCE or size > _ISSUE_BYTES_AT_ONCE:
                        return True
                else:
                    copy.write_row((record[0], *record[1]))
                done = reader.rows + reader.refused
                if not done % _ROWS_BETWEEN_REPORTS:
                    self._check_stop()
                    sent = scan.data_bytes * done // max(scan.rows, done)
                    self._report(loading.name, reader.rows, sent)
        return False

    def _finish(self, file_no: int, rows: int, refused: int, scan: FileScan) -> None:
        self._check_stop()
        self._client.finish_file(
            self._job_id,
            file_no,
            rows,
            {"rows_refused": refused, "sha256": scan.sha256, "bytes": scan.size},
        )

    def _give_up(self, loading: Loading, result: FileResult, error: Exception) -> FileResult:
        """Mark the file failed; the others are not touched."""
        if isinstance(error, PgImportError):
            code, message, hint = error.code, error.message, error.hint
        else:
            code = getattr(error, "sqlstate", None) or "PI307"
            diag = getattr(error, "diag", None)
            message = getattr(diag, "message_primary", None) or type(error).__name__
            hint = None
        self._client.finish_file(self._job_id, loading.opened.file_no, None, {"failed": message})
        return replace(result, status="failed", code=code, message=message, hint=hint)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Stopped

    @staticmethod
    def _same_bytes(scan: FileScan, source: Source) -> None:
        if source.sha256 != scan.sha256:
            raise FileError(
                f'"{scan.path.name}" changed while it was read', hint="stage the file again"
            )


def _issue(bad: BadRow, opened: StageFileResult) -> dict[str, Any]:
    """Return an issue as add_issues takes it, under the name of the column it goes to."""
    column = None
    if bad.position is not None and bad.position <= len(opened.mapping):
        mapped = opened.mapping[bad.position - 1]
        column = mapped.column or mapped.header
    return {
        "line_no": bad.line_no,
        "column_name": column,
        "code": bad.code,
        "message": bad.message,
        "detail": bad.detail,
        "value": bad.value,
        "hint": bad.hint,
    }


def failed_before(path: Path, name: str, error: PgImportError) -> FileResult:
    """Return the result of a file that could not be opened."""
    return FileResult(
        name=name, path=str(path), code=error.code, message=error.message, hint=error.hint
    )
