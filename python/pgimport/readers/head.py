"""The head of a file: its delimiter and its header, and the digest of all its bytes."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pgimport.errors import FileError
from pgimport.readers.rows import split_record
from pgimport.readers.source import MAX_COLUMNS, MAX_RECORD_BYTES, Source

DELIMITERS = (",", ";", "\t", "|")
MAX_HEADER_CHARACTERS = 1000
_SAMPLE_RECORDS = 200
_HEADER_BYTES = 4 * 1024 * 1024
_RECORD = re.compile(r'(?:[^"\r\n]++|"[^"]*+")*+(?:\r\n|\r|\n|\Z)')
_LINE = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n|\Z)")


@dataclass(frozen=True, slots=True)
class FileHead:
    """What is known of a file before its records are looked at.

    Attributes:
        path: the file. size: its bytes as they lie on disk. sha256: digest of these bytes.
        compressed: it is gzip.
        encoding: encoding the user gave, or None for UTF-8.
        delimiter: given or found. header: the fields of the first record.

    """

    path: Path
    size: int
    sha256: str
    compressed: bool
    encoding: str | None
    delimiter: str
    header: tuple[str, ...]


def read_head(
    path: Path | str,
    delimiter: str | None = None,
    encoding: str | None = None,
    report: Callable[[int], None] | None = None,
) -> FileHead:
    """Read the header of a file, and all its bytes for their SHA-256 alone.

    Several threads can do this side by side: hashing does not hold the interpreter.

    Args:
        path: a regular file, plain or gzip (named .gz).
        delimiter: one character; found among comma, semicolon, tab and bar if not given.
        encoding: as Python names it; UTF-8 if not given.
        report: called with the bytes read so far, now and then.

    Raises:
        FileError: no file, no header, unknown encoding, delimiter not to be found.

    """
    with Source(Path(path), encoding) as source:
        first, delimiter, header = begin(source, source.blocks(), delimiter)
        del first
        source.drain(report)
        return FileHead(
            path=source.path,
            size=source.bytes_read,
            sha256=source.sha256,
            compressed=source.compressed,
            encoding=encoding,
            delimiter=delimiter,
            header=header,
        )


def begin(
    source: Source, blocks: Iterator[bytes], delimiter: str | None
) -> tuple[bytes, str, tuple[str, ...]]:
    """Return the first block that is not blank, the delimiter and the header.

    Raises:
        FileError: no header, a delimiter that is none or cannot be found.

    """
    first = first_block(blocks)
    name = source.path.name
    if delimiter is None:
        delimiter = find_delimiter(first, name)
    elif len(delimiter.encode()) != 1 or delimiter in '"\r\n\\\0':
        raise FileError(f'delimiter "{delimiter}" is not one plain character')
    return first, delimiter, _read_header(first, delimiter, name)


def first_block(blocks: Iterator[bytes]) -> bytes:
    """Return the first block, with all blank ones before it."""
    first = next(blocks, b"")
    while first and not first.strip():
        following = next(blocks, b"")
        if not following or len(first) > MAX_RECORD_BYTES:
            break
        first += following
    return first


def find_delimiter(text: bytes, name: str = "file") -> str:
    """Return the delimiter by which the first records have as many fields as the header.

    Raises:
        FileError: none or more than one fits; the user must say which.

    """
    sample = _sample(text.decode("utf-8", "replace"))
    if not sample:
        raise FileError(f'"{name}" is empty', hint="the first line must name the columns")
    fitting, nearly, splitting, present = [], [], [], False
    for delimiter in DELIMITERS:
        header = _width(sample[0], delimiter)
        widths = [width for record in sample[1:] if (width := _width(record, delimiter))]
        present = present or header > 1 or any(width > 1 for width in widths)
        if header < 2:
            continue
        equal = widths.count(header)
        if equal or not widths:
            splitting.append(delimiter)
        if equal == len(widths):
            fitting.append(delimiter)
        elif equal * 10 >= len(widths) * 8:
            nearly.append(delimiter)
    for found in (fitting, nearly, splitting):
        if len(found) == 1:
            return found[0]
        if found:
            break
    if not present:
        return DELIMITERS[0]
    used = [mark for mark in DELIMITERS if any(_width(record, mark) > 1 for record in sample)]
    if len(used) == 1 and _width(sample[0], used[0]) > 1:
        return used[0]
    raise FileError(
        f'the delimiter of "{name}" cannot be told for sure',
        detail="fitting: " + (", ".join(map(repr, fitting or nearly or splitting)) or "none"),
        hint="give the delimiter",
    )


def _sample(text: str) -> list[str]:
    """Return the first whole records of a text that are not blank."""
    records: list[str] = []
    position = 0
    while position < len(text) and len(records) < _SAMPLE_RECORDS:
        match = _RECORD.match(text, position) or _LINE.match(text, position)
        if match is None or match.end() == position:
            break
        record = match[0].strip("\r\n")
        position = match.end()
        if record.strip(' \t,;|"'):
            records.append(record)
    return records


def _width(record: str, delimiter: str) -> int:
    """Return how many fields a record has by this delimiter; 0 where it cannot be read."""
    if '"' not in record:
        return record.count(delimiter) + 1
    try:
        return len(split_record(record, delimiter))
    except csv.Error:
        return 0


def _read_header(text: bytes, delimiter: str, name: str) -> tuple[str, ...]:
    blanks = (" \t\r\n" + delimiter).encode()
    start = len(text) - len(text.lstrip(blanks))
    # A header may begin with an empty name: back to the start of its line.
    start = max(text.rfind(b"\n", 0, start), text.rfind(b"\r", 0, start)) + 1
    if not text[start:].strip(blanks):
        raise FileError(f'"{name}" is empty', hint="the first line must name the columns")
    decoded = text[start : start + _HEADER_BYTES].decode("utf-8", "surrogateescape")
    match = _RECORD.match(decoded) or _LINE.match(decoded)
    record = match[0].rstrip("\r\n") if match else ""
    if "\0" in record:
        raise FileError(
            f'the header of "{name}" has NUL bytes', hint="is it UTF-16? Then give the encoding"
        )
    try:
        record.encode()
        fields = split_record(record, delimiter)
    except UnicodeEncodeError:
        raise FileError(
            f'the header of "{name}" is not valid UTF-8', hint="give the encoding of the file"
        ) from None
    except csv.Error as error:
        raise FileError(f'the header of "{name}" cannot be read: {error}') from None
    if len(fields) > MAX_COLUMNS:
        raise FileError(f'"{name}" has {len(fields)} columns', hint=f"at most {MAX_COLUMNS}")
    if any(len(field or "") > MAX_HEADER_CHARACTERS for field in fields):
        raise FileError(f'"{name}" has a column name of more than 1000 characters')
    return tuple((field or "").strip() for field in fields)
