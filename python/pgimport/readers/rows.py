"""The row path: one record after the other, each with its line; what cannot be read is named.

The meaning is that of COPY in CSV format (see split). What spreadsheets add to a record, empty
fields at its end, is taken off; empty fields that the header has no name for may be missing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from pgimport.errors import FileError
from pgimport.readers.encoding import ESCAPED, shown
from pgimport.readers.evidence import line_ends, refuse_other_encodings
from pgimport.readers.head import FileHead
from pgimport.readers.position import Position
from pgimport.readers.source import MAX_RECORD_BYTES, Source
from pgimport.readers.split import QUOTED, split_record

Row = tuple[int, list[str | None]]


@dataclass(frozen=True, slots=True)
class BadRow:
    r"""A record that cannot be staged.

    Attributes:
        line_no: physical line it begins at, from 1.
        code: ragged_row, bad_encoding, nul_byte or bad_quote.
        message: for people.
        value: the whole record. Where bytes had to be shown as ``\xE9`` (bad_encoding,
            nul_byte), a backslash of the record itself is doubled, so nothing is lost.
        hint: what to do, or None.
        position: field with the problem, from 1, or None where it is the record's.
        detail: the fact of the message alone, in no language.

    """

    line_no: int
    code: str
    message: str
    value: str
    hint: str | None = None
    position: int | None = None
    detail: str | None = None


class RowReader:
    """Iterates over the records of a file: good rows as ``(line_no, fields)``, others as BadRow.

    Args:
        head: what is known of the file. start: where to go on.
        marks: give a Position now and then, too, behind the record that was given last.

    Attributes:
        rows: good rows given so far. refused: bad ones. blank: rows skipped as blank.
        source: the open file, with the bytes read and the digest.

    """

    def __init__(
        self, head: FileHead, start: Position | None = None, *, marks: bool = False
    ) -> None:
        start = start or Position(0, 0, 0, head.line_offset, head.data_start)
        self.source = Source(head.path, head.encoding)
        self.rows = start.rows
        self.refused = start.refused
        self.blank = start.blank
        self._marks = marks
        self._text = start.text
        self._head = head
        self._delimiter = head.delimiter
        self._width = len(head.header)
        self._named = head.named
        self._blank = " \t\r\n" + head.delimiter
        # About the record csv.reader is at: its first line, and the text taken for it.
        self._line = start.lines
        self._taken: list[str] = []
        self._ended = False
        self._sure = self.source.declared
        csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_BYTES))

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Give the records; of a reader with marks use records()."""
        return cast("Iterator[Row | BadRow]", self.records())

    def records(self) -> Iterator[Row | BadRow | Position]:
        """Give the records.

        Raises:
            FileError: damaged file, a quote that is never closed (with its line), an encoding
                that is not UTF-8 where none was given.

        """
        with self.source:
            blocks = self.source.blocks(self._text)
            for block in blocks:
                self._text += len(block)
                if b'"' in block or b"\0" in block or b"\r" in block:
                    yield from self._careful(block, blocks)
                else:
                    try:
                        text = block.decode()
                    except UnicodeDecodeError:
                        yield from self._careful(block, blocks)
                    else:
                        yield from self._plain(text)
                if self._marks:
                    yield Position(self.rows, self.refused, self.blank, self._line, self._text)

    def _ask(self, block: bytes) -> None:
        """At the first block that is not UTF-8 ask whether the file is, if nobody says what it is.

        Raises:
            FileError: it is not.

        """
        self._sure = self._sure or self.source.errors != "surrogateescape"
        if not self._sure and not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError:
                refuse_other_encodings(self.source.path)
                self._sure = True

    def _plain(self, text: str) -> Iterator[Row | BadRow]:
        """Give records without quotes, one a line."""
        delimiter, width, blank = self._delimiter, self._width, self._blank
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        line_no = self._line
        for line in lines:
            line_no += 1
            fields: list[str | None] = [field or None for field in line.split(delimiter)]
            # most lines begin with neither a delimiter nor a blank
            if (fields[0] is None or line < "!") and not line.strip(blank):
                self.blank += 1
            elif len(fields) == width:
                self.rows += 1
                yield line_no, fields
            elif (fitting := self._fit(fields)) is not None:
                self.rows += 1
                yield line_no, fitting
            else:
                self.refused += 1
                yield self._ragged(line_no, fields, line)
        self._line = line_no

    def _careful(self, block: bytes, more: Iterator[bytes]) -> Iterator[Row | BadRow]:
        """Give records by csv.reader, which takes more blocks where a record goes on in them."""
        feeder = self._feed(block, more)
        reader = csv.reader(feeder, delimiter=self._delimiter, strict=True)
        while True:
            taken: list[str] = []
            self._taken = taken
            first_line = self._line + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                record = "".join(taken).rstrip("\r\n")
                if self._ended:
                    self._unterminated(record, first_line)
                self.refused += 1
                yield BadRow(
                    first_line,
                    "bad_quote",
                    self._quote_problem(record),
                    shown(record),
                    'inside a quoted field a quote is written twice: ""',
                )
                continue
            record = taken[0] if len(taken) == 1 else "".join(taken)
            if not record.strip(self._blank):
                self.blank += 1
                continue
            given = self._check(first_line, row, record)
            if isinstance(given, BadRow):
                self.refused += 1
            else:
                self.rows += 1
            yield given

    def _check(self, line_no: int, row: list[str], record: str) -> Row | BadRow:
        """Return the row, or what is wrong with it."""
        if "\0" in record:
            position = next((n for n, field in enumerate(row, 1) if "\0" in field), None)
            return BadRow(
                line_no,
                "nul_byte",
                "the row has a NUL byte, which PostgreSQL cannot store in text",
                shown(record.rstrip("\r\n")),
                "remove it from the file",
                position,
            )
        if not record.isascii() and (found := ESCAPED.search(record)):
            position = next((n for n, field in enumerate(row, 1) if ESCAPED.search(field)), None)
            return BadRow(
                line_no,
                "bad_encoding",
                f"byte {shown(found[0])} is not valid {self.source.charset}",
                shown(record.rstrip("\r\n")),
                "correct the row, or give the encoding of the file",
                position,
                shown(found[0]),
            )
        if '""' in record:
            fields = split_record(record.rstrip("\r\n"), self._delimiter)
        else:
            fields = [field or None for field in row]
        if len(fields) == self._width:
            return line_no, fields
        fitting = self._fit(fields)
        if fitting is None:
            return self._ragged(line_no, fields, record.rstrip("\r\n"))
        return line_no, fitting

    def _fit(self, fields: list[str | None]) -> list[str | None] | None:
        """Return a record with the fields of the header, if nothing of it is lost or made up."""
        count, width = len(fields), self._width
        if count > width:
            return fields[:width] if not any(fields[width:]) else None
        return fields + [None] * (width - count) if count >= self._named else None

    def _ragged(self, line_no: int, fields: list[str | None], record: str) -> BadRow:
        count, width = len(fields), self._width
        message = f"the row has {count} field{'s' * (count != 1)}, the header {width}"
        return BadRow(
            line_no,
            "ragged_row",
            message,
            record,
            "look for a delimiter or a quote too many or too few",
            detail=f"{count} ≠ {width}",
        )

    def _feed(self, block: bytes, more: Iterator[bytes]) -> Iterator[str]:
        """Give the physical lines of a block, and of the next ones while a record goes on.

        Line ends are newline, CR LF and a lone CR.
        """
        size = 0
        errors = self.source.errors
        while True:
            self._ask(block)
            for line in block.splitlines(keepends=True):
                text = line.decode("utf-8", errors)
                if not self._taken:
                    size = 0
                size += len(line)
                if size > MAX_RECORD_BYTES:
                    self._unterminated("".join(self._taken), self._line - len(self._taken) + 1)
                self._taken.append(text)
                self._line += 1
                yield text
            if not self._taken:
                return
            following = next(more, None)
            if following is None:
                self._ended = True
                return
            self._text += len(following)
            block = following

    def _quote_problem(self, record: str) -> str:
        try:
            split_record(record, self._delimiter)
        except csv.Error as error:
            return f"the row cannot be read: {error}"
        return "the row cannot be read: quotes and line ends do not fit"

    def _unterminated(self, record: str, first_line: int) -> None:
        """Raise for a quote that is never closed, with the line where it was opened."""
        position = 0
        while True:
            if record.startswith('"', position):
                match = QUOTED.match(record, position)
                if match is None:
                    break
                position = match.end()
            end = record.find(self._delimiter, position)
            if end < 0:
                break
            position = end + 1
        line = first_line + line_ends(record[:position].encode("utf-8", "surrogatepass"))
        raise FileError(
            f'"{self.source.path.name}", line {line}: a quote is opened and never closed',
            hint="correct the file; nothing of it was staged",
        )
