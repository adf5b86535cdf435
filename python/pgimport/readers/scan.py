"""One fast pass over the records of a file: how many, and whether COPY may be given its bytes.

A block without quotes is looked through by a few searches of the C library. In a block with
quotes the text is split on them: every second piece is outside of quotes, and joined again by a
quote these pieces have the same structure without what is inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pgimport.errors import FileError
from pgimport.readers.evidence import line_ends, refuse_other_encodings
from pgimport.readers.head import FileHead, read_options
from pgimport.readers.layout import Layout, begin
from pgimport.readers.options import ReadOptions
from pgimport.readers.position import Position
from pgimport.readers.source import Source

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LONE_CR = re.compile(rb"\r(?!\n)")
_END_MARKER = re.compile(rb"(?:\A|[\r\n])\\\.(?:[\r\n]|\Z)")


@dataclass(frozen=True, slots=True)
class FileScan(FileHead):
    """What one pass over a file found.

    Attributes:
        bom: it begins with a UTF-8 byte order mark.
        rows: records after the header; exact unless "stray_quote" is among the hazards.
        blank_rows: records that are empty or only delimiters and blanks (not in rows).
        data_bytes: bytes of text up to the last row.
        hazards: why COPY must not be given the bytes: nul_byte, bad_encoding, copy_end_marker,
            blank_rows, ragged_rows, quoted_newline, stray_quote, mixed_line_ends. Empty: it may.

    """

    bom: bool
    rows: int
    blank_rows: int
    data_bytes: int
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
    report: Callable[[int, int], None] | None = None,
    *,
    options: ReadOptions | None = None,
) -> FileScan:
    """Read a file once and return what it holds; memory does not grow with the file.

    Args:
        path: a regular file, plain, gzip, zstd, or ZIP with one file in it.
        delimiter: one character; found among comma, semicolon, tab and bar if not given.
        encoding: as Python or PostgreSQL names it; that of its byte order mark or UTF-8 if not
            given.
        digest: whether to compute the SHA-256 too.
        report: called with rows and bytes on disk so far, block after block.
        options: delimiter, encoding and more, in one object.

    Raises:
        FileError: no file, no header, unknown encoding, delimiter or header not to be found,
            damaged archive, a quote that is never closed (with its line).

    """
    options = read_options(options, delimiter, encoding)
    with Source(Path(path), options.encoding, digest) as source:
        blocks = source.blocks()
        layout, block = begin(source, blocks, options)
        counter = _Counter(layout, source.path.name)
        while block or (block := next(blocks, b"")):
            counter.add(block)
            block = b""
            if report is not None:
                report(counter.rows, source.bytes_read)
        counter.end()
    if "bad_encoding" in counter.hazards and not source.declared:
        refuse_other_encodings(source.path)
    return FileScan(
        delimiter=layout.delimiter,
        header=layout.header,
        data_start=layout.data_start,
        line_offset=layout.line_offset,
        path=source.path,
        size=source.bytes_read,
        sha256=source.sha256,
        compressed=source.compressed,
        encoding=options.encoding,
        charset=source.charset,
        bom=source.bom,
        rows=counter.rows,
        blank_rows=counter.blank,
        data_bytes=counter.data_bytes,
        hazards=frozenset(counter.hazards),
    )


class Unfit(Exception):  # noqa: N818 - no error: another way is taken
    """Raised in the midst of a file whose bytes COPY must not be given; hazards says why."""

    def __init__(self, hazards: set[str]) -> None:
        super().__init__(", ".join(sorted(hazards)))
        self.hazards = frozenset(hazards)


class CopyReader:
    """Gives the bytes of a file for COPY and looks through them on the way.

    Args:
        head: what is known of the file. source: the file, opened again.
        start: where to go on; none but rows fit for COPY were before it.

    """

    def __init__(self, head: FileHead, source: Source, start: Position | None = None) -> None:
        self._source = source
        self._head = head
        self._counter = _Counter(head, head.path.name)
        if start is not None:
            self._counter.go_on(start)

    @property
    def rows(self) -> int:
        """Records after the header so far."""
        return self._counter.rows

    @property
    def blank(self) -> int:
        """Blank rows so far; those at the end of the file count once it is read."""
        return self._counter.blank

    @property
    def position(self) -> Position:
        """The place after the last row that was given."""
        counter = self._counter
        lines = self._head.line_offset + counter.rows
        return Position(counter.rows, 0, 0, lines, counter.data_bytes)

    def __iter__(self) -> Iterator[bytes]:
        """Yield text without BOM, header and what stands before it, and blank rows at the end.

        Nothing of a block is given that COPY must not see. The source is read to its end, so
        that its digest is that of the whole file; only then it is known that the file may be
        copied: what was given before an exception must be undone.

        Raises:
            Unfit: COPY must not be given these bytes; the row path reads them.
            FileError: damaged archive, a quote that is never closed (with its line).

        """
        counter = self._counter
        for block in self._source.blocks(counter.data_bytes):
            length = counter.add(block)
            if counter.hazards:
                raise Unfit(counter.hazards)
            if length:
                yield block if length == len(block) else block[:length]
        counter.end()
        if counter.hazards:
            raise Unfit(counter.hazards)


class _Counter:
    """Counts records and collects hazards, block after block of whole lines."""

    def __init__(self, layout: Layout, name: str) -> None:
        self.name = name
        self.hazards: set[str] = set()
        self.rows = 0
        self.blank = 0
        self.data_bytes = layout.data_start
        self._width = len(layout.header)
        self._delimiters = 0
        self._total = layout.data_start
        mark = layout.delimiter.encode()
        self._blanks = b" \t\r\n" + mark
        escaped = re.escape(mark)
        self._blank_row = re.compile(rb"\n[ \t" + escaped + rb"]*(?=\n)")
        self._blank_line = re.compile(rb"[ \t" + escaped + rb"]*\n")
        # A quote of which one neighbour is neither quote, delimiter nor line end. It begins with
        # a literal, for which the search leaps to the next quote.
        text = rb'[^\r\n"' + escaped + rb"]"
        self._stray = re.compile(rb'"(?:(?=' + text + rb")|(?<=" + text + rb'"))')
        self._neither = bytes(byte for byte in range(256) if byte not in (10, mark[0]))
        self._inside = False
        self._lines = layout.line_offset
        self._quote_line = 0
        self._pending_blank = 0
        self._crlf = self._lf = False

    def go_on(self, start: Position) -> None:
        """Begin behind rows that were counted another time."""
        self.rows = start.rows
        self.data_bytes = self._total = start.text
        self._lines = start.lines
        self._delimiters = (self._width - 1) * start.rows

    def add(self, block: bytes) -> int:
        """Count one block, which begins at the start of a line; returns how much of it is rows."""
        start = self._total
        self._total += len(block)
        if not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError:
                self.hazards.add("bad_encoding")
        if b"\0" in block:
            self.hazards.add("nul_byte")
        if b"\\" in block and _END_MARKER.search(block):
            self.hazards.add("copy_end_marker")
        outside = self._outside(block) if self._inside or b'"' in block else block
        self._structure(block, outside, start)
        return max(0, self.data_bytes - start)

    def end(self) -> None:
        """After the last block."""
        if self._inside and "stray_quote" not in self.hazards:
            raise FileError(
                f'"{self.name}", line {self._quote_line}: a quote is opened and never closed',
                hint="correct the file; nothing of it was staged",
            )
        if self._crlf and self._lf:
            self.hazards.add("mixed_line_ends")
        if self._delimiters != (self._width - 1) * self.rows:
            self.hazards.add("ragged_rows")
        self.blank += self._pending_blank
        self._pending_blank = 0

    def _outside(self, block: bytes) -> bytes:
        """Return the block without what is quoted: each quoted piece is one quote character."""
        pieces = block.split(b'"')
        if self._inside:
            pieces.insert(0, b"")
        ends_inside = len(pieces) % 2 == 0
        kept = pieces[::2]
        if ends_inside:
            kept.append(b"")
            self._quote_line = self._lines + line_ends(block[: block.rfind(b'"')]) + 1
        outside = b'"'.join(kept)
        inside = b'"'.join(pieces[1::2])
        if b"\n" in inside or b"\r" in inside:
            self.hazards.add("quoted_newline")
            self._lines += line_ends(inside)
        if self._stray.search(outside):
            self.hazards.add("stray_quote")
        self._inside = ends_inside
        return outside

    def _structure(self, block: bytes, outside: bytes, start: int) -> None:
        """Count records, delimiters and blank rows of what is outside of quotes."""
        pairs = 0
        if b"\r" in outside:
            outside, pairs = self._only_newlines(outside)
        # Nothing but delimiters and newlines is left: of one the count, the others are the rest.
        marks = outside.translate(None, self._neither)
        newlines = marks.count(b"\n")
        delimiters = len(marks) - newlines
        self._lf = self._lf or newlines > pairs
        self._lines += newlines
        if self._inside:
            tail = b""
            self.data_bytes = self._total
        else:
            core = len(outside.rstrip(self._blanks))
            end = (outside.find(b"\n", core) + 1 or len(outside)) if core else 0
            tail = outside[end:]
            outside = outside[:end]
            self._end_of_data(block, start)
        tail_lines = tail.count(b"\n")
        if outside:
            if self._pending_blank:  # rows follow: these were not the end of the file
                self.hazards.add("blank_rows")
                self.blank += self._pending_blank
                self._pending_blank = 0
            blank = len(self._blank_row.findall(outside))
            blank += self._blank_line.match(outside) is not None
            if blank:
                self.hazards.add("blank_rows")
                self.blank += blank
            # The last line of a file may have no line end.
            last = not self._inside and not outside.endswith(b"\n")
            self.rows += newlines - tail_lines + last - blank
            self._delimiters += delimiters - tail.count(self._blanks[-1:])
        self._pending_blank += tail_lines + (bool(tail) and not tail.endswith(b"\n"))

    def _only_newlines(self, outside: bytes) -> tuple[bytes, int]:
        """Return the text with a newline for each line end, and how many of them were CR LF."""
        if _LONE_CR.search(outside) is None:
            text = outside.translate(None, b"\r")
            pairs = len(outside) - len(text)
        else:
            self.hazards.add("mixed_line_ends")  # a lone CR: an end of line for us
            pairs = outside.count(b"\r\n")
            self._lf = self._lf or outside.count(b"\n") > pairs
            text = outside.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._crlf = self._crlf or pairs > 0
        return text, pairs

    def _end_of_data(self, block: bytes, start: int) -> None:
        """Note where the last row that is not blank ends."""
        core = len(block.rstrip(self._blanks))
        if core:
            match = _LINE_END.search(block, core)
            self.data_bytes = start + (match.end() if match else len(block))
