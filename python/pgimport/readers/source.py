"""Opening an input file: plain or gzip bytes, decoded to UTF-8, in blocks of whole lines."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pgimport.errors import FileError

BLOCK = 256 * 1024
MAX_RECORD_BYTES = 64 * 1024 * 1024
MAX_UNPACKED_BYTES = 256 * 1024**3
MAX_COLUMNS = 1590

_MAGIC = (
    (b"PK\x03\x04", "a ZIP or Excel file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF", "a PDF"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"PGCOPY\n", "a binary COPY file"),
)
_WIDE_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Digest(io.RawIOBase):
    """A raw file that hashes and counts the bytes that were really read from it."""

    def __init__(self, raw: IO[bytes], digest: bool) -> None:
        self.raw_file = raw
        self.hash = hashlib.sha256() if digest else None
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self.raw_file.read(size)
        self.count += len(data)
        if self.hash is not None:
            self.hash.update(data)
        return data

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)


def utf8_name(encoding: str | None) -> str | None:
    """Return the codec's own name for an encoding, None for UTF-8; FileError if unknown."""
    if encoding is None:
        return None
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise FileError(
            f'unknown encoding "{encoding}"', hint="use a name such as utf-8, cp1252 or utf-16"
        ) from None
    return None if name in ("utf-8", "utf-8-sig", "ascii") else name


class Source:
    """One open input file. Use as a context manager and read ``blocks()`` once, to the end.

    Attributes:
        bom: True once a UTF-8 byte order mark was seen and taken off.
        compressed: True for a gzip file.
        size: size of the file in bytes when it was opened.

    """

    def __init__(self, path: Path, encoding: str | None = None, digest: bool = True) -> None:
        self.path = path
        self.bom = False
        self._codec = utf8_name(encoding)
        raw = _open_regular(path)
        self.size = os.fstat(raw.fileno()).st_size
        self._raw = raw
        self._digest = _Digest(raw, digest)
        magic = raw.read(8)
        raw.seek(0)
        self.compressed = magic.startswith(b"\x1f\x8b")
        named = path.name.lower().endswith(".gz")
        if named != self.compressed and self.size:
            raw.close()
            what = (
                "is not gzip data, as its name says" if named else "is gzip data but not named .gz"
            )
            raise FileError(f'"{path.name}" {what}', hint="rename it")
        for start, kind in _MAGIC:
            if magic.startswith(start):
                raw.close()
                raise FileError(f'"{path.name}" is {kind}', hint="export it as CSV")
        self._stream = gzip.GzipFile(fileobj=self._digest) if self.compressed else self._digest

    @property
    def bytes_read(self) -> int:
        """Bytes of the file itself read so far."""
        return self._digest.count

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes read: of the whole file once ``blocks()`` came to its end."""
        return self._digest.hash.hexdigest() if self._digest.hash is not None else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._raw.close()

    def blocks(self) -> Iterator[bytes]:
        """Yield the text as UTF-8 without BOM, in blocks that end with a line (save the last)."""
        rest = b""
        for data in self._decoded():
            block = rest + data if rest else data
            end = block.rfind(b"\n") + 1
            if not end:
                end = block.rfind(b"\r", 0, -1) + 1
            if not end:
                rest = block
                if len(rest) > MAX_RECORD_BYTES:
                    raise FileError(f'"{self.path.name}" has a line of more than 64 MB')
                continue
            if end == len(block):
                rest = b""
                yield block
            else:
                rest = block[end:]
                yield block[:end]
        if rest:
            yield rest

    def drain(self, report: Callable[[int], None] | None = None) -> None:
        """Read what is left of the file for its digest alone; no block can be had afterwards."""
        try:
            while self._digest.read(BLOCK):
                if report is not None:
                    report(self._digest.count)
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> FileError:
        return FileError(f'"{self.path.name}" cannot be read', detail=error.strerror or str(error))

    def _decoded(self) -> Iterator[bytes]:
        first = True
        for data in self._unpacked() if self._codec is None else self._transcoded(self._codec):
            if first and data:
                first = False
                if data.startswith(codecs.BOM_UTF8):
                    self.bom = True
                    yield data[3:]
                    continue
                if self._codec is None and data.startswith(_WIDE_BOMS):
                    raise FileError(
                        f'"{self.path.name}" is UTF-16 or UTF-32',
                        hint="give its encoding, for instance utf-16",
                    )
            yield data

    def _transcoded(self, codec: str) -> Iterator[bytes]:
        # Bytes the encoding has no character for pass through as they are: not UTF-8, they
        # become issues of their rows.
        decoder = codecs.getincrementaldecoder(codec)("surrogateescape")
        try:
            for data in self._unpacked():
                yield decoder.decode(data).encode("utf-8", "surrogateescape")
            yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")
        except UnicodeError as error:
            raise FileError(f'"{self.path.name}" is not valid {codec}', detail=str(error)) from None

    def _unpacked(self) -> Iterator[bytes]:
        total = 0
        try:
            while data := self._stream.read(BLOCK):
                total += len(data)
                if total > MAX_UNPACKED_BYTES:
                    raise FileError(f'"{self.path.name}" unpacks to more than 256 GB')
                yield data
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileError(
                f'"{self.path.name}" is a damaged or incomplete gzip file', detail=str(error)
            ) from None
        except OSError as error:
            raise self._unreadable(error) from None


def _open_regular(path: Path) -> IO[bytes]:
    """Open a regular file, never waiting for a FIFO and never reading a device."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise FileError(f'"{path}" cannot be opened: {(error.strerror or "").lower()}') from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileError(f'"{path}" is not a regular file')
    return os.fdopen(handle, "rb", buffering=0)
