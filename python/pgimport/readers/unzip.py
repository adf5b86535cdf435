"""Unpacking the one file of a ZIP file on the way; what else may hide in one is refused."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator

from pgimport.errors import FileError
from pgimport.readers.disk import BLOCK, Disk

UNPACK_HINT = "unpack it, and import the file that is in it"
_MAX_DIRECTORY_BYTES = 64 * 1024
_END_OF_DIRECTORY = b"PK\x05\x06"
_ENCRYPTED = 0x1 | 0x40
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz"}


class Damaged(Exception):  # noqa: N818 - made a FileError where name and line are known
    """The packed file is damaged or incomplete."""


def unzip(disk: Disk) -> Iterator[bytes]:
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
        raise FileError(f'"{disk.path.name}" holds many files', hint=UNPACK_HINT)


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
        raise FileError(f'"{name}" is encrypted', hint=UNPACK_HINT)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = _METHODS.get(member.compress_type, f"method {member.compress_type}")
        raise FileError(f'"{name}" is packed by {method}, which is not read', hint=UNPACK_HINT)
    return member
