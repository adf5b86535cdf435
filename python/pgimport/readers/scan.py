"""One fast pass over a file: what it holds, and whether COPY may be given its bytes as they are.

A block without quotes is looked through by a few searches of the C library. In a block with
quotes the text is split on them: every second piece is outside of quotes, and joined again by a
quote these pieces have the same structure without what is inside.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
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
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class FileScan:
    """What one pass over a file found.

    Attributes:
        path: the file. size: its bytes as they lie on disk. sha256: digest of these bytes.
        compressed: it is gzip. bom: it begins with a UTF-8 byte order mark.
        encoding: encoding the user gave, or None for UTF-8.
        delimiter: given or found. header: the fields of the first record.
        rows: records after the header; exact unless "stray_quote" is among the hazards.
        blank_rows: records that are empty or only delimiters and blanks (not in rows).
        data_bytes: bytes of text up to the last row: what COPY is given.
        unpacked_bytes: bytes of text in all.
        hazards: why COPY must not be given the bytes: nul_byte, bad_encoding, copy_end_marker,
            blank_rows, ragged_rows, quoted_newline, stray_quote, mixed_line_ends. Empty: it may.

    """

    path: Path
    size: int
    sha256: str
    compressed: bool
    bom: bool
    encoding: str | None
    delimiter: str
    header: tuple[str, ...]
    rows: int
    blank_rows: int
    data_bytes: int
    unpacked_bytes: int
    hazards: frozenset[str]

    @property
    def fast(self) -> bool:
        """Whether COPY may be given the bytes of the file as they are."""
        return not self.hazards


def scan_file(
    path: Path | str,
    delimiter: str | None = None,
    encoding: str | None = None,
    digest: bool = True,
) -> FileScan:
    """Read a file once and return what it holds; memory does not grow with the file.

    Args:
        path: a regular file, plain or gzip (named .gz).
        delimiter: one character; found among comma, semicolon, tab and bar if not given.
        encoding: as Python names it; UTF-8 if not given.
        digest: whether to compute the SHA-256 too.

    Raises:
        FileError: no file, no header, unknown encoding, delimiter not to be found, damaged gzip,
            a quote that is never closed (with its line).

    """
    with Source(Path(path), encoding, digest) as source:
        blocks = source.blocks()
        first = next(blocks, b"")
        while first and not first.strip():
            first += next(blocks, b"")
            if len(first) > MAX_RECORD_BYTES:
                break
        name = source.path.name
        if delimiter is None:
            delimiter = find_delimiter(first, name)
        elif len(delimiter.encode()) != 1 or delimiter in '"\r\n\\\0':
            raise FileError(f'delimiter "{delimiter}" is not one plain character')
        header = _read_header(first, delimiter, name)
        counter = _Counter(delimiter, name)
        counter.add(first)
        for block in blocks:
            counter.add(block)
        counter.end()
        if counter.delimiters != (len(header) - 1) * (counter.rows + 1):
            counter.hazards.add("ragged_rows")
        return FileScan(
            path=source.path,
            size=source.bytes_read,
            sha256=source.sha256,
            compressed=source.compressed,
            bom=source.bom,
            encoding=encoding,
            delimiter=delimiter,
            header=header,
            rows=counter.rows,
            blank_rows=counter.blank,
            data_bytes=counter.data_bytes,
            unpacked_bytes=counter.total,
            hazards=frozenset(counter.hazards),
        )


def copy_blocks(scan: FileScan, source: Source) -> Iterator[bytes]:
    """Yield the bytes for COPY: text without BOM, with the header, without blank rows at the end.

    The source is read to its end in any case, so that its digest is that of the whole file.
    """
    left = scan.data_bytes
    for block in source.blocks():
        if left > 0:
            yield block if len(block) <= left else block[:left]
        left -= len(block)


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


class _Counter:
    """Counts records and collects hazards, block after block of whole lines."""

    def __init__(self, delimiter: str, name: str) -> None:
        self.name = name
        self.hazards: set[str] = set()
        self.rows = -1  # the header is not one
        self.blank = 0
        self.delimiters = 0
        self.total = 0
        self.data_bytes = 0
        self._delimiter = delimiter.encode()
        self._blanks = b" \t\r\n" + self._delimiter
        escaped = re.escape(self._delimiter)
        self._blank_row = re.compile(rb"\n[ \t" + escaped + rb"]*(?=\n)")
        self._blank_line = re.compile(rb"[ \t" + escaped + rb"]*\n")
        kept = {ord(delimiter): 44, 10: 10, 13: 10, 34: 34}
        self._classes = bytes(kept.get(byte, 120) for byte in range(256))
        self._inside = False
        self._lines = 0
        self._quote_line = 0
        self._pending_blank = 0
        self._crlf = self._lf = False

    def add(self, block: bytes) -> None:
        """Count one block; it begins at the start of a line."""
        start = self.total
        self.total += len(block)
        if not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError:
                self.hazards.add("bad_encoding")
        if b"\0" in block:
            self.hazards.add("nul_byte")
        if b"\\" in block and re.search(rb"(?:\A|[\r\n])\\\.(?:[\r\n]|\Z)", block):
            self.hazards.add("copy_end_marker")
        if self._inside or b'"' in block:
            outside = self._outside(block)
        else:
            outside = block
            self._lines += block.count(b"\n")
        self._structure(block, outside, start)

    def end(self) -> None:
        """After the last block."""
        if self._inside and "stray_quote" not in self.hazards:
            raise FileError(
                f'"{self.name}", line {self._quote_line}: a quote is opened and never closed',
                hint="correct the file; nothing of it was staged",
            )
        if self._crlf and self._lf:
            self.hazards.add("mixed_line_ends")
        self.blank += self._pending_blank

    def _outside(self, block: bytes) -> bytes:
        """Return the block without what is quoted: each quoted piece is one quote character."""
        pieces = block.split(b'"')
        if self._inside:
            pieces.insert(0, b"")
        ends_inside = len(pieces) % 2 == 0
        kept = pieces[::2]
        if ends_inside:
            kept.append(b"")
            self._quote_line = self._lines + block.count(b"\n", 0, block.rfind(b'"')) + 1
        outside = b'"'.join(kept)
        lines = block.count(b"\n")
        self._lines += lines
        if lines != outside.count(b"\n") or block.count(b"\r") != outside.count(b"\r"):
            self.hazards.add("quoted_newline")
        classes = outside.translate(self._classes)
        if b'x"' in classes or b'"x' in classes:
            self.hazards.add("stray_quote")
        self._inside = ends_inside
        return outside

    def _structure(self, block: bytes, outside: bytes, start: int) -> None:
        """Count records, delimiters and blank rows of what is outside of quotes."""
        if b"\r" in outside:
            pairs = outside.count(b"\r\n")
            if outside.count(b"\r") != pairs:
                self.hazards.add("mixed_line_ends")  # a lone CR: an end of line for us
            self._crlf = self._crlf or pairs > 0
            self._lf = self._lf or outside.count(b"\n") > pairs
            outside = outside.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            self._lf = self._lf or b"\n" in outside
        if self._inside:
            end = len(outside)
            self.data_bytes = self.total
        else:
            core = len(outside.rstrip(self._blanks))
            end = (outside.find(b"\n", core) + 1 or len(outside)) if core else 0
            self._end_of_data(block, start)
        body, tail = outside[:end], outside[end:]
        if body:
            if self._pending_blank:  # rows follow: these were not the end of the file
                self.hazards.add("blank_rows")
                self.blank += self._pending_blank
                self._pending_blank = 0
            blank = len(self._blank_row.findall(body)) + (self._blank_line.match(body) is not None)
            if blank:
                self.hazards.add("blank_rows")
                self.blank += blank
            # The last line of a file may have no line end.
            last = not self._inside and not body.endswith(b"\n")
            self.rows += body.count(b"\n") + last - blank
            self.delimiters += body.count(self._delimiter)
        self._pending_blank += tail.count(b"\n") + (bool(tail) and not tail.endswith(b"\n"))

    def _end_of_data(self, block: bytes, start: int) -> None:
        """Note where the last row that is not blank ends."""
        core = len(block.rstrip(self._blanks))
        if core:
            match = _LINE_END.search(block, core)
            self.data_bytes = start + (match.end() if match else len(block))
