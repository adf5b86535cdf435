"""The rows of old and binary Excel files (XLS, XLSB), by calamine. Runs in the child.

calamine keeps a whole sheet in memory, and gives an error cell (#N/A) as an empty one: for XLS
the errors are read from the records of the file and put back; for XLSB that is said.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from typing import IO, Any

from pgimport.readers.cell_text import NULL, escape, number_text, time_text
from pgimport.readers.rows_out import CellProblem, Record
from pgimport.readers.xlsx_parts import Sheet, Unreadable, open_archive

_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?",
    0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA",
}  # fmt: skip
_END_OF_CHAIN = 0xFFFFFFFA
_CELL_ERROR = struct.Struct("<HHHBB")
_FORMULA = struct.Struct("<HHH8s")


class CalamineBook:
    """An open XLS or XLSB file; the same methods as XlsxBook. Raises Unreadable."""

    def __init__(self, file: IO[bytes], size: int, binary_xlsx: bool) -> None:
        import python_calamine as calamine

        self.notes: list[str] = []
        self.done = 0
        self._size = size
        if binary_xlsx:
            open_archive(file, size)
            file.seek(0)
            self.notes.append(
                "error cells of this format arrive empty: where there are any, save it as .xlsx"
            )
        try:
            self._book = calamine.CalamineWorkbook.from_filelike(file)
        except calamine.PasswordError:
            raise Unreadable("is protected by a password", "save it without password") from None
        except (calamine.CalamineError, OSError, ValueError) as error:
            raise Unreadable(
                "is damaged: it cannot be read", "save it as .xlsx", str(error)
            ) from None
        self._errors = {} if binary_xlsx else error_cells(file, size)
        self.sheets: list[Sheet] = []
        self._numbers: list[int] = []
        for number, found in enumerate(self._book.sheets_metadata):
            if found.typ == calamine.SheetTypeEnum.WorkSheet:
                hidden = found.visible != calamine.SheetVisibleEnum.Visible
                self.sheets.append(Sheet(found.name, hidden))
                self._numbers.append(number)
        self._calamine: Any = calamine

    def _open(self, sheet: Sheet) -> tuple[int, Any]:
        number = self._numbers[self.sheets.index(sheet)]
        try:
            return number, self._book.get_sheet_by_index(number)
        except (self._calamine.CalamineError, ValueError) as error:
            raise Unreadable(
                f'is damaged: sheet "{sheet.name}" cannot be read', "save it as .xlsx", str(error)
            ) from None

    def has_data(self, sheet: Sheet) -> bool:
        """Whether a cell of the sheet holds anything."""
        found = self._open(sheet)[1]
        return found.start is not None and bool(found.height)

    def rows(self, sheet: Sheet, width: int, whole: bool) -> Iterator[Record | CellProblem]:
        """Yield the rows that are there: number and fields as COPY wants them."""
        del width, whole
        number, found = self._open(sheet)
        errors = self._errors.get(number, {})
        total = max(1, found.total_height)
        if found.start is None:
            return
        for line_no, row in enumerate(found.iter_rows(), 1):
            self.done = self._size * line_no // total
            fields = [_text(value) for value in row]
            for column, text in errors.get(line_no - 1, {}).items():
                fields.extend([NULL] * (column + 1 - len(fields)))
                fields[column] = text
            yield line_no, fields


def _text(value: object) -> str:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime.datetime):
        text = value.isoformat(" ", "milliseconds")
        return text.rstrip("0").rstrip(".") if "." in text[19:] else text
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        return time_text(seconds * 1000 + value.microsecond // 1000)
    if isinstance(value, datetime.timedelta):
        milliseconds = round(value / datetime.timedelta(milliseconds=1))
        return f"-{time_text(-milliseconds)}" if milliseconds < 0 else time_text(milliseconds)
    return escape(str(value))


def error_cells(file: IO[bytes], size: int) -> dict[int, dict[int, dict[int, str]]]:
    """Return the error cells of an XLS file: number of the sheet, row, column: text.

    What cannot be followed is left out: calamine has read the file, and says what is damaged.
    """
    file.seek(0)
    try:
        data = _workbook_stream(file.read(size))
        return {
            number: found
            for number, start in enumerate(_sheet_starts(data))
            if (found := _errors_of(data, start))
        }
    except (struct.error, IndexError):
        return {}


def _workbook_stream(data: bytes) -> bytes:
    """Return the stream "Workbook" of a compound file."""
    if data[:8] != b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return b""
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    first_directory, small_limit = (
        struct.unpack_from("<I", data, 48)[0], struct.unpack_from("<I", data, 56)[0]
    )  # fmt: skip
    tables = [n for n in struct.unpack_from("<109I", data, 76) if n < _END_OF_CHAIN]
    more = struct.unpack_from("<I", data, 68)[0]
    while more < _END_OF_CHAIN and len(tables) * sector < len(data):
        entries = struct.unpack_from(f"<{sector // 4}I", data, (more + 1) * sector)
        tables += [n for n in entries[:-1] if n < _END_OF_CHAIN]
        more = entries[-1]
    following: list[int] = []
    for table in tables:
        following += struct.unpack_from(f"<{sector // 4}I", data, (table + 1) * sector)

    def chain(start: int) -> bytes:
        pieces, seen = [], 0
        while start < _END_OF_CHAIN and seen <= len(following):
            pieces.append(data[(start + 1) * sector : (start + 2) * sector])
            start, seen = following[start], seen + 1
        return b"".join(pieces)

    directory = chain(first_directory)
    for at in range(0, len(directory) - 127, 128):
        length = struct.unpack_from("<H", directory, at + 64)[0]
        name = directory[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        if name in ("Workbook", "Book"):
            start, size = struct.unpack_from("<II", directory, at + 116)
            # a workbook is never so small that it is kept among the small streams
            return chain(start)[:size] if size >= small_limit else b""
    return b""


def _records(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Yield type, place and length of each record up to the end of a substream."""
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        yield kind, at + 4, length
        if kind == 0x0A:
            return
        at += 4 + length


def _sheet_starts(data: bytes) -> list[int]:
    return [
        struct.unpack_from("<I", data, at)[0] for kind, at, _ in _records(data, 0) if kind == 0x85
    ]


def _errors_of(data: bytes, start: int) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    for kind, at, length in _records(data, start):
        code = None
        if kind == 0x0205 and length >= 8:
            row, column, _, value, is_error = _CELL_ERROR.unpack_from(data, at)
            code = value if is_error else None
        elif kind == 0x0006 and length >= 14:
            row, column, _, result = _FORMULA.unpack_from(data, at)
            code = result[2] if result[0] == 2 and result[6:8] == b"\xff\xff" else None
        if code is not None:
            found.setdefault(row, {})[column] = _ERRORS.get(code, "#ERR!")
    return found
