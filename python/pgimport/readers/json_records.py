"""JSON files: an array of objects, one object a line, an object that holds one such list.

The header is made of the keys of all records, in the order in which they first appear; so a file
is read twice. Text stays text, numbers stay as they are written, true and false are these words,
null and a missing key are NULL. A nested object or array is its text, just as it is written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pgimport.errors import FileError
from pgimport.readers.encoding import ESCAPED, shown
from pgimport.readers.json_document import Item, JsonDocument, bad_record
from pgimport.readers.json_text import members
from pgimport.readers.options import ReadOptions
from pgimport.readers.position import Position
from pgimport.readers.rows import BadRow, Row
from pgimport.readers.source import MAX_COLUMNS, Source

MAX_KEY_CHARACTERS = 1000
_WORDS = {True: "true", False: "false"}
_BYTES_BETWEEN_REPORTS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class JsonHead:
    """What is known of a JSON file once it was read; as FileHead.

    Attributes:
        path: the file. size: its bytes as they lie on disk. sha256: digest of these bytes.
        header: keys of all records. encoding: encoding the user gave, or None.
        shape: lines, array, list (in an object) or tables (an array of arrays).
        records: key of the list, a path with dots where it is nested; None if there is none.
        named: the names of the columns were given: the first array is a record, too.
        rows, blank_rows: records, and lines without one.

    """

    path: Path
    size: int
    sha256: str
    header: tuple[str, ...]
    encoding: str | None
    shape: str
    records: str | None
    named: bool
    rows: int
    blank_rows: int
    warnings: tuple[str, ...] = ()
    delimiter: str | None = None
    sheet: str | None = None


def read_json_head(
    path: Path | str,
    options: ReadOptions | None = None,
    report: Callable[[int], None] | None = None,
) -> JsonHead:
    """Read all records for their keys, and the bytes for their SHA-256.

    Raises:
        FileError: the file cannot be read, is no JSON or has no list of records.

    """
    options = options or ReadOptions()
    path = Path(path)
    with Source(path, options.encoding) as source:
        document = JsonDocument(source, options.header)
        keys = _Keys(path.name)
        reported = 0
        for item in document.items():
            keys.add(document.list_key, item)
            if report is not None and source.bytes_read - reported > _BYTES_BETWEEN_REPORTS:
                reported = source.bytes_read
                report(reported)
        shape, chosen = document.shape, keys.choose(options.records, document.shape)
        header = keys.header(chosen)
        if shape == "tables":
            header = document.names or ()
        elif options.header:
            raise FileError(f'"{path.name}" names its columns itself', hint="leave the header out")
        if not header:
            raise FileError(
                f'"{path.name}" has no record', hint='a record is an object: {"name": "value"}'
            )
        return JsonHead(
            path=path,
            size=source.bytes_read,
            sha256=source.sha256,
            header=header,
            encoding=options.encoding,
            shape=shape,
            records=chosen,
            named=options.header is not None,
            rows=keys.rows(chosen) - (shape == "tables" and options.header is None),
            blank_rows=document.blank,
            warnings=keys.warnings,
        )


class _Keys:
    """The keys of the records of each list of a file."""

    def __init__(self, name: str) -> None:
        self.warnings: tuple[str, ...] = ()
        self._name = name
        self._found: dict[str | None, dict[str, None]] = {}
        self._seen: dict[str | None, set[tuple[str, ...]]] = {}
        self._rows: dict[str | None, int] = {}

    def add(self, list_key: str | None, item: Item) -> None:
        """Note the keys of one record."""
        self._rows[list_key] = self._rows.get(list_key, 0) + 1
        found = self._found.setdefault(list_key, {})
        if isinstance(item, BadRow) or item[2][0] != "{":
            return
        keys = tuple([key for key, _ in item[1]])
        seen = self._seen.setdefault(list_key, set())
        if keys in seen:
            return
        if len(seen) < 10_000:
            seen.add(keys)
        for key in keys:
            if key in found or "\0" in key or ESCAPED.search(key):
                continue
            if len(key) > MAX_KEY_CHARACTERS:
                raise FileError(f'"{self._name}" has a key of more than 1000 characters')
            found[key] = None
            if len(found) > MAX_COLUMNS:
                raise FileError(
                    f'"{self._name}" has records with more than {MAX_COLUMNS} different keys',
                    hint="are there values where keys should be?",
                )

    def choose(self, wanted: str | None, shape: str) -> str | None:
        """Return the key of the list that is meant.

        Raises:
            FileError: there is none, or more than one.

        """
        if shape != "list":
            return None
        lists = [key for key, found in self._found.items() if found and key is not None]
        listed = ", ".join(f'"{key}"' for key in lists[:20])
        if wanted is not None:
            if wanted not in self._found:
                raise FileError(
                    f'"{self._name}" has no list "{wanted}"',
                    hint=f"it has: {listed or 'no list of objects'}",
                )
            return wanted
        if len(lists) == 1:
            return lists[0]
        if lists:
            raise FileError(
                f'"{self._name}" has {len(lists)} lists of records: {listed}',
                hint="say which one holds the records",
            )
        raise FileError(
            f'"{self._name}" is one object without a list of records',
            hint="put the records into an array, or one a line into a file named .ndjson",
        )

    def header(self, chosen: str | None) -> tuple[str, ...]:
        """Return the keys of a list's records."""
        return tuple(self._found.get(chosen, ()))

    def rows(self, chosen: str | None) -> int:
        """Return how many items a list has."""
        return self._rows.get(chosen, 0)


