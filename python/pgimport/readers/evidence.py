"""Whether a file that is not UTF-8 throughout is UTF-8 all the same, with some bad rows.

It is where the valid sequences of several bytes are no fewer than the bytes that are none. Else
the file is in some other encoding, and only the user can say in which: it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pgimport.errors import FileError
from pgimport.readers.candidates import readings
from pgimport.readers.encoding import shown
from pgimport.readers.source import Source

_HIGH = bytes(range(128, 256))
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_WORD_BEGIN = re.compile(rb'[^\s,;"|:()/]*\Z')
_WORD_END = re.compile(rb'[^\s,;"|:()/]*')
_WORD_SIDE = 20  # bytes of a word looked at on each side
_MAX_WORDS = 300


@dataclass
class Evidence:
    """What the bytes beyond ASCII of a file are.

    Attributes:
        valid: sequences of UTF-8. invalid: bytes that belong to none.
        line: physical line of the first of these. offset: its place in the text, from 0.
        byte: that byte. words: those it and others like it stand in, the first one first.

    """

    valid: int = 0
    invalid: int = 0
    line: int = 0
    offset: int = 0
    byte: int = 0
    words: dict[bytes, None] = field(default_factory=dict)


def refuse_other_encodings(path: Path) -> None:
    """Read a file in which something is not UTF-8, though no other encoding was declared.

    Raises:
        FileError: it is not UTF-8. The hint names the encodings that are likely.

    """
    found = survey(path)
    if found.invalid <= found.valid:
        return
    word = next(iter(found.words))
    text, best = readings(list(found.words))
    raw = shown(word.decode("ascii", "surrogateescape"))
    option = f"--encoding {best or 'cp1252'}"
    raise FileError(
        f'"{path.name}", line {found.line}: byte \\x{found.byte:02X} is not valid UTF-8, and '
        "no other encoding was given",
        detail=f"byte {found.offset} of the text, in \"{raw}\"; {found.invalid} such bytes, "
        f"{found.valid} valid sequences of UTF-8",
        hint=f'"{raw}" would be {text}: give the encoding, for instance {option}'
        if text
        else f"give the encoding of the file, for instance {option}",
    )  # fmt: skip


def survey(path: Path) -> Evidence:
    """Read a whole file as UTF-8 and count."""
    found = Evidence()
    with Source(path, digest=False) as source:
        offset, line = 0, 1
        for block in source.blocks():
            if not block.isascii():
                _look(block, offset, line, found)
            offset += len(block)
            line += line_ends(block)
        if source.bom:
            found.valid = max(found.valid, found.invalid)
    return found


def line_ends(text: bytes) -> int:
    """Return how many lines end in a text: newline, CR LF or a lone CR."""
    if b"\r" not in text:
        return text.count(b"\n")
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def _look(block: bytes, offset: int, line: int, found: Evidence) -> None:
    try:
        found.valid += len(block.decode()) - len(block.translate(None, _HIGH))
        return
    except UnicodeDecodeError as error:
        first = error.start
    text = block.decode("utf-8", "surrogateescape")
    invalid = len(block) - len(text.encode("utf-8", "ignore"))
    found.valid += len(text) - len(block.translate(None, _HIGH)) - invalid
    if not found.invalid:
        found.line = line + line_ends(block[:first])
        found.offset = offset + first
        found.byte = block[first]
        found.words[_word(block, first, first + 1)] = None
    found.invalid += invalid
    for match in _HIGH_RUN.finditer(block, first):
        if len(found.words) >= _MAX_WORDS:
            break
        found.words[_word(block, match.start(), match.end())] = None


def _word(block: bytes, begin: int, end: int) -> bytes:
    before = _WORD_BEGIN.search(block[max(0, begin - _WORD_SIDE) : begin])
    after = _WORD_END.match(block[end : end + _WORD_SIDE])
    middle = block[begin : min(end, begin + 2 * _WORD_SIDE)]
    return (before[0] if before else b"") + middle + (after[0] if after else b"")
