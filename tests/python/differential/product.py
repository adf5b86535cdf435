"""What pgimport says: the rows staged as a file, checked, inserted and verified."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg.types.json import Jsonb

from .database import Conn, content_sql, pin, run
from .situation import Row, Situation, quoted

__all__ = ["Verdict", "begin", "check", "insert", "insert_all"]

Answer = dict[str, Any]

_BATCH_ROWS = int(os.environ.get("PGIMPORT_TEST_BATCH_ROWS", "0"))
_BATCH = {"batch_rows": _BATCH_ROWS} if _BATCH_ROWS else None


@dataclass
class Issue:
    """One issue row."""

    column: str | None
    code: str
    message: str


@dataclass
class Verdict:
    """The class of each row by its number from 1, its issues, and what came of the insert."""

    classes: dict[int, str] = field(default_factory=dict)
    issues: dict[int, list[Issue]] = field(default_factory=dict)
    # an exception that should not be, or a refused insert
    trouble: str | None = None
    content: Counter[str] = field(default_factory=Counter)


def _call(conn: Conn, function: str, *arguments: Any) -> Answer:
    placeholders = ", ".join(["%s"] * len(arguments))
    row = conn.execute(f"SELECT pgimport.{function}({placeholders})".encode(), arguments).fetchone()
    assert row is not None
    return cast(Answer, row[0])


def insert_all(conn: Conn, job: str) -> Answer:
    """Insert a job, in batches where PGIMPORT_TEST_BATCH_ROWS says so."""
    while True:
        answer = _call(conn, "insert_job", job, *([Jsonb(_BATCH)] if _BATCH else []))
        if answer["status"] != "inserting" or not answer["success"]:
            return answer


def _csv(situation: Situation, rows: list[Row]) -> str:
    """Rows as a file: what is not null is quoted."""
    lines = [[column.name for column in situation.columns], *rows]
    return "".join(
        ",".join("" if field is None else '"' + field.replace('"', '""') + '"' for field in line)
        + "\n"
        for line in lines
    )


def begin(conn: Conn, situation: Situation) -> None:
    """Make the table a target, with the rules of its columns."""
    _call(conn, "register_target", quoted(situation.table), "target", situation.key, Jsonb({}))
    for column in situation.columns:
        if not column.trim:
            _call(conn, "set_column", "target", column.name, Jsonb({"trim": False}))


def check(conn: Conn, situation: Situation) -> tuple[str, Verdict]:
    """Stage and check the rows; returns the job, too."""
    verdict = Verdict()
    for name, value in situation.settings.items():
        conn.execute("SELECT set_config(%s, %s, true)", [name, value])
    job = str(_call(conn, "create_job", "target", Jsonb({}))["job_id"])
    header = [column.name for column in situation.columns]
    files = [situation.rows[: situation.first], []]
    if situation.first is not None:
        files[1] = situation.rows[situation.first :]
    for name, rows in zip(("a.csv", "b.csv"), files, strict=True):
        if not rows and name == "b.csv":
            continue
        opened = _call(conn, "stage_file", job, name, header, Jsonb({}))
        with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
            copy.write(_csv(situation, rows))
        _call(conn, "finish_file", job, opened["file_no"], len(rows))
    run(conn, "SAVEPOINT product")
    try:
        _call(conn, "check_job", job)
        shown = _call(conn, "preview_job", job, 1000)
    except psycopg.Error as error:
        verdict.trouble = f"check: {error.sqlstate} {error}"
        run(conn, "ROLLBACK TO SAVEPOINT product")
        return job, verdict
    before = {1: 0, 2: len(files[0])}
    verdict.classes = {
        before[row["file_no"]] + row["row_no"]: row["class"] for row in shown["rows"]
    }
    found = conn.execute(
        "SELECT file_no, row_no, column_name, code, message"
        " FROM pgimport.issue_report(%s, NULL, 10000) WHERE severity = 'error'",
        [job],
    )
    for file_no, row_no, *issue in found:
        verdict.issues.setdefault(before[file_no] + row_no, []).append(Issue(*issue))
    return job, verdict


def insert(conn: Conn, situation: Situation, job: str, verdict: Verdict) -> None:
    """Insert and verify the job; what is in the table then goes to the verdict."""
    if verdict.trouble is not None:
        return
    try:
        answer = insert_all(conn, job)
        if not answer["success"]:
            verdict.trouble = f"insert: {answer['details'].get('sqlstate')} {answer['message']}"
            return
        verified = _call(conn, "verify_job", job)
        if not verified["verified"]:
            verdict.trouble = f"verify: {verified['message']}"
    except psycopg.Error as error:
        verdict.trouble = f"insert: {error.sqlstate} {error}"
        run(conn, "ROLLBACK TO SAVEPOINT product")
        return
    pin(conn)
    rows = run(
        conn,
        f"SELECT {content_sql(conn, situation)} FROM {quoted(situation.table)} AS t "
        f"WHERE t.import_job_id = '{job}'",
    )
    verdict.content = Counter(text for (text,) in rows)
