"""Where the rows of a job went, and whether the numbers add up: arithmetic on what get_job says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

# what became of rows, in the order of the drawing; each is a key of the words and a colour
OUTCOMES = (
    "inserted", "left", "deleted", "updated", "restored", "unchanged", "to_insert", "to_update",
    "to_check", "duplicate_file", "duplicate_table", "rejected", "refused", "unaccounted",
)  # fmt: skip

# a job whose rows will not be written from the state it is in
_OVER = frozenset({"cancelled", "staging_lost"})


@dataclass(frozen=True)
class Flow:
    """So many rows of one source or one fate."""

    key: str
    rows: int
    label: str = ""


@dataclass(frozen=True)
class Rows:
    """The rows of a job.

    Attributes:
        staged: rows in staging. refused: records that could not become rows.
        outcomes: what became of all of them; together they are ``read``.

    """

    staged: int
    refused: int
    outcomes: tuple[Flow, ...]

    @property
    def read(self) -> int:
        """Records that were read from the files."""
        return self.staged + self.refused

    def of(self, *keys: str) -> int:
        """How many rows had one of these fates."""
        return sum(flow.rows for flow in self.outcomes if flow.key in keys)


def rows_of(job: Json) -> Rows:
    """Work out where the rows of a job went, by its counts."""
    counts = job.get("counts") or {}
    files = [file for file in job.get("files") or [] if file.get("status") != "failed"]
    refused = sum(file.get("rows_refused") or 0 for file in files)
    staged = counts.get("total_rows")
    if staged is None:
        staged = sum(file.get("rows_staged") or 0 for file in files)

    found = _written(job, counts)
    if found is None:
        found = _checked(job, counts)
    if found is None:
        found = {"to_check": staged}
    rest = staged - sum(found.values())
    if rest > 0:
        # a batched insert has not come to these yet
        found["to_insert" if job.get("status") == "inserting" else "unaccounted"] = rest
    found["refused"] = refused
    return Rows(staged, refused, tuple(Flow(key, found[key]) for key in OUTCOMES if found.get(key)))


def _written(job: Json, counts: Json) -> dict[str, int] | None:
    """Fates after an insert; None before it."""
    inserted = counts.get("rows_inserted")
    if inserted is None or job.get("status") not in ("completed", "rolled_back", "inserting"):
        return None
    updated = counts.get("rows_updated") or 0
    unchanged = counts.get("rows_unchanged") or 0
    deleted = min(counts.get("rows_deleted") or 0, inserted)
    restored = min(counts.get("rows_restored") or 0, updated)
    rejected = counts.get("rows_rejected")
    if rejected is None:
        rejected = counts.get("invalid_rows") or 0
    in_files = counts.get("internal_duplicates") or 0
    in_table = (counts.get("database_duplicates") or 0) - (counts.get("both_duplicates") or 0)
    waiting = 0
    if job.get("status") == "inserting":
        if _updates(job):
            in_table = 0
    else:
        skipped = counts.get("rows_skipped") or 0
        in_files = min(in_files, max(skipped - unchanged, 0))
        in_table = max(skipped - unchanged - in_files, 0)
    undone = job.get("status") == "rolled_back"
    left = inserted - deleted + updated - restored if undone else 0
    return {
        "inserted": 0 if undone else inserted - deleted,
        "left": left,
        "deleted": deleted,
        "updated": 0 if undone else updated - restored,
        "restored": restored,
        "unchanged": unchanged,
        "to_insert": waiting,
        "duplicate_file": in_files,
        "duplicate_table": in_table,
        "rejected": rejected,
    }


def _checked(job: Json, counts: Json) -> dict[str, int] | None:
    """Fates that a check has found; None before it."""
    clean = counts.get("clean_rows")
    if clean is None or job.get("status") in ("pending", "staging", "staged"):
        return None
    in_table = (counts.get("database_duplicates") or 0) - (counts.get("both_duplicates") or 0)
    updates = in_table if _updates(job) else 0
    return {
        "to_insert": clean,
        "to_update": updates,
        "duplicate_file": counts.get("internal_duplicates") or 0,
        "duplicate_table": in_table - updates,
        "rejected": counts.get("invalid_rows") or 0,
    }


def _updates(job: Json) -> bool:
    return (job.get("options") or {}).get("on_duplicate") == "update"


@dataclass(frozen=True)
class Sum:
    """A sum that must come out: what it says, both sides, and whether they are equal."""

    key: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        """Whether both sides are equal."""
        return self.left == self.right


def sums_of(job: Json, rows: Rows) -> list[Sum]:
    """Return the sums of a job that can be done from its counts."""
    counts = job.get("counts") or {}
    files = [file for file in job.get("files") or [] if file.get("status") in ("staged", "cleared")]
    made = []
    if files and all(file.get("rows_parsed") is not None for file in files):
        parsed = sum(file["rows_parsed"] for file in files)
        made.append(Sum("sum_parsed", parsed, sum(file.get("rows_staged") or 0 for file in files)))
    if counts.get("total_rows") is not None and files:
        in_files = sum(file.get("rows_staged") or 0 for file in files)
        made.append(Sum("sum_files", in_files, counts["total_rows"]))
        known = [flow for flow in rows.outcomes if flow.key not in ("refused", "unaccounted")]
        fates = sum(flow.rows for flow in known)
        made.append(Sum("sum_fates", counts["total_rows"], fates))
    return made


def sources_of(files: Sequence[Json], most: int = 8) -> tuple[list[Flow], int]:
    """Return the biggest files, and how many others are put together as the last source.

    The key of what is put together is "others", or "all" where no file stands out.
    """
    read = [
        Flow(
            str(file.get("file_no")),
            (file.get("rows_staged") or 0) + (file.get("rows_refused") or 0),
            str(file.get("file_name") or ""),
        )
        for file in files
        if file.get("status") != "failed"
    ]
    read = [flow for flow in read if flow.rows]
    if len(read) <= most:
        return read, 0
    biggest = sorted(read, key=lambda flow: -flow.rows)[: most - 1]
    whole = sum(flow.rows for flow in read)
    # where none stands out, names say nothing
    if 2 * sum(flow.rows for flow in biggest) < whole:
        return [Flow("all", whole)], len(read)
    chosen = {flow.key for flow in biggest}
    others = [flow for flow in read if flow.key not in chosen]
    shown = [flow for flow in read if flow.key in chosen]
    shown.append(Flow("others", sum(flow.rows for flow in others)))
    return shown, len(others)
