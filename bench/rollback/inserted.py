"""Rows that a job inserted: their plan and rollback, also when nothing but values proves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.measure import timed
from bench.proof import same
from bench.result import Figure
from bench.rollback import table
from bench.server import BenchServer
from pgimport.client import Client

# what the plan of a job of a million rows may take, whatever happened to the table since
PLAN_AT_MOST = 5.0
# the insert without what proves its rows later
_WITHOUT = """
DO $$
DECLARE
    v_what regprocedure := (
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace AND p.proname = '_print_rows'
    );
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION pgimport._print_rows(%s) RETURNS void LANGUAGE plpgsql '
        'AS ''BEGIN RETURN; END''', pg_get_function_arguments(v_what)
    );
END;
$$
"""
# as after a dump and restore: every row is there, and written by somebody else
_RESTORE = """
BEGIN;
CREATE TEMPORARY TABLE dumped ON COMMIT DROP AS TABLE codes;
TRUNCATE codes;
INSERT INTO codes TABLE dumped;
COMMIT;
VACUUM (ANALYZE) codes;
"""
_REWRITE = """
UPDATE codes SET code = code WHERE import_job_id IS NOT NULL;
VACUUM (ANALYZE) codes;
"""
_REFER = """
CREATE TABLE claim (claim_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code_id bigint);
INSERT INTO claim (code_id) SELECT c.id FROM codes AS c WHERE c.import_job_id IS NULL LIMIT {rows};
INSERT INTO claim (code_id)
SELECT c.id FROM codes AS c WHERE c.import_job_id IS NOT NULL AND {of_job};
CREATE INDEX ON claim (code_id);
ALTER TABLE claim ADD FOREIGN KEY (code_id) REFERENCES codes (id);
VACUUM (ANALYZE) claim;
"""


@dataclass
class _Case:
    """What happens between the insert and the plan, and seconds, one a run."""

    name: str
    meanwhile: str
    dependents: int = 0
    plans: list[float] = field(default_factory=list)
    undone: list[float] = field(default_factory=list)
    inserts: list[float] = field(default_factory=list)


def figures(server: BenchServer, rows: int, runs: int) -> list[Figure]:
    """Insert jobs of ``rows`` rows, plan their rollback and roll them back.

    Raises:
        WrongResultError: other counts than expected.

    """
    untouched = _Case("inserted rows", "")
    rewritten = _Case("inserted rows, all rewritten since", _REWRITE)
    restored = _Case("inserted rows, after a dump and restore", _RESTORE)
    beside = _Case(
        "inserted rows, where as many refer to others",
        _REFER.format(rows=rows, of_job="false"),
    )
    named = _Case(
        "inserted rows, where as many refer to them", _REFER.format(rows=0, of_job="true"), rows
    )
    without: list[float] = []
    for number in range(runs):
        _measure(server, untouched, rows)
        without.append(_insert_without(server, rows))
        if number == 0:
            for case in (rewritten, restored, beside, named):
                _measure(server, case, rows)
    cases = (untouched, rewritten, restored, beside, named)
    return [
        *(_ratio(case, rows) for case in cases if case.undone),
        *(_speed(case, rows) for case in cases if case.undone),
        *(_plan(case, rows) for case in cases),
        Figure(
            "rollback",
            "insert with fingerprints / without",
            [one / bare for one, bare in zip(untouched.inserts, without, strict=True)],
            "ratio",
            note="without: the function that writes them does nothing",
        ),
    ]


def _ratio(case: _Case, rows: int) -> Figure:
    return Figure(
        "rollback",
        f"rollback of {case.name} / insert",
        [one / insert for one, insert in zip(case.undone, case.inserts, strict=True)],
        "ratio",
        at_most=None if case.meanwhile else 0.10,
        note=f"{rows:,} rows",
    )


def _speed(case: _Case, rows: int) -> Figure:
    return Figure(
        "rollback", f"rollback of {case.name}", [rows / one for one in case.undone], "rows/s"
    )


def _plan(case: _Case, rows: int) -> Figure:
    return Figure(
        "rollback",
        f"plan of {case.name}",
        case.plans,
        "s",
        at_most=PLAN_AT_MOST,
        note=f"{rows:,} rows",
    )


def _measure(server: BenchServer, case: _Case, rows: int) -> None:
    def run(conn: psycopg.Connection[Any], client: Client, job_id: str) -> None:
        before = table.content(conn)
        case.inserts.append(table.insert(client, job_id, rows, 0))
        if case.meanwhile:
            for statement in case.meanwhile.split(";\n"):
                conn.execute(statement.encode())
            server.checkpoint()
        expected = {
            "delete": rows,
            "restore": 0,
            "dependents": case.dependents,
            "rewritten": rows if case.meanwhile in (_REWRITE, _RESTORE) else 0,
        }
        case.plans.append(table.plan(client, job_id, expected))
        if case.dependents:
            return
        case.undone.append(table.undo(client, job_id, {"rows_deleted": rows, "rows_kept": 0}))
        same(case.name, {"content": table.content(conn)}, {"content": before})

    _with_job(server, rows, run)


def _insert_without(server: BenchServer, rows: int) -> float:
    seconds: list[float] = []

    def run(conn: psycopg.Connection[Any], client: Client, job_id: str) -> None:
        conn.execute(_WITHOUT.encode())
        with timed() as taken:
            done = client.insert_job(job_id)
        same("insert without fingerprints", done.raw, {"rows_inserted": rows})
        seconds.append(taken.value)

    _with_job(server, rows, run)
    return seconds[0]


def _with_job(
    server: BenchServer,
    rows: int,
    run: Callable[[psycopg.Connection[Any], Client, str], None],
) -> None:
    """Let a checked job of new rows be used, in a database of its own."""
    database = "bench_rollback_inserted"
    server.fresh(database, table.TEMPLATE)
    job_id, _ = table.checked_job(server, database, rows, table.NEW)
    with server.connect(database) as conn:
        run(conn, Client(conn), job_id)
    server.drop(database)
