"""Reports of a job as files: CSV as the database writes it, or XLSX, both streamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from pgimport.client import Client
from pgimport.errors import ArgumentError

__all__ = ["SUFFIXES", "export_report"]

SUFFIXES = (".csv", ".xlsx")

# what a sheet of XLSX can hold
_SHEET_ROWS = 1_048_576
_SHEET_COLUMNS = 16_384
_CELL_CHARACTERS = 32_767
_SHOWN_OF_A_LONG_VALUE = 1000
_WIDTHS = {"pgimport_issues": 70, "pgimport_record": 40, "pgimport_codes": 24}


def export_report(
    conn: psycopg.Connection[Any],
    job_id: UUID | str,
    report: str,
    out_path: str | os.PathLike[str],
    raw: bool = False,
) -> int:
    """Write a report to a file: CSV (UTF-8 with BOM), or XLSX where its name ends so.

    The file appears under its name only when it is whole. Cells that a spreadsheet would take
    for a formula are neutralised by the database unless raw. In XLSX every cell is text, sheets
    of a million rows follow each other, and a value too long for a cell (32,767 characters) is
    shown by a note and its beginning; the note means "as it is" when the file comes back.

    Args:
        conn: connection; nothing else is done on it meanwhile.
        job_id: the job.
        report: issues (a line a row, to be corrected and sent back), issue_list (a line an
            issue), duplicates or all.
        out_path: file to be written.
        raw: leave formulas as they are.

    Returns:
        The number of rows written.

    """
    path = Path(out_path)
    as_xlsx = path.suffix.lower() == ".xlsx"
    # one transaction: in it the server has more memory for the report
    with _under_its_name(path) as made, conn.transaction(), conn.cursor() as cursor:
        made_sql = Client(conn).report_copy_sql(job_id, report, raw or None)
        if as_xlsx:
            with cursor.copy(made_sql.row_copy_sql.encode()) as copy:
                _write_xlsx(made, report, made_sql.columns, copy.rows(), path.parent)
        else:
            with made.open("wb") as file:
                file.write(b"\xef\xbb\xbf")
                with cursor.copy(made_sql.copy_sql.encode()) as copy:
                    for data in copy:
                        file.write(data)
        return cursor.rowcount


@contextmanager
def _under_its_name(path: Path) -> Iterator[Path]:
    """Give a file to write beside the one that is wanted; it takes its name when all went well."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    made = Path(name)
    try:
        yield made
        mask = os.umask(0)
        os.umask(mask)
        made.chmod(0o666 & ~mask)
        made.replace(path)
    except BaseException:
        with suppress(OSError):
            made.unlink()
        raise


def _write_xlsx(
    path: Path, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], folder: Path
) -> None:
    """Write rows of text as a workbook, a row at a time: memory does not grow with them."""
    import xlsxwriter  # noqa: PLC0415 - not needed for CSV

    if len(columns) > _SHEET_COLUMNS:
        raise ArgumentError(
            f"{len(columns)} columns are too many for XLSX", code="PI003", hint="write CSV"
        )
    # a sheet lies there until the workbook is closed, and unpacked it is large
    with tempfile.TemporaryDirectory(prefix=".pgimport-", dir=folder) as scratch:
        book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": scratch})
        try:
            _write_sheets(book, title, columns, rows)
        finally:
            book.close()


def _write_sheets(
    book: Any, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    bold = book.add_format({"bold": True, "num_format": "@"})
    # also what is typed into a cell stays as it is typed
    text = book.add_format({"num_format": "@"})
    sheet: Any = None
    sheets = 0
    row_no = _SHEET_ROWS
    for row in _and_none(rows):
        if row_no == _SHEET_ROWS and (row is not None or not sheets):
            sheets += 1
            sheet = book.add_worksheet(title if sheets == 1 else f"{title} {sheets}")
            write = sheet.write_string
            for place, name in enumerate(columns):
                sheet.set_column(place, place, _WIDTHS.get(name, 16), text)
            sheet.freeze_panes(1, 0)
            sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
            for place, name in enumerate(columns):
                write(0, place, _cell(name), bold)
            row_no = 1
        if row is None:
            break
        for place, value in enumerate(row):
            if value is not None:
                write(row_no, place, value if len(value) < 16_000 else _cell(value), text)
        row_no += 1


def _and_none(rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any] | None]:
    """Give the rows, and None after the last: also a report without rows has its header."""
    yield from rows
    yield None


def _cell(value: str) -> str:
    """Return a text as a cell can hold it; a note and the beginning of one that is too long.

    Excel counts units of UTF-16. The number in the note is by what apply_fix() knows it again.
    """
    if len(value) + sum(sign > "\uffff" for sign in value) <= _CELL_CHARACTERS:
        return value
    return f"[pgimport: {len(value)} characters kept] {value[:_SHOWN_OF_A_LONG_VALUE]}"
