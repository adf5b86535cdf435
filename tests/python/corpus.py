"""The corpus of nasty files: its cases, its binary files, and what becomes of a case on a server.

Files that are text lie in files/<group>/ as they are; their cases, and those of the files that are
made here, stand in files/<group>/cases.toml. A case tells what is nasty about its file, how it is
read, and what must come of it: the rows of the table, the issues, or the error of the whole file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from corpus_files import MADE
from pgimport import Client, PgImportError, ReadOptions, import_files

FILES = Path(__file__).parent / "files"
COLUMNS = ("id", "name", "email", "amount", "day", "active", "code", "note")
_BESIDE = ("cases.toml", ".gitattributes", "README.md")

# rules of set_column by the name of the target; each target is a table of its own
TARGETS: dict[str, dict[str, dict[str, Any]]] = {
    "plain": {},
    "codes": {},  # its key is the code, not the id
    "french": {
        "amount": {"decimal_comma": True},
        "day": {"date_formats": ["DD/MM/YYYY", "DD/MM/YY", "DD MONTH YYYY"]},
    },
    "english": {"amount": {"thousands": True}, "day": {"date_formats": ["MM/DD/YYYY"]}},
    "german": {
        "amount": {"decimal_comma": True},
        "day": {"date_formats": ["DD.MM.YYYY"]},
        "active": {"true_words": ["j", "ja"], "false_words": ["n", "nein"]},
    },
    "two_orders": {"day": {"date_formats": ["DD/MM/YYYY", "MM/DD/YYYY"]}},
    "nulls": {
        name: {"null_values": ["N/A", "NULL", "-", "\\N"]}
        for name in ("name", "amount", "day", "active", "note")
    },
}


@dataclass(frozen=True)
class Case:
    """One file, how it is read, and what must come of it.

    Attributes:
        group: its folder. file: its name. why: what is nasty about it, in a sentence.
        target: one of TARGETS. read: options of reading.
        rows: those of the table afterwards; a column that is left out is NULL.
        issues: "line column code" each, "-" where there is no column.
        staged: {column: texts} of the staged rows, before anything is made of them.
        header: the names as they were read. warning: a part of one that is given.
        error: "code: a part of what is said", where the whole file is refused.
        fault: why this does not come of it yet; the test fails once it does.
        fault_since: the version of PostgreSQL from which on that is so.

    """

    group: str
    file: str
    why: str
    target: str = "plain"
    read: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    issues: list[str] = field(default_factory=list)
    staged: dict[str, list[str]] | None = None
    header: list[str] | None = None
    warning: str | None = None
    error: str | None = None
    fault: str | None = None
    fault_since: int = 0

    @property
    def wanted(self) -> list[dict[str, str]]:
        """The rows as they are compared: all values as PostgreSQL writes them."""
        return [
            {name: str(value).lower() if isinstance(value, bool) else str(value)
             for name, value in row.items()}
            for row in self.rows
        ]  # fmt: skip


@dataclass
class Outcome:
    """What came of a case; the same words as in it."""

    rows: list[dict[str, str]] = field(default_factory=list)
    issues: list[str] = field(default_factory=list)
    staged: dict[str, list[str | None]] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    error: str | None = None
    verified: bool = False


def read_cases() -> list[Case]:
    """Return all cases, group by group.

    Raises:
        TypeError: a case has a word that is not known.

    """
    known = {item.name for item in fields(Case)}
    cases = []
    for path in sorted(FILES.glob("*/cases.toml")):
        for given in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            if not given.keys() <= known:
                raise TypeError(f"{path.parent.name}: {given.keys() - known}")
            cases.append(Case(group=path.parent.name, **given))
    return cases


def stored_files() -> set[str]:
    """Return the files that lie in the folders, as group/name."""
    found = (path for path in FILES.glob("*/*") if path.name not in _BESIDE)
    return {f"{path.parent.name}/{path.name}" for path in found}


def find_file(case: Case, folder: Path) -> Path:
    """Return the file of a case; one that is made here is made in the folder."""
    make = MADE.get(case.file)
    if make is None:
        return FILES / case.group / case.file
    path = folder / case.file
    make(path)
    return path


def make_targets(dsn: str) -> None:
    """Make a table for each of TARGETS and register it."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        client = Client(conn)
        for name, rules in TARGETS.items():
            key = "code" if name == "codes" else "id"
            conn.execute(
                sql.SQL(
                    "CREATE TABLE {} (id integer, name text, email text, amount numeric, "
                    "day date, active boolean, code text, note text, PRIMARY KEY ({}))"
                ).format(sql.Identifier("public", name), sql.Identifier(key))
            )
            client.register_target(f"public.{name}", name, [key])
            for column, given in rules.items():
                client.set_column(name, column, given)


def run(dsn: str, case: Case, folder: Path) -> Outcome:
    """Import the file of a case, and empty its table again."""
    read = dict(case.read)
    if "header" in read:
        read["header"] = tuple(read["header"])
    try:
        result = import_files(
            dsn, case.target, [find_file(case, folder)], read=ReadOptions(**read), force=True
        )
    except PgImportError as error:
        said = " ".join(filter(None, (error.message, error.detail, error.hint)))
        return Outcome(error=f"{error.code}: {said}")
    with psycopg.connect(dsn, autocommit=True) as conn:
        outcome = Outcome(
            issues=[
                f"{issue.line_no} {issue.column_name or '-'} {issue.code}"
                for issue in Client(conn).issue_report(result.job_id, limit=1000)
            ],
            warnings=result.files[0].warnings,
            verified=result.verify is not None and bool(result.verify.verified),
        )
        order = "code" if case.target == "codes" else "id"
        found = _rows(conn, sql.Identifier("public", case.target), COLUMNS, order)
        outcome.rows = [
            {name: value for name, value in row.items() if value is not None} for row in found
        ]
        conn.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier("public", case.target)))
        table, outcome.header = conn.execute(
            "SELECT staging_table, header FROM pgimport.file WHERE job_id = %s", [result.job_id]
        ).fetchone() or ("", [])
        if case.staged is not None:
            rows = _rows(
                conn, sql.Identifier("pgimport_staging", table), tuple(case.staged), "row_no"
            )
            outcome.staged = {name: [row[name] for row in rows] for name in case.staged}
    return outcome


def _rows(
    conn: psycopg.Connection[Any], table: sql.Identifier, columns: tuple[str, ...], order: str
) -> list[dict[str, str | None]]:
    names = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(n)) for n in columns)
    query = sql.SQL("SELECT {} FROM {} AS t ORDER BY {}").format(
        names, table, sql.SQL("t.") + sql.Identifier(order)
    )
    return [dict(zip(columns, row, strict=True)) for row in conn.execute(query)]
