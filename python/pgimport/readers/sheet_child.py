"""The process that reads spreadsheets and Parquet files, so that a hostile one harms nothing.

It is given one open file as its standard input and one request (JSON, its first argument), has no
environment, no other file and no network of its own accord, sets limits of memory and time for
itself before it looks at the file, and answers on its standard output in frames (rows_out.py).
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any

from pgimport.readers.cell_text import unescape
from pgimport.readers.rows_out import (
    END,
    ERROR,
    HEAD,
    MAX_ROWS,
    CellProblem,
    Out,
    Record,
    Rows,
)
from pgimport.readers.xlsx_parts import Sheet, Unreadable

_MOST_COLUMNS = 1590
_LONGEST_NAME = 1000


def main() -> int:
    """Do what is asked for; 0 also where the answer is an error of the file."""
    request = json.loads(sys.argv[1])
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CPU, request["cpu_seconds"])
    _limit(resource.RLIMIT_AS, request["memory_bytes"])
    out = Out(io.BufferedWriter(io.FileIO(1, "wb", closefd=False), 64 * 1024))
    try:
        with open(0, "rb", buffering=256 * 1024, closefd=False) as file:
            _answer(request, file, os.fstat(0).st_size, out)
    except Unreadable as error:
        answer = {"message": error.message, "hint": error.hint, "detail": error.detail}
        out.send_json(ERROR, answer)
    except (MemoryError, RecursionError):
        return 3
    except BrokenPipeError:
        # the parent has gone, or wants no more
        return 4
    return 0


def _limit(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(what, (value, value))
    except (OSError, ValueError):
        # elsewhere there may be no such limit
        if sys.platform == "linux":
            raise


def _open(kind: str, file: Any, size: int) -> Any:
    """Open the file; only what this format needs is imported."""
    if kind == "xlsx":
        from pgimport.readers.xlsx import XlsxBook

        return XlsxBook(file, size)
    if kind == "ods":
        from pgimport.readers.ods import OdsBook

        return OdsBook(file, size)
    if kind == "parquet":
        from pgimport.readers.parquet import ParquetBook

        return ParquetBook(file, size)
    from pgimport.readers.sheet import CalamineBook

    return CalamineBook(file, size, kind == "xlsb")


def _answer(request: dict[str, Any], file: Any, size: int, out: Out) -> None:
    book = _open(request["kind"], file, size)
    if request["mode"] == "rows":
        sheet = book.sheets[request["number"]]
        _send_rows(book, sheet, request["width"], after=request["header_line"], out=out)
        return
    number, sheet, warnings = _chosen(book, request["sheet"])
    line, header = _header(book, sheet, request)
    if len(header) > _MOST_COLUMNS:
        raise Unreadable(f"has {len(header)} columns", f"at most {_MOST_COLUMNS}")
    if any(len(name) > _LONGEST_NAME for name in header):
        raise Unreadable(f"has a column name of more than {_LONGEST_NAME} characters")
    if any("\0" in name or "\ud800" <= max(name, default="") <= "\udfff" for name in header):
        raise Unreadable("has a column name that PostgreSQL cannot store", "correct the header")
    out.send_json(
        HEAD,
        {
            "sheet": sheet.name or None,
            "number": number,
            "header": header,
            "header_line": line,
            "warnings": warnings,
        },
    )
    if request["mode"] == "count":
        _send_rows(book, sheet, len(header), after=line, out=out, count_only=True)
    else:
        out.send_json(END, {})


def _send_rows(
    book: Any, sheet: Sheet, width: int, *, after: int, out: Out, count_only: bool = False
) -> None:
    rows = Rows(out, width, count_only=count_only, blank_rows=bool(sheet.name))
    for record in book.rows(sheet, width, True):
        line = record.line_no if isinstance(record, CellProblem) else record[0]
        if line > after:
            out.done = book.done
            rows.add(record)
    rows.flush()
    out.send_json(END, {"refused": rows.refused, "blank": rows.blank, "warnings": book.notes})


def _chosen(book: Any, wanted: str | int | None) -> tuple[int, Sheet, list[str]]:
    """Return the sheet that is meant, and what is to be said of the others.

    Raises:
        Unreadable: no such sheet, or none with data.

    """
    sheets: list[Sheet] = book.sheets
    listed = ", ".join(
        f'{number} "{sheet.name}"' + " (hidden)" * sheet.hidden
        for number, sheet in enumerate(sheets[:50], 1)
    )
    if wanted is not None:
        number = _number_of(sheets, wanted)
        if number is None:
            raise Unreadable(f'has no sheet "{wanted}"', f"it has: {listed or 'no sheet'}")
        return number, sheets[number], []
    filled = [number for number, sheet in enumerate(sheets) if book.has_data(sheet)]
    visible = [number for number in filled if not sheets[number].hidden]
    if not visible:
        if filled:
            raise Unreadable(
                "has data on hidden sheets only", f"say which one by its name or number: {listed}"
            )
        raise Unreadable("is empty", "the first row must name the columns")
    others = [sheets[number] for number in filled if number != visible[0]]
    warnings = []
    if others:
        names = ", ".join(f'"{other.name}"' + " (hidden)" * other.hidden for other in others[:20])
        warnings.append(
            f'sheet "{sheets[visible[0]].name}" is read; there are data on {names}, too'
        )
    return visible[0], sheets[visible[0]], warnings


def _number_of(sheets: list[Sheet], wanted: str | int) -> int | None:
    """Return the place of a sheet given by its name, or by its number from 1."""
    if isinstance(wanted, str):
        for fold in (str, str.casefold):
            found = [n for n, sheet in enumerate(sheets) if fold(sheet.name) == fold(wanted)]
            if len(found) == 1:
                return found[0]
        if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 7):
            return None
    number = int(wanted)
    return number - 1 if 1 <= number <= len(sheets) else None


def _header(book: Any, sheet: Sheet, request: dict[str, Any]) -> tuple[int, list[str]]:
    """Return the row of the header and its names.

    Raises:
        Unreadable: there is none.

    """
    given, wanted = request["header"], request["header_row"]
    if getattr(book, "header", None) is not None:
        return 0, given or book.header
    if given:
        return (wanted or 0), given
    if wanted is not None and not 1 <= wanted <= MAX_ROWS:
        raise Unreadable(f"has no row {wanted}")
    for line, fields in _plain_rows(book, sheet):
        if wanted is not None and line < wanted:
            continue
        names = [(unescape(field) or "").strip() for field in fields]
        if any(names) and wanted in (None, line):
            while not names[-1]:
                names.pop()
            return line, names
        if wanted is not None:
            break
    if wanted is not None:
        raise Unreadable(f"has nothing in row {wanted}, where its header should be")
    raise Unreadable("is empty", "the first row must name the columns")


def _plain_rows(book: Any, sheet: Sheet) -> Iterator[Record]:
    for record in book.rows(sheet, 0, False):
        if isinstance(record, CellProblem):
            raise Unreadable(
                f"has no name in its header: {record.message}", record.hint, record.detail
            )
        yield record


if __name__ == "__main__":
    sys.exit(main())
