"""The whole life of an import, from paths to a verified insert; and its building blocks.

Everything that is decided is decided by the functions in the database. Here files are opened and
streamed, several side by side, and the calls are made in their order.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from pgimport._batches import insert_rows
from pgimport._files import Files, read_heads, total_size
from pgimport._opening import Opener
from pgimport._pool import Pool
from pgimport._retry import RETRIES, is_temporary, waiting_time
from pgimport._stager import CHECKPOINT_BYTES, FileResult, warnings_of
from pgimport._stopped import telling_stops
from pgimport.client import Client
from pgimport.errors import ArgumentError, FileError, Interrupted, PgImportError
from pgimport.exports import export_report
from pgimport.models import CheckResult, InsertResult, PreviewResult, VerifyResult
from pgimport.progress import Follower, Meter, Progress, ProgressCallback
from pgimport.readers import (
    ReadOptions,
    display_names,
    expand_paths,
    read_contents,
    read_options,
)

__all__ = [
    "FileResult",
    "HeaderReport",
    "ImportResult",
    "Paths",
    "Progress",
    "ProgressCallback",
    "StageResult",
    "check_headers",
    "connected",
    "export_report",
    "import_files",
    "stage_files",
]

Paths = Iterable[str | os.PathLike[str]]

_T = TypeVar("_T")


@dataclass(frozen=True)
class StageResult:
    """What was staged: the job and what became of each file, in their order."""

    job_id: UUID
    files: tuple[FileResult, ...]

    @property
    def failed(self) -> tuple[FileResult, ...]:
        """The files that were not staged."""
        return tuple(file for file in self.files if file.status == "failed")

    @property
    def rows_staged(self) -> int:
        """Rows staged by this call."""
        return sum(file.rows_staged for file in self.files if file.status == "staged")


@dataclass(frozen=True)
class ImportResult:
    """What an import came to.

    Attributes:
        insert: None where the caller did not confirm. verify: None where nothing was inserted.

    """

    job_id: UUID
    files: tuple[FileResult, ...]
    check: CheckResult
    insert: InsertResult | None = None
    verify: VerifyResult | None = None


@dataclass(frozen=True)
class HeaderReport:
    """What a file holds, before anything is loaded.

    Attributes:
        sheet: the sheet of a spreadsheet that would be read.
        columns: number of fields of the header. rows: records after it.
        status: ok, missing_required or unreadable. message: what is wrong, or None.
        mapping: [{position, header, column, score, how}]. unmapped: fields that go nowhere.
        missing_required: required columns of the target that no field goes to.

    """

    file: str
    path: str
    status: str
    bytes: int | None = None
    columns: int | None = None
    rows: int | None = None
    blank_rows: int | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    header: tuple[str, ...] = ()
    mapping: tuple[dict[str, Any], ...] = ()
    unmapped: tuple[str, ...] = ()
    missing_required: tuple[str, ...] = ()
    message: str | None = None
    hint: str | None = None
    warnings: tuple[str, ...] = ()


@contextmanager
def connected(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect in autocommit mode, without prepared statements; closed at the end."""
    conn = psycopg.connect(
        conninfo, autocommit=True, prepare_threshold=None, client_encoding="utf8"
    )
    try:
        yield conn
    finally:
        conn.close()


