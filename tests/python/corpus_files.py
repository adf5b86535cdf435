"""The binary and the large files of the corpus, each made anew from its description here.

What lies in files/ is text that people can read; what is packed, in UTF-16, a workbook, or large is
made by these. The same call gives the same bytes wherever the format lets it.
"""

from __future__ import annotations

import datetime
import gzip
import io
import stat
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
import xlwt
import zstandard

from _tables import header, make, ods, ods_text, text_cell, xlsx

Maker = Callable[[Path], object]

_PLAIN = "id,name\n1,Zoé\n2,B\n".encode()
_WIDE = "id\tname\tnote\r\n1\tZoé\t€\r\n2\t表\t\r\n"
_THEN = (1980, 1, 1, 0, 0, 0)


def _bytes(data: bytes) -> Maker:
    return lambda path: path.write_bytes(data)


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zip(*members: tuple[str, bytes], mode: int = stat.S_IFREG | 0o644) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members:
            member = zipfile.ZipInfo(name, _THEN)
            member.external_attr = mode << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _encoded(encoding: str, text: str = _WIDE, bom: bool = True, cut: int = 0) -> Maker:
    data = (("\ufeff" if bom else "") + text).encode(encoding)
    return _bytes(data[: len(data) - cut])


def _columns(count: int) -> Maker:
    names = ["id", "name", *(f"c{n}" for n in range(count - 3)), "note"]
    values = ["1", "A", *("" for _ in range(count - 3)), "x"]
    return _bytes(f"{','.join(names)}\n{','.join(values)}\n".encode())


