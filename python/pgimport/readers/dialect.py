r"""The dialect of a text file: its delimiter, and the line in which its header stands.

Found is only what is evident. Where more than one answer fits, or none, the user is asked.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pgimport.errors import FileError
from pgimport.readers.split import split_record

DELIMITERS = (",", ";", "\t", "|")
RARE_DELIMITERS = ("^", "~")  # taken only where each record has the same number of fields
RECORD = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+(?:\r\n|\r|\n|\Z)')
LINE = re.compile(rb"[^\r\n]*+(?:\r\n|\r|\n|\Z)")
_SEP = re.compile(rb'(?i)"?sep=(\\t|[^"\r\nA-Za-z0-9\\\x80-\xff])"?[;,\t ]*(?:\r\n|\r|\n|\Z)')
_VALUE = re.compile(r"\s*[-+(]?[€$£]?\s*[0-9]")
_SAMPLE_RECORDS = 200
_MAX_TITLES = 50
_MOSTLY = 0.8  # of the records after a header that is not in the first line


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the sample: its text without line end, and the bytes where it lies."""

    text: str
    begin: int
    end: int
    after_blank: bool

    def fields(self, delimiter: str) -> list[str]:
        """Return its fields, stripped; none where it cannot be read."""
        if '"' not in self.text:
            return [field.strip() for field in self.text.split(delimiter)]
        try:
            return [(field or "").strip() for field in split_record(self.text, delimiter)]
        except csv.Error:
            return []


def separator_line(text: bytes) -> tuple[str | None, int]:
    """Return what a first line ``sep=;`` says, as Excel writes it, and the length of that line."""
    match = _SEP.match(text)
    if match is None:
        return None, 0
    mark = match[1].decode()
    return "\t" if mark == "\\t" else mark, match.end()


def sample(text: bytes, begin: int = 0) -> list[Record]:
    """Return the first whole records of a text that are not blank."""
    records: list[Record] = []
    position = begin
    blank = False
    while position < len(text) and len(records) < _SAMPLE_RECORDS:
        match = RECORD.match(text, position) or LINE.match(text, position)
        if match is None or match.end() == position:
            break
        record = match[0].strip(b"\r\n")
        if record.strip(b" \t"):
            decoded = record.decode("utf-8", "replace")
            records.append(Record(decoded, position, match.end(), blank))
        blank = not record.strip(b" \t,;|")
        position = match.end()
    return records


def find_delimiter(text: bytes, name: str = "file") -> str:
    """Return the delimiter by which the first records have as many fields as the header.

    Raises:
        FileError: none or more than one fits; the user must say which.

    """
    return find(sample(text), None, name)[0]


def find(
    records: Sequence[Record], declared: str | None, name: str, placed: bool = False
) -> tuple[str, Record]:
    """Return the delimiter and the record that is the header.

    Args:
        records: a sample.
        declared: the delimiter, where the user gave it.
        name: that of the file.
        placed: the first record is the header, the user says.

    Raises:
        FileError: no record at all; it cannot be told for sure.

    """
    if declared is not None:
        return declared, _header(_Fit(records, declared, placed), name)
    fits = [_Fit(records, mark, placed) for mark in DELIMITERS]
    fits = [fit for fit in fits if fit.rows]
    if not fits:
        raise empty(name)
    perfect = [fit for fit in fits if fit.perfect]
    below = [fit for fit in fits if fit.header_below() is not None]
    if len(perfect) == 1 and all(fit is perfect[0] for fit in below):
        return perfect[0].delimiter, _header(perfect[0], name)
    if not perfect:
        rare = [_Fit(records, mark, placed) for mark in RARE_DELIMITERS]
        if not below:
            below = [fit for fit in rare if fit.header_below() is not None]
        if len(below) == 1:
            return below[0].delimiter, _header(below[0], name)
        found = _best([f for f in rare if f.perfect and len(f.rows) > 1]) or _likely(fits)
        if found is not None:
            return found.delimiter, _header(found, name)
        if all(fit.widest == 1 for fit in fits):
            return DELIMITERS[0], _header(fits[0], name)
    likely = perfect or below or [fit for fit in fits if fit.equal]
    raise FileError(
        f'the delimiter of "{name}" cannot be told for sure',
        detail="fitting: " + (", ".join(repr(fit.delimiter) for fit in likely) or "none"),
        hint="give the delimiter",
    )


