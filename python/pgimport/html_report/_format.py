"""Numbers, sizes, durations and times as a language writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from pgimport.html_report._markup import Html, join, tag

_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "fr": (
        "janv.", "févr.", "mars", "avr.", "mai", "juin",
        "juil.", "août", "sept.", "oct.", "nov.", "déc.",
    ),
}  # fmt: skip
_UNITS = {"en": ("bytes", "kB", "MB", "GB", "TB"), "fr": ("octets", "ko", "Mo", "Go", "To")}
_NARROW = "\N{NARROW NO-BREAK SPACE}"
_FIXED = "\N{NO-BREAK SPACE}"


class Language:
    """Says words and writes values in one language.

    Args:
        name: en or fr.
        words: the texts by key; "one|many" for a text that follows a number ``n``.
        zone: the time zone in which times are shown.

    """

    def __init__(self, name: str, words: Mapping[str, str], zone: tzinfo = UTC) -> None:
        self.name = name
        self.words = words
        self.zone = zone

    def say(self, key: str, **values: object) -> str:
        """Return a text, its {names} filled in; numbers are written as the language does."""
        pattern = self.words[key]
        if "|" in pattern:
            given = values.get("n")
            number = given if isinstance(given, int) else 0
            one = number == 1 or (self.name == "fr" and number == 0)
            pattern = pattern.split("|")[0 if one else 1]
        shown = {
            name: self.number(value) if isinstance(value, (int, float)) else str(value)
            for name, value in values.items()
        }
        # at once: what is filled in may hold braces itself
        return re.sub(r"\{(\w+)\}", lambda found: shown.get(found[1], found[0]), pattern)

    def with_moment(self, key: str, moment: object, **values: object) -> Html:
        """Return a text with a point in time where it says {when}."""
        before, found, after = self.say(key, **values, when="\0").partition("\0")
        return join(before, (self.moment(moment) or "–") if found else None, after)

    def known(self, key: str, otherwise: str) -> str:
        """Return a text that may have no key of its own, such as a code that is new."""
        return self.words.get(key, otherwise)

    def number(self, value: float | None, digits: int = 0) -> str:
        """Write a number with its thousands; a dash where it is not known."""
        if value is None:
            return "–"
        written = f"{value:,.{digits}f}"
        if self.name == "fr":
            return written.replace(",", _NARROW).replace(".", ",")
        return written

    def share(self, part: float, whole: float) -> str:
        """Write a part in percent: never 0 of something, never 100 of less than all."""
        if not whole:
            return "–"
        sign = f"{_NARROW}%" if self.name == "fr" else "%"
        percent = 100 * part / whole
        if 0 < percent < 0.1:
            return f"<{_FIXED}{self.number(0.1, 1)}{sign}"
        if 99.9 < percent < 100:
            return f">{_FIXED}{self.number(99.9, 1)}{sign}"
        return self.number(percent, 0 if percent in (0, 100) else 1) + sign

    def size(self, count: int | None) -> str:
        """Write a number of bytes."""
        if count is None:
            return "–"
        units = _UNITS[self.name]
        value, place = float(count), 0
        while value >= 999.5 and place < len(units) - 1:
            value, place = value / 1000, place + 1
        return f"{self.number(value, 1 if place and value < 99.5 else 0)}{_FIXED}{units[place]}"

    def duration(self, seconds: float | None) -> str:
        """Write seconds for people."""
        if seconds is None:
            return "–"
        if seconds < 0.0995:
            return f"{self.number(seconds * 1000)}{_FIXED}ms"
        if seconds < 9.95:
            return f"{self.number(seconds, 1)}{_FIXED}s"
        if seconds < 59.5:
            return f"{self.number(seconds)}{_FIXED}s"
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes}{_FIXED}min{_FIXED}{rest:02d}{_FIXED}s"
        hours, minutes = divmod(minutes, 60)
        if hours < 48:
            return f"{hours}{_FIXED}h{_FIXED}{minutes:02d}{_FIXED}min"
        days, hours = divmod(hours, 24)
        day = "j" if self.name == "fr" else "d"
        return f"{self.number(days)}{_FIXED}{day}{_FIXED}{hours}{_FIXED}h"

    def day(self, moment: datetime) -> str:
        """Write a day."""
        return f"{moment.day}{_FIXED}{self.month(moment)}"

    def month(self, moment: datetime) -> str:
        """Write a month of a year."""
        return f"{_MONTHS[self.name][moment.month - 1]}{_FIXED}{moment.year}"

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the time zone of the report."""
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        try:
            return moment.astimezone(self.zone)
        except (OverflowError, ValueError):
            return moment

    def moment(self, value: object) -> Html | None:
        """Write a point in time with its zone, for people and for programs."""
        value = as_moment(value)
        if value is None:
            return None
        if not isinstance(value, datetime):
            return tag("span", str(value))
        local = self.local(value)
        zone = local.tzname() or ""
        if local.utcoffset() and not zone.isalpha():
            zone = f"UTC{local:%z}"[:6] + ":" + f"{local:%z}"[3:5]
        shown = f"{self.day(local)}, {local:%H:%M:%S}{_FIXED}{zone}"
        return tag("time", shown, datetime=local.isoformat(timespec="seconds"))


def as_moment(value: object) -> datetime | str | None:
    """Return a time that is a text in JSON; what is no time of Python's stays text."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value if isinstance(value, datetime) else None
