"""Spreadsheets imported into a table on a server."""

from __future__ import annotations

import datetime
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter

from _command import run
from _tables import header, make, text_cell, xlsx
from pgimport import Client, FileError, ReadOptions, check_headers, import_files, stage_files
from pgimport.readers import (
    TableReader,
    read_table_head,
)


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(
            """
            CREATE TABLE public.people (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                code text NOT NULL UNIQUE, n integer, price numeric, day date, note text
            )
            """
        )
        Client(conn).register_target("public.people", "people", ["code"])
    return installed_dsn


@pytest.fixture
def conn(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def people(path: Path, count: int = 3) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet = book.add_worksheet("People")
        sheet.write_row(0, 0, ["code", "n", "price", "day", "note"])
        for number in range(1, count + 1):
            sheet.write_string(number, 0, f"{number:04}")
            sheet.write_number(number, 1, number)
            sheet.write_number(number, 2, number / 10)
            sheet.write_datetime(number, 3, datetime.datetime(2024, 2, number % 28 + 1), day)
            sheet.write_string(number, 4, f"note\t{number}\\")
        book.add_worksheet("Other").write_row(0, 0, ["code"])
    return path


def test_a_workbook_becomes_rows_of_the_table(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    result = import_files(dsn, "people", [people(tmp_path / "a.xlsx")])
    assert result.verify is not None
    assert result.verify.verified
    file = result.files[0]
    assert (file.way, file.sheet, file.rows_staged) == ("rows", "People", 3)
    assert file.warnings == ('sheet "People" is read; there are data on "Other", too',)
    rows = conn.execute(
        "SELECT code, n, price::text, day::text, note FROM people ORDER BY code"
    ).fetchall()
    assert rows == [
        ("0001", 1, "0.1", "2024-02-02", "note\t1\\"),
        ("0002", 2, "0.2", "2024-02-03", "note\t2\\"),
        ("0003", 3, "0.3", "2024-02-04", "note\t3\\"),
    ]
    known = Client(conn).get_job(result.job_id)
    assert known.files is not None
    assert [file["sheet"] for file in known.files] == ["People"]


def test_line_numbers_are_rows_of_the_sheet_and_bad_rows_are_issues(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = xlsx(
        tmp_path / "a.xlsx",
        header("code", "n", row=3)
        + f'<row r="5">{text_cell("A5", "x")}<c r="B5"><v>1</v></c></row>'
        + f'<row r="6">{text_cell("A6", "y")}<c r="B6"><f>B5</f></c></row>'
        + f'<row r="8">{text_cell("A8", "z")}<c r="B8" t="e"><v>#REF!</v></c></row>',
    )
    result = stage_files(dsn, None, [path], target="people")
    assert (result.rows_staged, result.files[0].rows_refused) == (2, 1)
    Client(conn).check_job(result.job_id)
    issues = Client(conn).issue_report(result.job_id)
    assert [(issue.line_no, issue.column_name) for issue in issues] == [(6, "n"), (8, "n")]
    assert issues[0].code == "no_value"
    assert issues[1].value == "#REF!"


def test_two_sheets_of_one_workbook_go_into_one_job_and_one_sheet_not_twice(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = make(
        tmp_path / "a.xlsx", {"Jan": [["code", "n"], ["a", 1]], "Feb": [["code", "n"], ["b", 2]]}
    )
    first = stage_files(dsn, None, [path], target="people", read=ReadOptions(sheet="Jan"))
    second = stage_files(dsn, first.job_id, [path], read=ReadOptions(sheet="Feb"))
    again = stage_files(dsn, first.job_id, [path], read=ReadOptions(sheet=1))
    assert [run.files[0].status for run in (first, second, again)] == [
        "staged",
        "staged",
        "already",
    ]
    done = import_files(dsn, "people", [path], job_id=first.job_id, read=ReadOptions(sheet=2))
    assert done.insert is not None
    assert done.insert.rows_inserted == 2
    with pytest.raises(FileError) as caught:
        stage_files(dsn, None, [path], target="people", read=ReadOptions(sheet="Feb"))
    assert caught.value.code == "PI304"


def test_a_hostile_workbook_in_a_folder_leaves_the_others_untouched(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    people(tmp_path / "a.xlsx")
    xlsx(tmp_path / "b.xlsx", header("a") + '<row r="2"><c r="A2" t="s"><v>9</v></c></row>')
    (tmp_path / "c.xlsx").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "d.csv").write_text("code,n\nd,1\n")
    result = stage_files(dsn, None, [tmp_path], target="people")
    assert [file.status for file in result.files] == ["staged", "failed", "failed", "staged"]
    count = "SELECT count(*) FROM pgimport.file WHERE job_id = %s AND rows_staged > 0"
    assert conn.execute(count, [result.job_id]).fetchone() == (2,)


def test_a_workbook_that_changes_while_it_is_read_fails(dsn: str, tmp_path: Path) -> None:
    path = people(tmp_path / "a.xlsx")

    def change(_: Any) -> None:
        with path.open("ab") as file:
            file.write(b"\0")

    with pytest.raises(FileError, match="changed while it was read"):
        stage_files(dsn, None, [path], target="people", begun=change)


def test_headers_tell_sheet_rows_and_mapping(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    reports = check_headers(conn, "people", [people(tmp_path / "a.xlsx", 5)])
    report = reports[0]
    assert (report.status, report.sheet, report.rows, report.columns) == ("ok", "People", 5, 5)
    assert report.delimiter is None
    assert len(report.warnings) == 1


def test_the_command_takes_sheet_and_header_row(dsn: str, tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.xlsx",
        {"Cover": [["hello"]], "Data": [["A report"], ["code", "n"], ["x", 1]]},
    )
    words = ["import", "people", str(path), "--yes", "--sheet", "data", "--header-row", "2"]
    ran = run("--json", *words, dsn=dsn)
    assert ran.json["rows_inserted"] == 1
    with psycopg.connect(dsn) as conn:
        assert conn.execute("SELECT code, n FROM people").fetchall() == [("x", 1)]
    named = run("stage", "people", str(path), "--sheet", "Nothing", dsn=dsn)
    assert named.code == 1
    assert '"Cover"' in named.err


def test_memory_of_the_parent_stays_flat(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [f"c{n}" for n in range(10)])
        for row in range(1, 60_000):
            sheet.write_row(row, 0, [f"text {row} {n}" for n in range(10)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = read_table_head(path, "xlsx")
    with TableReader(head) as reader:
        assert sum(isinstance(item, bytes) for item in reader) > 50
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024
    assert reader.rows == 59_999
