"""The row path: one record after the other, each with its line; what cannot be read is named.

The meaning is that of COPY in CSV format: an unquoted empty field is NULL, a quoted one is the
empty text. A quote inside an unquoted field is an ordinary character.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from pgimport.errors import FileError
from pgimport.readers.source import MAX_RECORD_BYTES, Source

Row = tuple[int, list[str | None]]

_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_ESCAPED = re.compile("[\udc80-\udcff]")


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


def split_record(record: str, delimiter: str) -> list[str | None]:
    """Split one record, without its line end, into fields; tells NULL from the empty text.

    Raises:
        csv.Error: text after a closing quote, or a quote that is never closed.

    """
    fields: list[str | None] = []
    position = 0
    while True:
        if record.startswith('"', position):
            match = _QUOTED.match(record, position)
            if match is None:
                raise csv.Error("unexpected end of data")
            fields.append(match[1].replace('""', '"'))
            position = match.end()
            if position == len(record):
                return fields
            if record[position] != delimiter:
                raise csv.Error("text after a closing quote")
        else:
            end = record.find(delimiter, position)
            if end < 0:
                fields.append(record[position:] or None)
                return fields
            fields.append(record[position:end] or None)
            position = end
        position += 1


def shown(record: str) -> str:
    r"""Return a record readable and without loss: undecodable bytes and NUL as ``\xE9``."""
    if "\0" not in record and not _ESCAPED.search(record):
        return record
    text = record.replace("\\", "\\\\").replace("\0", "\\x00")
    return _ESCAPED.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02X}", text)


class RowReader:
    """Iterates over a file: good rows as ``(line_no, fields)``, others as BadRow.

    Attributes:
        rows: good rows given so far. refused: bad ones. blank: rows skipped as blank.
        source: the open file, with the bytes read and the digest.

    """

    def __init__(self, path: Path, delimiter: str, width: int, encoding: str | None = None) -> None:
        self.source = Source(path, encoding)
        self.rows = 0
        self.refused = 0
        self.blank = 0
        self._delimiter = delimiter
        self._width = width
        self._encoding = encoding or "UTF-8"
        self._blank = " \t\r\n" + delimiter
        # About the record csv.reader is at: its first line, and the text taken for it.
        self._line = 0
        self._taken: list[str] = []
        self._ended = False
        csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_BYTES))

    def __iter__(self) -> Iterator[Row | BadRow]:
        with self.source:
            header_seen = False
            blocks = self.source.blocks()
            for block in blocks:
                if not header_seen:
                    header_seen = yield from self._careful(block, blocks, header=True)
                elif b'"' in block or b"\0" in block or b"\r" in block:
                    yield from self._careful(block, blocks)
                else:
                    try:
                        text = block.decode()
                    except UnicodeDecodeError:
                        yield from self._careful(block, blocks)
                    else:
                        yield from self._plain(text)

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
            if fields[0] is None and not line.strip(blank):
                self.blank += 1
            elif len(fields) == width and (width > 1 or line.strip(blank)):
                self.rows += 1
                yield line_no, fields
            elif not line.strip(blank):
                self.blank += 1
            else:
                self.refused += 1
                yield self._ragged(line_no, fields, line)
        self._line = line_no

    def _careful(
        self, block: bytes, more: Iterator[bytes], header: bool = False
    ) -> Generator[Row | BadRow, None, bool]:
        """Give records by csv.reader, which takes more blocks where a record goes on in them.

        Returns whether the header was seen (and not given).
        """
        feeder = self._feed(block, more)
        reader = csv.reader(feeder, delimiter=self._delimiter, strict=True)
        seen = not header
        while True:
            taken: list[str] = []
            self._taken = taken
            first_line = self._line + 1
            try:
                row = next(reader)
            except StopIteration:
                return seen
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
                seen = True
                continue
            record = taken[0] if len(taken) == 1 else "".join(taken)
            if not record.strip(self._blank):
                self.blank += 1
                continue
            if not seen:
                seen = True
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
        if not record.isascii() and (found := _ESCAPED.search(record)):
            position = next((n for n, field in enumerate(row, 1) if _ESCAPED.search(field)), None)
            return BadRow(
                line_no,
                "bad_encoding",
                f"byte {shown(found[0])} is not valid {self._encoding}",
                shown(record.rstrip("\r\n")),
                "correct the row, or give the encoding of the file",
                position,
                shown(found[0]),
            )
        if '""' in record:
            fields = split_record(record.rstrip("\r\n"), self._delimiter)
        else:
            fields = [field or None for field in row]
        if len(fields) != self._width:
            return self._ragged(line_no, fields, record.rstrip("\r\n"))
        return line_no, fields

    def _ragged(self, line_no: int, fields: list[str | None], record: str) -> BadRow:
        count, width = len(fields), self._width
        extra = ""
        if count > width and not any(fields[width:]):
            extra = "; the extra ones are empty"
        message = f"the row has {count} field{'s' * (count != 1)}, the header {width}{extra}"
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
        while True:
            for line in block.splitlines(keepends=True):
                text = line.decode("utf-8", "surrogateescape")
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
                match = _QUOTED.match(record, position)
                if match is None:
                    break
                position = match.end()
            end = record.find(self._delimiter, position)
            if end < 0:
                break
            position = end + 1
        line = first_line + len(re.findall(r"\r\n|\r|\n", record[:position]))
        raise FileError(
            f'"{self.source.path.name}", line {line}: a quote is opened and never closed',
            hint="correct the file; nothing of it was staged",
        )
