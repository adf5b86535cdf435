"""JSON read value by value from a stream, in a buffer that is as large as one value needs.

Numbers keep the text they are written with. The scanner is that of the standard library; ijson was
tried: it makes numbers of numbers (1E5 becomes 100000.0), so it cannot give them as they stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pgimport.errors import FileError
from pgimport.readers.source import MAX_RECORD_BYTES

Pairs = list[tuple[str, Any]]

_MOST_AT_ONCE = 8 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder(
    parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=lambda pairs: pairs
)
# objects become lists of pairs, as arrays are lists: what a value is, its first character tells
scan = _decoder.raw_decode


class BadJson(Exception):  # noqa: N818 - becomes an issue or the file's error
    """Text that is no JSON: what is wrong, and where in the text."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message, self.position = message, position


def decode(text: str, position: int) -> tuple[Any, int]:
    """Return the value at a place of a text, and the place after it.

    Raises:
        BadJson: none is there.

    """
    try:
        return scan(text, position)
    except json.JSONDecodeError as error:
        raise BadJson(error.msg[0].lower() + error.msg[1:], error.pos) from None
    except RecursionError:
        raise BadJson("it is nested too deeply", position) from None


def skip(text: str, position: int) -> int:
    """Return the place of the next character that is no white space."""
    return _SPACE.match(text, position).end()  # type: ignore[union-attr] # it matches nothing, too


def members(text: str, position: int) -> Iterator[tuple[str | None, Any, str]]:
    """Yield name (None in an array), value and text of each member of a value that is valid."""
    is_object = text[position] == "{"
    position = skip(text, position + 1)
    while text[position] not in "]}":
        name = None
        if is_object:
            name, position = scan(text, position)
            position = skip(text, skip(text, position) + 1)
        value, end = scan(text, position)
        yield name, value, text[position:end]
        position = skip(text, end)
        if text[position] == ",":
            position = skip(text, position + 1)


class JsonStream:
    """A text of which the part that is looked at is kept.

    Attributes:
        text: what is kept. position: the place in it. line: physical line of this place.

    Args:
        name: of the file, for messages. pieces: the text.

    """

    def __init__(self, name: str, pieces: Iterator[str]) -> None:
        self.text = ""
        self.position = 0
        self.line = 1
        self._name = name
        self._pieces = pieces
        self._ended = False
        self._column = 0  # characters of the line that were dropped

    def more(self) -> bool:
        """Take more of the text, at first as much as is kept; False at its end."""
        self._drop()
        kept = len(self.text)
        if kept > MAX_RECORD_BYTES:
            raise FileError(
                f'"{self._name}", line {self.line}: a value of more than 64 MB',
                hint="is a quote or a bracket never closed?",
            )
        pieces, size = [self.text], 0
        while size <= min(kept, _MOST_AT_ONCE) and not self._ended:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
            else:
                pieces.append(piece)
                size += len(piece)
        self.text = "".join(pieces)
        return size > 0

    def peek(self) -> str:
        """Return the next character that is no white space, without taking it; "" at the end."""
        while True:
            place = skip(self.text, self.position)
            self._go(place)
            if place < len(self.text):
                return self.text[place]
            if not self.more():
                return ""

    def take(self, character: str) -> None:
        """Take this character.

        Raises:
            FileError: another one stands there.

        """
        found = self.peek()
        if found != character:
            what = f'"{found}"' if found else "the end of the file"
            raise self.error(f'{what} where "{character}" should be', self.position)
        self._go(self.position + 1)

    def value(self) -> tuple[Any, str]:
        """Take the next value; return it and its text.

        Raises:
            FileError: none is there.

        """
        self.peek()
        while True:
            try:
                found, end = decode(self.text, self.position)
            except BadJson as error:
                place = error.position - self.position
                if "nested" not in error.message and self.more():
                    continue
                raise self.error(error.message, self.position + place) from None
            # a number may go on in what was not read yet
            if end == len(self.text) and self.more():
                continue
            text = self.text[self.position : end]
            self._go(end)
            return found, text

    def physical_line(self) -> str | None:
        """Take the rest of the line without its end; None at the end of the text."""
        searched = self.position
        while (end := self.text.find("\n", searched)) < 0:
            searched = len(self.text) - self.position
            if not self.more():
                break
            searched += self.position
        if end < 0:
            end = len(self.text)
            if end == self.position:
                return None
        line = self.text[self.position : end]
        self._go(min(end + 1, len(self.text)))
        return line

    def line_ahead(self) -> str | None:
        """Return the rest of the line without taking it; None if it is very long."""
        while (end := self.text.find("\n", self.position)) < 0:
            if len(self.text) - self.position > _MOST_AT_ONCE:
                return None
            if not self.more():
                return self.text[self.position :]
        return self.text[self.position : end]

    def goes_on(self, length: int) -> bool:
        """Whether there is anything but white space after so many characters."""
        while skip(self.text, self.position + length) == len(self.text):
            if not self.more():
                return False
        return True

    def error(self, message: str, position: int) -> FileError:
        """Return the error of the file for a place of the text that is kept."""
        before = self.text[self.position : position]
        line = self.line + before.count("\n")
        start = self.text.rfind("\n", 0, position) + 1
        column = position - start + 1 + (self._column if start == 0 else 0)
        return FileError(
            f'"{self._name}", line {line}, column {column}: {message}',
            hint="correct the file; nothing of it was staged",
        )

    def _go(self, position: int) -> None:
        self.line += self.text.count("\n", self.position, position)
        self.position = position

    def _drop(self) -> None:
        """Forget what was taken."""
        if self.position:
            start = self.text.rfind("\n", 0, self.position) + 1
            self._column = self.position - start + (self._column if start == 0 else 0)
            self.text = self.text[self.position :]
            self.position = 0