def check_headers(
    conn: psycopg.Connection[Any],
    target: str,
    paths: Paths,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    read: ReadOptions | None = None,
    progress: ProgressCallback | None = None,
) -> list[HeaderReport]:
    """Read all files and return, for each, what it holds and where its fields would go.

    Raises:
        FileError: there is no file. TargetError: no such target. A file that cannot be read
        does not raise: its status says so.

    """
    client = Client(conn)
    read = read_options(read, delimiter, encoding)
    files = expand_paths(paths)
    names = display_names(files)
    meter = Meter(progress, "headers", len(files), total_size(files))
    known: dict[tuple[str, ...], dict[str, Any]] = {}
    reports: list[HeaderReport] = []
    for path, name in zip(files, names, strict=True):
        try:
            found = read_contents(path, read, partial(meter.report, name))
        except FileError as error:
            reports.append(
                HeaderReport(name, str(path), "unreadable", message=error.message, hint=error.hint)
            )
            meter.report(name, 0, 0, done=True)
            continue
        head = found.head
        meter.report(name, found.rows, head.size, done=True)
        if head.header not in known:
            known[head.header] = client.suggest_mapping(target, head.header).raw
        suggested = known[head.header]
        missing = tuple(suggested.get("missing_required") or ())
        reports.append(
            HeaderReport(
                file=name,
                path=str(path),
                status="missing_required" if missing else "ok",
                bytes=head.size,
                columns=len(head.header),
                rows=found.rows,
                blank_rows=found.blank_rows,
                delimiter=head.delimiter,
                encoding=found.encoding,
                sheet=found.sheet,
                header=head.header,
                mapping=tuple(suggested.get("mapping") or ()),
                unmapped=tuple(str(item) for item in suggested.get("unmapped") or ()),
                missing_required=missing,
                message=f"no field for required column {', '.join(missing)}" if missing else None,
                warnings=warnings_of(head),
            )
        )
    return reports


def stage_files(
    conninfo: str,
    job_id: UUID | str | None,
    paths: Paths,
    *,
    target: str | None = None,
    options: Mapping[str, Any] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    read: ReadOptions | None = None,
    mapping: Mapping[str, str | None] | None = None,
    force: bool = False,
    jobs: int = 2,
    progress: ProgressCallback | None = None,
    begun: Callable[[UUID], None] | None = None,
    checkpoint_bytes: int = CHECKPOINT_BYTES,
    retries: int = RETRIES,
    known_only: bool = False,
) -> StageResult:
    """Stage files into a job, several at once; a failed file leaves the others untouched.

    May be called again for the same job: files whose bytes are staged are left alone, a file that
    was being loaded is gone on with where its last checkpoint is, and one that failed, or whose
    rows a crash of the server has emptied, is staged again under its number.

    Args:
        conninfo: connection string; connections of its own are made.
        job_id: the job, or None to make one for the target, once the files are read.
        paths: files, folders and patterns.
        target: name of the target of a new job.
        options: those of create_job, for a new job.
        delimiter: of all files, else found in each.
        encoding: as Python names it, else UTF-8.
        read: these two and more: where the header is, which sheet, which list.
        mapping: {header: column or None} for all these files.
        force: also files that were imported before.
        jobs: how many files are loaded side by side.
        progress: called with a Progress from the loading threads, one at a time.
        begun: called with the job's id before anything is loaded.
        checkpoint_bytes: text of a file that is loaded in one transaction, at most; a longer one is
            committed in pieces and gone on with after an interruption. Spreadsheets and Parquet
            files are always loaded in one.
        retries: how often it is gone on with after a lost connection, with longer and longer waits.
        known_only: leave out files that the job does not have.

    Raises:
        FileError: no file could be read. Interrupted: by the user, or because the connection was
        lost once too often; the job can be resumed.
        PgImportError, psycopg.Error: what the database raised.

    """
    job = _Job(job_id, target, options or {}, begun)
    files = _heads(job, paths, read_options(read, delimiter, encoding), progress)
    how = _How(mapping, force, jobs, progress, checkpoint_bytes, known_only)

    def run() -> StageResult:
        with ExitStack() as held:
            conn, results = _load(held, conninfo, job, files, how)
            return _close(Client(conn), job, files, results)

    return _persist(job, retries, run)


