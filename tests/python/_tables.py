"""Making spreadsheets for the tests: by libraries, and by hand where no library writes such."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

from pgimport import ReadOptions
from pgimport.readers import BadRow, TableHead, TableReader, read_any_head
from pgimport.readers.cell_text import unescape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def xlsx(
    path: Path,
    rows: str = "",
    *,
    strings: str | None = None,
    styles: str | None = None,
    workbook: str = "",
    sheets: dict[str, str] | None = None,
    raw_sheet: str | None = None,
    extra: dict[str, bytes] | None = None,
) -> Path:
    """Write a workbook of the XML of rows; of several sheets, or of a sheet as it is given."""
    given = sheets or {"Data": rows}
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(given, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" '
        f'Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(given) + 1)
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": XML + f'<Types xmlns="{_PACKAGE}content-types"/>',
        "_rels/.rels": XML + f'<Relationships xmlns="{_PACKAGE}relationships"><Relationship '
        f'Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": XML
        + f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{workbook}<sheets>{listed}</sheets>'
        "</workbook>",
    }
    if strings is not None:
        related += (
            f'<Relationship Id="s" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
        )
        parts["xl/sharedStrings.xml"] = XML + f'<sst xmlns="{_MAIN}">{strings}</sst>'
    if styles is not None:
        related += f'<Relationship Id="f" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        parts["xl/styles.xml"] = XML + f'<styleSheet xmlns="{_MAIN}">{styles}</styleSheet>'
    parts["xl/_rels/workbook.xml.rels"] = (
        XML + f'<Relationships xmlns="{_PACKAGE}relationships">{related}</Relationships>'
    )
    for number, content in enumerate(given.values(), 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'{XML}<worksheet xmlns="{_MAIN}"><dimension ref="A1"/>'
            f"<sheetData>{content}</sheetData></worksheet>"
        )
    if raw_sheet is not None:
        parts["xl/worksheets/sheet1.xml"] = raw_sheet
    parts |= extra or {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def text_cell(reference: str, text: str) -> str:
    """Return the XML of a cell of text."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def header(*names: str, row: int = 1) -> str:
    """Return the XML of a row of names."""
    cells = "".join(text_cell(f"{chr(65 + n)}{row}", name) for n, name in enumerate(names))
    return f'<row r="{row}">{cells}</row>'


_ODS = "urn:oasis:names:tc:opendocument:xmlns:"


def ods(path: Path, tables: str, *, styles: str = "", encrypted: bool = False) -> Path:
    """Write an OpenDocument spreadsheet of the XML of its tables."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        f'xmlns:office="{_ODS}office:1.0" xmlns:table="{_ODS}table:1.0" '
        f'xmlns:text="{_ODS}text:1.0" xmlns:style="{_ODS}style:1.0" '
        'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    manifest = "<manifest:encryption-data/>" if encrypted else ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml", f"<manifest:manifest>{manifest}</manifest:manifest>"
        )
    return path


def ods_text(text: str) -> str:
    """Return the XML of a cell of text."""
    return (
        f'<table:table-cell office:value-type="string"><text:p>{escape(text)}</text:p>'
        "</table:table-cell>"
    )


Rows = list[tuple[int, list[str | None]]]


def read(path: Path, **options: Any) -> tuple[tuple[str, ...], Rows, list[BadRow], TableReader]:
    """Read a table; return its header, its good rows, the others, and the reader."""
    head = read_any_head(path, ReadOptions(**options))
    good: Rows = []
    bad: list[BadRow] = []
    assert isinstance(head, TableHead)
    with TableReader(head) as reader:
        for item in reader:
            if isinstance(item, BadRow):
                bad.append(item)
                continue
            for line in item.decode().splitlines():
                number, *fields = line.split("\t")
                good.append((int(number), [unescape(field) for field in fields]))
    assert reader.sha256 == head.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert reader.rows == len(good)
    assert reader.refused == len(bad)
    return head.header, good, bad, reader


def fields(path: Path, **options: Any) -> list[list[str | None]]:
    """Return the fields of a table all of whose rows are good."""
    header_, rows, bad, _ = read(path, **options)
    assert not bad, (header_, bad)
    return [row for _, row in rows]


def make(path: Path, sheets: dict[str, list[list[Any]]], hidden: tuple[str, ...] = ()) -> Path:
    """Write a workbook of values."""
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            if name in hidden:
                sheet.hide()
    return path
