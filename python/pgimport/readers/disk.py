"""The bytes of an input file as they lie on disk: read once, counted and hashed on the way."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

from pgimport.errors import FileError
from pgimport.readers.position import Changed

BLOCK = 256 * 1024


class Disk(io.RawIOBase):
    """An open regular file that hashes each of its bytes once, in their order.

    A reader may leap (the directory of a ZIP file stands at its end): what was leapt over is
    hashed when it is read, or by ``rest()``.

    Attributes:
        path: the file. size: its bytes when it was opened. count: bytes hashed so far.

    """

    def __init__(self, path: Path, digest: bool = True) -> None:
        self.path = path
        self._raw = io.FileIO(_open_regular(path))
        self.size = os.fstat(self._raw.fileno()).st_size
        self.count = 0
        self._position = 0
        self._hash = hashlib.sha256() if digest else None
        self._expected: tuple[int, str] | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes hashed so far; the empty text if none was asked for."""
        return self._hash.hexdigest() if self._hash is not None else ""

    def expect(self, size: int, sha256: str) -> None:
        """Have the first bytes compared with those that were read of the file the last time."""
        self._expected = size, sha256

    def confirm(self) -> None:
        """Raise Changed if they were not read yet: then the file is shorter than it was."""
        if self._expected is not None:
            raise Changed

    def peek(self, size: int) -> bytes:
        """Return the first bytes of the file without taking them."""
        return os.pread(self._raw.fileno(), size, 0)

    def rest(self, report: Callable[[int], None] | None = None) -> None:
        """Read what was not hashed yet."""
        self.seek(self.count)
        while self.read(BLOCK):
            if report is not None:
                report(self.count)

    def read(self, size: int = -1, /) -> bytes:
        """Read on, as a raw file does."""
        data: bytes = self._raw.read(size) or b""
        begin, self._position = self._position, self._position + len(data)
        if begin <= self.count < self._position:
            new = data if begin == self.count else data[self.count - begin :]
            if self._expected is not None:
                new = self._compare(new)
            if self._hash is not None:
                self._hash.update(new)
            self.count = self._position
        return data

    def _compare(self, new: bytes) -> bytes:
        """Compare the digest at the place where it is known; returns what follows that place.

        Raises:
            Changed: it is another one.

        """
        if self._expected is None or self._hash is None:
            return new
        size, sha256 = self._expected
        first = size - self.count
        if len(new) < first:
            return new
        self._hash.update(new[:first])
        if self.sha256 != sha256:
            raise Changed
        self._expected = None
        return new[first:]

    def readinto(self, buffer: object, /) -> int:
        """Read on into a buffer."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to another place."""
        self._position = self._raw.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        """Return the place of the next read."""
        return self._position

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def seekable(self) -> bool:
        """Say that it is."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
        super().close()


def _open_regular(path: Path) -> int:
    """Open a regular file, never waiting for a FIFO and never reading a device."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise FileError(f'"{path}" cannot be opened: {(error.strerror or "").lower()}') from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileError(f'"{path}" is not a regular file')
    return handle