def import_files(
    conninfo: str,
    target: str,
    paths: Paths,
    *,
    options: Mapping[str, Any] | None = None,
    on_duplicate: str | None = None,
    keep: str | None = None,
    dry_run: bool = False,
    batch_rows: int | None = None,
    confirm: Callable[[CheckResult, PreviewResult], bool] | None = None,
    jobs: int = 2,
    progress: ProgressCallback | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    read: ReadOptions | None = None,
    force: bool = False,
    job_id: UUID | str | None = None,
    begun: Callable[[UUID], None] | None = None,
    checkpoint_bytes: int = CHECKPOINT_BYTES,
    retries: int = RETRIES,
) -> ImportResult:
    """Import files into a target: stage, check, insert what is clean, verify.

    Args:
        conninfo: connection string; connections of its own are made.
        target: name of a registered target.
        paths: files, folders and patterns.
        options: those of create_job.
        on_duplicate: what becomes of rows whose key is in the table: skip, update, create or
            error; else as the target says.
        keep: which of several rows with one key in the files: first or last.
        dry_run: everything but the insert.
        batch_rows: commit after every so many rows, instead of all or none.
        confirm: called with the check and a preview of 100 rows; False ends before the insert.
        jobs: how many files are loaded side by side.
        progress: called with a Progress.
        delimiter: of all files, else found in each.
        encoding: as Python names it, else UTF-8.
        read: these two and more: where the header is, which sheet, which list.
        force: also files, and the same rows in other bytes, that were imported before.
        job_id: go on with this job, wherever it stopped, instead of making one.
        begun: called with the job's id before anything is loaded.
        checkpoint_bytes: as of stage_files.
        retries: how often it is gone on with after a lost connection, with longer and longer waits.

    Raises:
        FileError: no file could be read. InsertFailed: refused or undone; the target is as it
        was. JobStopped: somebody has cancelled the job meanwhile. Interrupted: by the user, or
        because the connection was lost once too often, with the job's id. psycopg.Error:
        PostgreSQL's own.

    """
    wanted = {"on_duplicate": on_duplicate, "keep": keep}
    given = {
        "source": "file",
        **({"force": True} if force else {}),
        **{name: value for name, value in wanted.items() if value is not None},
        **(options or {}),
    }
    job = _Job(job_id, target, given, begun)
    files = _heads(job, paths, read_options(read, delimiter, encoding), progress)
    how = _How(None, force, jobs, progress, checkpoint_bytes)
    asked = confirm is None

    def run() -> ImportResult:
        nonlocal asked
        with ExitStack() as held:
            conn, results = _load(held, conninfo, job, files, how)
            held.enter_context(telling_stops(conn, lambda: job.id))
            client = Client(conn)
            staged = _close(client, job, files, results)
            number = staged.job_id
            with Follower(conninfo, number, "check", progress):
                check = _checked(client, number)
            result = ImportResult(number, staged.files, check)
            if dry_run:
                return _with(result, insert=client.insert_job(number, {"dry_run": True}))
            if not asked and confirm is not None:
                if not confirm(check, client.preview_job(number, 100)):
                    return result
                asked = True
            with Follower(conninfo, number, "insert", progress):
                inserted = insert_rows(client, str(number), batch_rows=batch_rows)
                result = _with(result, insert=inserted)
            with Follower(conninfo, number, "verify", progress):
                return _with(result, verify=client.verify_job(number))

    return _persist(job, retries, run)


def _persist(job: _Job, retries: int, run: Callable[[], _T]) -> _T:
    """Run something that may be run again: it goes on where it was interrupted.

    Raises:
        Interrupted: by the user; or the connection was lost more often than it is tried.

    """
    for attempt in itertools.count(1):
        try:
            try:
                return run()
            except (psycopg.Error, PgImportError) as error:
                if job.id is None or not is_temporary(error):
                    raise
                if attempt > retries:
                    if isinstance(error, PgImportError):
                        raise
                    why = error.diag.message_primary or "the connection was lost"
                    raise Interrupted(job.id, f"interrupted: {why}") from error
                time.sleep(waiting_time(attempt))
        except KeyboardInterrupt:
            raise Interrupted(job.id) from None
    raise AssertionError  # count() does not end


