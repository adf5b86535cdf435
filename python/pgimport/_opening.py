"""Opening the files of a call in their job: new ones, and those that are gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pgimport._files import Files
from pgimport._stager import FileResult, Loading, sheet_of
from pgimport.client import Client
from pgimport.errors import PgImportError
from pgimport.models import StageFileResult
from pgimport.progress import Meter
from pgimport.readers import FileHead, Head

_UNREADABLE = ("unreadable",)


class Opener:
    """Opens files in a job, in their order: their numbers do not depend on the loading.

    Args:
        client, job_id: where. results: filled in for files that are not to be loaded.
        meter: told of these, too.
        mapping: {header: column or None} for all the files. force: also those imported before.
        known_only: leave out files that the job does not have.

    """

    def __init__(
        self,
        client: Client,
        job_id: str,
        results: dict[str, FileResult],
        meter: Meter,
        *,
        mapping: Mapping[str, str | None] | None,
        force: bool,
        known_only: bool,
    ) -> None:
        self._client, self._job_id = client, job_id
        self._results, self._meter = results, meter
        self._mapping, self._force, self._known_only = mapping, force, known_only
        before = client.get_job(job_id)
        self._lost = before.status == "staging_lost"
        old = [file for file in before.files or [] if file["status"] != "cleared"]
        self._staged = {_bytes_of(file): file for file in old if file["status"] == "staged"}
        # A file of the same name that is staged is another file: it is not replaced unasked.
        unfinished = [file for file in old if self._lost or file["status"] != "staged"]
        self._by_name = {file["file_name"]: file for file in unfinished}
        self._by_bytes = {_bytes_of(file): file for file in unfinished if file["status"] == "open"}
        self._staged_names = {
            file["file_name"] for file in old if not self._lost and file["status"] == "staged"
        }

    def open_all(self, files: Files) -> Iterator[Loading]:
        """Give those that are to be loaded."""
        for name in files.order:
            if name in files.bad:
                self._bad(name, *files.bad[name])
                continue
            loading = self._good(name, files.good[name])
            if loading is not None:
                yield loading

    def _bad(self, name: str, path: Path, error: PgImportError) -> None:
        """Have a file that cannot be read on record."""
        file = self._by_name.get(name)
        if file is None and self._known_only:
            self._left_out(name, path)
            return
        again = {"file_no": file["file_no"]} if file else {}
        opened = self._client.stage_file(self._job_id, name, _UNREADABLE, again)
        given: dict[str, Any] = {"failed": error.message, "more": True}
        self._client.finish_file(self._job_id, opened.file_no, None, given)
        self._results[name] = failed_before(path, name, error)

    def _good(self, name: str, head: Head) -> Loading | None:
        same = head.sha256, sheet_of(head)
        known = self._by_name.get(name) or self._by_bytes.get(same)
        twice = self._force and not self._lost and name not in self._staged_names
        staged = same in self._staged and not twice
        if staged:
            known = self._staged[same]
        elif known is None and self._known_only:
            self._left_out(name, head.path)
            self._meter.leave_out(head.size)
            return None
        given = {
            "sha256": head.sha256,
            "bytes": head.size,
            **_how(head),
            **({"mapping": dict(self._mapping)} if self._mapping else {}),
            **({"force": True} if self._force else {}),
            **({"file_no": known["file_no"]} if known else {}),
        }
        goes_on = staged or (known is not None and known.get("checkpoint_rows") is not None)
        try:
            opened = self._open(name, head, given, goes_on=goes_on)
        except PgImportError as refusal:
            if refusal.code == "PI309" or not (
                refusal.code.startswith("PI3") or refusal.code == "PI207"
            ):
                raise
            self._results[name] = failed_before(head.path, name, refusal)
            self._meter.leave_out(head.size)
            return None
        if (opened.checkpoint or {}).get("done"):
            self._results[name] = FileResult(
                name,
                str(head.path),
                opened.file_no,
                "already",
                rows_staged=(opened.checkpoint or {}).get("rows") or 0,
                rows_refused=(opened.checkpoint or {}).get("rows_refused") or 0,
            )
            self._meter.leave_out(head.size)
            return None
        if name in self._staged_names and not staged:
            opened.warnings.append("the job has a staged file of this name already: both count")
        return Loading(head, name, opened, self._reopener(name, head, given, opened))

    def _open(
        self, name: str, head: Head, given: dict[str, Any], *, goes_on: bool
    ) -> StageFileResult:
        if not goes_on:
            return self._client.stage_file(self._job_id, name, head.header, given)
        try:
            return self._client.stage_file(
                self._job_id, name, head.header, {**given, "resume": True}
            )
        except PgImportError as refusal:
            if refusal.code != "PI309":
                raise
            # what is staged is not what the checkpoint says: from the start, if nobody loads it
            opened = self._client.stage_file(self._job_id, name, head.header, given)
            opened.warnings.append(f"staged from its start: {refusal.message}")
            return opened

    def _reopener(
        self, name: str, head: Head, given: dict[str, Any], opened: StageFileResult
    ) -> Callable[[Client], StageFileResult]:
        again = {**given, "file_no": opened.file_no}
        job_id = self._job_id
        return lambda client: client.stage_file(job_id, name, head.header, again)

    def _left_out(self, name: str, path: Path) -> None:
        self._results[name] = FileResult(
            name, str(path), status="left out", message="the job has no such file"
        )


def _bytes_of(file: Mapping[str, Any]) -> tuple[str | None, str | None]:
    return file.get("sha256"), file.get("sheet")


def _how(head: Head) -> dict[str, Any]:
    """Return the options of stage_file that say how a file is read."""
    if isinstance(head, FileHead):
        # COPY is given the bytes after the header
        return {
            "encoding": "UTF8",
            "delimiter": head.delimiter,
            "header": False,
            "line_offset": head.line_offset,
        }
    # rows come with their line, as COPY's own text
    return {"sheet": head.sheet} if head.sheet else {}


def failed_before(path: Path, name: str, error: PgImportError) -> FileResult:
    """Return the result of a file that could not be opened."""
    return FileResult(
        name=name, path=str(path), code=error.code, message=error.message, hint=error.hint
    )
