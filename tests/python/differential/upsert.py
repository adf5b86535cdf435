"""The same for jobs that update: rows whose key is in the table become updates of its rows.

What PostgreSQL itself says: each row, in the order of the files, updates the row of its key by the
merge or is inserted, each undone alone when refused. A key that a row of the files has written
already is a duplicate.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from . import compare, oracle, product
from .compare import Deviation, Result
from .database import (
    Conn,
    Refusal,
    attempt,
    check_deferred,
    content_sql,
    pin,
    run,
    see_columns,
)
from .differences import Missing, effective
from .oracle import Truth
from .product import Verdict
from .situation import Column, Row, Situation, Statement, literal, quoted

__all__ = [
    "Plan",
    "compare_upserts",
    "differences_of",
    "is_careful",
    "report",
    "with_more_existing",
]

_TAG = "00000000-0000-4000-8000-{:012d}"
_DUPLICATE = "DUPKY"
_CLONE = "differential.upsert_row"
_DONE = "differential.upsert_done"


@dataclass(frozen=True)
class Plan:
    """How a job updates: rules of columns, which columns each file lacks, which row of a key."""

    rules: dict[str, str]
    lacking: dict[int, frozenset[str]]
    keep: str


@dataclass(frozen=True)
class Key:
    """How rows {a} and {b} have the same key, and what its columns take in place of a null."""

    equal: str
    defaults: dict[str, str]


def make_plan(situation: Situation) -> Plan:
    """Draw rules and the columns that the files lack."""
    rng = Random(f"{situation.seed} update")
    others = [c.name for c in situation.columns if c.name not in situation.key]
    share = rng.choice((0, 0, 0.2, 0.4))
    return Plan(
        {name: rng.choice(("overwrite", "overwrite", "fill_blank", "keep")) for name in others},
        {file_no: frozenset(name for name in others if rng.random() < share) for file_no in (1, 2)},
        rng.choice(("first", "first", "last")),
    )


def with_more_existing(situation: Situation) -> Situation:
    """Rows of the files with other values are in the table already."""
    rng = Random(f"{situation.seed} existing")
    keys = [place for place, c in enumerate(situation.columns) if c.name in situation.key]
    added: list[Row] = []
    for row in rng.sample(situation.rows, min(len(situation.rows), rng.choice((5, 12, 20)))):
        other = rng.choice(situation.rows)
        added.append(
            tuple(row[place] if place in keys else other[place] for place in range(len(row)))
        )

    def fits(statement: Statement) -> bool:
        """Whether a statement says the same of an update as of an insert.

        A foreign key that is not valid is looked at again when the row was inserted in the same
        transaction; a key that must not be null is required, also of rows that are null there.
        """
        if "NOT VALID" not in statement.sql:
            return True
        return "FOREIGN KEY" not in statement.sql and not any(
            f"NOT NULL {quoted(name)}" in statement.sql for name in situation.key
        )

    return dataclasses.replace(
        situation,
        existing=[*situation.existing, *added],
        extras=[statement for statement in situation.extras if fits(statement)],
        late=[statement for statement in situation.late if fits(statement)],
    )


def compare_upserts(conn: Conn, situation: Situation) -> tuple[Plan, Result]:
    """Judge a situation by UPDATE or INSERT and by a job that updates; all is undone."""
    plan = make_plan(situation)
    while True:
        with conn.transaction(force_rollback=True):
            made, failed = compare._make(conn, situation)
            situation = dataclasses.replace(situation, columns=see_columns(conn, situation))
            truth = judge(conn, situation, plan)
            kept = len(situation.extras) * 2 // 3
            crowded = len(truth.refused) > 0.8 * len(situation.rows)
            if situation.harsh or not crowded or not situation.extras:
                job, verdict = check(conn, situation, plan)
                insert(conn, situation, job, verdict)
                break
        situation = dataclasses.replace(situation, extras=situation.extras[:kept])
    found = differences_of(truth, verdict)
    return plan, Result(situation, truth, verdict, found, made, failed)


def file_no(situation: Situation, number: int) -> int:
    """The file that a row of the situation is in."""
    return 1 if situation.first is None or number <= situation.first else 2


# what PostgreSQL says


def judge(conn: Conn, situation: Situation, plan: Plan) -> Truth:
    """Write the rows one by one, look, and undo it all."""
    run(conn, "SAVEPOINT oracle")
    pin(conn)
    table = quoted(situation.table)
    names = ", ".join(quoted(c.name) for c in situation.columns)
    keys = ", ".join(quoted(name) for name in situation.key)
    run(conn, f"CREATE TABLE {_CLONE} AS SELECT {names} FROM {table} LIMIT 0")
    run(conn, f"CREATE TABLE {_DONE} AS SELECT {keys} FROM {table} LIMIT 0")
    needed = conn.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND atttypid::regtype::text ~ 'needed'",
        [_CLONE],
    ).fetchall()
    for (name,) in needed:
        run(conn, f"ALTER TABLE {_CLONE} ALTER {quoted(name)} TYPE integer")
    references = [r for r in situation.references if oracle._exists(conn, situation, r)]
    for reference in references:
        run(conn, f"ALTER TABLE {table} DROP CONSTRAINT {reference.name}")
    facts = Key(_equal_sql(conn, situation), _defaults(conn, situation))
    excluded: dict[int, Refusal] = {}
    while True:
        run(conn, "SAVEPOINT round")
        truth = _write_all(conn, situation, plan, excluded, facts)
        dangling = {
            number: Refusal("23503", "refers to no row", situation.table, reference.name)
            for reference in references
            for number in oracle._dangling(conn, situation, reference)
        }
        run(conn, "ROLLBACK TO SAVEPOINT round")
        if not dangling:
            break
        excluded |= dangling
    run(conn, "ROLLBACK TO SAVEPOINT oracle")
    return truth


def _equal_sql(conn: Conn, situation: Situation) -> str:
    """The condition that rows {a} and {b} have the same key, as its index compares them."""
    (nulls,) = conn.execute(
        "SELECT indnullsnotdistinct FROM pg_index WHERE indexrelid = 'the_key'::regclass"
    ).fetchone() or (False,)
    # the operators of enums, arrays and ranges do not see through a domain
    casts = conn.execute(
        "WITH RECURSIVE walk AS (SELECT a.attname AS name, a.atttypid AS id, 0 AS depth"
        " FROM pg_attribute AS a WHERE a.attrelid = %s::regclass AND a.attname = ANY (%s)"
        " UNION ALL SELECT w.name, y.typbasetype, w.depth + 1"
        " FROM walk AS w INNER JOIN pg_type AS y ON y.oid = w.id AND y.typtype = 'd')"
        " SELECT DISTINCT ON (name) name, CASE WHEN depth > 0"
        " THEN '::' || format_type(id, -1) ELSE '' END FROM walk ORDER BY name, depth DESC",
        [quoted(situation.table), situation.key],
    ).fetchall()
    operator = "IS NOT DISTINCT FROM" if nulls else "="
    return " AND ".join(
        f"{{a}}.{quoted(name)}{cast} {operator} {{b}}.{quoted(name)}{cast}" for name, cast in casts
    )


def _defaults(conn: Conn, situation: Situation) -> dict[str, str]:
    """The defaults of those columns of the key that take no null."""
    rows = conn.execute(
        "SELECT a.attname, coalesce(pg_get_expr(d.adbin, d.adrelid), y.typdefault)"
        " FROM pg_attribute AS a INNER JOIN pg_type AS y ON y.oid = a.atttypid"
        " LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = %s::regclass AND a.attname = ANY (%s)",
        [quoted(situation.table), [c.name for c in situation.columns if c.defaulted]],
    )
    return {name: default for name, default in rows if name in situation.key}


def _write_all(
    conn: Conn, situation: Situation, plan: Plan, excluded: dict[int, Refusal], key: Key
) -> Truth:
    truth = Truth(refused=dict(excluded))
    numbers = [n for n in range(1, len(situation.rows) + 1) if n not in excluded]
    if plan.keep == "last":
        numbers.reverse()
    statements = [
        write_sql(situation, plan, number, situation.rows[number - 1], key) for number in numbers
    ]
    for number, refusal in zip(
        numbers, attempt(conn, statements, check_deferred(conn)), strict=True
    ):
        if refusal is not None:
            truth.refused[number] = dataclasses.replace(refusal, by_key=refusal.code == _DUPLICATE)
    truth.content = _content(conn, situation)
    return truth


def write_sql(situation: Situation, plan: Plan, number: int, row: Row, key: Key) -> str:
    """A statement that updates the row of a key, or inserts one."""
    table = quoted(situation.table)
    lacking = plan.lacking[file_no(situation, number)]
    mapped = [(c, t) for c, t in zip(situation.columns, row, strict=True) if c.name not in lacking]
    texts = {
        c.name: effective(t, trim=c.trim, is_text=c.is_text, required=False) for c, t in mapped
    }
    values = [
        key.defaults.get(name, "NULL")
        if value is None or isinstance(value, Missing)
        else literal(value)
        for name, value in texts.items()
    ]
    same = key.equal
    merged = [
        (quoted(c.name), _merge_sql(c, plan.rules[c.name]))
        for c, _ in mapped
        if c.name not in situation.key and plan.rules[c.name] != "keep"
    ]
    update = "NULL;"
    if merged:
        new = ", ".join(f'({sql})::text COLLATE "C"' for _, sql in merged)
        old = ", ".join(f't.{name}::text COLLATE "C"' for name, _ in merged)
        update = (
            f"UPDATE {table} AS t SET {', '.join(f'{name} = {sql}' for name, sql in merged)}, "
            f"import_job_id = '{_TAG.format(number)}' FROM {_CLONE} AS c "
            f"WHERE {same.replace('{a}', 't').replace('{b}', 'c')}"
            f" AND ROW({new}) IS DISTINCT FROM ROW({old});"
        )
    return (
        f"DO $do$ BEGIN DELETE FROM {_CLONE};"
        f" INSERT INTO {_CLONE} ({', '.join(quoted(name) for name in texts)})"
        f" VALUES ({', '.join(values)});"
        f" IF EXISTS (SELECT FROM {_CLONE} AS c INNER JOIN {_DONE} AS d"
        f" ON {same.replace('{a}', 'c').replace('{b}', 'd')}) THEN"
        f" RAISE EXCEPTION 'in the files already' USING ERRCODE = '{_DUPLICATE}'; END IF;"
        f" IF EXISTS (SELECT FROM {_CLONE} AS c INNER JOIN {table} AS t"
        f" ON {same.replace('{a}', 't').replace('{b}', 'c')}) THEN {update}"
        f" ELSE {_insert_sql(situation, plan, number, row)} END IF;"
        f" INSERT INTO {_DONE} SELECT {', '.join(quoted(k) for k in situation.key)} FROM {_CLONE};"
        " END $do$"
    )


def _merge_sql(column: Column, rule: str) -> str:
    """The value after an update, over t, the row of the table, and c, the row of the file."""
    old, new = f"t.{quoted(column.name)}", f"c.{quoted(column.name)}"
    if column.not_null:
        new = f"coalesce({new}, {old})"
    if rule != "fill_blank":
        return new
    blank = f"num_nulls({old}) = 1"
    if column.is_text:
        blank += f" OR {old}::text COLLATE \"C\" = ''"
    return f"CASE WHEN {blank} THEN {new} ELSE {old} END"


def _insert_sql(situation: Situation, plan: Plan, number: int, row: Row) -> str:
    """The INSERT of a row; columns that only the other file has are null or the default."""
    lacking = plan.lacking[file_no(situation, number)]
    files = {1} if situation.first is None else {1, 2}
    nowhere = frozenset.intersection(*(plan.lacking[n] for n in files))
    names, values = [], []
    for column, text in zip(situation.columns, row, strict=True):
        if column.name in nowhere and not column.required:
            continue
        value = oracle.value_sql(column, None if column.name in lacking else text)
        if value is None:
            return "RAISE EXCEPTION 'missing' USING ERRCODE = '23502';"
        names.append(quoted(column.name))
        values.append(value)
    return (
        f"INSERT INTO {quoted(situation.table)} ({', '.join(names)}, import_job_id)"
        f" VALUES ({', '.join(values)}, '{_TAG.format(number)}');"
    )


def _content(conn: Conn, situation: Situation) -> Counter[str]:
    rows = run(conn, f"SELECT {content_sql(conn, situation)} FROM {quoted(situation.table)} AS t")
    return Counter(text for (text,) in rows)


# what pgimport says


def check(conn: Conn, situation: Situation, plan: Plan) -> tuple[str, Verdict]:
    """Stage and check the rows with a job that updates."""
    verdict = Verdict()
    for name, value in situation.settings.items():
        conn.execute("SELECT set_config(%s, %s, true)", [name, value])
    for column in situation.columns:
        rules: dict[str, Any] = {} if column.trim else {"trim": False}
        if column.name in plan.rules:
            rules["on_update"] = plan.rules[column.name]
        product._call(conn, "set_column", "target", column.name, Jsonb(rules))
    options = {"on_duplicate": "update", "keep": plan.keep}
    job = str(product._call(conn, "create_job", "target", Jsonb(options))["job_id"])
    cut = len(situation.rows) if situation.first is None else situation.first
    before = {1: 0, 2: cut}
    for number, rows in ((1, situation.rows[:cut]), (2, situation.rows[cut:])):
        if not rows and number == 2:
            continue
        places = [
            place for place, c in enumerate(situation.columns) if c.name not in plan.lacking[number]
        ]
        part = dataclasses.replace(
            situation, columns=[situation.columns[place] for place in places]
        )
        header = [column.name for column in part.columns]
        opened = product._call(conn, "stage_file", job, f"{number}.csv", header, Jsonb({}))
        with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
            copy.write(product._csv(part, [tuple(row[p] for p in places) for row in rows]))
        product._call(conn, "finish_file", job, opened["file_no"], len(rows))
    run(conn, "SAVEPOINT product")
    try:
        product._call(conn, "check_job", job)
        shown = product._call(conn, "preview_job", job, 1000)
    except psycopg.Error as error:
        verdict.trouble = f"check: {error.sqlstate} {error}"
        run(conn, "ROLLBACK TO SAVEPOINT product")
        return job, verdict
    verdict.classes = {
        before[row["file_no"]] + row["row_no"]: row["class"] for row in shown["rows"]
    }
    found = conn.execute(
        "SELECT file_no, row_no, column_name, code, message"
        " FROM pgimport.issue_report(%s, NULL, 10000) WHERE severity = 'error'",
        [job],
    )
    for number, row_no, *issue in found:
        verdict.issues.setdefault(before[number] + row_no, []).append(product.Issue(*issue))
    return job, verdict


def insert(conn: Conn, situation: Situation, job: str, verdict: Verdict) -> None:
    """Insert the job; what is in the table then goes to the verdict."""
    if verdict.trouble is not None:
        return
    try:
        answer = product.insert_all(conn, job)
        if not answer["success"]:
            verdict.trouble = f"insert: {answer['details'].get('sqlstate')} {answer['message']}"
            return
    except psycopg.Error as error:
        verdict.trouble = f"insert: {error.sqlstate} {error}"
        run(conn, "ROLLBACK TO SAVEPOINT product")
        return
    pin(conn)
    verdict.content = _content(conn, situation)


# where they differ


def _is_conflict(verdict: Verdict, row: int) -> bool:
    """Whether a row is refused by a unique or exclusion constraint and nothing else."""
    issues = verdict.issues.get(row, [])
    return bool(issues) and all(
        issue.code.startswith(("unique:", "exclusion:", "foreign_key:self")) for issue in issues
    )


def is_careful(truth: Truth, verdict: Verdict) -> bool:
    """Whether pgimport refuses a row on purpose that can be written, see ``differences_of``."""
    return any(
        row not in truth.refused and class_ == "invalid" and _is_conflict(verdict, row)
        for row, class_ in verdict.classes.items()
    )


def differences_of(truth: Truth, verdict: Verdict) -> list[Deviation]:
    """Where two judgements differ.

    Two kinds of rows pgimport refuses on purpose, and what hangs on them with them: one that takes
    the place which the job's own update of another row leaves, and an update that refers to a row
    which the same job inserts, as updates come first. Such a job must still do what its check says.
    """
    found: list[Deviation] = []
    if verdict.trouble is not None and not verdict.classes:
        return [Deviation("raised", 0, verdict.trouble.splitlines()[0])]
    for row, class_ in verdict.classes.items():
        refusal = truth.refused.get(row)
        codes = ", ".join(sorted({i.code.split(":")[0] for i in verdict.issues.get(row, [])}))
        if refusal is None and class_ not in ("insert", "update"):
            found.append(Deviation("refused though it can be written", row, f"{class_} {codes}"))
        elif refusal is not None and class_ in ("insert", "update"):
            why = f"{refusal.code} {compare._shape(refusal.message)}"
            found.append(Deviation("missed", row, why))
        elif refusal is not None and class_ == "skip" and not refusal.by_key:
            found.append(Deviation("invalid, not", row, f"{class_}: {refusal.code}"))
    careful = is_careful(truth, verdict)
    if found and not careful:
        return found
    if verdict.trouble is not None:
        return [Deviation("trouble", 0, verdict.trouble.splitlines()[0])]
    if careful:
        return []
    for text in truth.content - verdict.content:
        found.append(Deviation("not in the table", 0, text))
    for text in verdict.content - truth.content:
        found.append(Deviation("in the table instead", 0, text))
    return found


def report(plan: Plan, result: Result) -> str:
    """A deviation as one can read and replay it."""
    return f"-- {plan}\n{compare.report(result)}"
