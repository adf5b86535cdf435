"""Where things stand in a text file: its delimiter, its header, and the first of its records."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from pgimport.errors import FileError
from pgimport.readers import dialect
from pgimport.readers.dialect import LINE
from pgimport.readers.encoding import by_nuls
from pgimport.readers.evidence import line_ends, refuse_other_encodings
from pgimport.readers.options import ReadOptions
from pgimport.readers.source import MAX_COLUMNS, MAX_RECORD_BYTES, Source
from pgimport.readers.split import split_record

MAX_HEADER_CHARACTERS = 1000
_SAMPLE_BYTES = 64 * 1024
_MAX_HEADER_ROW = 1_000_000
_CONTROLS = bytes(byte for byte in range(1, 32) if byte not in b"\t\n\v\f\r\x1b")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out.

    Attributes:
        delimiter: given or found.
        header: the fields of the header as they are written, stripped; or the names given.
        data_start: byte of the text (UTF-8 without BOM) where the records after the header begin.
        line_offset: physical lines before these records.

    """

    delimiter: str
    header: tuple[str, ...]
    data_start: int
    line_offset: int


def begin(source: Source, blocks: Iterator[bytes], options: ReadOptions) -> tuple[Layout, bytes]:
    """Return the layout of a file, and what was read of it after its header.

    Raises:
        FileError: no header, a delimiter that is none, something that cannot be told for sure.

    """
    mark = options.delimiter
    if mark is not None and (len(mark.encode()) != 1 or mark in '"\r\n\\\0'):
        raise FileError(f'delimiter "{mark}" is not one plain character')
    if options.header is not None and options.header_row is not None:
        raise FileError("header and header_row exclude each other", hint="give one of them")
    name = source.path.name
    text = _first_text(blocks)
    _refuse_binary(text, source)
    said, start = dialect.separator_line(text)
    if options.header is not None:
        records = dialect.sample(text, start)
        width = len(options.header)
        mark = mark or said or dialect.find_for(records, width, name)
        header = tuple(field.strip() for field in options.header)
        _check_names(header, name)
        end = start
    else:
        placed = options.header_row is not None
        if options.header_row is not None:
            text, start = _line_start(text, blocks, options.header_row, bool(start), name)
        records = dialect.sample(text, start)
        if placed and (not records or records[0].begin != start):
            raise FileError(f'line {options.header_row} of "{name}" is blank, not a header')
        mark, record = dialect.find(records, mark or said, name, placed)
        line = 1 + line_ends(text[: record.begin])
        header = _read_header(text[record.begin : record.end], mark, line, source)
        end = record.end
    return Layout(mark, header, end, line_ends(text[:end])), text[end:]


def _first_text(blocks: Iterator[bytes]) -> bytes:
    """Return the beginning of the text: enough for a sample, and not only blanks."""
    text = next(blocks, b"")
    while text and (len(text) < _SAMPLE_BYTES or not text.strip()):
        following = next(blocks, b"")
        if not following or len(text) > MAX_RECORD_BYTES:
            break
        text += following
    return text


def _line_start(
    text: bytes, blocks: Iterator[bytes], row: int, separator: bool, name: str
) -> tuple[bytes, int]:
    """Return a text that holds physical line ``row``, and where in it that line begins.

    Raises:
        FileError: there is no such line, or the header cannot be in it.

    """
    if not 1 <= row <= _MAX_HEADER_ROW:
        raise FileError(f"header_row {row} is not the number of a line", hint="lines count from 1")
    if separator and row == 1:
        raise FileError(f'line 1 of "{name}" names the delimiter, it is no header')
    while line_ends(text) < row and len(text) < MAX_RECORD_BYTES:
        following = next(blocks, b"")
        if not following:
            break
        text += following
    start = 0
    for _ in range(row - 1):
        match = LINE.match(text, start)
        start = match.end() if match else len(text)
    if start >= len(text):
        raise FileError(
            f'"{name}" has no line {row} for its header', detail=f"{line_ends(text)} line ends"
        )
    return text, start


def _refuse_binary(text: bytes, source: Source) -> None:
    """Refuse what is no text, and text in which NUL is a part of characters."""
    name, start = source.path.name, text[:4096]
    wide = by_nuls(start) if b"\0" in start and not source.declared else None
    if wide is not None and start.count(0) * 5 >= len(start):
        raise FileError(
            f'"{name}" has NUL bytes: it looks like {wide[:-3].upper()} without byte order mark',
            hint=f"if it would begin with {_reads(start, wide)}: --encoding {wide}",
        )
    controls = len(start) - len(start.translate(None, _CONTROLS))
    if controls > 32 and controls * 10 > len(start):
        raise FileError(f'"{name}" is not a text file', hint="export it as CSV")


def _reads(start: bytes, codec: str) -> str:
    line = start[: len(start) // 4 * 4].decode(codec, "replace").lstrip().splitlines()
    return repr(line[0][:60]) if line else "a blank line"


def _read_header(
    record: bytes, delimiter: str, line: int, source: Source
) -> tuple[str, ...]:  # fmt: skip
    name = source.path.name
    where = f'the header of "{name}"' + (f", line {line}," if line > 1 else "")
    if b"\0" in record:
        wide = by_nuls(record)
        hint = f"is it UTF-16? Then --encoding {wide or 'utf-16-le'}"
        raise FileError(f"{where} has NUL bytes", hint=hint)
    try:
        fields = split_record(record.decode().rstrip("\r\n"), delimiter)
    except UnicodeDecodeError:
        if not source.declared:
            refuse_other_encodings(source.path)
        raise FileError(
            f"{where} is not valid {source.charset}", hint="give the encoding of the file"
        ) from None
    except csv.Error as error:
        raise FileError(f"{where} cannot be read: {error}") from None
    header = tuple((field or "").strip() for field in fields)
    _check_names(header, name)
    return header


def _check_names(header: tuple[str, ...], name: str) -> None:
    if len(header) > MAX_COLUMNS:
        raise FileError(f'"{name}" has {len(header)} columns', hint=f"at most {MAX_COLUMNS}")
    if not header:
        raise FileError(f'no names are given for the columns of "{name}"')
    if any(len(field) > MAX_HEADER_CHARACTERS for field in header):
        raise FileError(f'"{name}" has a column name of more than 1000 characters')