def _checked(client: Client, job_id: UUID) -> CheckResult:
    """Check a job; of one that is being inserted, or is, what was found before."""
    known = client.get_job(job_id)
    if known.status not in ("inserting", "completed"):
        return client.check_job(job_id)
    raw = known.raw
    clean = known.counts.clean_rows
    found = {**raw, **raw["counts"], "total_clean": clean, "clean_count": clean}
    return CheckResult.from_json(found)


def _with(result: ImportResult, **changes: Any) -> ImportResult:
    return ImportResult(**{**result.__dict__, **changes})


class _Job:
    """The job of a call: given, or made for it once the files are read."""

    def __init__(
        self,
        job_id: UUID | str | None,
        target: str | None,
        options: Mapping[str, Any],
        begun: Callable[[UUID], None] | None,
    ) -> None:
        self.id = str(job_id) if job_id is not None else None
        self._target, self._options = target, options
        self._begun = begun
        self._made = False

    def begin(self, client: Client) -> str:
        """Return its id; make it if there is none."""
        if self.id is None:
            if self._target is None:
                raise ArgumentError("neither a job nor a target is given", code="PI001")
            created = client.create_job(self._target, self._options)
            self.id, self._made = str(created.job_id), not created.existing
        begun, self._begun = self._begun, None
        if begun is not None:
            begun(UUID(self.id))
        return self.id

    def give_up(self, client: Client) -> None:
        """Cancel it if it was made here: nothing went into it."""
        if self.id is not None and self._made:
            with suppress(PgImportError, psycopg.Error):
                client.cancel_job(self.id, "no file could be staged")


@dataclass(frozen=True)
class _How:
    """How the files of a call are loaded; see stage_files."""

    mapping: Mapping[str, str | None] | None
    force: bool
    jobs: int
    progress: ProgressCallback | None
    checkpoint_bytes: int
    known_only: bool = False


def _heads(job: _Job, paths: Paths, read: ReadOptions, progress: ProgressCallback | None) -> Files:
    try:
        return read_heads(expand_paths(paths), read, progress)
    except KeyboardInterrupt:
        raise Interrupted(job.id) from None


def _load(
    held: ExitStack, conninfo: str, job: _Job, files: Files, how: _How
) -> tuple[psycopg.Connection[Any], dict[str, FileResult]]:
    """Open the files in the job and load them; returns what became of each.

    The connection returned is for what comes next, and closed with ``held``. A single file is
    loaded on it, too: that spares a small job two connections. Where there are several it is a new
    one: the one the files were opened on was idle all the while.

    Raises:
        FileError: not one is staged.

    """
    results: dict[str, FileResult] = {}
    conn = held.enter_context(connected(conninfo))
    alone = len(files.order) == 1
    with telling_stops(conn, lambda: job.id):
        client = Client(conn)
        job_id = job.begin(client)
        size = sum(head.size for head in files.good.values())
        meter = Meter(how.progress, "stage", len(files.good), size)
        opener = Opener(
            client,
            job_id,
            results,
            meter,
            mapping=how.mapping,
            force=how.force,
            known_only=how.known_only,
        )
        line = (lambda: nullcontext(conn)) if alone else (lambda: connected(conninfo))
        with Pool(
            line, job_id, how.jobs, results, meter.report, checkpoint_bytes=how.checkpoint_bytes
        ) as pool:
            for loading in opener.open_all(files):
                pool.add(loading)
        if all(file.status == "failed" for file in results.values()):
            job.give_up(client)
            first = results[files.order[0]]
            raise FileError(
                first.message or "no file was staged", code=first.code or "PI307", hint=first.hint
            )
    if not alone:
        conn.close()
        conn = held.enter_context(connected(conninfo))
    return conn, results


def _close(
    client: Client, job: _Job, files: Files, results: Mapping[str, FileResult]
) -> StageResult:
    """Say that no more files come: each was closed as one after which others do."""
    job_id = job.begin(client)
    for file in results.values():
        if file.status in ("staged", "already") and file.file_no is not None:
            client.finish_file(job_id, file.file_no, file.rows_staged)
            break
    return StageResult(UUID(job_id), tuple(results[name] for name in files.order))
