"""Loading files into their staging tables: raw blocks through COPY, or record by record.

A file is loaded in one transaction together with the call that closes it: either all of it is
staged and counted, or nothing of it is.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from pgimport.client import Client
from pgimport.errors import FileError, PgImportError
from pgimport.models import StageFileResult
from pgimport.readers import (
    BadRow,
    CopyReader,
    FileHead,
    Head,
    JsonReader,
    RowReader,
    Source,
    TableReader,
    Unfit,
    row_reader,
)

_ISSUES_AT_ONCE = 500
_ISSUE_BYTES_AT_ONCE = 4 * 1024 * 1024
_ROWS_BETWEEN_REPORTS = 2000
_SECONDS_TO_STOP = 30


@dataclass(frozen=True)
class FileResult:
    """What became of one file.

    Attributes:
        file_no: its number in the job, or None where it could not be opened there.
        status: staged, failed, or already (it was staged by an earlier call).
        way: copy (its bytes as they are) or rows (record by record).
        sheet: the sheet of a spreadsheet that was read.
        rows_staged, rows_refused, blank_rows: of its records; refused ones are issues of the job.
        seconds: time for loading it. message: why it failed. hint: what to do.

    """

    name: str
    path: str
    file_no: int | None = None
    status: str = "failed"
    way: str | None = None
    sheet: str | None = None
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
    """One file to load: what is known of it, and where it goes."""

    head: Head
    name: str
    opened: StageFileResult
    reopen: Callable[[Client], StageFileResult]


class Loader:
    """Loads files on one connection, one after the other.

    Args:
        conn: in autocommit mode; a transaction is opened for each file.
        job_id: the job. stop: set when the user interrupted.
        report: called with (name, rows, bytes on disk) while a file is loaded.

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
        head = loading.head
        result = FileResult(
            name=loading.name,
            path=str(head.path),
            file_no=loading.opened.file_no,
            sheet=sheet_of(head),
            bytes=head.size,
            warnings=(*warnings_of(head), *loading.opened.warnings),
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
        if not isinstance(loading.head, FileHead):
            return self._rows(loading, result)
        begun = threading.Event()
        try:
            return self._copy(loading, loading.head, result, begun)
        except (Unfit, psycopg.DataError):
            pass  # some record is not as COPY reads it, or not as the header says
        except PgImportError as error:
            if error.code != "PI303":
                raise
        if begun.is_set():
            # Row numbers begin at 1 again only in a new table.
            loading.opened = loading.reopen(self._client)
        return self._rows(loading, result)

    def _copy(
        self, loading: Loading, head: FileHead, result: FileResult, begun: threading.Event
    ) -> FileResult:
        """Take the fast path: the bytes as they are, looked through on the way.

        Where they turn out not to be fit, the transaction undoes what was copied of them.
        """
        opened = loading.opened
        with self._conn.transaction(), Source(head.path, head.encoding) as source:
            reader = CopyReader(head, source)
            blocks = iter(reader)
            # What is wrong in the first block is found before COPY begins.
            block = next(blocks, b"")
            begun.set()
            problem: Unfit | FileError | None = None
            with (
                self._conn.cursor() as cursor,
                cursor.copy(opened.copy_sql.encode()) as copy,
            ):
                while block:
                    self._check_stop()
                    copy.write(block)
                    self._report(loading.name, reader.rows, source.bytes_read)
                    try:
                        block = next(blocks, b"")
                    except (Unfit, FileError) as found:
                        # Raised after COPY is ended in order: the server may have its own word.
                        problem, block = found, b""
            if problem is not None:
                raise problem
            self._same_bytes(head, source)
            self._finish(opened.file_no, reader.rows, 0, head)
        return replace(
            result,
            status="staged",
            way="copy",
            rows_staged=reader.rows,
            blank_rows=reader.blank,
        )

    def _rows(self, loading: Loading, result: FileResult) -> FileResult:
        """Take the row path: good records are staged with their line, bad ones become issues."""
        head, opened = loading.head, loading.opened
        reader = row_reader(head, self._check_stop)
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
            self._same_bytes(head, reader.source)
            self._finish(opened.file_no, reader.rows, reader.refused, head)
        return replace(
            result,
            status="staged",
            way="rows",
            rows_staged=reader.rows,
            rows_refused=reader.refused,
            blank_rows=reader.blank,
            warnings=(*result.warnings, *getattr(reader, "warnings", ())),
        )

    def _copy_rows(
        self,
        loading: Loading,
        reader: RowReader | JsonReader | TableReader,
        records: Iterator[tuple[int, list[str | None]] | bytes | BadRow],
        issues: list[BadRow],
    ) -> bool:
        """COPY until the file or the room for issues is at its end; returns whether more is.

        Records come one by one, or many of them as COPY wants them.
        """
        size = 0
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
                elif isinstance(record, bytes):
                    copy.write(record)
                    self._report(loading.name, reader.rows, reader.source.bytes_read)
                    continue
                else:
                    copy.write_row((record[0], *record[1]))
                if not (reader.rows + reader.refused) % _ROWS_BETWEEN_REPORTS:
                    self._check_stop()
                    self._report(loading.name, reader.rows, reader.source.bytes_read)
        return False

    def _finish(self, file_no: int, rows: int, refused: int, head: Head) -> None:
        self._check_stop()
        self._client.finish_file(
            self._job_id,
            file_no,
            rows,
            {"rows_refused": refused, "sha256": head.sha256, "bytes": head.size, "more": True},
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
        self._client.finish_file(
            self._job_id, loading.opened.file_no, None, {"failed": message, "more": True}
        )
        return replace(result, status="failed", code=code, message=message, hint=hint)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Stopped

    @staticmethod
    def _same_bytes(head: Head, source: Source | TableReader) -> None:
        if source.sha256 != head.sha256:
            raise FileError(
                f'"{head.path.name}" changed while it was read', hint="stage the file again"
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


def sheet_of(head: Head) -> str | None:
    """Return the sheet that is read of a spreadsheet."""
    return None if isinstance(head, FileHead) else head.sheet


def warnings_of(head: Head) -> tuple[str, ...]:
    """Return what is to be said of a file before it is loaded."""
    return () if isinstance(head, FileHead) else head.warnings


def failed_before(path: Path, name: str, error: PgImportError) -> FileResult:
    """Return the result of a file that could not be opened."""
    return FileResult(
        name=name, path=str(path), code=error.code, message=error.message, hint=error.hint
    )


class Pool:
    """Loads files on several connections while others are still being opened.

    Of the files that wait the largest is loaded first, so that all end together. Use as a context
    manager; its end waits for the last file and raises what a thread raised.

    Args:
        connect: makes a connection in autocommit mode. job_id: the job.
        jobs: how many connections at most.
        results: filled in, by name. report: as Loader has it, with done=True at the end of a file.

    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[psycopg.Connection[Any]]],
        job_id: str,
        jobs: int,
        results: dict[str, FileResult],
        report: Callable[..., None],
    ) -> None:
        self._connect = connect
        self._job_id = job_id
        self._jobs = max(1, jobs)
        self._results = results
        self._report = report
        self._waiting: queue.PriorityQueue[tuple[float, int, Loading | None]] = (
            queue.PriorityQueue()
        )
        self._count = itertools.count()
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def add(self, loading: Loading) -> None:
        """Have one more file loaded.

        Raises:
            Stopped: a thread met an error; the end of the context raises that error.

        """
        if self._stop.is_set():
            raise Stopped
        self._waiting.put((-loading.head.size, next(self._count), loading))
        if len(self._threads) < self._jobs:
            name = f"pgimport-load-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                self._stop.set()
            for _ in self._threads:
                self._waiting.put((float("inf"), next(self._count), None))
            for thread in self._threads:
                thread.join(_SECONDS_TO_STOP if error is not None else 0)
                while error is None and thread.is_alive():
                    thread.join(0.2)
        except BaseException:
            self._stop.set()
            for thread in self._threads:
                thread.join(_SECONDS_TO_STOP)
            raise
        if self._errors and (error is None or isinstance(error, Stopped)):
            raise self._errors[0]

    def _work(self) -> None:
        try:
            with self._connect() as conn:
                loader = Loader(conn, self._job_id, self._stop, self._report)
                while not self._stop.is_set():
                    loading = self._waiting.get()[2]
                    if loading is None:
                        return
                    result = loader.load(loading)
                    self._results[loading.name] = result
                    self._report(loading.name, result.rows_staged, loading.head.size, done=True)
        except Stopped:
            pass
        except BaseException as error:
            self._errors.append(error)
            self._stop.set()
