"""The rows of an OpenDocument spreadsheet, streamed. Runs in the child that reads spreadsheets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO
from xml.parsers import expat

from pgimport.readers.cell_text import NULL, escape, stored_number, time_text, unescape
from pgimport.readers.rows_out import MAX_ROWS, CellProblem, Record, row_value
from pgimport.readers.xlsx_parts import Sheet, Unreadable, blocks, no_xml, open_archive, safe_parser

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0 "
_ERROR_TYPE = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 value-type"
_MOST_COLUMNS = 16_384
_MOST_TEXT = 64 * 1024 * 1024
_DURATION = re.compile(
    r"(-?)P(?:([0-9]+)D)?T?(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:[.,][0-9]*)?)S)?\Z"
)


def duration_text(text: str) -> str:
    """Return an ISO duration as hours, minutes and seconds."""
    match = _DURATION.match(text)
    if match is None:
        return text
    days, hours, minutes = (int(part or 0) for part in match.group(2, 3, 4))
    seconds = float((match[5] or "0").replace(",", "."))
    whole = ((days * 24 + hours) * 60 + minutes) * 60_000 + round(seconds * 1000)
    return match[1] + time_text(whole)


class OdsBook:
    """An open ODS file; the same methods as XlsxBook. Raises Unreadable."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._archive = open_archive(file, size)
        self.notes: list[str] = []
        self._size = size
        self._unpacked = 0
        if "content.xml" not in self._archive.NameToInfo:
            raise Unreadable('is damaged: part "content.xml" is missing', "save it anew")
        self._to_unpack = self._archive.getinfo("content.xml").file_size or 1
        for part in ("META-INF/manifest.xml",):
            if part in self._archive.NameToInfo and any(
                b"encryption-data" in block for block in blocks(self._archive, part)
            ):
                raise Unreadable("is protected by a password", "save it without password")
        reader = _Reader(None, 0)
        for _ in self._parsed(reader):
            pass
        self.sheets = [Sheet(name, style in reader.hidden) for name, style in reader.tables]
        self._filled = reader.filled

    @property
    def done(self) -> int:
        """Bytes of the file read so far, estimated from what was unpacked."""
        return min(self._size, self._size * self._unpacked // self._to_unpack)

    def has_data(self, sheet: Sheet) -> bool:
        """Whether a cell of the sheet holds anything."""
        return self.sheets.index(sheet) in self._filled

    def rows(self, sheet: Sheet, width: int, whole: bool) -> Iterator[Record | CellProblem]:
        """Yield the rows that are there: number and fields as COPY wants them."""
        del whole
        self._unpacked = 0
        yield from self._parsed(_Reader(self.sheets.index(sheet), width))

    def _parsed(self, reader: _Reader) -> Iterator[Record | CellProblem]:
        parser = safe_parser(" ")
        parser.buffer_text = True
        parser.StartElementHandler = reader.begin
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.text
        try:
            for block in blocks(self._archive, "content.xml"):
                self._unpacked += len(block)
                # a little at a time: a short text can stand for very many cells
                for start in range(0, len(block), 32_768):
                    parser.Parse(block[start : start + 32_768])
                    for first, count, fields, problem in reader.take():
                        for line_no in range(first, first + count):
                            yield reader.record(line_no, fields, problem)
                if reader.ended:
                    return
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise no_xml("content.xml", error) from None


Found = tuple[int, int, list[str], int | None]


class _Reader:
    """Hears the elements of content.xml and makes rows of one table of them.

    Args:
        wanted: number of the table, or None to list the tables only.

    """

    def __init__(self, wanted: int | None, width: int) -> None:
        self.tables: list[tuple[str, str]] = []
        self.hidden: set[str] = set()
        self.filled: set[int] = set()
        self.ended = False
        self._wanted = wanted
        self._nulls = [NULL] * width
        self._style = ""
        self._found: list[Found] = []
        self._depth = 0
        self._line = 0
        self._repeated_row = 1
        self._fields: list[str] = []
        self._column = 0
        self._problem: int | None = None
        self._cell: dict[str, str] | None = None
        self._parts: list[str] = []
        self._paragraphs = 0
        self._aside = 0
        self._length = 0

    def take(self) -> list[Found]:
        """Return the rows found since the last call."""
        found, self._found = self._found, []
        return found

    @staticmethod
    def record(line_no: int, fields: list[str], problem: int | None) -> Record | CellProblem:
        """Return one row, or what is wrong with it."""
        if problem is None:
            return line_no, fields
        return CellProblem(
            line_no,
            "no_value",
            f"the formula in column {problem + 1} of row {line_no} has no stored result",
            row_value([unescape(field) for field in fields]),
            "open the file in a spreadsheet program and save it",
            problem + 1,
            f"{line_no}:{problem + 1}",
        )

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Hear the begin of an element."""
        if self._cell is not None:
            self._begin_in_cell(name, attributes)
        elif name in (_TABLE + "table-cell", _TABLE + "covered-table-cell"):
            self._cell = attributes
            self._parts, self._paragraphs, self._length = [], 0, 0
        elif name == _TABLE + "table-row":
            self._fields = self._nulls.copy()
            self._column, self._problem = 0, None
            self._repeated_row = _count(attributes.get(_TABLE + "number-rows-repeated"))
        elif name == _TABLE + "table":
            self._depth += 1
            if self._depth == 1:
                self._line = 0
                self.tables.append(
                    (
                        attributes.get(_TABLE + "name", ""),
                        attributes.get(_TABLE + "style-name", ""),
                    )
                )
        elif name == _STYLE + "style":
            self._style = attributes.get(_STYLE + "name", "")
        elif name == _STYLE + "table-properties" and attributes.get(_TABLE + "display") == "false":
            self.hidden.add(self._style)

    def _begin_in_cell(self, name: str, attributes: dict[str, str]) -> None:
        if self._aside or name in (_OFFICE + "annotation", _TABLE + "table"):
            self._aside += 1
        elif name == _TEXT + "p":
            if self._paragraphs:
                self._parts.append("\n")
            self._paragraphs += 1
        elif name == _TEXT + "s":
            self._parts.append(" " * min(_count(attributes.get(_TEXT + "c")), 32_767))
        elif name == _TEXT + "tab":
            self._parts.append("\t")
        elif name == _TEXT + "line-break":
            self._parts.append("\n")

    def text(self, data: str) -> None:
        """Hear text."""
        if self._cell is not None and self._paragraphs and not self._aside:
            self._parts.append(data)
            self._length += len(data)
            if self._length > _MOST_TEXT:
                raise Unreadable("has a cell of more than 64 MB", "export it as CSV")

    def end(self, name: str) -> None:
        """Hear the end of an element."""
        if self._cell is not None:
            if self._aside:
                self._aside -= 1
            elif name in (_TABLE + "table-cell", _TABLE + "covered-table-cell"):
                self._end_cell(self._cell)
                self._cell = None
        elif name == _TABLE + "table-row":
            self._end_row()
        elif name == _TABLE + "table":
            self._depth -= 1
            if self._depth == 0 and len(self.tables) - 1 == self._wanted:
                self.ended = True

    def _end_row(self) -> None:
        first = self._line + 1
        self._line += self._repeated_row
        if self._problem is None and self._fields == self._nulls:
            return
        if self._line > MAX_ROWS:
            raise Unreadable(f"has a row {self._line}; a sheet has {MAX_ROWS}", "save it anew")
        self.filled.add(len(self.tables) - 1)
        if len(self.tables) - 1 == self._wanted:
            self._found.append((first, self._repeated_row, self._fields, self._problem))

    def _end_cell(self, cell: dict[str, str]) -> None:
        count = _count(cell.get(_TABLE + "number-columns-repeated"))
        column, self._column = self._column, self._column + count
        text = self._value(cell)
        if not text:
            if cell.get(_TABLE + "formula") and _OFFICE + "value-type" not in cell:
                self._problem = column
            return
        if self._column > _MOST_COLUMNS:
            raise Unreadable(f"has more than {_MOST_COLUMNS} columns", "save it anew")
        if len(self._fields) < self._column:
            self._fields.extend([NULL] * (self._column - len(self._fields)))
        self._fields[column : self._column] = [escape(text)] * count

    def _value(self, cell: dict[str, str]) -> str:
        shown = "".join(self._parts)
        kind = cell.get(_OFFICE + "value-type")
        if cell.get(_ERROR_TYPE) == "error":
            return shown or "#ERR!"
        if kind in ("float", "percentage", "currency"):
            return stored_number(cell.get(_OFFICE + "value", shown))
        if kind == "date":
            text = cell.get(_OFFICE + "date-value", shown)
            return text.removesuffix("T00:00:00").replace("T", " ")
        if kind == "time":
            return duration_text(cell.get(_OFFICE + "time-value", shown))
        if kind == "boolean":
            return cell.get(_OFFICE + "boolean-value", shown).upper()
        return cell.get(_OFFICE + "string-value") or shown


def _count(text: str | None) -> int:
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 9 else 1
