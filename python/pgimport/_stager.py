"""Loading files into their staging tables: raw blocks through COPY, or record by record.

A file is loaded in one transaction together with the call that closes it: either all of it is
staged and counted, or nothing of it is. A large one is loaded in pieces, each of them a transaction
that ends with a checkpoint: what is committed is right for good, also where a later piece cannot be
copied as it is, and is gone on with after an interruption.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from pgimport.client import Client
from pgimport.errors import FileError, PgImportError
from pgimport.models import StageFileResult
from pgimport.readers import (
    BadRow,
    Changed,
    CopyReader,
    FileHead,
    Head,
    JsonHead,
    JsonReader,
    Position,
    RowReader,
    Source,
    TableReader,
    Unfit,
    row_reader,
)

_ISSUES_AT_ONCE = 500
_ISSUE_BYTES_AT_ONCE = 4 * 1024 * 1024
_ROWS_BETWEEN_REPORTS = 2000

CHECKPOINT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class FileResult:
    """What became of one file.

    Attributes:
        file_no: its number in the job, or None where it could not be opened there.
        status: staged, failed, already (it was staged by an earlier call), or left out (the job
            has no such file).
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
    # opens it once more, from its start
    reopen: Callable[[Client], StageFileResult]

    def begin_anew(self, client: Client) -> None:
        """Drop what is staged of it: row numbers begin at 1 again."""
        self.opened = self.reopen(client)


@dataclass(frozen=True)
class Place:
    """Where a file is gone on with, and what shows that it is still the same file.

    Attributes:
        way: how what is before it was loaded: copy or rows.
        read, sha256: bytes of the file that were read by then, and their digest.

    """

    position: Position
    way: str
    read: int
    sha256: str


def place_of(loading: Loading) -> Place | None:
    """Return the checkpoint of a file; None where this reader cannot go on from it."""
    checkpoint = loading.opened.checkpoint or {}
    state = checkpoint.get("state") or {}
    if not state or {**state, **_reading(loading.head)} != state:
        return None
    return Place(
        Position(
            checkpoint["rows"],
            checkpoint["rows_refused"],
            state["blank"],
            state["lines"],
            state["text"],
        ),
        state["way"],
        checkpoint["bytes"],
        checkpoint["sha256"],
    )


def _reading(head: Head) -> dict[str, Any]:
    """Return what must be the same for places in a text to be the same."""
    if isinstance(head, FileHead):
        return {"reader": 1, "encoding": head.encoding, "begin": head.data_start}
    if isinstance(head, JsonHead):
        return {"reader": 1, "encoding": head.encoding, "records": head.records}
    return {"reader": None}