_TEXTS: dict[str, Maker] = {
    "utf16_le_bom.csv": _encoded("utf-16-le"),
    "utf16_be_bom.csv": _encoded("utf-16-be"),
    "utf16_le_plain.csv": _encoded("utf-16-le", bom=False),
    "utf16_le_plain_declared.csv": _encoded("utf-16-le", bom=False),
    "utf16_odd.csv": _encoded("utf-16-le", "id\tname\tnote\n1\tZoé\t€\n2\tB\tx", cut=1),
    "utf32_le_bom.csv": _encoded("utf-32-le"),
    # U+0A0A, U+0A0D and U+2C00, U+0A00: bytes of LF, CR and comma
    "utf16_gurmukhi.csv": _encoded("utf-16-le", "id,name\n1,\u0a0a\u0a0d\u2c00\n2,\u0a00\n"),
    "utf16.json": _encoded("utf-16-le", '[{"id": 1, "name": "Zoé"}]'),
    "columns_1000.csv": _columns(1000),
    "columns_1700.csv": _columns(1700),
    "field_1mb.csv": _bytes(b"id,name,amount\n1,A," + b"x" * 1_000_000 + b"\n2,B,5\n"),
    "line_70mb.csv": _bytes(b"id,name\n1," + b"x" * 70_000_000 + b"\n2,B\n"),
    "deep.json": _bytes(b'[{"id": 1, "note": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]"),
}

_PACKED: dict[str, Maker] = {
    "plain.csv.gz": _bytes(_gzip(_PLAIN)),
    "two_members.csv.gz": _bytes(_gzip(_PLAIN) + _gzip(b"3,C\n")),
    "truncated.csv.gz": _bytes(_gzip(_PLAIN * 50)[:-12]),
    "bad_checksum.csv.gz": _bytes(_gzip(_PLAIN)[:-8] + bytes(8)),
    "trailing.csv.gz": _bytes(_gzip(_PLAIN) + b"no gzip"),
    "plain.csv.zst": _bytes(zstandard.ZstdCompressor().compress(_PLAIN)),
    "truncated.csv.zst": _bytes(zstandard.ZstdCompressor().compress(_PLAIN)[:-3]),
    "plain.csv.zip": _bytes(_zip(("plain.csv", _PLAIN))),
    "two_members.zip": _bytes(_zip(("a.csv", _PLAIN), ("b.csv", _PLAIN))),
    "mac.zip": _bytes(_zip(("a.csv", _PLAIN), ("__MACOSX/._a.csv", b"\0\5\26\7"))),
    "path_trick.zip": _bytes(_zip(("../../etc/a.csv", _PLAIN))),
    "link.zip": _bytes(_zip(("a.csv", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777)),
    "empty.zip": _bytes(_zip()),
    "truncated.zip": _bytes(_zip(("a.csv", _PLAIN))[:-30]),
    "gz_named.csv": _bytes(_gzip(_PLAIN)),
    "xlsx_named.csv": lambda path: make(path, {"Data": [["id", "name"], [1, "A"]]}),
    "docx.docx": _bytes(
        _zip(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<document/>"))
    ),
}


def _row(number: int, *cells: str) -> str:
    """Return the XML of a row; a cell is the XML after its reference, or text after a quote."""
    made = ""
    for place, cell in enumerate(cells):
        reference = f"{chr(65 + place)}{number}"
        if cell.startswith("'"):
            made += text_cell(reference, cell[1:])
        elif cell.startswith("<"):
            made += f'<c r="{reference}">{cell}</c>'
        elif cell:
            attributes, _, content = cell.partition(">")
            made += f'<c r="{reference}" {attributes}>{content}</c>'
    return f'<row r="{number}">{made}</row>'


def _n(value: object) -> str:
    return f"<v>{value}</v>"


# style 1: a day; style 2: four digits with zeros before them
_STYLES = (
    '<numFmts count="1"><numFmt numFmtId="170" formatCode="0000"/></numFmts><cellXfs count="3">'
    '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs>'
)


def _sheet(*rows: str, names: tuple[str, ...] = ("id", "name"), **more: str) -> Maker:
    return lambda path: xlsx(path, header(*names) + "".join(rows), styles=_STYLES, **more)  # type: ignore[arg-type]


def _hidden_first(path: Path) -> None:
    """Hide the first of two sheets, which no library does while it is the active one."""
    make(path, {"Hidden": [["id", "name"], [1, "A"]], "Visible": [["id", "name"], [1, "B"]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    book = parts["xl/workbook.xml"]
    parts["xl/workbook.xml"] = book.replace(b"<sheet ", b'<sheet state="hidden" ', 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _THEN), data)


def _merged(path: Path) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Data")
        sheet.write_row(0, 0, ["id", "name"])
        sheet.write_column(1, 0, [1, 2])
        sheet.merge_range("B2:B3", "A")


_TWO_SHEETS: dict[str, list[list[Any]]] = {
    "Data": [["id", "name"], [1, "A"]],
    "Other": [["id", "name"], [2, "B"]],
}

_WORKBOOKS: dict[str, Maker] = {
    "plain.xlsx": _sheet(
        _row(2, _n(1), "'Zoé", _n(1.5), 's="1">' + _n(45323), 't="b">' + _n(1), "'0012", "'x"),
        names=("id", "name", "amount", "day", "active", "code", "note"),
    ),
    "formula_no_value.xlsx": _sheet(_row(2, _n(1), "<f>A2+1</f>"), _row(3, _n(2), "'B")),
    "formula_value.xlsx": _sheet(
        _row(2, _n(1), 't="str"><f>"A"</f><v>A</v>', "<f>1+2</f><v>3</v>"),
        names=("id", "name", "amount"),
    ),
    "error_cells.xlsx": _sheet(
        _row(2, _n(1), 't="e">' + _n("#N/A")),
        _row(3, _n(2), "'B", 't="e">' + _n("#DIV/0!")),
        names=("id", "name", "amount"),
    ),
    "date_number.xlsx": _sheet(
        *(_row(n + 2, _n(n + 1), 's="1">' + _n(d)) for n, d in enumerate((45325, 1, 61))),
        names=("id", "day"),
    ),
    "date_1900_02_29.xlsx": _sheet(
        *(_row(n + 2, _n(n + 1), 's="1">' + _n(d)) for n, d in enumerate((60, 59))),
        names=("id", "day"),
    ),
    "date_1904.xlsx": _sheet(
        _row(2, _n(1), 's="1">' + _n(45325 - 1462)),
        names=("id", "day"),
        workbook='<workbookPr date1904="1"/>',
    ),
    "date_unformatted.xlsx": _sheet(_row(2, _n(1), _n(45325)), names=("id", "day")),
    "merged.xlsx": _merged,
    "hidden_sheet.xlsx": _hidden_first,
    "two_sheets.xlsx": lambda path: make(path, _TWO_SHEETS),
    "sheet_by_name.xlsx": lambda path: make(
        path, {"Data": _TWO_SHEETS["Data"], "Données 2": _TWO_SHEETS["Other"]}
    ),
    "no_such_sheet.xlsx": lambda path: make(path, _TWO_SHEETS),
    "digits.xlsx": _sheet(
        _row(2, _n(1), _n("0.30000000000000004"), _n("123456789012345"), _n("1234567890123456")),
        _row(3, _n(2), _n("1E-3"), _n("1.2E+3"), _n("0.1")),
        names=("id", "amount", "code", "note"),
    ),
    "inline_strings.xlsx": _sheet(
        _row(2, _n(1), "'A & <B>", 't="inlineStr"><is><r><t>rich </t></r><r><t>text</t></r></is>'),
        names=("id", "name", "note"),
    ),
    "empty_rows.xlsx": _sheet(_row(2), _row(4, _n(1), "'A"), _row(5, "", ""), _row(7, "'x", "'B")),
    "header_row_3.xlsx": lambda path: make(
        path,
        {"Data": [["Clients"], [], ["id", "name", "note"], [1, "A", "x"], [2, "B", "y"]]},
    ),
    "header_declared.xlsx": lambda path: make(
        path, {"Data": [["All", "regions"], ["id", "name"], [1, "A"]]}
    ),
    "codes_as_numbers.xlsx": _sheet(
        _row(2, _n(1), _n(12)), _row(3, _n(2), 's="2">' + _n(12)), names=("id", "code")
    ),
    "text_numbers.xlsx": _sheet(
        _row(2, "'1", "", "'5"), _row(3, _n(2), "''5"), names=("id", "name", "amount")
    ),
    "formulas_text.xlsx": _sheet(_row(2, _n(1), "'=1+1", "'@x"), names=("id", "name", "note")),
    "controls.xlsx": _sheet(
        _row(2, _n(1), "'A_x0001_B", "'_x005F_x0041_"), names=("id", "name", "note")
    ),
    "empty.xlsx": lambda path: make(path, {"Data": []}),
    "wide_row.xlsx": _sheet(_row(2, _n(1), "'A", "'x"), _row(3, _n(2), "'B")),
}


def _ods_rows(*rows: str) -> str:
    return f'<table:table table:name="Data">{"".join(rows)}</table:table>'


def _ods_row(*cells: str, repeated: int = 1) -> str:
    again = f' table:number-rows-repeated="{repeated}"' if repeated > 1 else ""
    return f"<table:table-row{again}>{''.join(cells)}</table:table-row>"


def _ods_value(kind: str, attribute: str, value: str, shown: str) -> str:
    return (
        f'<table:table-cell office:value-type="{kind}" office:{attribute}="{value}">'
        f"<text:p>{shown}</text:p></table:table-cell>"
    )


def _xls(path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    day = xlwt.easyxf(num_format_str="DD/MM/YYYY")
    for place, name in enumerate(("id", "name", "amount", "day", "active")):
        sheet.write(0, place, name)
    values = (1, "Zoé", 1.5, datetime.date(2024, 2, 3), True)
    for place, value in enumerate(values):
        if isinstance(value, datetime.date):
            sheet.write(1, place, value, day)
        else:
            sheet.write(1, place, value)
    book.save(str(path))


def _parquet(path: Path) -> None:
    import pyarrow  # noqa: PLC0415 - an extra
    import pyarrow.parquet  # noqa: PLC0415

    table = pyarrow.table(
        {
            "id": pyarrow.array([1, 2], pyarrow.int64()),
            "name": pyarrow.array(["Zoé", None]),
            "amount": pyarrow.array([Decimal("1.50"), None], pyarrow.decimal128(10, 2)),
            "day": pyarrow.array([datetime.date(2024, 2, 3), None]),
            "active": pyarrow.array([True, None]),
        }
    )
    pyarrow.parquet.write_table(table, path)


_OTHER_TABLES: dict[str, Maker] = {
    "plain.ods": lambda path: ods(
        path,
        _ods_rows(
            _ods_row(*map(ods_text, ("id", "name", "amount", "day"))),
            _ods_row(
                _ods_value("float", "value", "1", "1"),
                ods_text("A").replace("</text:p>", "</text:p><text:p>B</text:p>"),
                _ods_value("float", "value", "1.5", "1,5"),
                _ods_value("date", "date-value", "2024-02-03", "3 févr. 24"),
            ),
            _ods_row(_ods_value("float", "value", "2", "2"), ods_text("C")),
            _ods_row(
                _ods_value("float", "value", "3", "3"),
                ods_text("C"),
                '<table:table-cell table:number-columns-repeated="1022"/>',
            ),
        ),
    ),
    "million_empty.ods": lambda path: ods(
        path,
        _ods_rows(
            _ods_row(*map(ods_text, ("id", "name"))),
            _ods_row(*map(ods_text, ("1", "A"))),
            _ods_row(
                '<table:table-cell table:number-columns-repeated="1024"/>', repeated=1_048_574
            ),
        ),
    ),
    "plain.xls": _xls,
    "plain.parquet": _parquet,
}

MADE: dict[str, Maker] = {**_TEXTS, **_PACKED, **_WORKBOOKS, **_OTHER_TABLES}
