r"""The text of a cell: numbers, dates and times as they are staged, and what COPY wants of a text.

Everything becomes text that says no more and no less than the cell: a whole number has no
decimals, a decimal one the fewest digits that mean the same number, a date is ISO. What no date
can be made of (a negative one, day 0) stays the number it is.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation
from math import isfinite

NULL = "\\N"
FIRST_DAY = {False: datetime.date(1899, 12, 30), True: datetime.date(1904, 1, 1)}

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = {"t": "\t", "n": "\n", "r": "\r"}
_SPECIAL = re.compile(r"[\\\t\n\r]")
_INTEGER = re.compile(r"-?[0-9]+\Z")
_MOST_DIGITS = 21
_DAY_MS = 86_400_000
# what a number format makes of a number
NUMBER, DATE, TIME, DATETIME, DURATION = range(5)
ZEROS = 10  # and more: so many digits, with zeros in front


def escape(text: str) -> str:
    """Return a text as COPY wants it, an empty one as NULL: an empty cell holds nothing."""
    if not text:
        return NULL
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def unescape(field: str) -> str | None:
    """Return what COPY would make of a field."""
    if field == NULL:
        return None
    return _ESCAPED.sub(lambda match: _PLAIN.get(match[1], match[1]), field)


def number_text(value: float) -> str:
    """Return a number without exponent where that has at most 21 digits before the point."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2] if text != "-0.0" else "0"
    if "e" in text:
        written = Decimal(text)
        if -_MOST_DIGITS < written.adjusted() < _MOST_DIGITS:
            return format(written, "f")
    return text


def stored_number(text: str) -> str:
    """Return a number of a workbook's XML; digits stay as they are written there."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not isfinite(value):
        return text
    if value.is_integer():
        if _INTEGER.match(text):
            return text
        if abs(value) < 1e15:
            return str(int(value))
        try:
            written = Decimal(text)
        except InvalidOperation:
            return text
        return format(written, "f") if written.adjusted() < _MOST_DIGITS else number_text(value)
    written_anew = repr(value)
    return number_text(value) if "e" in written_anew else written_anew


def time_text(milliseconds: int) -> str:
    """Return hours, minutes and seconds, with as many hours as there are."""
    seconds, fraction = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours:02}:{minute:02}:{second:02}"
    return f"{text}.{fraction:03}".rstrip("0") if fraction else text


class Dates:
    """Makes dates of the serial numbers of a workbook.

    Args:
        from_1904: days are counted from 1 January 1904, as by early versions for the Macintosh.

    """

    def __init__(self, from_1904: bool) -> None:
        self._from_1904 = from_1904
        self._known: dict[tuple[str, int], str] = {}

    def text(self, stored: str, kind: int) -> str:
        """Return the text of a number that is shown as a date or a time (kind)."""
        key = stored, kind
        known = self._known.get(key)
        if known is None:
            if len(self._known) > 50_000:
                self._known.clear()
            known = self._known[key] = self._text(stored, kind)
        return known

    def _text(self, stored: str, kind: int) -> str:
        try:
            total = round(float(stored) * _DAY_MS)
        except (ValueError, OverflowError):
            return stored
        if kind == DURATION:
            return f"-{time_text(-total)}" if total < 0 else time_text(total)
        day, rest = divmod(total, _DAY_MS)
        if kind == TIME and day == 0:
            return time_text(rest)
        date = self.day(day)
        if date is None:
            return stored_number(stored)
        if rest == 0 and kind == DATE:
            return date
        return f"{date} {time_text(rest)}"

    def day(self, number: int) -> str | None:
        """Return the date of a day's number, or None: there is none."""
        if self._from_1904:
            if number < 0:
                return None
        elif number < 1:
            return None
        elif number < 60:
            number += 1
        elif number == 60:
            # the day that never was, kept since the first spreadsheets: it is not a valid date
            return "1900-02-29"
        try:
            return (FIRST_DAY[self._from_1904] + datetime.timedelta(number)).isoformat()
        except OverflowError:
            return None


_BUILT_IN = {
    **dict.fromkeys((14, 15, 16, 17), DATE),
    **dict.fromkeys((18, 19, 20, 21), TIME),
    22: DATETIME,
    # formats of East Asian editions
    **dict.fromkeys((27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), DATE),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), TIME),
    45: TIME,
    46: DURATION,
    47: TIME,
}
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|[_*].')
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)


def format_kind(number: int, code: str | None) -> int:
    """Return what a number format makes of a number: NUMBER, DATE …, or ZEROS + digits."""
    if code is None:
        return _BUILT_IN.get(number, NUMBER)
    shown = _NOT_SHOWN.sub("", code.split(";")[0])
    if _ELAPSED.search(shown):
        return DURATION
    shown = re.sub(r"\[[^\]]*\]|general|am/pm|a/p", "", shown, flags=re.IGNORECASE).lower()
    if re.fullmatch(r"0{2,}", shown) and shown == code:
        return ZEROS + len(shown)
    days = re.search("[dy]", shown) is not None
    times = re.search("[hs]", shown) is not None
    if days or times:
        return DATETIME if days and times else DATE if days else TIME
    return DATE if "m" in shown else NUMBER
