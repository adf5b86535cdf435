"""The client at work in a process of its own, so that its memory is nobody else's.

Reads what to do as one JSON object on standard input, writes what came out on standard output.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from uuid import UUID

import psycopg

from bench.measure import own_memory_mb, own_peak_mb, timed
from pgimport import Progress, export_report, import_files, stage_files

PHASES = ("headers", "stage", "check", "insert", "verify")


class _Clock:
    """Notes when each phase begins.

    Headers are over when the job is made; what then comes, from the opening of the files to the
    closing of the last, is staging.
    """

    def __init__(self) -> None:
        self._begun = {"headers": time.perf_counter()}
        # resident memory when a tenth was staged
        self.early_mb: float | None = None

    def begun(self, _: UUID) -> None:
        self._begun.setdefault("stage", time.perf_counter())

    def progress(self, progress: Progress) -> None:
        if progress.phase not in self._begun:
            self._begun[progress.phase] = time.perf_counter()
        tenth = progress.bytes_done * 10 >= progress.bytes_total > 0
        if self.early_mb is None and progress.phase == "stage" and tenth:
            self.early_mb = own_memory_mb()

    def phases(self) -> dict[str, float]:
        """Return the seconds of each phase until now."""
        ends = [*list(self._begun.values())[1:], time.perf_counter()]
        return {
            phase: end - begin
            for (phase, begin), end in zip(self._begun.items(), ends, strict=True)
        }


def _import(given: dict[str, Any]) -> dict[str, Any]:
    clock = _Clock()
    result = import_files(
        given["dsn"],
        given["target"],
        given["paths"],
        jobs=given["jobs"],
        progress=clock.progress,
        begun=clock.begun,
    )
    phases = clock.phases()
    if result.insert is None or result.verify is None:
        raise RuntimeError("nothing was inserted")
    return {
        "phases": phases,
        "early_mb": clock.early_mb,
        "job_id": str(result.job_id),
        "counts": result.check.raw["counts"],
        "rows_inserted": result.insert.rows_inserted,
        "verified": result.verify.verified,
        "failed": [file.name for file in result.files if file.status != "staged"],
        "ways": sorted({str(file.way) for file in result.files}),
    }


def _stage(given: dict[str, Any]) -> dict[str, Any]:
    clock = _Clock()
    result = stage_files(
        given["dsn"],
        None,
        given["paths"],
        target=given["target"],
        force=True,
        jobs=given["jobs"],
        progress=clock.progress,
        begun=clock.begun,
    )
    return {
        "phases": clock.phases(),
        "job_id": str(result.job_id),
        "rows_staged": result.rows_staged,
        "failed": [file.name for file in result.failed],
    }


def _report(given: dict[str, Any]) -> dict[str, Any]:
    with psycopg.connect(given["dsn"], autocommit=True) as conn, timed() as taken:
        rows = export_report(conn, given["job_id"], given["report"], given["path"])
    return {"rows": rows, "seconds": taken.value}


def main() -> None:
    """Do what standard input asks for: import, stage or report."""
    given = json.load(sys.stdin)
    does = {"import": _import, "stage": _stage, "report": _report}
    answer = does[given["do"]](given)
    print(json.dumps({**answer, "peak_mb": own_peak_mb()}))


if __name__ == "__main__":
    main()
