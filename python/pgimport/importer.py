"""The whole life of an import, from paths to a verified insert; and its building blocks.

Everything that is decided is decided by the functions in the database. Here files are opened and
streamed, several side by side, and the calls are made in their order.
"""

from __future__ import annotations

import os
import queue
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from pgimport._stager import FileResult, Loader, Loading, Stopped, failed_before
from pgimport.client import Client
from pgimport.errors import ArgumentError, FileError, Interrupted, PgImportError
from pgimport.models import CheckResult, InsertResult, PreviewResult, StageFileResult, VerifyResult
from pgimport.readers import FileScan, display_names, expand_paths, scan_file

Paths = Iterable[str | os.PathLike[str]]

_UNREADABLE = ("unreadable",)


@dataclass(frozen=True)
class Progress:
    """How far an import is.

    Attributes:
        phase: headers, stage, check, insert or verify.
        file: name of the file it is about, or None.
        files_done, files_total: files. rows_done, rows_total: rows of all files.
        bytes_done, bytes_total: bytes of text of all files (on disk in phase headers).

    """

    phase: str
    file: str | None = None
    files_done: int = 0
    files_total: int = 0
    rows_done: int = 0
    rows_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0


ProgressCallback = Callable[[Progress], None]


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
    header: tuple[str, ...] = ()
    mapping: tuple[dict[str, Any], ...] = ()
    unmapped: tuple[str, ...] = ()
    missing_required: tuple[str, ...] = ()
    message: str | None = None
    hint: str | None = None


class _Meter:
    """Adds up what several threads report and hands it on, one call at a time."""

    def __init__(self, callback: ProgressCallback | None, loadings: Sequence[Loading]) -> None:
        self._callback = callback
        self._lock = threading.Lock()
        self._rows: dict[str, int] = {}
        self._bytes: dict[str, int] = {}
        self._files = 0
        self._total = (
            len(loadings),
            sum(item.scan.rows for item in loadings),
            sum(item.scan.data_bytes for item in loadings),
        )

    def report(self, name: str, rows: int, sent: int, done: bool = False) -> None:
        """Note how far one file is."""
        with self._lock:
            self._rows[name], self._bytes[name] = rows, sent
            self._files += done
            if self._callback is not None:
                self._callback(
                    Progress(
                        "stage",
                        name,
                        self._files,
                        self._total[0],
                        sum(self._rows.values()),
                        self._total[1],
                        sum(self._bytes.values()),
                        self._total[2],
                    )
                )


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
    progress: ProgressCallback | None = None,
) -> list[HeaderReport]:
    """Read all files and return, for each, what it holds and where its fields would go.

    Raises:
        FileError: there is no file. TargetError: no such target. A file that cannot be read
        does not raise: its status says so.

    """
    client = Client(conn)
    files = expand_paths(paths)
    names = display_names(files)
    known: dict[tuple[str, ...], dict[str, Any]] = {}
    reports: list[HeaderReport] = []
    for number, (path, name) in enumerate(zip(files, names, strict=True)):
        if progress is not None:
            progress(Progress("headers", name, number, len(files)))
        try:
            scan = scan_file(path, delimiter, encoding, digest=False)
        except FileError as error:
            reports.append(
                HeaderReport(name, str(path), "unreadable", message=error.message, hint=error.hint)
            )
            continue
        if scan.header not in known:
            known[scan.header] = client.suggest_mapping(target, scan.header).raw
        suggested = known[scan.header]
        missing = tuple(suggested.get("missing_required") or ())
        reports.append(
            HeaderReport(
                name,
                str(path),
                "missing_required" if missing else "ok",
                scan.size,
                len(scan.header),
                scan.rows,
                scan.blank_rows,
                scan.delimiter,
                encoding or ("UTF-8 with BOM" if scan.bom else "UTF-8"),
                scan.header,
                tuple(suggested.get("mapping") or ()),
                tuple(str(item) for item in suggested.get("unmapped") or ()),
                missing,
                f"no field for required column {', '.join(missing)}" if missing else None,
            )
        )
    if progress is not None:
        progress(Progress("headers", None, len(files), len(files)))
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
    mapping: Mapping[str, str | None] | None = None,
    force: bool = False,
    jobs: int = 2,
    progress: ProgressCallback | None = None,
    begun: Callable[[UUID], None] | None = None,
) -> StageResult:
    """Stage files into a job, several at once; a failed file leaves the others untouched.

    May be called again for the same job: files whose bytes are staged are left alone, files that
    are open or failed there are staged again under their number.

    Args:
        conninfo: connection string; connections of its own are made.
        job_id: the job, or None to make one for the target, once the files are read.
        paths: files, folders and patterns.
        target: name of the target of a new job.
        options: those of create_job, for a new job.
        delimiter: of all files, else found in each.
        encoding: as Python names it, else UTF-8.
        mapping: {header: column or None} for all these files.
        force: also files that were imported before.
        jobs: how many files are loaded side by side.
        progress: called with a Progress from the loading threads, one at a time.
        begun: called with the job's id before anything is loaded.

    Raises:
        FileError: no file could be read. Interrupted: by the user; the job can be resumed.
        PgImportError, psycopg.Error: what the database raised.

    """
    job = str(job_id) if job_id is not None else None
    try:
        scans = _scan_all(paths, delimiter, encoding, progress)
        if job is None:
            if target is None:
                raise ArgumentError("neither a job nor a target is given", code="PI001")
            with connected(conninfo) as conn:
                job = str(Client(conn).create_job(target, options or {}).job_id)
        if begun is not None:
            begun(UUID(job))
        return _stage(
            conninfo, job, scans, mapping=mapping, force=force, jobs=jobs, progress=progress
        )
    except KeyboardInterrupt:
        raise Interrupted(job) from None


