"""The table of this part, and its rows: good and bad cells, made in SQL from numbers.

Ten columns of mixed types. The same expressions fill staging tables and write files.
"""

from __future__ import annotations

import csv
import datetime
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import xlsxwriter

from bench.server import BenchServer
from pgimport.client import Client

TEMPLATE = "bench_files_template"
TARGET = "orders"
# a bad row, or cell, of so many
EVERY = 20


@dataclass(frozen=True)
class Column:
    """A column: its type and constraints, the SQL of a good and of a bad value of row g.

    in_json: how a good value is written in JSON and in a spreadsheet: a number, true, or text.
    """

    name: LiteralString
    type: LiteralString
    good: LiteralString
    bad: LiteralString
    in_json: Callable[[str], Any] = str


COLUMNS = (
    Column("order_id", "bigint PRIMARY KEY", "g", "'x' || g", int),
    Column("quantity", "integer", "g % 1000 + 1", "'many'", int),
    Column("price", "numeric(10, 2)", "g % 1000 || '.25'", "'12,5'", float),
    Column("order_day", "date", "to_char(date '2024-01-01' + (g % 366)::int, 'YYYY-MM-DD')",
           "'31/12/2024'"),
    Column("changed_at", "timestamptz", "'2024-01-15 10:00:00+00'", "'2024-13-01 10:00'"),
    Column("paid", "boolean", "CASE g % 2 WHEN 0 THEN 'true' ELSE 'false' END", "'maybe'",
           lambda text: text == "true"),
    Column("customer", "uuid", "md5(g::text)::uuid", "'no-uuid'"),
    Column("sku", "varchar(20)", "'SKU-' || g", "repeat('v', 30)"),
    Column("remark", "text", "'some text ' || g", "'1.23E+15'"),
    # one bad value is against the CHECK alone, the other against the foreign key alone
    Column("region", "text CHECK (length(region) = 2) REFERENCES region (code)", "'R' || g % 7",
           "CASE g % 2 WHEN 0 THEN 'north-east' ELSE 'X9' END"),
)  # fmt: skip
NAMES = tuple(column.name for column in COLUMNS)


class Bad(Enum):
    """Which cells are bad; the value is the condition, of row g and the column's number."""

    NONE = "false"
    ROWS = f"hashint8extended(g, 0) % {EVERY} = 0 AND abs(hashint8extended(g, 99) % 10) = %s"
    CELLS = f"hashint8extended(g, %s + 1) % {EVERY} = 0"

    def of(self, number: int) -> str:
        """Return the condition for a column, counted from 0."""
        return self.value.replace("%s", str(number))


def prepare(server: BenchServer) -> None:
    """Make the template database: the table, pgimport, and the target."""
    server.fresh(TEMPLATE)
    server.install(TEMPLATE)
    body = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
    with server.connect(TEMPLATE) as conn:
        conn.execute(
            "CREATE TABLE region (code text PRIMARY KEY); "
            "INSERT INTO region SELECT 'R' || n FROM generate_series(0, 6) AS n; "
            "INSERT INTO region VALUES ('north-east')"
        )
        conn.execute(f"CREATE TABLE orders ({body}, import_job_id uuid)".encode())
        Client(conn).register_target("public.orders", TARGET, ["order_id"])


def rows_sql(rows: int, bad: Bad, only: str = "") -> str:
    """Return a query of all rows, in their order; ``only`` is a condition on g."""
    cells = ", ".join(
        f"CASE WHEN {bad.of(number)} THEN {column.bad} ELSE ({column.good})::text END"
        f" AS {column.name}"
        for number, column in enumerate(COLUMNS)
    )
    where = f" WHERE {only}" if only else ""
    return f"SELECT {cells} FROM generate_series(1, {rows}::bigint) AS g{where} ORDER BY g"


def count_bad(conn: psycopg.Connection[Any], rows: int, bad: Bad) -> tuple[int, int]:
    """Return how many rows have bad cells, and how many cells that are."""
    cells = " + ".join(f"({bad.of(number)})::int" for number in range(len(COLUMNS)))
    row = conn.execute(
        "SELECT count(*) FILTER (WHERE n > 0), coalesce(sum(n), 0)::int FROM "
        f"(SELECT {cells} AS n FROM generate_series(1, {rows}::bigint) AS g) AS q".encode()
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def stage(server: BenchServer, database: str, rows: int, bad: Bad) -> str:
    """Stage rows straight from the server, without a file; returns the job's id."""
    with server.connect(database) as source, server.connect(database) as conn:
        client = Client(conn)
        job_id = str(client.create_job(TARGET, {}).job_id)
        opened = client.stage_file(job_id, "rows.csv", NAMES, {"header": False})
        statement = f"COPY ({rows_sql(rows, bad)}) TO STDOUT (FORMAT csv)"
        with source.cursor() as made, conn.cursor() as cursor, conn.transaction():
            with (
                made.copy(statement.encode()) as out,
                cursor.copy(opened.copy_sql.encode()) as copy,
            ):
                for block in out:
                    copy.write(block)
            client.finish_file(job_id, opened.file_no, rows)
    return job_id


# -- files ------------------------------------------------------------------------------------


def write_csv(conn: psycopg.Connection[Any], path: Path, rows: int, bad: Bad) -> Path:
    """Write the rows as CSV with a header."""
    with path.open("wb") as file, conn.cursor() as cursor:
        statement = f"COPY ({rows_sql(rows, bad)}) TO STDOUT (FORMAT csv, HEADER)"
        with cursor.copy(statement.encode()) as copy:
            for block in copy:
                file.write(block)
    return path


def _records(path: Path) -> Iterator[list[Any]]:
    """Read a CSV file without bad cells: numbers are numbers, true is true, the rest is text."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in itertools.islice(csv.reader(file), 1, None):
            yield [column.in_json(text) for column, text in zip(COLUMNS, row, strict=True)]


def write_ndjson(source: Path, path: Path) -> Path:
    """Write the rows of a CSV file as objects, one a line."""
    with path.open("w", encoding="utf-8") as file:
        for row in _records(source):
            file.write(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n")
    return path


def write_json(source: Path, path: Path) -> Path:
    """Write the rows of a CSV file as one array of objects."""
    with path.open("w", encoding="utf-8") as file:
        between = "["
        for row in _records(source):
            file.write(between + json.dumps(dict(zip(NAMES, row, strict=True))))
            between = ",\n"
        file.write("]\n")
    return path


def write_xlsx(source: Path, path: Path) -> Path:
    """Write the rows of a CSV file as a workbook of numbers, booleans, dates and shared texts."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, NAMES)
        place = NAMES.index("order_day")
        for number, row in enumerate(_records(source), 1):
            sheet.write_row(number, 0, row)
            sheet.write_datetime(number, place, datetime.date.fromisoformat(row[place]), day)
    return path


def write_texts(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """Write texts as CSV as a spreadsheet does, or as a workbook where the name ends so."""
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate((header, *rows)):
                for place, text in enumerate(row):
                    if text:
                        sheet.write_string(number, place, text)
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows((header, *rows))
    return path
