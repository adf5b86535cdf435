"""How long each phase of a job took, by its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pgimport.html_report._format import as_moment

Json = Mapping[str, Any]

# what an event of the log is the end of, where it is no change of the state
_ACTS = {
    "fixed": "fix",
    "rehearsed": "rehearse",
    "rollback": "rollback",
    "rollback_partial": "rollback",
}
_STATES = {
    "checked": "check",
    "inserting": "insert",
    "completed": "insert",
    "rolled_back": "rollback",
}


@dataclass
class Phase:
    """A phase of a job.

    Attributes:
        key: a word of the report.
        began: when it began, the first time.
        seconds: what it took, all times together.
        rows: rows it worked on; None where that says nothing.
        times: how often it was done. statements: when each of them was sent.
        failed: the last time it failed.

    """

    key: str
    began: datetime
    seconds: float = 0.0
    rows: int | None = None
    times: int = 0
    statements: set[datetime] = field(default_factory=set)
    failed: bool = False

    @property
    def rate(self) -> float | None:
        """Rows a second."""
        if not self.rows or self.seconds < 0.001:
            return None
        return self.rows / self.seconds


def phases_of(job: Json, events: Sequence[Json]) -> list[Phase]:
    """Work out the phases: of what lies between them, when nothing was done, nothing is told."""
    found: dict[str, Phase] = {}
    _stage(found, job)
    rows = _rows(job)
    done_until: dict[datetime, datetime] = {}
    for event in events:
        ended = as_moment(event.get("happened_at"))
        began = as_moment(event.get("started_at"))
        if not isinstance(ended, datetime) or not isinstance(began, datetime):
            continue
        # what one statement did before counts for what it did before
        since = done_until.get(began, began)
        done_until[began] = ended
        key, failed = _phase(event)
        if key is None or ended < since:
            if event.get("event") == "rows_written":
                done_until[began] = since
            continue
        phase = found.setdefault(key, Phase(key, since, rows=rows.get(key)))
        phase.seconds += (ended - since).total_seconds()
        # a statement may say more than once that it did it
        phase.times += began not in phase.statements
        phase.statements.add(began)
        phase.failed = failed
    return list(found.values())


def _stage(found: dict[str, Phase], job: Json) -> None:
    spans = []
    rows = 0
    for file in job.get("files") or []:
        began, ended = as_moment(file.get("opened_at")), as_moment(file.get("finished_at"))
        if isinstance(began, datetime) and isinstance(ended, datetime):
            spans.append((began, ended))
            rows += (file.get("rows_staged") or 0) + (file.get("rows_refused") or 0)
    if spans:
        # files are loaded side by side, with pauses between some of them
        seconds, until = 0.0, min(began for began, _ in spans)
        for began, ended in sorted(spans):
            if ended > until:
                seconds += (ended - max(began, until)).total_seconds()
                until = ended
        found["stage"] = Phase("stage", min(spans)[0], seconds, rows or None, times=1)


def _phase(event: Json) -> tuple[str | None, bool]:
    name, before, after = event.get("event"), event.get("from_status"), event.get("to_status")
    if name != "status":
        return _ACTS.get(str(name)), False
    if after == "failed":
        return ("insert" if before in ("checked", "queued", "inserting") else "check"), True
    if after == "checked" and before == "rolled_back":
        return None, False
    if after == "staged" and before == "checked":
        # a check that begins anew says so first
        return None, False
    return _STATES.get(str(after)), False


def _rows(job: Json) -> dict[str, int | None]:
    counts = job.get("counts") or {}

    def together(*names: str) -> int | None:
        known = [counts[name] for name in names if counts.get(name) is not None]
        return sum(known) if known else None

    return {
        "check": counts.get("total_rows"),
        "insert": together("rows_inserted", "rows_updated"),
        "rollback": together("rows_deleted", "rows_restored"),
    }
