"""What both judgements do with the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import psycopg

from .situation import Column, Situation, quoted

__all__ = [
    "Conn",
    "Refusal",
    "attempt",
    "check_deferred",
    "content_sql",
    "pin",
    "run",
    "see_columns",
]

Conn = psycopg.Connection[Any]
# under these settings pgimport reads values, whatever the session has
_PINNED = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "array_nulls": "on",
    "lc_monetary": "C",
    "search_path": "differential, public",
}


@dataclass(frozen=True)
class Refusal:
    """Why a row is refused; ``by_key``: by the key, so it is a duplicate."""

    code: str
    message: str
    relation: str
    violated: str
    by_key: bool = False
    # refused for something besides its key, too
    otherwise: bool = False


def pin(conn: Conn) -> None:
    """Read and show values as pgimport does, until the transaction ends."""
    for name, value in _PINNED.items():
        conn.execute("SELECT set_config(%s, %s, true)", [name, value])


def run(conn: Conn, sql: str) -> psycopg.Cursor[Any]:
    """Run SQL that was made here."""
    return conn.execute(sql.encode())


def attempt(conn: Conn, statements: list[str], after: str | None = None) -> list[Refusal | None]:
    """Run statements, each alone; say why it failed, or None."""
    if not statements:
        return []
    rows = conn.execute(
        "SELECT code, message, relation, violated FROM differential.attempt(%s, %s) ORDER BY place",
        [statements, after],
    ).fetchall()
    return [
        Refusal(code, message or "", relation or "", violated or "") if code else None
        for code, message, relation, violated in rows
    ]


def see_columns(conn: Conn, situation: Situation) -> list[Column]:
    """The columns with what the table says of their nulls and defaults now."""
    rows = conn.execute(
        "WITH RECURSIVE walk AS ("
        "SELECT attname AS name, atttypid AS id, attnotnull AS not_null,"
        " atthasdef OR attidentity <> '' AS defaulted FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped UNION ALL"
        " SELECT w.name, y.typbasetype, y.typnotnull, y.typdefault IS NOT NULL"
        " FROM walk AS w INNER JOIN pg_type AS y ON y.oid = w.id AND y.typtype = 'd')"
        " SELECT name, bool_or(not_null), bool_or(defaulted) FROM walk GROUP BY name",
        [quoted(situation.table)],
    )
    facts = {name: (not_null, defaulted) for name, not_null, defaulted in rows}
    return [
        replace(column, not_null=facts[column.name][0], defaulted=all(facts[column.name]))
        for column in situation.columns
    ]


def check_deferred(conn: Conn) -> str:
    """SQL that checks what is deferred now, and leaves it deferred."""
    rows = conn.execute(
        "SELECT DISTINCT conname FROM pg_constraint WHERE condeferred"
        " AND connamespace = 'differential'::regnamespace"
    ).fetchall()
    check = "SET CONSTRAINTS ALL IMMEDIATE"
    if not rows:
        return check
    return f"{check}; SET CONSTRAINTS {', '.join(quoted(name) for (name,) in rows)} DEFERRED"


def content_sql(conn: Conn, situation: Situation) -> str:
    """SQL of a row of the target as one text, without columns that may raise when read."""
    names = conn.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated <> 'v' AND attname <> 'import_job_id'"
        " AND attname <> ALL (%s)"
        " ORDER BY attnum",
        [quoted(situation.table), situation.aside],
    ).fetchall()
    return f"ROW({', '.join('t.' + quoted(name) for (name,) in names)})::text"
