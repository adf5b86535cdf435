"""One way into all readers: the format is found, and its own reader does the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pgimport.errors import FileError
from pgimport.readers.formats import JSON, SPREADSHEETS, TEXT, find_format
from pgimport.readers.head import FileHead, read_head
from pgimport.readers.json_records import JsonHead, JsonReader, read_json_head
from pgimport.readers.options import ReadOptions
from pgimport.readers.position import Position
from pgimport.readers.rows import RowReader
from pgimport.readers.scan import scan_file
from pgimport.readers.table import TableHead, TableReader, count_table, read_table_head

Head = FileHead | TableHead | JsonHead


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds: its head (without digest), its rows, and how that was read.

    Attributes:
        rows: records after the header. blank_rows: skipped.
        encoding: of a text, for people. sheet: of a spreadsheet.

    """

    head: Head
    rows: int
    blank_rows: int
    encoding: str | None = None
    sheet: str | None = None


def read_any_head(
    path: Path, options: ReadOptions, report: Callable[[int], None] | None = None
) -> Head:
    """Read the header of a file of any format, and all its bytes for their SHA-256.

    Raises:
        FileError: it cannot be read, or the options do not fit its format.

    """
    kind = _format(path, options)
    if kind == TEXT:
        return read_head(path, report=report, options=options)
    if kind == JSON:
        return read_json_head(path, options, report)
    return read_table_head(path, kind, options, report)


def read_contents(
    path: Path, options: ReadOptions, report: Callable[[int, int], None] | None = None
) -> Contents:
    """Read a whole file of any format and count its rows; no digest.

    Raises:
        FileError: it cannot be read, or the options do not fit its format.

    """
    kind = _format(path, options)
    if kind == TEXT:
        scan = scan_file(path, digest=False, report=report, options=options)
        return Contents(scan, scan.rows, scan.blank_rows, scan.charset)
    if kind == JSON:
        head = read_json_head(path, options, None if report is None else partial(report, 0))
        return Contents(head, head.rows, head.blank_rows, head.encoding or "UTF-8")
    table, rows, blank = count_table(path, kind, options, report)
    return Contents(table, rows, blank, None, table.sheet)


def row_reader(
    head: Head,
    stopped: Callable[[], None] | None = None,
    start: Position | None = None,
    *,
    marks: bool = False,
) -> RowReader | JsonReader | TableReader:
    """Return the reader of rows for a head.

    Args:
        head: what is known of the file.
        stopped: called now and then, and may raise.
        start: where to go on.
        marks: give a Position now and then, too. Spreadsheets and Parquet are always read from
            their start, and give none.

    """
    if isinstance(head, TableHead):
        return TableReader(head, stopped)
    if isinstance(head, JsonHead):
        return JsonReader(head, start, marks=marks)
    return RowReader(head, start, marks=marks)


def _format(path: Path, options: ReadOptions) -> str:
    kind = find_format(path)
    wrong = None
    if options.header is not None and options.header_row is not None:
        raise FileError("header and header_row exclude each other", hint="give one of them")
    if options.sheet is not None and f".{kind}" not in SPREADSHEETS:
        wrong = "sheet"
    elif options.records is not None and kind != JSON:
        wrong = "records"
    if wrong:
        raise FileError(
            f'"{path.name}" is no {"spreadsheet" if wrong == "sheet" else "JSON file"}',
            hint=f"leave the option {wrong} out",
        )
    return kind
