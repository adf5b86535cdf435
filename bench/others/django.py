"""django-import-export: a ModelResource in bulk mode; every file previewed, then imported."""

from __future__ import annotations

from bench.others.case import Case, run_script
from bench.result import Figure

_PACKAGES = ("django-import-export==4.4.3", "Django==5.2.19", "psycopg[binary]==3.3.9")
_NOTE = (
    "preview (dry_run) and import of each file, both in the time; use_bulk, batch_size 1000, "
    "skip_diff, skip_html_diff, a transaction a file; {lookup}; skipping a key seen before in the "
    "same file is a hook of one's own; the preview of a file knows nothing of the files before it; "
    "every bad value is listed and its file undone, the other files stay; in bulk mode a database "
    "error is not tied to its row; skipped rows are counted, not listed; no provenance, no "
    "undo; import alone {alone:,.0f} rows/s; peak memory {memory:,.0f} MB"
)


def as_documented(case: Case) -> list[Figure]:
    """Use the package's own lookup, a query a row: its cached one takes keys of one column only."""
    lookup = "its own lookup of existing rows, one query a row"
    return [_run(case, "as documented", lookup, own_lookup=False)]


def with_own_lookup(case: Case) -> list[Figure]:
    """Look existing keys up a thousand at a time, by code that the user of the package writes."""
    lookup = "force_init_instance, and existing keys looked up in bulk by a hook of one's own"
    return [_run(case, "own bulk lookup", lookup, own_lookup=True)]


def _run(case: Case, name: str, lookup: str, *, own_lookup: bool) -> Figure:
    with case.database("django") as database:
        given = {**case.connection(database), "files": case.files(), "own_lookup": own_lookup}
        done = run_script("django", _PACKAGES, given)
        left = case.left(database)
    preview, alone = done.answer["preview"], done.answer["import"]
    note = _NOTE.format(lookup=lookup, alone=case.rows / alone, memory=done.memory_mb)
    errors = done.answer["errors"]
    problems = [f"{len(errors)} files with errors, first: {errors[0]}"] if errors else []
    return case.figure(f"django-import-export, {name}", [preview + alone], left, note, *problems)
