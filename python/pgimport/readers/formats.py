"""Which reader a file is for: told by its bytes, and by its name where bytes do not tell."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

from pgimport.errors import FileError

TEXT, JSON = "text", "json"
SPREADSHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TABLES = (*SPREADSHEETS, ".parquet")
_PACKED = (".gz", ".zst", ".zip")
_TEXTS = (".csv", ".tsv", ".txt", ".json", ".ndjson", ".jsonl")
JSON_SUFFIXES = (".json", ".ndjson", ".jsonl")
LINES_SUFFIXES = (".ndjson", ".jsonl")
SUFFIXES = (*_TEXTS, *TABLES, *(text + packed for text in _TEXTS for packed in _PACKED))

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHER_OFFICE = {"word/document.xml": "a Word document", "ppt/presentation.xml": "a presentation"}
_OTHER_OPEN = b"application/vnd.oasis.opendocument."
# what the library raises for archives that are none
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError,
    OverflowError,
)  # fmt: skip
_MOST_DIRECTORY = 4 * 1024 * 1024
_SAVE = "open it in a spreadsheet program and save it as .xlsx or .csv"


def open_regular(path: Path) -> IO[bytes]:
    """Open a regular file, never waiting for a FIFO and never reading a device.

    Raises:
        FileError: it is none, or cannot be opened.

    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise FileError(f'"{path}" cannot be opened: {(error.strerror or "").lower()}') from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileError(f'"{path}" is not a regular file')
    return os.fdopen(handle, "rb", buffering=0)


def bare_name(path: Path) -> str:
    """Return the name in lower case without the suffix of its packing."""
    name = path.name.lower()
    return next((name[: -len(packed)] for packed in _PACKED if name.endswith(packed)), name)


def find_format(path: Path) -> str:
    """Return text, json, xlsx, xlsb, xls, ods or parquet.

    A spreadsheet is read as one whatever its name; a file that is named as one and is none is
    refused with what it is.

    Raises:
        FileError: as said, or it cannot be opened, or is a document of another kind.

    """
    name = path.name
    with open_regular(path) as file:
        start = file.read(512)
        if start.startswith(_OLE):
            return _compound(file, name)
        if start.startswith(b"PK\x03\x04") and (found := _in_archive(file, name)):
            return found
    if start.startswith(b"PAR1"):
        return "parquet"
    if path.suffix.lower() in TABLES:
        raise FileError(f'"{name}" is {_instead(start)}', hint=_hint(start))
    return JSON if bare_name(path).endswith(JSON_SUFFIXES) else TEXT


def _compound(file: IO[bytes], name: str) -> str:
    """Tell an old Excel file from what else is kept in a compound file."""
    book = False
    overlap = b""
    file.seek(0)
    while data := file.read(1024 * 1024):
        part = overlap + data
        if _ENCRYPTED in part:
            raise FileError(f'"{name}" is protected by a password', hint="save it without password")
        book = book or any(
            stream.encode("utf-16-le") + b"\0\0" in part for stream in ("Workbook", "Book")
        )
        overlap = part[-64:]
    if not book:
        raise FileError(f'"{name}" is an old Office file, but no workbook', hint=_SAVE)
    return "xls"


def _in_archive(file: IO[bytes], name: str) -> str | None:
    """Return the kind of spreadsheet in an archive; None for an archive of other files."""
    first = b""
    try:
        _check_directory(file)
        with zipfile.ZipFile(file) as archive:
            members = set(archive.namelist())
            if "mimetype" in members:
                with archive.open("mimetype") as part:
                    first = part.read(200)
    except _ARCHIVE_ERRORS:
        # its own reader says what is wrong
        return "xlsx" if name.lower().endswith(SPREADSHEETS) else None
    if first.startswith(_OTHER_OPEN):
        if first.startswith(_OTHER_OPEN + b"spreadsheet"):
            return "ods"
        raise FileError(f'"{name}" is an OpenDocument file, but no spreadsheet', hint=_SAVE)
    if "xl/workbook.bin" in members:
        return "xlsb"
    if "[Content_Types].xml" in members:
        for member, kind in _OTHER_OFFICE.items():
            if member in members:
                raise FileError(f'"{name}" is {kind}', hint=_SAVE)
        return "xlsx"
    if name.lower().endswith(SPREADSHEETS):
        raise FileError(f'"{name}" is a ZIP file, but no spreadsheet', hint=_SAVE)
    return None


def _check_directory(file: IO[bytes]) -> None:
    """Refuse an archive whose directory is too large to be looked at here.

    Raises:
        ValueError: it is.

    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place >= 0 and int.from_bytes(tail[place + 12 : place + 16], "little") > _MOST_DIRECTORY:
        raise ValueError("the directory is too large")


def _instead(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "empty"
    if text.startswith((b"<!doctype html", b"<html", b"<table", b"<meta", b"<head")):
        return "a web page (HTML), not a spreadsheet"
    if text.startswith(b"<?xml"):
        return "an XML file, not a spreadsheet as its name says"
    if start[:2] in (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08"):
        return "a spreadsheet of a very old version of Excel"
    if b"\0" in start:
        return "not what its name says"
    return "a text file, not what its name says"


def _hint(start: bytes) -> str:
    if not start:
        return "get the file again"
    text = _instead(start).startswith("a text")
    return "name it .csv, or .tsv, if that is what it is" if text else _SAVE