def import_files(
    conninfo: str,
    target: str,
    paths: Paths,
    *,
    options: Mapping[str, Any] | None = None,
    on_duplicate: str = "skip",
    dry_run: bool = False,
    confirm: Callable[[CheckResult, PreviewResult], bool] | None = None,
    jobs: int = 2,
    progress: ProgressCallback | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    force: bool = False,
    job_id: UUID | str | None = None,
    begun: Callable[[UUID], None] | None = None,
) -> ImportResult:
    """Import files into a target: stage, check, insert what is clean, verify.

    Args:
        conninfo: connection string; connections of its own are made.
        target: name of a registered target.
        paths: files, folders and patterns.
        options: those of create_job.
        on_duplicate: what becomes of rows whose key is in the table.
        dry_run: everything but the insert.
        confirm: called with the check and a preview of 100 rows; False ends before the insert.
        jobs: how many files are loaded side by side.
        progress: called with a Progress.
        delimiter: of all files, else found in each.
        encoding: as Python names it, else UTF-8.
        force: also files that were imported before.
        job_id: go on with this job instead of making one.
        begun: called with the job's id before anything is loaded.

    Raises:
        FileError: no file could be read. InsertFailed: refused or undone; the target is as it
        was. Interrupted: by the user, with the job's id. psycopg.Error: PostgreSQL's own.

    """
    job = str(job_id) if job_id is not None else None
    tell = progress or (lambda _: None)
    try:
        scans = _scan_all(paths, delimiter, encoding, progress)
        if job is None:
            given = {"source": "file", "on_duplicate": on_duplicate, **(options or {})}
            with connected(conninfo) as conn:
                job = str(Client(conn).create_job(target, given).job_id)
        if begun is not None:
            begun(UUID(job))
        staged = _stage(
            conninfo, job, scans, mapping=None, force=force, jobs=jobs, progress=progress
        )
        with connected(conninfo) as conn:
            client = Client(conn)
            tell(Progress("check"))
            check = client.check_job(job)
            result = ImportResult(UUID(job), staged.files, check)
            if dry_run:
                return _with(result, insert=client.insert_job(job, {"dry_run": True}))
            if confirm is not None and not confirm(check, client.preview_job(job, 100)):
                return result
            tell(Progress("insert"))
            result = _with(result, insert=client.insert_job(job))
            tell(Progress("verify"))
            return _with(result, verify=client.verify_job(job))
    except KeyboardInterrupt:
        raise Interrupted(job) from None


