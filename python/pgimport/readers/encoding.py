r"""Encodings: their names, what a byte order mark says, and bytes that are no text.

Everything becomes UTF-8. A byte for which the declared encoding has no character must become an
issue of its row: it is carried on as a lone surrogate, which is not valid UTF-8 whatever stands
beside it (the byte itself could be: in cp1253 neither of ``\xD2\xAA`` is a character, in UTF-8
they are one).
"""

from __future__ import annotations

import codecs
import re

from pgimport.errors import FileError

ESCAPE = "pgimport_escape"
ESCAPED = re.compile("[\ud800-\udfff]")

# byte order mark, codec of what follows it, name for people; the longer ones first
BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
# as PostgreSQL names them, where Python does not know the name
_POSTGRESQL = {
    "unicode": "utf-8",
    "sqlascii": "ascii",
    "abc": "cp1258",
    "tcvn": "cp1258",
    "tcvn5712": "cp1258",
    "vscii": "cp1258",
    "alt": "cp866",
    "win": "cp1251",
    "euccn": "gb2312",
    "eucjis2004": "euc_jis_2004",
    "shiftjis2004": "shift_jis_2004",
    "mskanji": "cp932",
    "sjis": "cp932",
    "shiftjis": "cp932",
    "windows932": "cp932",
    "windows936": "gbk",
    "windows949": "cp949",
    "windows950": "cp950",
    "koi8": "koi8-r",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
}
# codecs of Python that are no encodings of a file
_NO_ENCODINGS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "charmap")


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Carry on each byte that is no character as the lone surrogate U+DC00 + byte."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    escaped = "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end])
    return escaped, error.end


codecs.register_error(ESCAPE, _escape)


def shown(record: str) -> str:
    r"""Return a record readable and without loss: undecodable bytes and NUL as ``\xE9``."""
    if "\0" not in record and not ESCAPED.search(record):
        return record
    text = record.replace("\\", "\\\\").replace("\0", "\\x00")
    return ESCAPED.sub(_show, text)


def _show(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number - 0xDC00:02X}" if 0xDC00 <= number <= 0xDCFF else f"\\u{number:04X}"


def codec_name(encoding: str) -> str:
    """Return the codec for an encoding as Python or PostgreSQL names it.

    Raises:
        FileError: there is no such encoding.

    """
    plain = re.sub(r"[^a-z0-9]", "", encoding.lower())
    wanted = _POSTGRESQL.get(plain, encoding)
    if re.fullmatch(r"win[0-9]+", plain):
        wanted = "cp" + plain[3:]
    elif plain == "uhc":
        wanted = "cp949"
    try:
        found = codecs.lookup(wanted)
        # what turns text into text, or bytes into bytes (rot13, base64), is no encoding
        known = getattr(found, "_is_text_encoding", True)
    except (LookupError, ValueError):
        known = False
    if not known or found.name.replace("-", "_") in _NO_ENCODINGS:
        raise FileError(
            f'unknown encoding "{encoding}"', hint="use a name such as utf-8, cp1252 or utf-16"
        )
    return "utf-8" if found.name in ("utf-8-sig", "ascii") else found.name


def by_nuls(data: bytes) -> str | None:
    """Return the encoding of two or four bytes a character in which text begins so, or None.

    What separates fields and lines is ASCII: of its bytes in such an encoding all but one are
    NUL, always the same ones.
    """
    size = len(data) - len(data) % 4
    nuls = [data[place:size:4].count(0) for place in range(4)]
    total = sum(nuls)
    if not total:
        return None
    for name, places in (
        ("utf-32-le", (1, 2, 3)),
        ("utf-32-be", (0, 1, 2)),
        ("utf-16-le", (1, 3)),
        ("utf-16-be", (0, 2)),
    ):
        least = 0.6 if len(places) == 3 else 0
        here = sum(nuls[place] for place in places)
        if here >= 0.95 * total and here >= least * size and here > 1:
            return name
    return None


def choose(name: str, declared: str | None, start: bytes) -> str | None:
    """Return the codec by which a file is to be decoded, None for UTF-8.

    Args:
        name: that of the file.
        declared: what the user said.
        start: first bytes of the file.

    Raises:
        FileError: unknown encoding; the byte order mark says another; UTF-16 of either order.

    """
    codec = codec_name(declared) if declared is not None else None
    bom = next(((wide, family) for mark, wide, family in BOMS if start.startswith(mark)), None)
    if codec is None:
        codec = bom[0] if bom else "utf-8"
    elif bom is not None and codec not in (bom[0], bom[1].lower()):
        # UTF-16 may begin with a mark and a NUL: four bytes that are the mark of UTF-32
        if not (codec in ("utf-16", "utf-16-le") and bom[0] == "utf-32-le"):
            raise FileError(
                f'"{name}" begins with the byte order mark of {bom[1]}, but {declared} is given',
                hint=f"leave the encoding out, or give {bom[1].lower()}",
            )
        codec = "utf-16-le"
    elif codec in ("utf-16", "utf-32"):
        found = bom[0] if bom else by_nuls(start)
        if found is None or not found.startswith(codec):
            raise FileError(
                f'"{name}" has no byte order mark: the order of its bytes is not known',
                hint=f"give {codec}-le or {codec}-be",
            )
        codec = found
    return None if codec == "utf-8" else codec
