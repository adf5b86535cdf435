"""Splitting one record of CSV into its fields, with the meaning of COPY.

An unquoted empty field is NULL, a quoted one is the empty text. A quote inside an unquoted field
is an ordinary character, and so is an apostrophe anywhere.
"""

from __future__ import annotations

import csv
import re

QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')


def split_record(record: str, delimiter: str) -> list[str | None]:
    """Split one record, without its line end, into fields; tells NULL from the empty text.

    Raises:
        csv.Error: text after a closing quote, or a quote that is never closed.

    """
    fields: list[str | None] = []
    position = 0
    while True:
        if record.startswith('"', position):
            match = QUOTED.match(record, position)
            if match is None:
                raise csv.Error("unexpected end of data")
            fields.append(match[1].replace('""', '"'))
            position = match.end()
            if position == len(record):
                return fields
            if record[position] != delimiter:
                raise csv.Error("text after a closing quote")
        else:
            end = record.find(delimiter, position)
            if end < 0:
                fields.append(record[position:] or None)
                return fields
            fields.append(record[position:end] or None)
            position = end
        position += 1