def find_for(records: Sequence[Record], width: int, name: str) -> str:
    """Return the delimiter of a file without header: it gives records of so many fields.

    Raises:
        FileError: none or more than one does.

    """
    if not records:
        raise empty(name)
    for share in (1.0, _MOSTLY):
        fitting = []
        for mark in (*DELIMITERS, *RARE_DELIMITERS):
            rows = _Fit(records, mark, placed=True).rows
            equal = sum(len(fields) == width for _, fields in rows)
            if rows and equal >= share * len(rows):
                fitting.append(mark)
        if len(fitting) == 1 or (fitting and width == 1):
            return fitting[0]
    raise FileError(
        f'the delimiter of "{name}" cannot be told for sure',
        detail=f"{width} names are given; the first record: {records[0].text[:200]!r}",
        hint="give the delimiter; are the names as many as the fields?",
    )


def empty(name: str) -> FileError:
    """Return the error for a file in which there is nothing."""
    return FileError(f'"{name}" is empty', hint="the first line must name the columns")


class _Fit:
    """How the records of a sample look by one delimiter."""

    def __init__(self, records: Sequence[Record], delimiter: str, placed: bool) -> None:
        self.delimiter = delimiter
        self.placed = placed
        blanks = " \t" + delimiter
        self.rows = [(r, r.fields(delimiter)) for r in records if r.text.strip(blanks)]
        widths = [len(fields) for _, fields in self.rows]
        self.widest = max(widths, default=0)
        self.header_width = widths[0] if widths else 0
        self.others = [width for width in widths[1:] if width]
        self.equal = self.others.count(self.header_width) if self.header_width > 1 else 0
        self._below: Record | None = None
        self._looked = placed

    @property
    def perfect(self) -> bool:
        """All records are as wide as the first one, of two fields or more."""
        return self.header_width > 1 and self.equal == len(self.others)

    @property
    def nearly(self) -> bool:
        return bool(self.equal) and self.equal * 10 >= len(self.others) * 8

    def titles(self) -> tuple[int, int]:
        """Return how many records stand above the first one that has the width of most, and it.

        (0, …) where the first record is no title: a title fills one field, or, where most have
        four or more, two (``Account;12345``).
        """
        widths = Counter(len(fields) for _, fields in self.rows)
        width = max(widths, key=lambda item: (widths[item], item), default=0)
        place = 0
        for _, fields in self.rows[:_MAX_TITLES]:
            filled = sum(map(bool, fields))
            if not fields or not (filled == 1 or (filled == 2 and width >= 4)):
                break
            if len(fields) > width:
                return 0, width
            place += 1
        return (place, width) if width > 1 else (0, width)

    def header_below(self) -> Record | None:
        """Return the header that evidently stands below the titles of the file, or None."""
        if not self._looked:
            self._below, self._looked = self._find_below(), True
        return self._below

    def _find_below(self) -> Record | None:
        place, width = self.titles()
        if not place or place + 1 >= len(self.rows):
            return None
        record, names = self.rows[place]
        rows = [fields for _, fields in self.rows[place + 1 :] if fields]
        while names and not names[-1]:
            names.pop()
        distinct = len({item.casefold() for item in names}) == len(names)
        if len(names) < 2 or not all(names) or not distinct or any(map(_VALUE.match, names)):
            return None
        same = sum(len(fields) == width or not any(fields[width:]) for fields in rows)
        if width < len(self.rows[place][1]) or same < _MOSTLY * len(rows):
            return None
        sentence = record.text.count(self.delimiter + " ") == len(names) - 1
        if sentence or (len(rows) < 2 and not record.after_blank):
            return None
        values = any(_VALUE.match(item) for fields in rows for item in fields)
        alone = len(self.rows[0][1]) == 1
        if values or (len(names) >= 4 and alone) or (len(names) >= 3 and record.after_blank):
            return record
        return None


def _header(fit: _Fit, name: str) -> Record:
    """Return the record that is the header by one delimiter.

    Raises:
        FileError: no record; the first one is no header, and which one is cannot be told.

    """
    if not fit.rows:
        raise empty(name)
    below = fit.header_below()
    if below is not None:
        return below
    first, fields = fit.rows[0]
    if fit.placed:
        return first
    alone = len(fields) == 1 and len(fit.others) > 1
    if alone and min(fit.others) > 1 and len(set(fit.others)) == 1:
        raise FileError(
            f'the header of "{name}" cannot be told for sure: its first record has 1 field, '
            f"the others {fit.others[0]}",
            detail=f"the first record: {first.text[:200]!r}",
            hint="say in which line it stands: --header-row 1 for the first one",
        )
    return first


def _likely(fits: Sequence[_Fit]) -> _Fit | None:
    """Return the one delimiter by which most records, or at least some, are as wide as the first.

    Where none is: the one that occurs at all.
    """
    for group in ([fit for fit in fits if fit.nearly], [fit for fit in fits if fit.equal]):
        if group:
            return _best(group)
    used = [fit for fit in fits if fit.widest > 1]
    return used[0] if len(used) == 1 and used[0].header_width > 1 else None


def _best(fits: Sequence[_Fit]) -> _Fit | None:
    return fits[0] if len(fits) == 1 else None
