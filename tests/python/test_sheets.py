"""Spreadsheets: what a cell becomes, which sheet and header, what is refused, whole imports."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import resource
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from _command import run
from _tables import XML, header, ods, ods_text, text_cell, xlsx
from pgimport import Client, FileError, ReadOptions, check_headers, import_files, stage_files
from pgimport.readers import (
    BadRow,
    TableReader,
    count_table,
    find_format,
    read_any_head,
    read_table_head,
)
from pgimport.readers import table as table_module
from pgimport.readers.cell_text import (
    DATE,
    DATETIME,
    DURATION,
    NUMBER,
    TIME,
    ZEROS,
    Dates,
    format_kind,
    number_text,
    stored_number,
    unescape,
)

Rows = list[tuple[int, list[str | None]]]


def read(path: Path, **options: Any) -> tuple[tuple[str, ...], Rows, list[BadRow], TableReader]:
    """Return header, good rows, bad ones, and the reader."""
    head = read_any_head(path, ReadOptions(**options))
    good: Rows = []
    bad: list[BadRow] = []
    with TableReader(head) as reader:  # type: ignore[arg-type]
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
    header_, rows, bad, _ = read(path, **options)
    assert not bad, (header_, bad)
    return [row for _, row in rows]


# ------------------------------------------------------------------------------------------ cells


def test_numbers_have_the_digits_they_are_stored_with() -> None:
    assert [stored_number(text) for text in ("12", "0", "-7", "1E5", "0.1", "1.50", "1e-7")] == [
        "12", "0", "-7", "100000", "0.1", "1.5", "0.0000001",
    ]  # fmt: skip
    assert stored_number("1E+15") == "1000000000000000"
    assert stored_number("1.23456789012345E+17") == "123456789012345000"
    assert stored_number("123456789012345678") == "123456789012345678"
    assert stored_number("0.10000000000000001") == "0.1"
    assert stored_number("1e300") == "1e+300"
    assert stored_number("-0") == "-0"
    assert stored_number("x") == "x"
    assert (number_text(12.0), number_text(-0.0), number_text(1e15)) == (
        "12", "0", "1000000000000000",
    )  # fmt: skip


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_same_after_it_was_written(value: float) -> None:
    assert float(number_text(value)) == value
    assert float(stored_number(repr(value))) == value


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("General", NUMBER), ("0.00", NUMBER), ("#,##0.00 [$€-407]", NUMBER), ("0%", NUMBER),
        ("0.00E+00", NUMBER), ('0 "days"', NUMBER), ("[Magenta]0", NUMBER), ("@", NUMBER),
        ("yyyy-mm-dd", DATE), ("d/m/yy", DATE), ("mmm", DATE), ("[$-40C]d mmmm yyyy;@", DATE),
        ("hh:mm", TIME), ("h:mm AM/PM", TIME), ("mm:ss.0", TIME),
        ("dd.mm.yyyy hh:mm", DATETIME), ("[h]:mm:ss", DURATION), ("[mm]:ss", DURATION),
        ("00000", ZEROS + 5), ("0", NUMBER), ("00.0", NUMBER), ('"x"yyyy', DATE),
    ],
)  # fmt: skip
def test_the_format_says_whether_a_number_is_a_date(code: str, kind: int) -> None:
    assert format_kind(200, code) == kind


def test_built_in_formats_are_known() -> None:
    assert [format_kind(n, None) for n in (0, 1, 14, 20, 22, 46, 49)] == [
        NUMBER, NUMBER, DATE, TIME, DATETIME, DURATION, NUMBER,
    ]  # fmt: skip


def test_serial_numbers_become_dates_and_times() -> None:
    dates = Dates(False)
    assert dates.text("45351", DATE) == "2024-02-29"
    assert dates.text("45351", DATETIME) == "2024-02-29 00:00:00"
    assert dates.text("45351.551568287", DATE) == "2024-02-29 13:14:15.5"
    assert dates.text("0.75", TIME) == "18:00:00"
    assert dates.text("1.5", DURATION) == "36:00:00"
    assert dates.text("-0.5", DURATION) == "-12:00:00"
    assert dates.text("2958465", DATE) == "9999-12-31"
    # a second before midnight is not midnight, a thousandth is
    assert dates.text("45351.99998842593", DATETIME) == "2024-02-29 23:59:59"
    assert dates.text("45350.999999999", DATE) == "2024-02-29"


def test_the_first_weeks_of_1900_have_the_day_that_never_was() -> None:
    dates = Dates(False)
    assert [dates.text(n, DATE) for n in ("1", "59", "60", "61")] == [
        "1900-01-01", "1900-02-28", "1900-02-29", "1900-03-01",
    ]  # fmt: skip


@pytest.mark.parametrize("stored", ["0", "-3", "2958466", "1e300", "nonsense"])
def test_what_is_no_date_stays_what_is_stored(stored: str) -> None:
    assert Dates(False).text(stored, DATE) == stored_number(stored)


def test_days_count_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path), {"date_1904": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["day"])
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_datetime(1, 0, datetime.datetime(2024, 2, 29), day)
        sheet.write_number(2, 0, 0, day)
    assert fields(path) == [["2024-02-29"], ["1904-01-01"]]


def test_every_kind_of_cell_arrives_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Data")
        formats = {
            code: book.add_format({"num_format": code})
            for code in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "hh:mm", "[h]:mm", "00000", "0%")
        }
        sheet.write_row(0, 0, ["a", "b", "c", "d", "e", "f"])
        sheet.write_string(1, 0, "0012")
        sheet.write_number(1, 1, 12)
        sheet.write_number(1, 2, 0.1)
        sheet.write_boolean(1, 3, True)
        sheet.write_boolean(1, 4, False)
        sheet.write_number(1, 5, 123, formats["00000"])
        sheet.write_datetime(2, 0, datetime.datetime(2024, 2, 29), formats["yyyy-mm-dd"])
        sheet.write_datetime(2, 1, datetime.datetime(2024, 2, 29, 13, 5), formats["yyyy-mm-dd"])
        sheet.write_datetime(2, 2, datetime.datetime(2024, 2, 29), formats["yyyy-mm-dd hh:mm"])
        sheet.write_number(2, 3, 0.75, formats["hh:mm"])
        sheet.write_number(2, 4, 1.5, formats["[h]:mm"])
        sheet.write_number(2, 5, 0.15, formats["0%"])
        sheet.write_formula(3, 0, "=1+1", None, 2)
        sheet.write_formula(3, 1, '="x"&"y"', None, "xy")
        sheet.write_formula(3, 2, "=NA()", None, "#N/A")
        sheet.write_formula(3, 3, "=A1=A1", None, True)
        sheet.write_rich_string(3, 4, "a ", book.add_format({"bold": True}), "bold", " c")
        sheet.write_string(3, 5, "tab\tline\nback\\slash <&> é 😀")
        sheet.write_string(4, 0, "_x0041_")
        sheet.write_string(4, 1, "  spaces  ")
        sheet.write_string(4, 2, "\\N")
        sheet.write_blank(4, 4, None, formats["0%"])
    assert fields(path) == [
        ["0012", "12", "0.1", "TRUE", "FALSE", "00123"],
        ["2024-02-29", "2024-02-29 13:05:00", "2024-02-29 00:00:00", "18:00:00", "36:00:00",
         "0.15"],
        ["2", "xy", "#N/A", "TRUE", "a bold c", "tab\tline\nback\\slash <&> é 😀"],
        ["_x0041_", "  spaces  ", "\\N", None, None, None],
    ]  # fmt: skip


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!"])
def test_an_error_cell_arrives_as_its_text(tmp_path: Path, error: str) -> None:
    path = xlsx(
        tmp_path / "a.xlsx", header("a") + f'<row r="2"><c r="A2" t="e"><v>{error}</v></c></row>'
    )
    assert fields(path) == [[error]]


def test_a_formula_without_a_stored_result_is_an_issue_not_an_empty_cell(tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "a.xlsx",
        header("a", "b")
        + '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><f>A2+1</f></c></row>'
        + '<row r="3"><c r="A3"><v>2</v></c><c r="B3"><f>A3+1</f><v>3</v></c></row>'
        + '<row r="4"><c r="A4"><v>2</v></c><c r="B4" t="str"><f>""</f><v></v></c></row>',
    )
    _, good, bad, _ = read(path)
    assert good == [(3, ["2", "3"]), (4, ["2", None])]
    assert [(row.line_no, row.code, row.position, row.detail) for row in bad] == [
        (2, "no_value", 2, "B2")
    ]


def test_xml_may_be_written_otherwise(tmp_path: Path) -> None:
    """Prefixes, single quotes, CDATA, comments, references, cells without a place, UTF-16."""
    sheet = (
        "<x:worksheet xmlns:x='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>"
        "<x:sheetData><!-- a comment with <row> in it -->"
        "<x:row><x:c t='inlineStr'><x:is><x:t>a</x:t></x:is></x:c>"
        "<x:c t = 'inlineStr'><x:is><x:t>b</x:t></x:is></x:c></x:row>"
        "<x:row r='3'><x:c r='A3' t='str'><x:v><![CDATA[<b> & c]]></x:v></x:c>"
        "<x:c><x:v>1&#x32;</x:v></x:c></x:row>"
        "<x:row r='4'/><x:row r='5'><x:c r='B5' t='inlineStr'><x:is><x:t>&#233;&amp;lt;</x:t>"
        "</x:is></x:c></x:row></x:sheetData></x:worksheet>"
    )
    expected = [(3, ["<b> & c", "12"]), (5, [None, "é&lt;"])]
    path = xlsx(tmp_path / "a.xlsx", raw_sheet=sheet)
    assert read(path)[:2] == (("a", "b"), expected)
    wide = ('<?xml version="1.0" encoding="UTF-16"?>' + sheet).encode("utf-16")
    path = xlsx(tmp_path / "b.xlsx", extra={"xl/worksheets/sheet1.xml": wide})
    assert read(path)[:2] == (("a", "b"), expected)


def test_a_comment_in_the_midst_of_rows_changes_nothing(tmp_path: Path) -> None:
    rows = "".join(
        f'<row r="{n}">{text_cell(f"A{n}", "x" * 50)}<c r="B{n}"><v>{n}</v></c></row>'
        for n in range(2, 20_000)
    )
    half = rows.index('<row r="15000"')
    commented = rows[:half] + "<!-- <row> -->" + rows[half:]
    plain = read(xlsx(tmp_path / "a.xlsx", header("a", "b") + rows))
    with_comment = read(xlsx(tmp_path / "b.xlsx", header("a", "b") + commented))
    assert plain[:3] == with_comment[:3]
    assert len(plain[1]) == 19_998


def test_strings_may_be_rich_empty_phonetic_or_escaped(tmp_path: Path) -> None:
    strings = (
        "<si><t>a</t></si><si><r><t>one </t></r><r><rPr><b/></rPr><t xml:space='preserve'>two</t>"
        "</r></si><si><t>漢字</t><rPh sb='0' eb='2'><t>かんじ</t></rPh></si><si/><si><t/></si>"
        "<si><t>_x000D__x005F_x0041_</t></si><si><t>_xD83D__xDE00_</t></si>"
    )
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>{n - 1}</v></c></row>' for n in range(1, 8))
    cells += '<row r="9"><c r="A9" t="s"><v>1</v></c></row>'
    path = xlsx(tmp_path / "a.xlsx", cells, strings=strings)
    assert read(path)[1] == [
        (2, ["one two"]), (3, ["漢字"]), (6, ["\r_x0041_"]), (7, ["😀"]), (9, ["one two"]),
    ]  # fmt: skip


def test_what_postgresql_cannot_store_is_an_issue(tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "a.xlsx",
        header("a", "b")
        + f'<row r="2">{text_cell("A2", "good")}{text_cell("B2", "_x0000_")}</row>'
        + f'<row r="3">{text_cell("A3", "good")}</row>',
    )
    _, good, bad, _ = read(path)
    assert good == [(3, ["good", None])]
    assert [(row.line_no, row.code, row.position, row.value) for row in bad] == [
        (2, "nul_byte", 2, "good,\\x00")
    ]


# --------------------------------------------------------------------------- sheets and headers


def make(path: Path, sheets: dict[str, list[list[Any]]], hidden: tuple[str, ...] = ()) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            if name in hidden:
                sheet.hide()
    return path


def test_the_first_visible_sheet_with_data_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.xlsx",
        {"Empty": [], "Hidden": [["h"], [0]], "One": [["a"], [1]], "Two": [["b"], [2]]},
        hidden=("Hidden",),
    )
    head = read_table_head(path, "xlsx")
    assert (head.sheet, head.header) == ("One", ("a",))
    assert head.warnings == (
        'sheet "One" is read; there are data on "Hidden" (hidden), "Two", too',
    )
    assert read(path, sheet="two")[:2] == (("b",), [(2, ["2"])])
    assert read(path, sheet=4)[0] == ("b",)
    assert read(path, sheet="2")[0] == ("h",)
    with pytest.raises(FileError, match='has no sheet "Three"') as caught:
        read(path, sheet="Three")
    assert caught.value.hint == 'it has: 1 "Empty", 2 "Hidden" (hidden), 3 "One", 4 "Two"'
    with pytest.raises(FileError, match='has no sheet "9"'):
        read(path, sheet=9)
    with pytest.raises(FileError, match="is empty"):
        read(path, sheet="Empty")


def test_data_on_hidden_sheets_only_are_not_read_unasked(tmp_path: Path) -> None:
    path = make(tmp_path / "a.xlsx", {"Shown": [], "Hidden": [["h"], [0]]}, hidden=("Hidden",))
    with pytest.raises(FileError, match="hidden sheets only"):
        read(path)
    assert read(path, sheet="Hidden")[0] == ("h",)


def test_a_sheet_whose_name_is_a_number_is_found_by_it(tmp_path: Path) -> None:
    path = make(tmp_path / "a.xlsx", {"2": [["a"]], "1": [["b"]]})
    assert read(path, sheet="2")[0] == ("a",)
    assert read(path, sheet=2)[0] == ("b",)


def test_header_row_and_names_given(tmp_path: Path) -> None:
    path = make(tmp_path / "a.xlsx", {"S": [[], ["Title"], [], ["a", "b"], [1, 2], [], [3, 4]]})
    assert read(path)[0] == ("Title",)
    head, good, bad, reader = read(path, header_row=4)
    assert (head, good, bad) == (("a", "b"), [(5, ["1", "2"]), (7, ["3", "4"])], [])
    assert reader.blank == 0
    given_names = read(path, header=("x", "y"))
    assert given_names[0] == ("x", "y")
    assert [line for line, _ in given_names[1]] == [2, 4, 5, 7]
    for row in (3, 99):
        with pytest.raises(FileError, match=f"nothing in row {row}"):
            read(path, header_row=row)
    with pytest.raises(FileError, match="exclude"):
        read(path, header_row=4, header=("x",))


def test_blank_rows_are_skipped_extra_empty_columns_are_none_others_are_issues(
    tmp_path: Path,
) -> None:
    path = xlsx(
        tmp_path / "a.xlsx",
        f'<row r="1">{text_cell("A1", "a")}{text_cell("B1", " b ")}{text_cell("C1", " ")}</row>'
        '<row r="2"><c r="A2"><v>1</v></c><c r="F2" s="0"/></row>'
        f'<row r="3">{text_cell("A3", "  ")}</row><row r="4"/><row r="5"><c r="A5"/></row>'
        f'<row r="6"><c r="B6"><v>2</v></c><c r="D6"><v>3</v></c></row>'
        '<row r="8" hidden="1"><c r="B8"><v>4</v></c></row>',
    )
    head, good, bad, reader = read(path)
    assert head == ("a", "b")
    assert good == [(2, ["1", None]), (8, [None, "4"])]
    assert [(row.line_no, row.code, row.value, row.detail) for row in bad] == [
        (6, "ragged_row", ",2,,3", "4 ≠ 2")
    ]
    assert reader.blank == 2
    assert reader.warnings == ("1 hidden rows are read like the others",)


def test_merged_cells_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.merge_range(1, 0, 2, 0, "x")
        sheet.write_row(1, 1, [1])
        sheet.write_row(2, 1, [2])
    _, good, _, reader = read(path)
    assert good == [(2, ["x", "1"]), (3, [None, "2"])]
    assert reader.warnings == ("1 merged ranges: only the first cell of each has the value",)


def test_count_is_what_reading_gives(tmp_path: Path) -> None:
    path = make(tmp_path / "a.xlsx", {"S": [["a"], [1], [2, 3], [4]]})
    head, rows, blank = count_table(path, "xlsx")
    assert (head.header, rows, blank) == (("a",), 3, 0)


# ------------------------------------------------------------------------------ XLS, ODS and XLSB


def test_an_old_excel_file_is_read_with_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    book = xlwt.Workbook()
    book.dates_1904 = False
    sheet = book.add_sheet("One")
    for column, name in enumerate(("a", "b", "c", "d", "e")):
        sheet.write(0, column, name)
    sheet.write(1, 0, "0012")
    sheet.write(1, 1, 12)
    sheet.write(1, 2, 0.1)
    sheet.write(1, 3, datetime.date(2024, 2, 29), xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    sheet.write(1, 4, True)
    sheet.row(2).set_cell_error(1, 0x2A)
    sheet.write(2, 2, 1.5, xlwt.easyxf(num_format_str="[h]:mm:ss"))
    sheet.write(2, 3, datetime.datetime(2024, 2, 29, 13, 14, 15), xlwt.easyxf(
        num_format_str="YYYY-MM-DD hh:mm:ss"))  # fmt: skip
    sheet.write(2, 4, 123456789012345)
    other = book.add_sheet("Two")
    other.write(0, 0, "x")
    for row in range(1, 400):  # more than one sector of the file
        other.row(row).set_cell_error(0, 0x07)
    book.save(str(path))
    assert find_format(path) == "xls"
    head = read_table_head(path, "xls")
    assert head.warnings == ('sheet "One" is read; there are data on "Two", too',)
    assert fields(path) == [
        ["0012", "12", "0.1", "2024-02-29", "TRUE"],
        [None, "#N/A", "36:00:00", "2024-02-29 13:14:15", "123456789012345"],
    ]
    assert fields(path, sheet="Two") == [["#DIV/0!"]] * 399


def test_an_opendocument_spreadsheet_is_read(tmp_path: Path) -> None:
    cell = "<table:table-cell office:value-type="
    tables = (
        '<table:table table:name="Secret" table:style-name="h"><table:table-row>'
        f"{ods_text('s')}</table:table-row></table:table>\n"
        '<table:table table:name="One">\n'
        '<table:table-row table:number-rows-repeated="2"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row>\n'
        f"<table:table-row>{''.join(ods_text(name) for name in 'abcdefgh')}</table:table-row>\n"
        "<table:table-row>"
        f'{cell}"float" office:value="12"><text:p>12,00</text:p></table:table-cell>'
        f'{cell}"date" office:date-value="2024-02-29"><text:p>29.2.</text:p></table:table-cell>\n'
        f'{cell}"date" office:date-value="2024-02-29T13:14:15"><text:p/></table:table-cell>'
        f'{cell}"time" office:time-value="PT36H05M01.5S"><text:p>x</text:p></table:table-cell>'
        f'{cell}"boolean" office:boolean-value="true"><text:p>WAHR</text:p></table:table-cell>'
        '<table:table-cell table:formula="of:=1/0" office:value-type="float" office:value="0" '
        'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
        f'{cell}"string"><office:annotation><text:p>note</text:p></office:annotation>'
        '<text:p>a<text:s text:c="3"/>b<text:tab/>c</text:p><text:p>d</text:p></table:table-cell>'
        f'{cell}"float" office:value="123456789012345678"><text:p>1</text:p></table:table-cell>'
        "</table:table-row>"
        f'<table:table-row table:number-rows-repeated="2">{ods_text("0012")}</table:table-row>'
        '<table:table-row><table:table-cell table:formula="of:=1+1"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/>'
        "</table:table-row></table:table>"
    )
    styles = (
        '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
    )
    path = ods(tmp_path / "a.ods", tables, styles=styles)
    head, good, bad, _ = read(path)
    assert head == tuple("abcdefgh")
    empty = [None] * 7
    assert good == [
        (4, ["12", "2024-02-29", "2024-02-29 13:14:15", "36:05:01.5", "TRUE", "#DIV/0!",
             "a   b\tc\nd", "123456789012345678"]),
        (5, ["0012", *empty]),
        (6, ["0012", *empty]),
    ]  # fmt: skip
    assert [(row.line_no, row.code) for row in bad] == [(7, "no_value")]
    assert read_table_head(path, "ods").warnings == (
        'sheet "One" is read; there are data on "Secret" (hidden), too',
    )
    assert read(path, sheet="Secret")[0] == ("s",)


# --------------------------------------------------------------------------- formats and hostility


HTML = b"<html><table><tr><td>a</td></tr></table></html>"
OLD_XML = b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>'


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.xls", HTML, "web page"),
        ("a.xls", OLD_XML, "XML file"),
        ("a.xlsx", b"a,b\n1,2\n", "is a text file"),
        ("a.ods", b"", "is empty"),
        ("a.xls", b"\x09\x08\x08\x00", "very old version"),
        ("a.xlsx", b"\x00\x01\x02", "not what its name says"),
        ("a.parquet", b"a,b\n", "is a text file"),
        ("a.xlsx", b"PK\x03\x04rubbish", "is damaged or incomplete"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "no workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook\0".encode("utf-16-le"),
         "is damaged"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
         "protected by a password"),
    ],
)  # fmt: skip
def test_what_is_not_what_its_name_says_is_refused(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FileError, match=message) as caught:
        read(path)
    assert caught.value.code == "PI307"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"[Content_Types].xml": "", "word/document.xml": ""}, "a Word document"),
        ({"a.csv": "a,b"}, "a ZIP file, but no spreadsheet"),
        ({"mimetype": "application/vnd.oasis.opendocument.text"}, "but no spreadsheet"),
    ],
)
def test_documents_of_other_kinds_are_refused(
    tmp_path: Path, parts: dict[str, str], message: str
) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(FileError, match=message):
        read(path)


def test_a_workbook_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.csv", header("a") + '<row r="2"><c r="A2"><v>1</v></c></row>')
    assert fields(path) == [["1"]]


def test_options_of_other_formats_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.csv"
    text.write_text("a\n1\n")
    with pytest.raises(FileError, match="is no spreadsheet"):
        read_any_head(text, ReadOptions(sheet="x"))
    with pytest.raises(FileError, match="is no JSON file"):
        read_any_head(text, ReadOptions(records="x"))


def _reference_out_of_range(path: Path) -> Path:
    return xlsx(
        path, header("a") + '<row r="2"><c r="A2" t="s"><v>999</v></c></row>', strings="<si/>"
    )


def _laughs(path: Path) -> Path:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    sheet = (
        f'{XML}<!DOCTYPE worksheet [<!ENTITY l0 "ha">{lines}]><worksheet><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>&l11;</t></is></c></row></sheetData></worksheet>'
    )
    return xlsx(path, raw_sheet=sheet)


def _bomb(path: Path) -> Path:
    xlsx(path, header("a"))
    block = bytes(16 * 1024 * 1024)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/media/image.png", "w", force_zip64=True) as part,
    ):
        for _ in range(40):
            part.write(block)
    return path


def _password(path: Path) -> Path:
    xlsx(path, header("a"))
    data = bytearray(path.read_bytes())
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        data[place + 8] |= 1
        place = data.find(b"PK\x01\x02", place + 4)
    path.write_bytes(data)
    return path


def _cut(path: Path) -> Path:
    xlsx(path, header("a") + "".join(f'<row r="{n}"/>' for n in range(2, 2000)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def _wrong_checksum(path: Path) -> Path:
    with zipfile.ZipFile(path, "w"):
        pass
    xlsx(path, header("a") + '<row r="2"><c r="A2"><v>1</v></c></row>')
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        place = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 70
    data[place] ^= 0xFF
    path.write_bytes(data)
    return path


def _many_columns(path: Path) -> Path:
    return xlsx(path, '<row r="1">' + '<c t="str"><v>x</v></c>' * 1591 + "</row>")


def _deep(path: Path) -> Path:
    sheet = "<worksheet><sheetData>" + "<row>" * 200_000 + "</row>" * 200_000
    return xlsx(path, raw_sheet=sheet + "</sheetData></worksheet>")


@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (_reference_out_of_range, "cell A2 refers to text 999"),
        (_laughs, "document type"),
        (_bomb, "would unpack"),
        (_password, "protected by a password"),
        (_cut, "damaged or incomplete"),
        (_wrong_checksum, "is damaged"),
        (_deep, "is empty|is damaged"),
        (lambda path: xlsx(path, raw_sheet="<worksheet><sheetData><row r='1'>"), "not valid XML"),
        (lambda path: xlsx(path, raw_sheet="<worksheet><sheetData/></worksheet>"), "is empty"),
        (lambda path: xlsx(path, header("a") + '<row r="1048577"/><row r="1048578">'
                           '<c r="A1048578"><v>1</v></c></row>'), "a sheet has 1048576"),
        (lambda path: xlsx(path, header("a") + '<row r="2"><c r="XFE2"><v>1</v></c></row>'),
         "column XFE"),
        (lambda path: xlsx(path, header("a") + '<row r="2"><c r="A2" t="zz"><v>1</v></c></row>'),
         'cell of type "zz"'),
        (lambda path: xlsx(path, header("a") + '<row r="5"/><row r="4"><c r="A4"><v>1</v></c></row>'
                           '<row r="3"><c r="A3"><v>1</v></c></row>'), "row 3 after row 4"),
        (lambda path: xlsx(path, header("a"), extra={"xl/_rels/workbook.xml.rels": b"<a"}),
         "not valid XML"),
        (_many_columns, "1591 columns"),
        (lambda path: xlsx(path, header("x" * 1001)), "more than 1000"),
        (lambda path: ods(path, "<table:table>", encrypted=True), "protected by a password"),
        (lambda path: ods(path, "<table:table>"), "not valid XML"),
        (lambda path: ods(path, ""), "is empty"),
        (lambda path: ods(path, '<table:table table:name="a"><table:table-row '
                          f'table:number-rows-repeated="99999999">{ods_text("a")}'
                          "</table:table-row></table:table>"), "a sheet has 1048576"),
    ],
)  # fmt: skip
def test_hostile_and_damaged_files_are_refused_with_a_reason(
    tmp_path: Path, hostile: Any, message: str
) -> None:
    path = hostile(tmp_path / "a.xlsx")
    begun = time.monotonic()
    with pytest.raises(FileError, match=message) as caught:
        read(path)
    assert caught.value.code == "PI307"
    assert '"a.xlsx"' in caught.value.message
    assert time.monotonic() - begun < 20


def test_one_cell_at_the_far_end_costs_nothing(tmp_path: Path) -> None:
    far = header("a") + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'
    path = xlsx(tmp_path / "a.xlsx")
    before = '<worksheet><dimension ref="A1:XFD1048576"/><sheetData>'
    xlsx(path, raw_sheet=f"{before}{far}</sheetData></worksheet>")
    assert read(path)[1] == [(1_048_576, ["1"])]
    wide = header("a") + '<row r="2"><c r="XFD2"><v>1</v></c></row>'
    _, good, bad, _ = read(xlsx(tmp_path / "b.xlsx", wide))
    assert not good
    assert bad[0].detail == "16384 ≠ 1"


def test_a_child_without_enough_memory_or_time_fails_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(f"<si><t>{n:020}</t></si>" for n in range(400_000))
    path = xlsx(tmp_path / "a.xlsx", header("a"), strings=text)
    head = read_table_head(path, "xlsx")
    monkeypatch.setattr(table_module, "MEMORY_BYTES", 48 * 1024 * 1024)
    with pytest.raises(FileError, match="memory") as caught, TableReader(head) as reader:
        list(reader)
    assert caught.value.hint is not None
    monkeypatch.undo()
    monkeypatch.setattr(table_module, "CPU_SECONDS", 0)
    with pytest.raises(FileError, match=r"seconds of work|is damaged"), TableReader(head) as reader:
        list(reader)


def test_a_child_that_says_nothing_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = xlsx(tmp_path / "a.xlsx", header("a"))
    monkeypatch.setattr(table_module, "_START", "import time; time.sleep(60)")
    monkeypatch.setattr(table_module, "SECONDS_OF_SILENCE", 0.3)
    begun = time.monotonic()
    with pytest.raises(FileError, match="takes too long"):
        read_table_head(path, "xlsx")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("code", ["import os; os.abort()", "raise SystemExit(7)", "print('x'*99)"])
def test_a_child_that_dies_or_talks_nonsense_is_the_files_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    path = xlsx(tmp_path / "a.xlsx", header("a"))
    monkeypatch.setattr(table_module, "_START", code)
    with pytest.raises(FileError, match="damaged"):
        read_table_head(path, "xlsx")


def test_the_child_has_no_environment_and_no_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = xlsx(tmp_path / "a.xlsx", header("a"))
    monkeypatch.setenv("PGPASSWORD", "secret")
    said = tmp_path / "said"
    code = (
        f"import os; open({str(said)!r}, 'w').write(repr(sorted(os.environ)) + "
        "repr(sorted(os.listdir('/proc/self/fd'))[:4]))"
    )
    monkeypatch.setattr(table_module, "_START", code)
    with (tmp_path / "open").open("w"), pytest.raises(FileError):
        read_table_head(path, "xlsx")
    text = said.read_text()
    assert "PGPASSWORD" not in text
    assert "HOME" not in text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 1_000_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_random_damage_never_crashes_and_never_hangs(
    tmp_path: Path, damage: list[tuple[int, int]]
) -> None:
    path = tmp_path / "a.xlsx"
    make(path, {"S": [["a", "b"], *([n, f"text {n}"] for n in range(50))]})
    raw = bytearray(path.read_bytes())
    for place, byte in damage:
        raw[place % len(raw)] = byte
    path.write_bytes(raw)
    with contextlib.suppress(FileError):
        read(path)


# ---------------------------------------------------------------------------------- whole imports


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(
            """
            CREATE TABLE public.people (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                code text NOT NULL UNIQUE, n integer, price numeric, day date, note text
            )
            """
        )
        Client(conn).register_target("public.people", "people", ["code"])
    return installed_dsn


@pytest.fixture
def conn(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def people(path: Path, count: int = 3) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet = book.add_worksheet("People")
        sheet.write_row(0, 0, ["code", "n", "price", "day", "note"])
        for number in range(1, count + 1):
            sheet.write_string(number, 0, f"{number:04}")
            sheet.write_number(number, 1, number)
            sheet.write_number(number, 2, number / 10)
            sheet.write_datetime(number, 3, datetime.datetime(2024, 2, number % 28 + 1), day)
            sheet.write_string(number, 4, f"note\t{number}\\")
        book.add_worksheet("Other").write_row(0, 0, ["code"])
    return path


def test_a_workbook_becomes_rows_of_the_table(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    result = import_files(dsn, "people", [people(tmp_path / "a.xlsx")])
    assert result.verify is not None
    assert result.verify.verified
    file = result.files[0]
    assert (file.way, file.sheet, file.rows_staged) == ("rows", "People", 3)
    assert file.warnings == ('sheet "People" is read; there are data on "Other", too',)
    rows = conn.execute(
        "SELECT code, n, price::text, day::text, note FROM people ORDER BY code"
    ).fetchall()
    assert rows == [
        ("0001", 1, "0.1", "2024-02-02", "note\t1\\"),
        ("0002", 2, "0.2", "2024-02-03", "note\t2\\"),
        ("0003", 3, "0.3", "2024-02-04", "note\t3\\"),
    ]
    known = Client(conn).get_job(result.job_id)
    assert known.files is not None
    assert [file["sheet"] for file in known.files] == ["People"]


def test_line_numbers_are_rows_of_the_sheet_and_bad_rows_are_issues(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = xlsx(
        tmp_path / "a.xlsx",
        header("code", "n", row=3)
        + f'<row r="5">{text_cell("A5", "x")}<c r="B5"><v>1</v></c></row>'
        + f'<row r="6">{text_cell("A6", "y")}<c r="B6"><f>B5</f></c></row>'
        + f'<row r="8">{text_cell("A8", "z")}<c r="B8" t="e"><v>#REF!</v></c></row>',
    )
    result = stage_files(dsn, None, [path], target="people")
    assert (result.rows_staged, result.files[0].rows_refused) == (2, 1)
    Client(conn).check_job(result.job_id)
    issues = Client(conn).issue_report(result.job_id)
    assert [(issue.line_no, issue.column_name) for issue in issues] == [(6, "n"), (8, "n")]
    assert issues[0].code == "no_value"
    assert issues[1].value == "#REF!"


def test_two_sheets_of_one_workbook_go_into_one_job_and_one_sheet_not_twice(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = make(
        tmp_path / "a.xlsx", {"Jan": [["code", "n"], ["a", 1]], "Feb": [["code", "n"], ["b", 2]]}
    )
    first = stage_files(dsn, None, [path], target="people", read=ReadOptions(sheet="Jan"))
    second = stage_files(dsn, first.job_id, [path], read=ReadOptions(sheet="Feb"))
    again = stage_files(dsn, first.job_id, [path], read=ReadOptions(sheet=1))
    assert [run.files[0].status for run in (first, second, again)] == [
        "staged",
        "staged",
        "already",
    ]
    done = import_files(dsn, "people", [path], job_id=first.job_id, read=ReadOptions(sheet=2))
    assert done.insert is not None
    assert done.insert.rows_inserted == 2
    with pytest.raises(FileError) as caught:
        stage_files(dsn, None, [path], target="people", read=ReadOptions(sheet="Feb"))
    assert caught.value.code == "PI304"


def test_a_hostile_workbook_in_a_folder_leaves_the_others_untouched(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    people(tmp_path / "a.xlsx")
    _reference_out_of_range(tmp_path / "b.xlsx")
    _laughs(tmp_path / "c.xlsx")
    (tmp_path / "d.csv").write_text("code,n\nd,1\n")
    result = stage_files(dsn, None, [tmp_path], target="people")
    assert [file.status for file in result.files] == ["staged", "failed", "failed", "staged"]
    count = "SELECT count(*) FROM pgimport.file WHERE job_id = %s AND rows_staged > 0"
    assert conn.execute(count, [result.job_id]).fetchone() == (2,)


def test_a_workbook_that_changes_while_it_is_read_fails(dsn: str, tmp_path: Path) -> None:
    path = people(tmp_path / "a.xlsx")

    def change(_: Any) -> None:
        with path.open("ab") as file:
            file.write(b"\0")

    with pytest.raises(FileError, match="changed while it was read"):
        stage_files(dsn, None, [path], target="people", begun=change)


def test_headers_tell_sheet_rows_and_mapping(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    reports = check_headers(conn, "people", [people(tmp_path / "a.xlsx", 5)])
    report = reports[0]
    assert (report.status, report.sheet, report.rows, report.columns) == ("ok", "People", 5, 5)
    assert report.delimiter is None
    assert len(report.warnings) == 1


def test_the_command_takes_sheet_and_header_row(dsn: str, tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.xlsx",
        {"Cover": [["hello"]], "Data": [["A report"], ["code", "n"], ["x", 1]]},
    )
    words = ["import", "people", str(path), "--yes", "--sheet", "data", "--header-row", "2"]
    ran = run("--json", *words, dsn=dsn)
    assert ran.json["rows_inserted"] == 1
    with psycopg.connect(dsn) as conn:
        assert conn.execute("SELECT code, n FROM people").fetchall() == [("x", 1)]
    named = run("stage", "people", str(path), "--sheet", "Nothing", dsn=dsn)
    assert named.code == 1
    assert '"Cover"' in named.err


def test_memory_of_the_parent_stays_flat(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [f"c{n}" for n in range(10)])
        for row in range(1, 60_000):
            sheet.write_row(row, 0, [f"text {row} {n}" for n in range(10)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = read_table_head(path, "xlsx")
    with TableReader(head) as reader:
        assert sum(isinstance(item, bytes) for item in reader) > 50
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024
    assert reader.rows == 59_999
