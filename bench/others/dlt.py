"""dlt: merge into PostgreSQL, by Arrow tables and CSV, the way its documentation calls fast."""

from __future__ import annotations

import tempfile

from bench.others.case import Case, run_script
from bench.result import Figure

_PACKAGES = ("dlt[postgres]==1.31.0", "pyarrow==26.0.1")


def run(case: Case) -> list[Figure]:
    """Write disposition merge with the default strategy delete-insert, primary key of two columns.

    Of the strategies only this one takes duplicates inside the files; upsert and insert-only end
    with an error there. The time begins after Python's imports.
    """
    with case.database("dlt") as database, tempfile.TemporaryDirectory() as folder:
        given = {**case.connection(database), "folder": folder, "files": case.files()}
        done = run_script("dlt", _PACKAGES, given)
        left = case.left(database)
    return [
        case.figure(
            "dlt merge (delete-insert)",
            [done.answer["seconds"]],
            left,
            "does something else than skip: rows whose key is in the files are deleted and "
            "inserted anew, with other ids and defaults in the columns the files do not have; "
            "which of several rows of a key stays is not said; needs a type mapper for uuid, "
            "and Arrow tables: from dictionaries it adds a column NOT NULL, which a table with "
            "rows refuses; the merge is one transaction, loading into its staging schema is not; "
            "the first bad value ends it; no preview, no list of duplicates, no undo; leaves "
            f"tables of its own and a staging schema; peak memory {done.memory_mb:,.0f} MB",
        )
    ]
