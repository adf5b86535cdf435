"""Unpacking .gz, .zst and .zip on the way, in bounded memory; nothing is ever written to disk."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from pgimport.errors import FileError
from pgimport.readers.disk import BLOCK, Disk
from pgimport.readers.unzip import UNPACK_HINT, Damaged, unzip

__all__ = ["PACKINGS", "Damaged", "packing", "packing_by_name", "unpacked"]

MAX_UNPACKED_BYTES = 256 * 1024**3
# A table packs to a tenth, one of nearly empty columns to a hundredth. What unpacks to more than
# this, and is large, is no table.
MAX_RATIO = 500
RATIO_FREE_BYTES = 256 * 1024**2
# The window of zstd is what its unpacking needs of memory. The command zstd takes no more, either.
MAX_WINDOW_BYTES = 128 * 1024**2
_GZIP_WINDOW = 16 + zlib.MAX_WBITS

PACKINGS = (
    ("gzip", (b"\x1f\x8b",), (".gz",)),
    ("zstd", (b"\x28\xb5\x2f\xfd", *(bytes((n, 0x2A, 0x4D, 0x18)) for n in range(0x50, 0x60))),
     (".zst", ".zstd")),
    ("zip", (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"), (".zip",)),
)  # fmt: skip


def packing(magic: bytes) -> str | None:
    """Return gzip, zstd or zip if a file that begins with these bytes is packed so."""
    return next((kind for kind, starts, _ in PACKINGS if magic.startswith(starts)), None)


def packing_by_name(name: str) -> str | None:
    """Return how a file is packed, going by its name."""
    return next((kind for kind, _, ends in PACKINGS if name.lower().endswith(ends)), None)


def unpacked(kind: str, disk: Disk) -> Iterator[bytes]:
    """Yield what is packed, block by block.

    Raises:
        Damaged: it breaks off, or a checksum does not fit.
        FileError: it unpacks to too much, or holds what is not read.

    """
    total = 0
    try:
        for data in _UNPACKERS[kind](disk):
            total += len(data)
            name = disk.path.name
            if total > MAX_UNPACKED_BYTES:
                limit = MAX_UNPACKED_BYTES // 1024**3
                raise FileError(f'"{name}" unpacks to more than {limit} GB')
            if total > RATIO_FREE_BYTES and total > disk.size * MAX_RATIO:
                raise FileError(
                    f'"{name}" unpacks to more than {MAX_RATIO} times its size',
                    detail=f"{disk.size} bytes packed, {total} unpacked so far",
                    hint="if it is no trap, " + UNPACK_HINT,
                )
            yield data
    except (EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise Damaged(str(error) or "it breaks off") from None


def _gzip(disk: Disk) -> Iterator[bytes]:
    """Unpack member after member; NUL bytes may fill up a file at its end.

    Unlike the module gzip it gives all that can be read before it says that the rest is missing.
    """
    member = None
    while data := disk.read(BLOCK):
        while data:
            if member is None:
                if not (data := data.lstrip(b"\0")):
                    break
                member = zlib.decompressobj(_GZIP_WINDOW)
            full = True
            while (data or full) and not member.eof:
                piece = member.decompress(data, BLOCK)
                data, full = member.unconsumed_tail, len(piece) == BLOCK
                if piece:
                    yield piece
            if member.eof:
                data, member = member.unused_data, None
    if member is not None:
        raise EOFError("it breaks off")


# ------------------------------------------------------------------------------------------- zstd


def _zstd(disk: Disk) -> Iterator[bytes]:
    """Unpack frame after frame, one block of at most 128 kB at a time.

    The library does not tell a frame that breaks off from one that ends, and what one call gives
    has no bound: so the blocks are counted out here (RFC 8878, section 3.1).
    """
    try:
        import zstandard  # noqa: PLC0415 - needed for this kind of file only
    except ImportError:
        raise FileError(
            f'"{disk.path.name}" is packed with zstd, and the package zstandard is not installed',
            hint="pip install zstandard",
        ) from None
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    try:
        while magic := disk.read(4):
            if magic[1:] == b"\x2a\x4d\x18":
                _exactly(disk, struct.unpack("<I", _exactly(disk, 4))[0])
                continue
            frame = unpacker.decompressobj()
            for piece in _zstd_pieces(disk, magic):
                if data := frame.decompress(piece):
                    yield data
            if not frame.eof:
                raise Damaged("a frame does not end where it should")
    except zstandard.ZstdError as error:
        if "memory" in str(error):
            raise FileError(
                f'"{disk.path.name}" needs a window of more than 128 MB to be unpacked',
                hint=UNPACK_HINT,
            ) from None
        raise Damaged(str(error)) from None


def _zstd_pieces(disk: Disk, magic: bytes) -> Iterator[bytes]:
    """Give a frame in pieces: its head, then block after block, then its checksum."""
    descriptor = _exactly(disk, 1)[0]
    single = (descriptor >> 5) & 1
    size = (0, 1, 2, 4)[descriptor & 3] + (not single)
    size += (single, 2, 4, 8)[descriptor >> 6]
    yield magic + bytes((descriptor,)) + _exactly(disk, size)
    last = 0
    while not last:
        head = _exactly(disk, 3)
        number = int.from_bytes(head, "little")
        last = number & 1
        repeated = (number >> 1) & 3 == 1  # one byte stands for many
        yield head + _exactly(disk, 1 if repeated else number >> 3)
    if (descriptor >> 2) & 1:
        yield _exactly(disk, 4)


def _exactly(disk: Disk, size: int) -> bytes:
    pieces = []
    while size:
        data = disk.read(min(size, BLOCK))
        if not data:
            raise Damaged("it breaks off")
        pieces.append(data)
        size -= len(data)
    return b"".join(pieces)


_UNPACKERS: dict[str, Callable[[Disk], Iterator[bytes]]] = {
    "gzip": _gzip,
    "zstd": _zstd,
    "zip": unzip,
}
