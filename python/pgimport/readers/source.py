"""Opening an input file: plain or packed bytes, decoded to UTF-8, in blocks of whole lines."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pgimport.errors import FileError
from pgimport.readers import disk as disk_module
from pgimport.readers.disk import Disk
from pgimport.readers.encoding import ESCAPE, choose, codec_name
from pgimport.readers.unpack import Damaged, packing, packing_by_name, unpacked

MAX_RECORD_BYTES = 64 * 1024 * 1024
MAX_COLUMNS = 1590

_MAGIC = (
    (b"PK\x03\x04", "a ZIP or Excel file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF", "a PDF"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file"),
    (b"PGCOPY\n", "a binary COPY file"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"<!DOCTYPE", "HTML or XML"),
    (b"<html", "HTML or XML"),
    (b"<?xml", "HTML or XML"),
)
_START = 64


class Source:
    """One open input file. Use as a context manager and read ``blocks()`` once, to the end.

    Attributes:
        path: the file.
        packing: gzip, zstd, zip or None.
        charset: its encoding, as people name it; known once the first block was read.
        bom: it begins with a UTF-8 byte order mark; known once the first block was read.
        declared: the user said in which encoding it is.
        errors: how its blocks are to be decoded, so that bytes which are no text are lone
            surrogates; known once the first block was read.

    """

    def __init__(self, path: Path, encoding: str | None = None, digest: bool = True) -> None:
        self.path = path
        self.declared = encoding is not None
        self.bom = False
        self.errors = "surrogateescape"
        self.charset = encoding or "UTF-8"
        self._encoding = encoding
        self._lines = 0
        if encoding is not None:
            codec_name(encoding)
        self._disk = Disk(path, digest)
        self.size = self._disk.size
        try:
            self.packing = self._find_packing()
        except BaseException:
            self._disk.close()
            raise

    @property
    def compressed(self) -> bool:
        """Whether the file is packed."""
        return self.packing is not None

    @property
    def bytes_read(self) -> int:
        """Bytes of the file itself read so far."""
        return self._disk.count

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes read: of the whole file once ``blocks()`` came to its end."""
        return self._disk.sha256

    def expect(self, size: int, sha256: str) -> None:
        """Have the first bytes of the file compared with what was read of it the last time.

        Reading raises Changed where they differ.
        """
        self._disk.expect(size, sha256)

    def confirm(self) -> None:
        """Raise Changed if they were not read yet."""
        self._disk.confirm()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._disk.close()

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the text as UTF-8 without BOM, in blocks that end with a line (save the last).

        Args:
            start: byte of this text to begin with; the first of a line.

        """
        for block in self._whole_lines():
            if start >= len(block):
                start -= len(block)
            elif start:
                yield block[start:]
                start = 0
            else:
                yield block

    def pieces(self) -> Iterator[bytes]:
        """Yield the text as UTF-8 without BOM, in pieces that end anywhere; instead of blocks."""
        return self._decoded()

    def drain(self, report: Callable[[int], None] | None = None) -> None:
        """Read what is left of the file for its digest alone; no block can be had afterwards."""
        try:
            self._disk.rest(report)
        except OSError as error:
            raise self._unreadable(error) from None

    def _whole_lines(self) -> Iterator[bytes]:
        pending: list[bytes] = []
        size = 0
        for data in self._decoded():
            end = data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, -1) + 1
            if not end:
                pending.append(data)
                size += len(data)
                if size > MAX_RECORD_BYTES:
                    raise FileError(f'"{self.path.name}" has a line of more than 64 MB')
                continue
            whole = end == len(data)
            if pending:
                pending.append(data if whole else data[:end])
                block = b"".join(pending)
            else:
                block = data if whole else data[:end]
            pending = [] if whole else [data[end:]]
            size = len(data) - end
            if self.packing:
                self._lines += block.count(b"\n")
            yield block
        if pending:
            yield b"".join(pending)

    def _decoded(self) -> Iterator[bytes]:
        """Yield UTF-8; bytes that are no text are not valid in it."""
        raw = self._unpacked()
        start = b""
        while len(start) < _START and (data := next(raw, b"")):
            start += data
        if self.packing:
            self._refuse_kinds(start, "holds ")
            if packing(start):
                raise FileError(
                    f'"{self.path.name}" holds a packed file in a packed one', hint="unpack it once"
                )
        codec = choose(self.path.name, self._encoding, start)
        text: Iterator[bytes] = itertools.chain((start,), raw)
        if codec is not None:
            self.errors = "surrogatepass"
            self.charset = self._encoding or codec
            text = self._transcoded(codec, text)
        start = next(text, b"")
        if start.startswith(codecs.BOM_UTF8):
            while start.startswith(codecs.BOM_UTF8):
                start = start[3:]
            if codec is None:
                self.bom = True
                self.charset = "UTF-8 with BOM"
        if start:
            yield start
        yield from text

    def _transcoded(self, codec: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(codec)(ESCAPE)
        try:
            for data in pieces:
                if text := decoder.decode(data):
                    yield text.encode("utf-8", "surrogatepass")
            if text := decoder.decode(b"", final=True):
                yield text.encode("utf-8", "surrogatepass")
        except UnicodeError as error:
            raise FileError(f'"{self.path.name}" is not valid {codec}', detail=str(error)) from None

    def _unpacked(self) -> Iterator[bytes]:
        try:
            if self.packing:
                yield from unpacked(self.packing, self._disk)
            else:
                while data := self._disk.read(disk_module.BLOCK):
                    yield data
            self._disk.rest()
        except Damaged as error:
            raise FileError(
                f'"{self.path.name}" is a damaged or incomplete {self.packing} file: it can be '
                f"read up to line {self._lines + 1}",
                detail=f"{error}; {self.bytes_read} of {self.size} bytes were read",
                hint="fetch the file again; nothing of it was staged",
            ) from None
        except OSError as error:
            raise self._unreadable(error) from None

    def _find_packing(self) -> str | None:
        """Return how the file is packed, going by its first bytes.

        Raises:
            FileError: its name says otherwise, or it is another kind of file altogether.

        """
        magic = self._disk.peek(_START)
        found, named = packing(magic), packing_by_name(self.path.name)
        if found is None:
            if named is not None and self.size:
                raise FileError(
                    f'"{self.path.name}" is not {named} data, as its name says', hint="rename it"
                )
            self._refuse_kinds(magic)
        return found

    def _refuse_kinds(self, magic: bytes, verb: str = "is ") -> None:
        for start, kind in _MAGIC:
            if magic.startswith(start):
                hint = "export it as CSV" if verb == "is " else "unpack it"
                raise FileError(f'"{self.path.name}" {verb}{kind}', hint=hint)

    def _unreadable(self, error: OSError) -> FileError:
        return FileError(f'"{self.path.name}" cannot be read', detail=error.strerror or str(error))
