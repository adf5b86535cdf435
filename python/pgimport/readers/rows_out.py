"""What a reader of tables gives in the child, and how it goes to the parent: blocks for COPY.

A frame is its kind (one byte), the length of what follows, rows so far and bytes of the file read
so far; then text of COPY, or JSON.
"""

from __future__ import annotations

import csv
import io
import json
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import IO, Any

from pgimport.readers.cell_text import NULL, unescape

MAX_ROWS = 1_048_576
FRAME = struct.Struct(">cIQQ")
HEAD, DATA, ISSUES, ALIVE, END, ERROR = b"H", b"D", b"I", b"A", b"E", b"X"
_ROWS_AT_ONCE = 1000
_BYTES_AT_ONCE = 512 * 1024

# number of the row in the sheet, fields as COPY wants them
Record = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class CellProblem:
    """A row that cannot be staged; the same fields as BadRow."""

    line_no: int
    code: str
    message: str
    value: str
    hint: str | None = None
    position: int | None = None
    detail: str | None = None


def row_value(fields: Iterable[str | None]) -> str:
    """Return the fields of a row as one record of CSV, so that nothing of it is lost."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["" if f is None else f for f in fields])
    return text.getvalue().replace("\0", "\\x00")


class Out:
    """Writes frames to the parent."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.rows = 0
        self.done = 0

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one frame."""
        self._stream.write(FRAME.pack(kind, len(payload), self.rows, self.done) + payload)
        self._stream.flush()

    def send_json(self, kind: bytes, value: Any) -> None:
        """Send one frame of JSON; unpaired surrogates of names go as they are."""
        self.send(kind, json.dumps(value).encode())


class Rows:
    """Counts records, sets aside what cannot be staged, and sends the rest in blocks.

    Args:
        out: where to. width: fields of the header. count_only: send nothing but signs of life.
        blank_rows: rows may be blank, and are no rows then.

    """

    def __init__(
        self, out: Out, width: int, *, count_only: bool = False, blank_rows: bool = True
    ) -> None:
        self.refused = 0
        self.blank = 0
        self._out = out
        self._width = width
        self._nulls = [NULL] * width
        self._count_only = count_only
        self._blank_rows = blank_rows
        self._lines: list[str] = []
        self._size = 0
        self._issues: list[CellProblem] = []

    def add(self, record: Record | CellProblem) -> None:
        """Take one record."""
        if isinstance(record, CellProblem):
            self._refuse(record)
            return
        line_no, fields = record
        if self._blank_rows and (
            fields == self._nulls
            or (
                (fields[0] == NULL or not fields[0].strip())
                and all(field == NULL or not field.strip() for field in fields)
            )
        ):
            self.blank += 1
            return
        if len(fields) != self._width:
            fitted = self._fitted(line_no, fields)
            if fitted is None:
                return
            fields = fitted
        line = f"{line_no}\t" + "\t".join(fields)
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) >= _ROWS_AT_ONCE or self._size >= _BYTES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Send what is there."""
        lines, self._lines, self._size = self._lines, [], 0
        text = "\n".join(lines)
        try:
            data = text.encode()
        except UnicodeEncodeError:
            data = None
        if data is None or b"\0" in data:
            lines = [line for line in lines if self._storable(line)]
            data = "\n".join(lines).encode()
        self._out.rows += len(lines)
        if lines and not self._count_only:
            self._out.send(DATA, data + b"\n")
        else:
            self._out.send(ALIVE)
        if self._issues:
            self._send_issues()

    def _send_issues(self) -> None:
        issues, self._issues = self._issues, []
        if not self._count_only:
            self._out.send_json(ISSUES, [asdict(issue) for issue in issues])

    def _refuse(self, problem: CellProblem) -> None:
        self.refused += 1
        self._issues.append(problem)
        if len(self._issues) >= 100 or len(problem.value) > _BYTES_AT_ONCE:
            self._send_issues()

    def _fitted(self, line_no: int, fields: list[str]) -> list[str] | None:
        """Return the fields without empty ones beyond the header, or refuse the row."""
        width = self._width
        if len(fields) < width:
            return fields + self._nulls[len(fields) :]
        if all(field == NULL or not field.strip() for field in fields[width:]):
            return fields[:width]
        while fields[-1] == NULL:
            fields.pop()
        count = len(fields)
        self._refuse(
            CellProblem(
                line_no,
                "ragged_row",
                f"the row has {count} fields, the header {width}",
                row_value(unescape(field) for field in fields),
                "give the column a name, or empty its cells",
                None,
                f"{count} ≠ {width}",
            )
        )
        return None

    def _storable(self, line: str) -> bool:
        """Whether PostgreSQL can store a row; else it becomes an issue."""
        code, message, hint = "nul_byte", "the row has a NUL character", "remove it"
        if "\0" not in line:
            try:
                line.encode()
            except UnicodeEncodeError:
                code, message = "bad_encoding", "the row has half of a character (a surrogate)"
            else:
                return True
        number, *fields = line.split("\t")
        wrong = "\0" if code == "nul_byte" else None
        position = next((n for n, field in enumerate(fields, 1) if _wrong(field, wrong)), None)
        value = row_value(unescape(field) for field in fields)
        value = value.encode("utf-8", "backslashreplace").decode()
        self._refuse(CellProblem(int(number), code, message, value, hint, position))
        return False


def _wrong(field: str, mark: str | None) -> bool:
    if mark is not None:
        return mark in field
    return any("\ud800" <= character <= "\udfff" for character in field)