class JsonReader:
    """Iterates over the records of a file: good ones as ``(line_no, fields)``, others as BadRow.

    Args:
        head: what is known of the file. start: where to go on: records before it are leapt over.
        marks: give a Position now and then, too, behind the record that was given last.

    Attributes:
        rows: good records given so far. refused: bad ones. blank: lines without one.
        source: the open file, with the bytes read and the digest.

    """

    def __init__(
        self, head: JsonHead, start: Position | None = None, *, marks: bool = False
    ) -> None:
        self.source = Source(head.path, head.encoding)
        self.rows = start.rows if start else 0
        self.refused = start.refused if start else 0
        self._marks = marks
        self.blank = 0
        self._head = head
        self._document = JsonDocument(self.source, head.header)
        self._places = {key: place for place, key in enumerate(head.header, 1)}

    def __iter__(self) -> Iterator[Row | BadRow]:
        return cast("Iterator[Row | BadRow]", self.records())

    def records(self) -> Iterator[Row | BadRow | Position]:
        """Give the records, and the places that were asked for."""
        with self.source:
            first = self._head.shape == "tables" and not self._head.named
            known = self.rows + self.refused
            marked = 0
            for item in self._document.items():
                if first:
                    first = False
                    continue
                if self._document.list_key != self._head.records:
                    continue
                if known:
                    known -= 1
                    continue
                given = item if isinstance(item, BadRow) else self._row(*item)
                if isinstance(given, BadRow):
                    self.refused += 1
                else:
                    self.rows += 1
                yield given
                if self._marks and self.source.bytes_read > marked:
                    marked = self.source.bytes_read
                    yield Position(self.rows, self.refused, 0, 0, marked)
            self.blank = self._document.blank

    def _row(self, line_no: int, value: Any, text: str) -> Row | BadRow:
        """Return the fields of one record, or what is wrong with it."""
        tables = self._head.shape == "tables"
        if text[0] != ("[" if tables else "{"):
            return bad_record(
                line_no,
                "bad_record",
                f"the record is not an {'array' if tables else 'object'}",
                text,
                'a record is an object: {"name": "value"}',
                detail=_kind(text),
            )
        if tables:
            if len(value) != len(self._head.header):
                return self._ragged(line_no, len(value), text)
            fields = [_field(found, part) for _, found, part in members(text, 0)]
        else:
            known = dict(value)
            if len(known) != len(value):
                return self._duplicate(line_no, value, text)
            # pairs and lists alike are lists: only then is it looked at closely
            if any(found.__class__ is list for found in known.values()):
                known = {key: _field(found, part) for key, found, part in members(text, 0)}
            fields = [
                found if found.__class__ is str or found is None else _WORDS[found]
                for found in map(known.get, self._head.header)
            ]
        if not text.isascii() or "\\u" in text:
            return self._storable(line_no, fields, text, () if tables else value)
        return line_no, fields

    def _storable(
        self, line_no: int, fields: list[str | None], text: str, pairs: Iterable[tuple[str, Any]]
    ) -> Row | BadRow:
        """Return the row, or what PostgreSQL cannot store of it."""
        # keys that cannot be stored are not in the header
        keys: list[str | None] = [key for key, _ in pairs if key not in self._places]
        for number, field in enumerate((*fields, *keys), 1):
            if field is None:
                continue
            position = number if number <= len(fields) else None
            if "\0" in field:
                return bad_record(
                    line_no,
                    "nul_byte",
                    "the record has a NUL character, which PostgreSQL cannot store in text",
                    text,
                    "remove it from the file",
                    position=position,
                )
            if not field.isascii() and (found := ESCAPED.search(field)):
                return self._bad_encoding(line_no, found[0], text, position)
        return line_no, fields

    def _bad_encoding(self, line_no: int, found: str, text: str, position: int | None) -> BadRow:
        return bad_record(
            line_no,
            "bad_encoding",
            f"{shown(found)} is no character",
            text,
            "correct the record, or give the encoding of the file",
            position=position,
            detail=shown(found),
        )

    def _duplicate(self, line_no: int, pairs: list[tuple[str, Any]], text: str) -> BadRow:
        key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return bad_record(
            line_no,
            "duplicate_key",
            f"the record has the key {json.dumps(key)} twice",
            text,
            "name each key once",
            position=self._places.get(key),
            detail=shown(key),
        )

    def _ragged(self, line_no: int, count: int, text: str) -> BadRow:
        width = len(self._head.header)
        return bad_record(
            line_no,
            "ragged_row",
            f"the row has {count} values, the header {width}",
            text,
            "look for a value too many or too few",
            detail=f"{count} ≠ {width}",
        )


def _field(value: Any, text: str) -> str | None:
    """Return the text of a value; a nested one is its JSON, as it is written."""
    if value.__class__ is list:
        return text
    return value if value is None or value.__class__ is str else _WORDS[value]


def _kind(text: str) -> str:
    return {
        "[": "array",
        "{": "object",
        '"': "string",
        "t": "boolean",
        "f": "boolean",
        "n": "null",
    }.get(text[0], "number")
