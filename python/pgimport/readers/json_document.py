"""The records of a JSON file, whatever its shape: an array, lines, a list in an object."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

from pgimport.errors import FileError
from pgimport.readers.encoding import ESCAPED, shown
from pgimport.readers.evidence import refuse_other_encodings
from pgimport.readers.formats import LINES_SUFFIXES, bare_name
from pgimport.readers.json_text import BadJson, JsonStream, decode, members, skip
from pgimport.readers.rows import BadRow
from pgimport.readers.source import Source

# line, value, its text; or what is wrong with it
Item = tuple[int, Any, str] | BadRow


class JsonDocument:
    """The items of a JSON file, whatever its shape.

    Attributes:
        shape: as of JsonHead, known with the first item. list_key: where the last item stands.
        blank: lines without a record. names: of an array of arrays: given, or its first.

    """

    def __init__(self, source: Source, names: tuple[str, ...] | None) -> None:
        self.shape = ""
        self.list_key: str | None = None
        self.blank = 0
        self.names = names
        self._source = source
        self._name = source.path.name
        self._stream = JsonStream(self._name, self._text())

    def _text(self) -> Iterator[str]:
        source, decoder, sure = self._source, None, True
        for piece in source.pieces():
            if decoder is None:
                decoder = codecs.getincrementaldecoder("utf-8")(source.errors)
                sure = source.declared or source.errors != "surrogateescape"
            text = decoder.decode(piece)
            if not sure and not text.isascii() and ESCAPED.search(text):
                refuse_other_encodings(source.path)
                sure = True
            yield text
        if decoder is not None:
            yield decoder.decode(b"", True)

    def items(self) -> Iterator[Item]:
        """Yield the items of all lists.

        Raises:
            FileError: no JSON (with line and column); in lines that is an issue of the line.

        """
        stream = self._stream
        first = stream.peek()
        if not first:
            raise FileError(f'"{self._name}" is empty', hint="it should hold records")
        if first == "[" and not bare_name(self._source.path).endswith(LINES_SUFFIXES):
            stream.take("[")
            self.shape = "tables" if stream.peek() == "[" else "array"
            yield from self._array()
        elif first == "{" and not self._lines():
            self.shape = "list"
            stream.take("{")
            yield from self._object("")
        elif first in "[{" or bare_name(self._source.path).endswith(LINES_SUFFIXES):
            self.shape = "lines"
            yield from self._each_line()
            return
        else:
            raise stream.error(f'"{first}" where "[" or "{{" should be', stream.position)
        if stream.peek():
            raise stream.error("text after the end", stream.position)

    def _lines(self) -> bool:
        """Whether a file that begins with an object has one a line."""
        if bare_name(self._source.path).endswith(LINES_SUFFIXES):
            return True
        line = self._stream.line_ahead()
        if line is None:
            return False
        try:
            _, end = decode(line, 0)
        except BadJson:
            return False
        return skip(line, end) == len(line) and self._stream.goes_on(len(line))

    def _array(self) -> Iterator[Item]:
        stream = self._stream
        if stream.peek() == "]":
            stream.take("]")
            return
        while True:
            stream.peek()
            line = stream.line
            value, text = stream.value()
            if self.shape == "tables" and self.names is None:
                self._take_names(value, text)
            yield line, value, text
            if stream.peek() == "]":
                stream.take("]")
                return
            stream.take(",")

    def _take_names(self, value: Any, text: str) -> None:
        if not all(
            isinstance(name, str) and part[0] == '"' for (_, name, part) in members(text, 0)
        ):
            raise FileError(
                f'"{self._name}": the first array must hold the names of the columns',
                hint='[["name", "city"], ["Ann", "Oslo"]], or an array of objects',
            )
        self.names = tuple(name.strip() for name in value)

    def _object(self, path: str) -> Iterator[Item]:
        """Yield the items of the lists in an object, and in objects in it."""
        stream = self._stream
        if stream.peek() == "}":
            stream.take("}")
            return
        while True:
            if stream.peek() != '"':
                raise stream.error("a key should be here", stream.position)
            key, _ = stream.value()
            stream.take(":")
            name = f"{path}.{key}" if path else str(key)
            start = stream.peek()
            if start == "[":
                stream.take("[")
                self.list_key = name
                yield from self._array()
            elif start == "{" and path.count(".") < 3:
                stream.take("{")
                yield from self._object(name)
            else:
                stream.value()
            if stream.peek() == "}":
                stream.take("}")
                return
            stream.take(",")

    def _each_line(self) -> Iterator[Item]:
        stream = self._stream
        while True:
            line_no = stream.line
            line = stream.physical_line()
            if line is None:
                return
            if not line.strip():
                self.blank += 1
                continue
            try:
                start = skip(line, 0)
                value, end = decode(line, start)
                if skip(line, end) < len(line):
                    raise BadJson("text after the value", skip(line, end))
            except BadJson as error:
                yield bad_record(
                    line_no,
                    "bad_json",
                    f"the line is not valid JSON: {error.message} (column {error.position + 1})",
                    line.strip(),
                    "correct the line: one whole JSON object a line",
                    detail=f"{error.message}, {error.position + 1}",
                )
            else:
                yield line_no, value, line[start:end]


def bad_record(
    line_no: int,
    code: str,
    message: str,
    text: str,
    hint: str,
    *,
    position: int | None = None,
    detail: str | None = None,
) -> BadRow:
    """Return a record that cannot be staged, shown readable."""
    return BadRow(line_no, code, message, shown(text), hint, position, detail)