def export_report(
    conn: psycopg.Connection[Any],
    job_id: UUID | str,
    report: str,
    out_path: str | os.PathLike[str],
    raw: bool = False,
) -> int:
    """Write a report (duplicates, issues or all) as CSV, UTF-8 with BOM, streamed.

    The file appears under its name only when it is whole. Cells that a spreadsheet would take
    for a formula are neutralised by the database unless raw.

    Returns:
        The number of rows written.

    """
    statement = Client(conn).report_copy_sql(job_id, report, raw or None).copy_sql
    path = Path(out_path)
    handle, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file, conn.cursor() as cursor:
            file.write(b"\xef\xbb\xbf")
            with cursor.copy(statement.encode()) as copy:
                for data in copy:
                    file.write(data)
            rows = cursor.rowcount
        mask = os.umask(0)
        os.umask(mask)
        Path(made).chmod(0o666 & ~mask)
        Path(made).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(made).unlink()
        raise
    return rows


def _with(result: ImportResult, **changes: Any) -> ImportResult:
    return ImportResult(**{**result.__dict__, **changes})


@dataclass
class _Scans:
    """The files of one call: those that can be read, and those that cannot."""

    good: list[tuple[str, FileScan]] = field(default_factory=list)
    bad: list[tuple[str, Path, PgImportError]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)


def _scan_all(
    paths: Paths,
    delimiter: str | None,
    encoding: str | None,
    progress: ProgressCallback | None,
) -> _Scans:
    files = expand_paths(paths)
    scans = _Scans(order=display_names(files))
    for number, (path, name) in enumerate(zip(files, scans.order, strict=True)):
        if progress is not None:
            progress(Progress("headers", name, number, len(files)))
        try:
            scans.good.append((name, scan_file(path, delimiter, encoding)))
        except FileError as error:
            scans.bad.append((name, path, error))
    if not scans.good:
        first = scans.bad[0][2]
        if len(scans.bad) == 1:
            raise first
        raise FileError(
            f"none of {len(scans.bad)} files can be read; the first: {first.message}",
            detail="; ".join(error.message for _, _, error in scans.bad[:20]),
            hint=first.hint,
        )
    return scans


def _stage(
    conninfo: str,
    job_id: str,
    scans: _Scans,
    *,
    mapping: Mapping[str, str | None] | None,
    force: bool,
    jobs: int,
    progress: ProgressCallback | None,
) -> StageResult:
    with connected(conninfo) as conn:
        results, loadings = _open_all(Client(conn), job_id, scans, mapping, force)
    if loadings:
        meter = _Meter(progress, loadings)
        _load_all(conninfo, job_id, loadings, results, jobs=jobs, meter=meter)
        _settle(conninfo, job_id, results)
    elif not any(file.status == "already" for file in results.values()):
        first = next(file for file in results.values() if file.status == "failed")
        raise FileError(
            first.message or "no file was staged", code=first.code or "PI307", hint=first.hint
        )
    return StageResult(UUID(job_id), tuple(results[name] for name in scans.order))


def _settle(conninfo: str, job_id: str, results: Mapping[str, FileResult]) -> None:
    """Close one file again: where two were closed at once, neither was seen as the last."""
    for file in results.values():
        if file.status == "staged" and file.file_no is not None:
            with connected(conninfo) as conn:
                Client(conn).finish_file(job_id, file.file_no, file.rows_staged)
            return