class Loader:
    """Loads files on one connection, one after the other.

    Args:
        conn: in autocommit mode; a transaction is opened for each file, or each piece of it.
        job_id: the job. stop: set when the user interrupted.
        report: called with (name, rows, bytes on disk) while a file is loaded.
        checkpoint_bytes: text of a file that is loaded in one transaction, at most.

    """

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        job_id: str,
        stop: threading.Event,
        report: Callable[[str, int, int], None],
        checkpoint_bytes: int = CHECKPOINT_BYTES,
    ) -> None:
        self._conn = conn
        self._client = Client(conn)
        self._job_id = job_id
        self._stop = stop
        self._report = report
        self._piece = checkpoint_bytes

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
        place = place_of(loading)
        if loading.opened.checkpoint and place is None:
            loading.begin_anew(self._client)
        if place is None:
            return self._either_way(loading, result, None)
        try:
            result = self._either_way(loading, result, place)
        except Changed:
            loading.begin_anew(self._client)
            result = self._either_way(loading, result, None)
            said = "it changed since a part of it was staged: staged from its start"
        else:
            rows = place.position.rows
            said = f"gone on with after the {rows} row{'s' * (rows != 1)} that were staged before"
        return replace(result, warnings=(*result.warnings, said))

    def _either_way(self, loading: Loading, result: FileResult, place: Place | None) -> FileResult:
        """Copy the bytes of the file as they are; from where that cannot be, record by record."""
        if not isinstance(loading.head, FileHead) or (place and place.way == "rows"):
            return self._rows(loading, result, place)
        begun = threading.Event()
        places = [] if place is None else [place]
        try:
            return self._copy(loading, loading.head, result, begun, places)
        except (Unfit, psycopg.DataError):
            pass  # some record is not as COPY reads it, or not as the header says
        except PgImportError as error:
            if error.code != "PI303":
                raise
        if places:
            # what was committed was fit, and its rows are where its lines are
            return self._rows(loading, result, places[-1])
        if begun.is_set():
            loading.begin_anew(self._client)
        return self._rows(loading, result, None)

    def _copy(
        self,
        loading: Loading,
        head: FileHead,
        result: FileResult,
        begun: threading.Event,
        places: list[Place],
    ) -> FileResult:
        """Take the fast path: the bytes as they are, looked through on the way.

        Where they turn out not to be fit, the transaction undoes what was copied of them since
        the last of the places.
        """
        with Source(head.path, head.encoding) as source:
            place = places[-1] if places else None
            if place is not None:
                source.expect(place.read, place.sha256)
            reader = CopyReader(head, source, place.position if place else None)
            blocks = iter(reader)
            # What is wrong in the first block is found before COPY begins.
            block = next(blocks, b"")
            begun.set()
            while True:
                with self._conn.transaction():
                    self._hold(loading)
                    ended = self._copy_piece(loading, reader, block, blocks, source)
                    source.confirm()
                    if ended:
                        self._same_bytes(head, source)
                        self._finish(loading, reader.rows, 0)
                        break
                    place = self._checkpoint(loading, reader.position, "copy", source)
                places.append(place)
                block = next(blocks, b"")
        return replace(
            result,
            status="staged",
            way="copy",
            rows_staged=reader.rows,
            blank_rows=reader.blank,
        )

    def _copy_piece(
        self,
        loading: Loading,
        reader: CopyReader,
        block: bytes,
        blocks: Iterator[bytes],
        source: Source,
    ) -> bool:
        """COPY up to the next checkpoint; returns whether the file is at its end."""
        problem: Unfit | FileError | Changed | None = None
        size = 0
        with (
            self._conn.cursor() as cursor,
            cursor.copy(loading.opened.copy_sql.encode()) as copy,
        ):
            while block:
                self._check_stop()
                copy.write(block)
                self._report(loading.name, reader.rows, source.bytes_read)
                size += len(block)
                if size >= self._piece:
                    return False
                try:
                    block = next(blocks, b"")
                except (Unfit, FileError, Changed) as found:
                    # Raised after COPY is ended in order: the server may have its own word.
                    problem, block = found, b""
        if problem is not None:
            raise problem
        return True

    def _rows(self, loading: Loading, result: FileResult, place: Place | None) -> FileResult:
        """Take the row path: good records are staged with their line, bad ones become issues."""
        head = loading.head
        position = place.position if place else None
        reader = row_reader(head, self._check_stop, position, marks=True)
        with reader.source:
            if place is not None and not isinstance(reader, TableReader):
                reader.source.expect(place.read, place.sha256)
            records = iter(reader) if isinstance(reader, TableReader) else reader.records()
            ended = False
            while not ended:
                with self._conn.transaction():
                    self._hold(loading)
                    position = self._rows_piece(loading, reader, records, position)
                    if not isinstance(reader, TableReader):
                        reader.source.confirm()
                    ended = position is None
                    if position is None or isinstance(reader, TableReader):
                        self._same_bytes(head, reader.source)
                        self._finish(loading, reader.rows, reader.refused)
                    else:
                        self._checkpoint(loading, position, "rows", reader.source)
        return replace(
            result,
            status="staged",
            way="rows",
            rows_staged=reader.rows,
            rows_refused=reader.refused,
            blank_rows=reader.blank,
            warnings=(*result.warnings, *getattr(reader, "warnings", ())),
        )

    def _rows_piece(
        self,
        loading: Loading,
        reader: RowReader | JsonReader | TableReader,
        records: Iterator[Any],
        since: Position | None,
    ) -> Position | None:
        """COPY, and record issues, up to the next checkpoint; None at the end of the file."""
        until = (since.text if since else 0) + self._piece
        while True:
            issues: list[BadRow] = []
            ended = self._copy_rows(loading, reader, records, issues, until)
            if issues:
                self._client.add_issues(
                    self._job_id,
                    loading.opened.file_no,
                    [_issue(bad, loading.opened) for bad in issues],
                )
            if not isinstance(ended, bool):
                return ended
            if ended:
                return None

    def _copy_rows(
        self,
        loading: Loading,
        reader: RowReader | JsonReader | TableReader,
        records: Iterator[Any],
        issues: list[BadRow],
        until: int,
    ) -> Position | bool:
        """COPY until a checkpoint is due, or the room for issues or the file is at its end.

        Returns the place of the checkpoint, or whether the file is at its end. Records come one by
        one, or many of them as COPY wants them.
        """
        size = 0
        with (
            self._conn.cursor() as cursor,
            cursor.copy(loading.opened.row_copy_sql.encode()) as copy,
        ):
            for record in records:
                if record.__class__ is tuple:
                    copy.write_row((record[0], *record[1]))
                elif isinstance(record, BadRow):
                    issues.append(record)
                    size += len(record.value)
                    if len(issues) >= _ISSUES_AT_ONCE or size > _ISSUE_BYTES_AT_ONCE:
                        return False
                elif isinstance(record, Position):
                    if record.text >= until:
                        return record
                    continue
                else:
                    copy.write(record)
                    self._report(loading.name, reader.rows, reader.source.bytes_read)
                    continue
                if not (reader.rows + reader.refused) % _ROWS_BETWEEN_REPORTS:
                    self._check_stop()
                    self._report(loading.name, reader.rows, reader.source.bytes_read)
        return True

    def _hold(self, loading: Loading) -> None:
        """Keep others from loading the file until this transaction ends."""
        opened = loading.opened
        self._client.checkpoint_file(self._job_id, opened.file_no, None, {"fence": opened.fence})

    def _checkpoint(self, loading: Loading, position: Position, way: str, source: Source) -> Place:
        """Note how far the file is loaded; it stands once the transaction is committed."""
        self._check_stop()
        place = Place(position, way, source.bytes_read, source.sha256)
        self._client.checkpoint_file(
            self._job_id,
            loading.opened.file_no,
            position.rows,
            {
                "bytes": place.read,
                "sha256": place.sha256,
                "rows_refused": position.refused,
                "fence": loading.opened.fence,
                "state": {
                    **_reading(loading.head),
                    "way": way,
                    "text": position.text,
                    "lines": position.lines,
                    "blank": position.blank,
                },
            },
        )
        return place

    def _finish(self, loading: Loading, rows: int, refused: int) -> None:
        self._check_stop()
        head, opened = loading.head, loading.opened
        self._client.finish_file(
            self._job_id,
            opened.file_no,
            rows,
            {
                "rows_refused": refused,
                "sha256": head.sha256,
                "bytes": head.size,
                "more": True,
                "fence": opened.fence,
            },
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
            self._job_id,
            loading.opened.file_no,
            None,
            {"failed": message, "more": True, "fence": loading.opened.fence},
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
