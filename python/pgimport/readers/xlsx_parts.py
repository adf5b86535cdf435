"""The parts of an XLSX file that are not its rows: the archive, the workbook, formats, strings.

Runs in the child that reads spreadsheets. Every part goes through expat, so that what comes after
may rely on well-formed XML without a document type and therefore without entities of its own.
"""

from __future__ import annotations

import codecs
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

from pgimport.readers.cell_text import NUMBER, escape, format_kind

MAX_MEMBERS = 20_000
MAX_UNPACKED = 8 * 1024**3
MAX_RATIO = 300
MAX_SMALL_PART = 64 * 1024 * 1024
_RATIO_FROM = 256 * 1024 * 1024
_BLOCK = 512 * 1024
_ITEM = re.compile(
    r'<si>(?:<t(?: xml:space="preserve")?>([^<]*)</t></si>|(.*?)</si>)|<si ?/>', re.DOTALL
)
_PHONETIC = re.compile(r"<rPh\b.*?</rPh>", re.DOTALL)
_TEXT = re.compile(r"<t(?:\s[^>]*)?(?<!/)>([^<]*)</t>")
_CODE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"&(?:#(?:x([0-9A-Fa-f]+)|([0-9]+))|([a-z]+));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class Unreadable(Exception):  # noqa: N818 - becomes the file's error in the parent
    """The file cannot be read; said to people."""

    def __init__(self, message: str, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.detail = message, hint, detail


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook: its name, whether it is hidden, the part it is kept in."""

    name: str
    hidden: bool
    part: str = ""


def open_archive(file: IO[bytes], size: int) -> zipfile.ZipFile:
    """Open the archive and refuse one that is encrypted, or too large once unpacked.

    Raises:
        Unreadable: as said, or no archive.

    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Unreadable(
            "is damaged or incomplete: its archive cannot be opened",
            "get the file again, or save it anew",
            str(error),
        ) from None
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise Unreadable(f"has {len(members)} parts; a spreadsheet has a few", "do not trust it")
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("is protected by a password", "save it without password")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED or (unpacked > _RATIO_FROM and unpacked > size * MAX_RATIO):
        raise Unreadable(
            f"would unpack from {size} to {unpacked} bytes",
            "do not trust it; if it is right, export it as CSV",
        )
    return archive


def blocks(
    archive: zipfile.ZipFile, part: str, told: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """Yield the bytes of a part. Raises Unreadable."""
    total = 0
    try:
        with archive.open(part) as stream:
            while data := stream.read(_BLOCK):
                total += len(data)
                if total > MAX_UNPACKED:
                    raise Unreadable("unpacks to more than 8 GB", "export it as CSV")
                yield data
                if told is not None:
                    told(len(data))
    except KeyError:
        raise Unreadable(f'is damaged: part "{part}" is missing', "save it anew") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise Unreadable(
            f'is damaged: part "{part}" cannot be unpacked', "save it anew", str(error)
        ) from None


def safe_parser(separator: str | None = None) -> expat.XMLParserType:
    """Return a parser that refuses a document type, and with it entities of the file's own."""
    parser = expat.ParserCreate(namespace_separator=separator)

    def no_type(*_: object) -> None:
        raise Unreadable(
            "has a document type declaration, which no spreadsheet has", "save it anew"
        )

    parser.StartDoctypeDeclHandler = no_type
    return parser


def local(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]


def elements(archive: zipfile.ZipFile, part: str) -> list[tuple[str, dict[str, str]]]:
    """Return all elements of a small part in their order, without prefixes. Raises Unreadable."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = safe_parser()

    def begin(name: str, attributes: dict[str, str]) -> None:
        found.append((local(name), attributes))

    parser.StartElementHandler = begin
    total = 0
    try:
        for data in blocks(archive, part):
            total += len(data)
            if total > MAX_SMALL_PART:
                raise Unreadable(f'has a part "{part}" of more than 64 MB', "save it anew")
            parser.Parse(data)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise no_xml(part, error) from None
    return found


def no_xml(part: str, error: expat.ExpatError) -> Unreadable:
    """Return what is said of a part that is no XML."""
    return Unreadable(f'is damaged: part "{part}" is not valid XML', "save it anew", str(error))


def text_of(
    archive: zipfile.ZipFile, part: str, told: Callable[[int], None] | None = None
) -> Iterator[str]:
    """Yield the XML of a part, checked, in pieces that end with a tag; without comments.

    XML that is written otherwise than spreadsheet programs write it (prefixes, CDATA, comments,
    another encoding) is given as they would have written it.

    Raises:
        Unreadable: not well-formed, or with a document type.

    """
    parser = safe_parser()
    decoder = codecs.getincrementaldecoder("utf-8")()
    anew: list[str] = []
    unusual = first = True
    rest = ""
    try:
        for data in blocks(archive, part, told):
            if first:
                first = False
                unusual = not _usual(data)
                if unusual:
                    _write_anew(parser, anew)
            if not unusual:
                text = rest + decoder.decode(data)
                end = text.rfind(">") + 1
                piece, rest = text[:end], text[end:]
                if "<!" in piece or "<?" in piece[1:]:
                    # what stands before goes as it is; handlers see all from here on
                    unusual = True
                    _write_anew(parser, anew)
            parser.Parse(data)
            if unusual:
                piece = "".join(anew)
                anew.clear()
            yield piece
        parser.Parse(b"", True)
        yield "".join(anew)
    except expat.ExpatError as error:
        raise no_xml(part, error) from None
    except UnicodeDecodeError as error:
        raise Unreadable(
            f'is damaged: part "{part}" is not UTF-8', "save it anew", str(error)
        ) from (None)


def _usual(data: bytes) -> bool:
    """Whether a part begins as spreadsheet programs write it: UTF-8, no prefix."""
    start = re.match(
        rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*?\?>)?\s*<(?:worksheet|sst)[\s>]", data[:4096]
    )
    if start is None:
        return False
    encoding = re.search(rb"encoding=[\"']([^\"']*)", start[0])
    return encoding is None or encoding[1].lower() in (b"utf-8", b"us-ascii")


def _write_anew(parser: expat.XMLParserType, out: list[str]) -> None:
    def begin(name: str, attributes: dict[str, str]) -> None:
        listed = "".join(f' {local(key)}="{_quoted(text)}"' for key, text in attributes.items())
        out.append(f"<{local(name)}{listed if local(name) not in ('t', 'si') else ''}>")

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda name: out.append(f"</{local(name)}>")
    parser.CharacterDataHandler = lambda text: out.append(_quoted(text))


def _quoted(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("\r", "&#13;")


def plain(text: str) -> str:
    """Return the text of well-formed XML: references and the escapes _xHHHH_ are resolved."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "&" in text:
        text = _REFERENCE.sub(_referred, text)
    if "_x" in text:
        text = _CODE.sub(lambda match: chr(int(match[1], 16)), text)
        if any("\ud800" <= mark <= "\udfff" for mark in text):
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _referred(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED.get(match[3], match[0])
    return chr(int(match[1], 16) if match[1] else int(match[2]))


def rich(text: str) -> str:
    """Return the text of a string item: all its runs, without phonetic hints."""
    return plain("".join(_TEXT.findall(_PHONETIC.sub("", text))))


class Strings:
    """The shared strings of a workbook, as COPY wants them, read as far as they are asked for.

    Attributes:
        items: those read so far. complete: these are all.

    """

    def __init__(
        self, archive: zipfile.ZipFile, part: str | None, told: Callable[[int], None] | None
    ) -> None:
        self.items: list[str] = []
        self.complete = False
        self._more = self._read(archive, part, told) if part else iter(())

    def all(self) -> list[str]:
        """Return all of them."""
        for _ in self._more:
            pass
        self.complete = True
        return self.items

    def __getitem__(self, index: int) -> str:
        while index >= len(self.items):
            if next(self._more, None) is None:
                raise IndexError(index)
        return self.items[index]

    def _read(
        self, archive: zipfile.ZipFile, part: str, told: Callable[[int], None] | None
    ) -> Iterator[int]:
        rest = ""
        for piece in text_of(archive, part, told):
            text = rest + piece
            end = max(text.rfind("</si>") + 5, 0) if "</si>" in text else 0
            rest = text[end:]
            if len(rest) > MAX_SMALL_PART:
                raise Unreadable("has a text of more than 64 MB", "a cell holds 32,767 characters")
            self.items.extend(self._items(text[:end]))
            yield len(self.items)
        # empty items may follow the last one
        self.items.extend(self._items(rest))

    @staticmethod
    def _items(text: str) -> list[str]:
        found = []
        for simple, other in _ITEM.findall(text):
            string = rich(other) if other else simple
            if not other and ("&" in string or "_x" in string or "\r" in string):
                string = plain(string)
            found.append(escape(string))
        return found


class Workbook:
    """Sheets, formats and day zero of an XLSX file. Raises Unreadable."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        main = self._target(archive, "_rels/.rels", "/officeDocument") or "xl/workbook.xml"
        folder, name = posixpath.split(main)
        related = self._related(archive, f"{folder}/_rels/{name}.rels", folder)
        self.strings = next((part for kind, part in related.values() if "sharedStr" in kind), None)
        self.sheets: list[Sheet] = []
        self.from_1904 = False
        for tag, attributes in elements(archive, main):
            if tag == "workbookPr":
                self.from_1904 = attributes.get("date1904", "").lower() in ("1", "true", "on")
            elif tag == "sheet":
                number = next((text for key, text in attributes.items() if key.endswith(":id")), "")
                kind, part = related.get(number, ("", ""))
                if kind.endswith("/worksheet"):
                    hidden = attributes.get("state", "visible") != "visible"
                    self.sheets.append(Sheet(attributes.get("name", ""), hidden, part))
        styles = next((part for kind, part in related.values() if kind.endswith("/styles")), None)
        self.kinds = self._kinds(archive, styles) if styles else {"": NUMBER}

    def _related(
        self, archive: zipfile.ZipFile, part: str, folder: str
    ) -> dict[str, tuple[str, str]]:
        if part not in archive.NameToInfo:
            raise Unreadable(f'is damaged: part "{part}" is missing', "save it anew")
        return {
            attributes.get("Id", ""): (
                attributes.get("Type", ""),
                posixpath.normpath(posixpath.join(f"/{folder}", attributes.get("Target", "")))[1:],
            )
            for tag, attributes in elements(archive, part)
            if tag == "Relationship" and attributes.get("TargetMode") != "External"
        }

    def _target(self, archive: zipfile.ZipFile, part: str, kind: str) -> str | None:
        if part not in archive.NameToInfo:
            return None
        for found, target in self._related(archive, part, "").values():
            if found.endswith(kind):
                return target
        return None

    @staticmethod
    def _kinds(archive: zipfile.ZipFile, part: str) -> dict[str, int]:
        """Return what the format of each style number makes of a number."""
        codes: dict[int, str] = {}
        kinds: dict[str, int] = {}
        inside = False
        for tag, attributes in elements(archive, part):
            if tag == "numFmt":
                codes[_whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
            elif tag in ("cellXfs", "cellStyleXfs", "cellStyles"):
                inside = tag == "cellXfs"
            elif tag == "xf" and inside:
                number = _whole(attributes.get("numFmtId"))
                kinds[str(len(kinds))] = format_kind(number, codes.get(number))
        kinds[""] = kinds.get("0", NUMBER)
        return kinds


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0
