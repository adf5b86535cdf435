"""A place in a file between two records, from which reading can go on another time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """What was read of a file before a place, and what a reader needs to go on from there.

    Attributes:
        rows, refused, blank: records given, refused and skipped before it.
        lines: physical lines before it.
        text: bytes of the text (UTF-8 without BOM) before it; of JSON: bytes of the file.

    """

    rows: int
    refused: int
    blank: int
    lines: int
    text: int


class Changed(Exception):  # noqa: N818 - no error: the file is read from its start
    """Raised where the bytes of a file are not those that were read of it the last time."""
