"""The head of a file: its layout, and the digest of all its bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pgimport.readers.dialect import find_delimiter
from pgimport.readers.layout import Layout, begin
from pgimport.readers.options import ReadOptions
from pgimport.readers.source import Source

__all__ = ["FileHead", "find_delimiter", "read_head", "read_options"]


@dataclass(frozen=True, slots=True)
class FileHead(Layout):
    """What is known of a file before its records are looked at.

    Attributes:
        path: the file. size: its bytes as they lie on disk. sha256: digest of these bytes.
        compressed: it is packed: gzip, zstd or zip.
        encoding: encoding the user gave, or None. charset: the one it is in, for people.

    """

    path: Path
    size: int
    sha256: str
    compressed: bool
    encoding: str | None
    charset: str

    @property
    def named(self) -> int:
        """How many fields a record must have: those up to the last one that has a name."""
        return max((place for place, name in enumerate(self.header, 1) if name), default=1)


def read_options(
    options: ReadOptions | None, delimiter: str | None, encoding: str | None
) -> ReadOptions:
    """Return the options of a call that may give delimiter and encoding by themselves."""
    if options is None:
        return ReadOptions(delimiter=delimiter, encoding=encoding)
    if delimiter is None and encoding is None:
        return options
    return ReadOptions(
        delimiter=delimiter if delimiter is not None else options.delimiter,
        encoding=encoding if encoding is not None else options.encoding,
        header_row=options.header_row,
        header=options.header,
        sheet=options.sheet,
        records=options.records,
    )


def read_head(
    path: Path | str,
    delimiter: str | None = None,
    encoding: str | None = None,
    report: Callable[[int], None] | None = None,
    *,
    options: ReadOptions | None = None,
) -> FileHead:
    """Read the header of a file, and all its bytes for their SHA-256 alone.

    Several threads can do this side by side: hashing does not hold the interpreter.

    Args:
        path: a regular file, plain, gzip, zstd, or ZIP with one file in it.
        delimiter: one character; found among comma, semicolon, tab and bar if not given.
        encoding: as Python or PostgreSQL names it; that of its byte order mark or UTF-8 if not
            given.
        report: called with the bytes read so far, now and then.
        options: the same and more, in one object.

    Raises:
        FileError: no file, no header, unknown encoding, delimiter or header not to be found.

    """
    options = read_options(options, delimiter, encoding)
    with Source(Path(path), options.encoding) as source:
        layout, _ = begin(source, source.blocks(), options)
        source.drain(report)
        return FileHead(
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
        )
