"""Staging files with progress; the work is done by ``pgimport.importer``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from psycopg.conninfo import make_conninfo

from pgimport import importer
from pgimport.cli._app import USAGE, State, StopCommand, client, persist
from pgimport.cli._output import number, plain
from pgimport.cli._progress import Progress
from pgimport.errors import FileError, PgImportError
from pgimport.readers import ReadOptions


def stage_paths(
    state: State,
    target: str,
    paths: Sequence[str],
    options: Mapping[str, Any],
    *,
    job_id: str | None = None,
    read: ReadOptions | None = None,
    force: bool = False,
    parallel: int | None = None,
    begun: Callable[[str], None] | None = None,
    known_only: bool = False,
) -> dict[str, Any]:
    """Stage files into a new job or into the one given; returns the envelope of the job.

    ``begun`` is called with the job's id before anything is loaded; ``known_only`` leaves out files
    that the job does not have. ``details.files`` of the answer says what became of each file.
    """
    caller = client(state)
    new = job_id is None
    if job_id is None:
        created = caller.create_job(target, options)
        new = not created.existing
        job_id = str(created.job_id)
    else:
        _require_target(state, target, job_id)
    if begun is not None:
        begun(job_id)
    with Progress(state.out) as progress:
        try:
            staged = importer.stage_files(
                make_conninfo(state.conninfo(), application_name="pgimport"),
                job_id,
                paths,
                read=read,
                force=force,
                jobs=parallel or 2,
                progress=shown(progress),
                known_only=known_only,
            )
        except FileError:
            if new:
                # not one file went in: nothing is left that could be gone on with
                with suppress(PgImportError):
                    caller.cancel_job(job_id, "no file could be staged")
            raise
        progress.update("stage", rows=staged.rows_staged, finished=True)
    answer = persist(state, lambda: caller.get_job(job_id)).raw
    failed = [file for file in staged.files if file.status == "failed"]
    refused = sum(file.rows_refused for file in staged.files)
    before = sum(file.status == "already" for file in staged.files)
    left_out = sum(file.status == "left out" for file in staged.files)
    parts = [
        f"{number(len(staged.files) - len(failed) - before - left_out)} files with"
        f" {number(staged.rows_staged)} rows staged"
    ]
    if before:
        parts.append(f"{number(before)} were staged before")
    if left_out:
        parts.append(f"{number(left_out)} are not of this job")
    if refused:
        parts.append(f"{number(refused)} records refused as issues")
    if failed:
        parts.append(f"{number(len(failed))} files failed")
    warnings = [f"{file.name} was not staged: {file.message}" for file in failed]
    for file in staged.files:
        warnings += [f"{file.name}: {text}" for text in file.warnings]
    return {
        **answer,
        "message": f"job {job_id}: {', '.join(parts)}",
        "warnings": [*(answer.get("warnings") or []), *warnings],
        "rows_staged": staged.rows_staged,
        "files_failed": len(failed),
        "details": {
            **(answer.get("details") or {}),
            "files": [plain(asdict(file)) for file in staged.files],
        },
    }


def _require_target(state: State, target: str, job_id: str) -> None:
    """Files are not staged into a job of another table by mistake."""
    caller = client(state)
    wanted = caller.describe_target(target).target
    found = caller.get_job(job_id).target
    if wanted != found:
        raise StopCommand(
            USAGE,
            f"job {job_id} imports into {found}, not into {wanted}",
            hint=f"pgimport show {job_id}",
        )


def shown(progress: Progress) -> Callable[[importer.Progress], None]:
    """Return the callback that shows what the importer tells."""
    reading = True

    def show(now: importer.Progress) -> None:
        nonlocal reading
        if reading and now.phase != "headers":
            reading = False
            progress.update("read", note=f"{now.files_total} files", finished=True)
        headers = now.phase == "headers"
        progress.update(
            "read" if headers else "stage",
            rows=None if headers else now.rows_done,
            rate=now.rows_per_second,
            eta=now.eta_seconds,
            done=now.bytes_done,
            total=now.bytes_total,
            note=f"{now.files_done}/{now.files_total} files",
        )

    return show
