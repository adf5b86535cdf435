"""Unpacking .gz, .zst and .zip on the way, in bounded memory; nothing is ever written to disk."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from pgimport.errors import FileError
from pgimport.readers.disk import BLOCK, Disk

MAX_UNPACKED_BYTES = 256 * 1024**3
# A table packs to a tenth, one of nearly empty columns to a hundredth. What unpacks to more than
# this, and is large, is no table.
MAX_RATIO = 500
RATIO_FREE_BYTES = 256 * 1024**2
# The window of zstd is what its unpacking needs of memory. The command zstd takes no more, either.
MAX_WINDOW_BYTES = 128 * 1024**2
_MAX_DIRECTORY_BYTES = 64 * 1024
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_END_OF_DIRECTORY = b"PK\x05\x06"
_ENCRYPTED = 0x1 | 0x40
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz"}

PACKINGS = (
    ("gzip", (b"\x1f\x8b",), (".gz",)),
    ("zstd", (b"\x28\xb5\x2f\xfd", *(bytes((n, 0x2A, 0x4D, 0x18)) for n in range(0x50, 0x60))),
     (".zst", ".zstd")),
    ("zip", (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"), (".zip",)),
)  # fmt: skip
_UNPACK_HINT = "unpack it, and import the file that is in it"


class Damaged(Exception):  # noqa: N818 - made a FileError where name and line are known
    """The packed file is damaged or incomplete."""


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
                    hint="if it is no trap, " + _UNPACK_HINT,
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
                hint=_UNPACK_HINT,
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


# -------------------------------------------------------------------------------------------- zip


def _zip(disk: Disk) -> Iterator[bytes]:
    """Unpack the one regular file of a ZIP file."""
    name = disk.path.name
    _check_directory(disk)
    try:
        with zipfile.ZipFile(disk) as archive:
            member = _only_member(archive, name)
            with archive.open(member) as stream:
                while data := stream.read(BLOCK):
                    yield data
    except (RuntimeError, NotImplementedError, ValueError, struct.error, OverflowError) as error:
        raise Damaged(str(error)) from None


def _check_directory(disk: Disk) -> None:
    """Refuse a directory too large for one file, before it is read as a whole."""
    disk.seek(max(0, disk.size - 65536 - 22 - 20))
    tail = disk.read(65536 + 22 + 20)
    place = tail.rfind(_END_OF_DIRECTORY)
    if place < 0 or len(tail) < place + 22:
        raise Damaged("its directory is missing: it breaks off")
    size = struct.unpack_from("<I", tail, place + 12)[0]
    locator = tail[max(0, place - 20) : place]
    if locator.startswith(b"PK\x06\x07"):
        disk.seek(struct.unpack_from("<Q", locator, 8)[0])
        record = disk.read(56)
        if len(record) < 56:
            raise Damaged("its directory is missing")
        size = struct.unpack_from("<Q", record, 40)[0]
    if size > _MAX_DIRECTORY_BYTES:
        raise FileError(f'"{disk.path.name}" holds many files', hint=_UNPACK_HINT)


def _only_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    # what the Finder of macOS adds to each file is no file of the user's
    members = [
        item
        for item in archive.infolist()
        if not item.is_dir() and not item.filename.startswith("__MACOSX/")
    ]
    if any(item.filename in ("[Content_Types].xml", "mimetype") for item in members):
        raise FileError(f'"{name}" is an Excel or OpenDocument file', hint="export it as CSV")
    if len(members) != 1:
        inside = ", ".join(item.filename for item in members[:5]) or "none"
        raise FileError(
            f'"{name}" holds {len(members)} files, not one',
            detail=f"in it: {inside}",
            hint="unpack it, and import the folder",
        )
    member = members[0]
    parts = member.filename.replace("\\", "/").split("/")
    if member.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        raise FileError(f'"{name}" holds a file whose name leads out of it: {member.filename!r}')
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise FileError(f'"{name}" holds a link or a device, not a regular file')
    if member.flag_bits & _ENCRYPTED:
        raise FileError(f'"{name}" is encrypted', hint=_UNPACK_HINT)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = _METHODS.get(member.compress_type, f"method {member.compress_type}")
        raise FileError(f'"{name}" is packed by {method}, which is not read', hint=_UNPACK_HINT)
    return member


_UNPACKERS: dict[str, Callable[[Disk], Iterator[bytes]]] = {
    "gzip": _gzip,
    "zstd": _zstd,
    "zip": _zip,
}