def _open_all(
    client: Client,
    job_id: str,
    scans: _Scans,
    mapping: Mapping[str, str | None] | None,
    force: bool,
) -> tuple[dict[str, FileResult], list[Loading]]:
    """Open all files in their order, so that their numbers do not depend on the loading."""
    results: dict[str, FileResult] = {}
    loadings: list[Loading] = []
    before = client.get_job(job_id)
    lost = before.status == "staging_lost"
    old = [file for file in before.files or [] if file.get("status") != "cleared"]
    # A file of the same name that is staged is another file: it is not replaced unasked.
    by_name = {file["file_name"]: file for file in old if lost or file["status"] != "staged"}
    staged_names = {file["file_name"] for file in old if not lost and file["status"] == "staged"}
    staged = {file.get("sha256"): file for file in old if file.get("status") == "staged"}
    good, bad = dict(scans.good), {name: (path, error) for name, path, error in scans.bad}

    for name in scans.order:
        number = by_name.get(name, {}).get("file_no")
        again = {"file_no": number} if number is not None else {}
        if name in bad:
            path, error = bad[name]
            opened = client.stage_file(job_id, name, _UNREADABLE, again)
            client.finish_file(job_id, opened.file_no, None, {"failed": error.message})
            results[name] = failed_before(path, name, error)
            continue
        scan = good[name]
        if not lost and scan.sha256 in staged and not (force and name not in staged_names):
            file = staged[scan.sha256]
            results[name] = FileResult(
                name,
                str(scan.path),
                file["file_no"],
                "already",
                rows_staged=file.get("rows_staged") or 0,
                rows_refused=file.get("rows_refused") or 0,
            )
            continue
        given: dict[str, Any] = {
            "sha256": scan.sha256,
            "bytes": scan.size,
            "encoding": "UTF8",
            "delimiter": scan.delimiter,
            **({"mapping": dict(mapping)} if mapping else {}),
            **({"force": True} if force else {}),
            **again,
        }
        try:
            opened = client.stage_file(job_id, name, scan.header, given)
        except PgImportError as error:
            if not (error.code.startswith("PI3") or error.code == "PI207"):
                raise
            results[name] = failed_before(scan.path, name, error)
            continue
        if name in staged_names:
            opened.warnings.append("the job has a staged file of this name already: both count")
        loadings.append(Loading(scan, name, opened, _reopener(job_id, name, scan, given, opened)))
    return results, loadings


def _reopener(
    job_id: str, name: str, scan: FileScan, given: dict[str, Any], opened: StageFileResult
) -> Callable[[Client], StageFileResult]:
    again = {**given, "file_no": opened.file_no}
    return lambda client: client.stage_file(job_id, name, scan.header, again)


def _load_all(
    conninfo: str,
    job_id: str,
    loadings: list[Loading],
    results: dict[str, FileResult],
    *,
    jobs: int,
    meter: _Meter,
) -> None:
    """Load files on several connections; the largest first, so that they end together."""
    waiting: queue.SimpleQueue[Loading] = queue.SimpleQueue()
    for loading in sorted(loadings, key=lambda item: -item.scan.data_bytes):
        waiting.put(loading)
    stop = threading.Event()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with connected(conninfo) as conn:
                loader = Loader(conn, job_id, stop, meter.report)
                while not stop.is_set():
                    loading = waiting.get_nowait()
                    result = loader.load(loading)
                    results[loading.name] = result
                    meter.report(
                        loading.name, result.rows_staged, loading.scan.data_bytes, done=True
                    )
        except (queue.Empty, Stopped):
            pass
        except BaseException as error:
            errors.append(error)
            stop.set()

    threads = [
        threading.Thread(target=work, name=f"pgimport-load-{number}", daemon=True)
        for number in range(max(1, min(jobs, len(loadings))))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
    except BaseException:
        stop.set()
        for thread in threads:
            thread.join(30)
        raise
    if errors:
        raise errors[0]
