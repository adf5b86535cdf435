"""Spreadsheets that are damaged, hostile or something else: refused, and nothing is harmed."""

from __future__ import annotations

import contextlib
import io
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from _tables import XML, fields, header, make, ods, ods_text, read, xlsx
from pgimport import FileError, ReadOptions
from pgimport.readers import (
    TableReader,
    read_any_head,
    read_table_head,
)
from pgimport.readers import table as table_module

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
        (lambda path: xlsx(path, header("a") + '<row r="2"><c r="A2" t="s"><v>-1</v></c></row>',
                           strings="<si><t>wrong</t></si>"), "refers to text -1"),
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


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 1_000_000), st.integers(0, 255)), min_size=1, max_size=20),
    st.sampled_from(["ods", "xls"]),
)
def test_random_damage_of_other_formats_is_an_error_of_the_file(
    tmp_path: Path, damage: list[tuple[int, int]], kind: str
) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "ods":
        rows = f"<table:table-row>{ods_text('a')}</table:table-row>" * 9
        ods(path, f'<table:table table:name="S">{rows}</table:table>')
    else:
        book = xlwt.Workbook()
        sheet = book.add_sheet("S")
        for number in range(9):
            sheet.write(number, 0, number or "a")
        book.save(str(path))
    raw = bytearray(path.read_bytes())
    for place, byte in damage:
        raw[place % len(raw)] = byte
    path.write_bytes(raw)
    with contextlib.suppress(FileError):
        read(path)


def test_a_bomb_in_the_part_that_tells_the_format_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", bytes(200_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match="but no spreadsheet"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    finally:
        tracemalloc.stop()


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
