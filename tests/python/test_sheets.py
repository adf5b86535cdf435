"""Spreadsheets: what a cell becomes, which sheet is read, where its header is."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import xlsxwriter
import xlwt
from hypothesis import given
from hypothesis import strategies as st

from _tables import fields, header, make, ods, ods_text, read, text_cell, xlsx
from pgimport import FileError
from pgimport.readers import (
    count_table,
    find_format,
    read_table_head,
)
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
)

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


def test_attributes_may_stand_in_any_order(tmp_path: Path) -> None:
    """As openpyxl, POI and others write them, with more of them than are known."""
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    path = xlsx(
        tmp_path / "a.xlsx",
        header("a", "b", "c", "d")
        + '<row spans="1:4" r="2" ht="15"><c r="A2" t="n" s="1"><v>45351</v></c>'
        '<c r="B2" cm="1" s="0" t="n"><v>7</v></c><c t="b" r="C2"><v>1</v></c>'
        '<c s="1" r="D2" t="str"><f>1</f><v>x</v></c></row>'
        '<row r="3"><c r="A3" t="n" s="1"></c><c r="B3" t="n"><v/></c><c r="C3"/>'
        '<c r="D3" t="n"><f t="shared" si="0"/><v>4.5</v></c></row>',
        styles=styles,
    )
    assert fields(path) == [["2024-02-29", "7", "TRUE", "x"], [None, None, None, "4.5"]]


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
