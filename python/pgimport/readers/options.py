"""How the files of a call are to be read, where they do not say it themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about the files; None where each file is asked.

    Attributes:
        delimiter: one character. encoding: as Python names it; else UTF-8.
        header_row: physical line, or row of the sheet, of the header, from 1; else it is found.
        header: names of the columns of a file that has no header line.
        sheet: name of the sheet, or its number from 1; else the first visible one with data.
        records: JSON: key of the list of records.

    """

    delimiter: str | None = None
    encoding: str | None = None
    header_row: int | None = None
    header: tuple[str, ...] | None = None
    sheet: str | int | None = None
    records: str | None = None
