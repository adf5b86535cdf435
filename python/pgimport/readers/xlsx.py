"""The rows of an XLSX sheet, streamed: memory holds the shared strings and a few rows.

Runs in the child that reads spreadsheets. Nothing is taken from the cell's look but whether a
number is a date, a time or a duration, and leading zeros of a format such as 00000.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import IO

from pgimport.readers.cell_text import (
    NULL,
    NUMBER,
    ZEROS,
    Dates,
    escape,
    stored_number,
    unescape,
)
from pgimport.readers.rows_out import MAX_ROWS, CellProblem, Record, row_value
from pgimport.readers.xlsx_parts import (
    MAX_SMALL_PART,
    Sheet,
    Strings,
    Unreadable,
    Workbook,
    open_archive,
    plain,
    rich,
    text_of,
)

MAX_SHEET_COLUMNS = 16_384

# a cell as programs write it: column, other attributes, formula, value, inline text
_CELL = re.compile(
    r'<c r="([A-Z]{1,3})[0-9]+"((?: [A-Za-z:]+="[^"<>]*")*)'
    r"(?:/>|>(<f[^>]*(?:/>|>[^<]*</f>))?"
    r'(?:<v>([^<]*)</v>|<is><t(?: xml:space="preserve")?>([^<]*)</t></is>)?</c>)'
)
_ATTRIBUTES = r"""((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*"""
_ANY_CELL = re.compile(rf"<c(?=[\s/>]){_ATTRIBUTES}(?:/>|>(.*?)</c\s*>)", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
# not hidden, as programs write it
_USUAL_ROW = re.compile(r'<row r="([0-9]{1,9})"(?: (?!hidden)[A-Za-z0-9:]+="[^"<>]*")*>')
_ROW = re.compile(r"<row(?=[\s/>])([^>]*)>")
_ROW_NUMBER = re.compile(r"""\sr\s*=\s*["']([0-9]{1,9})["']""")
_HIDDEN = re.compile(r"""\shidden\s*=\s*["'](?:1|true)["']""")
_FORMULA = re.compile(r"<f(?=[\s/>])(?:[^>]*/>|.*?</f\s*>)", re.DOTALL)
_VALUE = re.compile(r"<v(?:\s[^>]*)?(?<!/)>([^<]*)</v\s*>")
_MERGED = re.compile(r"<mergeCell\b")
_FILLED = re.compile(r"<v(?:\s[^>]*)?>[^<]|<t(?:\s[^>]*)?>[^<]")
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]*\Z")
_BOOLEANS = {"1": "TRUE", "0": "FALSE", "true": "TRUE", "false": "FALSE"}

Cell = tuple[str, str, str, str, str]


class _Columns(dict[str, int]):
    """Numbers of columns, from 0, by their letters."""

    def __missing__(self, letters: str) -> int:
        number = 0
        for letter in letters:
            number = number * 26 + ord(letter) - 64
        if number > MAX_SHEET_COLUMNS:
            raise Unreadable(f"has a column {letters}, beyond XFD", "it is damaged: save it anew")
        self[letters] = number - 1
        return number - 1


class _Shapes(dict[str, tuple[str, int]]):
    """Types of cells, and what their format makes of a number, by the text of their attributes."""

    def __init__(self, kinds: dict[str, int]) -> None:
        super().__init__()
        self._kinds = kinds

    def __missing__(self, attributes: str) -> tuple[str, int]:
        if len(self) > 100_000:
            self.clear()
        given = {name: first or second for name, first, second in _ATTRIBUTE.findall(attributes)}
        kind = given.get("t", "")
        shape = "" if kind == "n" else kind, self._kinds.get(given.get("s", ""), NUMBER)
        self[attributes] = shape
        return shape


def letters_of(column: int) -> str:
    """Return the letters of a column's number, from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class XlsxBook:
    """An open XLSX file. Raises Unreadable.

    Attributes:
        sheets: worksheets in the order of the workbook. notes: what is to be said of the sheet
        that was read, filled while its rows are.

    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._archive: zipfile.ZipFile = open_archive(file, size)
        self._workbook = Workbook(self._archive)
        self.sheets: list[Sheet] = self._workbook.sheets
        self.notes: list[str] = []
        self._size = size
        self._unpacked = 0
        self._to_unpack = 1
        self._columns = _Columns()

    @property
    def done(self) -> int:
        """Bytes of the file read so far, estimated from what was unpacked of two parts."""
        return min(self._size, self._size * self._unpacked // self._to_unpack)

    def has_data(self, sheet: Sheet) -> bool:
        """Whether a cell of the sheet holds anything."""
        rest = ""
        for piece in text_of(self._archive, sheet.part):
            text = rest + piece
            if _FILLED.search(text):
                return True
            rest = text[-200:]
        return False

    def rows(self, sheet: Sheet, width: int, whole: bool) -> Iterator[Record | CellProblem]:
        """Yield the rows that are there: number and fields as COPY wants them, at least width.

        Args:
            sheet: the sheet.
            width: fields to expect.
            whole: all rows will be taken; else strings are read as far as they are needed.

        """
        sizes = self._archive.NameToInfo
        parts = [part for part in (self._workbook.strings, sheet.part) if part in sizes]
        self._to_unpack = sum(sizes[part].file_size for part in parts) or 1
        strings = Strings(self._archive, self._workbook.strings, self._told)
        if whole:
            strings.all()
        reader = _Rows(self._workbook, strings, self._columns, width)
        rest, ended = "", False
        for piece in text_of(self._archive, sheet.part, self._told):
            text = rest + piece
            if ended:
                rest = self._after(text, reader)
                continue
            chunks = text.split("</row>")
            rest = chunks.pop()
            if len(rest) > MAX_SMALL_PART:
                raise Unreadable("has a row of more than 64 MB", "export it as CSV")
            yield from reader.rows(chunks)
            if "</sheetData" in rest or "<sheetData/>" in rest:
                ended = True
                rest = self._after(rest, reader)
        if reader.merged:
            self.notes.append(
                f"{reader.merged} merged ranges: only the first cell of each has the value"
            )
        if reader.hidden:
            self.notes.append(f"{reader.hidden} hidden rows are read like the others")

    def _told(self, size: int) -> None:
        self._unpacked += size

    @staticmethod
    def _after(text: str, reader: _Rows) -> str:
        """Look at what follows the rows; return what may go on in the next piece."""
        reader.merged += len(_MERGED.findall(text))
        return ""


class _Rows:
    """Makes rows of the XML of rows."""

    def __init__(self, workbook: Workbook, strings: Strings, columns: _Columns, width: int) -> None:
        self.hidden = 0
        self.merged = 0
        self._shapes = _Shapes(workbook.kinds)
        self._dates = Dates(workbook.from_1904)
        self._strings = strings
        self._columns = columns
        self._nulls = [NULL] * width
        self._line = 0

    def rows(self, chunks: list[str]) -> Iterator[Record | CellProblem]:
        """Yield a record for each chunk: what stands before the end of a row."""
        find, columns, shapes = _CELL.findall, self._columns, self._shapes
        text_of_cell, text_of_number = self._text, self._number
        width = len(self._nulls)
        # a list is faster; until all strings are read it is too short
        strings = self._strings.items if self._strings.complete else self._strings
        for chunk in chunks:
            start, line_no = self._begin(chunk)
            cells: list[Cell] = find(chunk, start)
            if len(cells) != chunk.count("<c", start):
                cells = self._any_cells(chunk[start:])
            fields = self._nulls.copy()
            problem = None
            for cell in cells:
                letters, attributes, formula, value, inline = cell
                kind, shown = shapes[attributes]
                if kind == "s" and value:
                    try:
                        text = strings[int("" if value[0] == "-" else value)]
                    except (IndexError, ValueError):
                        raise Unreadable(
                            f"is damaged: cell {letters}{line_no} refers to text {value[:20]},"
                            " which is not there",
                            "save it anew",
                        ) from None
                elif not kind and value.isdigit():
                    text = value if not shown else text_of_number(value, shown)
                elif formula and not value and kind not in ("str", "inlineStr"):
                    problem = columns[letters]
                    continue
                else:
                    text = text_of_cell(kind, shown, value, inline)
                column = columns[letters]
                if column < width:
                    fields[column] = text
                elif text != NULL:
                    fields.extend([NULL] * (column + 1 - len(fields)))
                    fields[column] = text
            if problem is None:
                yield line_no, fields
            else:
                yield self._no_value(line_no, problem, fields)

    def _begin(self, chunk: str) -> tuple[int, int]:
        """Return where the open row of a chunk begins, and its number."""
        start = chunk.rfind("<row ")
        usual = _USUAL_ROW.match(chunk, start)
        if usual is not None and self._line < int(usual[1]) <= MAX_ROWS:
            self._line = int(usual[1])
            return usual.end(), self._line
        start = max(start, chunk.rfind("<row>"))
        if start < 0:
            raise Unreadable("is damaged: cells outside of a row", "save it anew")
        match = _ROW.match(chunk, start)
        head = match[1] if match else ""
        number = _ROW_NUMBER.search(head)
        if number is None:
            # empty rows without a number may stand before it
            self._line += 1 + len(_ROW.findall(chunk, 0, start))
        elif int(number[1]) <= self._line:
            raise Unreadable(f"is damaged: row {number[1]} after row {self._line}", "save it anew")
        else:
            self._line = int(number[1])
        if self._line > MAX_ROWS:
            raise Unreadable(f"has a row {self._line}; a sheet has {MAX_ROWS}", "save it anew")
        if "hidden" in head and _HIDDEN.search(head):
            self.hidden += 1
        return (match.end() if match else start), self._line

    def _any_cells(self, chunk: str) -> list[Cell]:
        """Return the cells of a row however they are written."""
        cells: list[Cell] = []
        column = -1
        for attributes, content in _ANY_CELL.findall(chunk):
            given = {name: first or second for name, first, second in
                     _ATTRIBUTE.findall(attributes)}  # fmt: skip
            reference = _REFERENCE.match(given.get("r", ""))
            column = self._columns[reference[1]] if reference else column + 1
            formula = _FORMULA.search(content)
            if formula:
                content = content[: formula.start()] + content[formula.end() :]  # noqa: PLW2901
            value = _VALUE.search(content)
            kind = given.get("t", "")
            inline = ""
            if kind == "inlineStr":
                inline = rich(content)
                kind = "ready"
            place, shape = letters_of(column), f' s="{given.get("s", "")}" t="{kind}"'
            has_formula = formula[0] if formula else ""
            cells.append((place, shape, has_formula, value[1] if value else "", inline))
        return cells

    def _text(self, kind: str, shown: int, value: str, inline: str) -> str:
        """Return what a cell holds, as COPY wants it."""
        if kind == "ready":
            return escape(inline)
        if kind == "inlineStr":
            return escape(plain(inline))
        if kind == "b":
            return _BOOLEANS.get(value.strip(), escape(value))
        if kind in ("str", "e"):
            return escape(plain(value))
        value = value.strip()
        if not value:
            return NULL
        if kind == "d":
            return escape(plain(value).replace("T00:00:00", "").replace("T", " ").rstrip("Z"))
        if kind:
            raise Unreadable(f'is damaged: a cell of type "{kind[:20]}"', "save it anew")
        return self._number(value, shown)

    def _number(self, value: str, shown: int) -> str:
        """Return a number as its format shows it: as it is, a date, with zeros in front."""
        if shown == NUMBER:
            return escape(stored_number(value))
        if shown >= ZEROS:
            text = stored_number(value)
            return text.zfill(shown - ZEROS) if text.isdigit() else escape(text)
        return escape(self._dates.text(value, shown))

    def _no_value(self, line_no: int, column: int, fields: list[str]) -> CellProblem:
        cell = f"{letters_of(column)}{line_no}"
        return CellProblem(
            line_no,
            "no_value",
            f"the formula in cell {cell} has no stored result",
            row_value([unescape(field) for field in fields]),
            "open the file in a spreadsheet program and save it",
            column + 1,
            cell,
        )
