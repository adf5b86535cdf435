"""What PostgreSQL itself says: the rows inserted one by one, each undone alone when refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from .database import Conn, Refusal, attempt, check_deferred, content_sql, pin, run
from .differences import MISSING, effective
from .situation import Column, Row, SelfReference, Situation, literal, quoted

__all__ = ["Truth", "judge"]

_DANGLING = "refers to no row"
_TAG = "00000000-0000-4000-8000-{:012d}"


@dataclass
class Truth:
    """The rows that INSERT refuses, by their number from 1, and what is in the table then."""

    refused: dict[int, Refusal] = field(default_factory=dict)
    content: Counter[str] = field(default_factory=Counter)


def value_sql(column: Column, text: str | None) -> str | None:
    """What an INSERT writes for a text of a file; None when pgimport calls it missing."""
    value = effective(text, trim=column.trim, is_text=column.is_text, required=column.required)
    if value is MISSING:
        return None
    if value is None and column.defaulted:
        return "DEFAULT"
    assert value is None or isinstance(value, str)
    return literal(value)


def insert_sql(situation: Situation, row: Row, number: int) -> str | None:
    """The INSERT of one row of the file, tagged with its number; None as above."""
    values = [value_sql(c, text) for c, text in zip(situation.columns, row, strict=True)]
    if None in values:
        return None
    names = ", ".join(quoted(column.name) for column in situation.columns)
    return (
        f"INSERT INTO {quoted(situation.table)} ({names}, import_job_id) "
        f"VALUES ({', '.join(map(str, values))}, '{_TAG.format(number)}')"
    )


def judge(conn: Conn, situation: Situation) -> Truth:
    """Insert the rows of the file one by one, look, and undo it all."""
    run(conn, "SAVEPOINT oracle")
    pin(conn)
    references = [r for r in situation.references if _exists(conn, situation, r)]
    for reference in references:
        run(conn, f"ALTER TABLE {quoted(situation.table)} DROP CONSTRAINT {reference.name}")
    truth = _settle(conn, situation, references, {})
    # a row was left out that refers to one which another kept away that is left out itself now
    for number in [n for n, refusal in truth.refused.items() if refusal.message == _DANGLING]:
        kept = {n: r for n, r in truth.refused.items() if r.message == _DANGLING and n != number}
        again = _settle(conn, situation, references, kept)
        if number not in again.refused:
            truth = again
    run(conn, "ROLLBACK TO SAVEPOINT oracle")
    return truth


def _settle(
    conn: Conn,
    situation: Situation,
    references: list[SelfReference],
    excluded: dict[int, Refusal],
) -> Truth:
    """Insert all rows but some, and again without those that refer to no row then."""
    while True:
        run(conn, "SAVEPOINT round")
        truth = _insert_all(conn, situation, excluded)
        dangling = {
            number: Refusal("23503", _DANGLING, situation.table, reference.name)
            for reference in references
            for number in _dangling(conn, situation, reference)
        }
        run(conn, "ROLLBACK TO SAVEPOINT round")
        if not dangling:
            return truth
        excluded = excluded | dangling


def _exists(conn: Conn, situation: Situation, reference: SelfReference) -> bool:
    """Whether the constraint could be made at all."""
    row = conn.execute(
        "SELECT FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s",
        [quoted(situation.table), reference.name],
    ).fetchone()
    return row is not None


def _insert_all(conn: Conn, situation: Situation, excluded: dict[int, Refusal]) -> Truth:
    """Insert all rows but some; what refuses the others is the truth."""
    truth = Truth(refused=dict(excluded))
    statements: dict[int, str] = {}
    for number, row in enumerate(situation.rows, start=1):
        if number in excluded:
            continue
        statement = insert_sql(situation, row, number)
        if statement is None:
            truth.refused[number] = Refusal("23502", "missing", situation.table, "")
        else:
            statements[number] = statement
    after = check_deferred(conn)
    for number, refusal in zip(
        statements, attempt(conn, list(statements.values()), after), strict=True
    ):
        if refusal is not None:
            truth.refused[number] = refusal
    _look_behind_key(conn, situation, truth, statements, after)
    rows = run(
        conn,
        f"SELECT {content_sql(conn, situation)} FROM {quoted(situation.table)} AS t "
        "WHERE t.import_job_id IS NOT NULL",
    )
    truth.content = Counter(text for (text,) in rows)
    return truth


def _key_names(conn: Conn) -> set[str]:
    """The key's index and its parts in partitions."""
    rows = conn.execute(
        "WITH RECURSIVE part AS (SELECT 'the_key'::regclass::oid AS id UNION ALL"
        " SELECT i.inhrelid FROM pg_inherits AS i INNER JOIN part ON part.id = i.inhparent)"
        " SELECT relname FROM pg_class WHERE oid IN (SELECT id FROM part)"
    )
    return {name for (name,) in rows}


def _look_behind_key(
    conn: Conn, situation: Situation, truth: Truth, statements: dict[int, str], after: str
) -> None:
    """Tell duplicates from other refusals, and whether they are wrong without the key, too."""
    key_names = _key_names(conn)
    duplicates = [
        number
        for number, refusal in truth.refused.items()
        if refusal.code == "23505" and refusal.violated in key_names
    ]
    if not duplicates:
        return
    run(conn, "SAVEPOINT keyless")
    table = run(
        conn,
        "SELECT conrelid::regclass FROM pg_constraint WHERE conindid = 'the_key'::regclass"
        " AND contype IN ('u', 'p')",
    ).fetchone()
    if table is None:
        run(conn, "DROP INDEX the_key CASCADE")
    else:
        run(conn, f"ALTER TABLE {table[0]} DROP CONSTRAINT the_key CASCADE")
    again = attempt(conn, [statements[number] for number in duplicates], after)
    for number, other in zip(duplicates, again, strict=True):
        truth.refused[number] = replace(
            truth.refused[number],
            by_key=True,
            # references of the table to itself are not there now
            otherwise=other is not None or bool(situation.references),
        )
    run(conn, "ROLLBACK TO SAVEPOINT keyless")


def _dangling(conn: Conn, situation: Situation, reference: SelfReference) -> list[int]:
    """The new rows that refer to no row of the table."""
    pairs = list(zip(reference.columns, reference.referenced, strict=True))
    nulls = [f"c.{quoted(column)} IS NULL" for column, _ in pairs]
    equal = " AND ".join(f"c.{quoted(column)} = p.{quoted(key)}" for column, key in pairs)
    skipped = f"({' AND '.join(nulls)})" if reference.full else f"({' OR '.join(nulls)})"
    rows = run(
        conn,
        f"SELECT c.import_job_id FROM {quoted(situation.table)} AS c "
        f"WHERE c.import_job_id IS NOT NULL AND NOT {skipped} "
        f"AND NOT EXISTS (SELECT FROM {quoted(situation.table)} AS p WHERE {equal})",
    )
    return [int(str(tag)[-12:]) for (tag,) in rows]
