"""Reading files: what the scan finds, what the row path gives, what is refused. No server."""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pgimport.errors import FileError
from pgimport.readers import (
    BadRow,
    CopyReader,
    FileScan,
    RowReader,
    Source,
    display_names,
    expand_paths,
    find_delimiter,
    read_head,
    scan_file,
    split_record,
)
from pgimport.readers import disk as disk_module


def write(folder: Path, data: bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def read(scan: FileScan) -> tuple[list[tuple[int, list[str | None]]], list[BadRow], RowReader]:
    reader = RowReader(scan)
    good: list[tuple[int, list[str | None]]] = []
    bad: list[BadRow] = []
    for record in reader:
        if isinstance(record, BadRow):
            bad.append(record)
        else:
            good.append(record)
    return good, bad, reader


# ------------------------------------------------------------------------------------------- scan


def test_a_clean_file_may_be_given_to_copy_as_it_is(tmp_path: Path) -> None:
    data = b"a,b\n1,x\n2,\n"
    scan = scan_file(write(tmp_path, data))
    assert scan.fast
    assert (scan.header, scan.rows, scan.delimiter) == (("a", "b"), 2, ",")
    assert scan.sha256 == hashlib.sha256(data).hexdigest()
    assert (scan.size, scan.data_bytes, scan.blank_rows) == (len(data), len(data), 0)


@pytest.mark.parametrize(
    ("data", "hazard", "rows"),
    [
        (b"a,b\n1,\0\n", "nul_byte", 1),
        (b"a,b\n1,\xe9\n", "bad_encoding", 1),
        (b"a,b\n1,2\n\\.\n3,4\n", "copy_end_marker", 3),
        (b"a\n1\n\\.", "copy_end_marker", 2),
        (b"a,b\n1,2\n\n3,4\n", "blank_rows", 2),
        (b"a,b\n1,2\n,\n3,4\n", "blank_rows", 2),
        (b"a,b\r\n1,2\r\n \r\n3,4\r\n", "blank_rows", 2),
        (b"a,b\n1\n", "ragged_rows", 1),
        (b'a,b\n1,"x\ny"\n', "quoted_newline", 1),
        (b'a,b\n1,"x\r\ny"\n', "quoted_newline", 1),
        (b'a,b\n1,5" pipe\n2,6" pipe\n', "stray_quote", None),
        (b'a,b\n1,"x"y\n', "stray_quote", 1),
        (b'a,b\n1, "x"\n', "stray_quote", 1),
        (b'a,b\n1,x""\n', "stray_quote", 1),
        (b"a,b\r\n1,2\n3,4\r\n", "mixed_line_ends", 2),
        (b"a,b\r1,2\r3,4\r", "mixed_line_ends", 2),
        (b"a,b\n1,2\r3,4\n", "mixed_line_ends", 2),
    ],
)
def test_each_hazard_is_found(tmp_path: Path, data: bytes, hazard: str, rows: int | None) -> None:
    scan = scan_file(write(tmp_path, data), delimiter=",", encoding="utf-8")
    assert hazard in scan.hazards
    if rows is not None:
        assert scan.rows == rows


@pytest.mark.parametrize(
    "data",
    [
        b'a,b\n"1",""\n"x ""y""",2\n"""q""",","\n',
        b"a,b\r\n1,2\r\n",
        b"a,b\n1,\\.x\n\\.,2\n",
        "a,b\n\u00e9,\u4e2d\n".encode(),
        b"a,b\n1,2",
        b"a,b\n",
        b"a,b",
        b"\na,b\n1,2\n",
        b'"a\nx","b\r\ny"\n1,2\n',
        b"a,b\r\n1,2\n3,4\n",
    ],
)
def test_what_is_no_hazard_stays_on_the_fast_path(tmp_path: Path, data: bytes) -> None:
    assert scan_file(write(tmp_path, data), delimiter=",").hazards == frozenset()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("tail", [b"", b"%s", b"%s%s", b",,%s", b"  %s,,", b"%s,%s  "])
def test_blank_rows_at_the_end_are_left_out_and_no_hazard(
    tmp_path: Path, end: bytes, tail: bytes
) -> None:
    body = b"a,b,c" + end + b"1,2,3" + end + b"4,," + end
    path = write(tmp_path, body + tail.replace(b"%s", end))
    scan = scan_file(path)
    assert scan.fast
    assert (scan.rows, scan.data_bytes) == (2, len(body))
    assert scan.blank_rows == len(tail.replace(b"%s", b"\n").splitlines())
    head = read_head(path)
    with Source(path) as source:
        reader = CopyReader(head, source)
        assert b"".join(reader) == body[7 if end == b"\r\n" else 6 :]
        assert (reader.rows, reader.blank) == (scan.rows, scan.blank_rows)
        assert source.sha256 == head.sha256 == scan.sha256


def test_the_result_does_not_depend_on_where_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (
        b'a;b\r\n1;"x\r\n\r\ny ""z"""\r\n;""\r\n\r\n5;\xc3\xa9\r\n;;\r\n\\.\r\n"a";1\r\n'
        b"7;8\r\n\r\n;\r\n"
    )
    path = write(tmp_path, data)
    expected = scan_file(path, ";")
    rows = read(expected)[:2]
    assert (expected.rows, expected.blank_rows) == (6, 4)
    for size in range(1, len(data) + 2):
        monkeypatch.setattr(disk_module, "BLOCK", size)
        assert scan_file(path, ";") == expected
        assert read(expected)[:2] == rows


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'a,b\n1,2\n3,"x\n4,5\n', 3),
        (b'a,b\n"p\nq",2\n\n3,"x', 5),
        (b'a,b\n1,5" pipe\n2,"x\n', 3),
    ],
)
def test_a_quote_never_closed_fails_the_file_with_its_line(
    tmp_path: Path, data: bytes, line: int
) -> None:
    path = write(tmp_path, data)
    with pytest.raises(FileError, match=f"line {line}: a quote is opened") as caught:
        read(scan_file(path, ","))
    assert caught.value.code == "PI307"
    with pytest.raises(FileError, match=f"line {line}:"):
        list(RowReader(read_head(path, ",")))


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ("a|b\n1|x,y\n", "|"),
        ("code\nA1\nA2\n", ","),
        ('a;b\n"x;,y\n,,,";2\n"z";3\n', ";"),
        ('"a,x";"b,y"\n1;2\n', ";"),
        ("a,b,c\n1,2,3\n1,2\n" + "1,2,3\n" * 20, ","),
        ("a;b;c\n" + "1,1;2,2;3,3\n" * 5, ";"),
        ("a;b\n" + "1;2\nx,y\n" * 5, ";"),
        ('a;b\n1;"2\n', ";"),
    ],
)
def test_the_delimiter_is_found(text: str, delimiter: str) -> None:
    assert find_delimiter(text.encode()) == delimiter


@pytest.mark.parametrize("text", ["a,b;c\n1,2;3\n", "remark\nhello, world\nbye\n"])
def test_a_delimiter_that_cannot_be_told_is_asked_for(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError, match="delimiter") as caught:
        scan_file(write(tmp_path, text.encode()))
    assert caught.value.hint == "give the delimiter"
    assert scan_file(write(tmp_path, text.encode()), ",").delimiter == ","


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "é", "\\"])
def test_an_impossible_delimiter_is_refused(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(FileError, match="delimiter"):
        scan_file(write(tmp_path, b"a,b\n1,2\n"), delimiter)


def test_bom_gzip_and_declared_encodings_are_read(tmp_path: Path) -> None:
    text = "näme,b\né,2\n"
    plain = read(scan_file(write(tmp_path, text.encode())))[0]
    for name, data, encoding in (
        ("bom.csv", b"\xef\xbb\xbf" + text.encode(), None),
        ("z.csv.gz", gzip.compress(text.encode()), None),
        ("two.csv.gz", gzip.compress(text[:9].encode()) + gzip.compress(text[9:].encode()), None),
        ("l1.csv", text.encode("latin-1"), "latin-1"),
        ("w.csv", text.encode("cp1252"), "cp1252"),
        ("u.csv", text.encode("utf-16"), "utf-16"),
        ("ule.csv", b"\xff\xfe" + text.encode("utf-16-le"), "utf-16-le"),
    ):
        data_path = write(tmp_path, data, name)
        scan = scan_file(data_path, encoding=encoding)
        assert scan.header == ("näme", "b"), name
        assert scan.fast, name
        assert read(scan)[0] == plain, name
        assert scan.sha256 == hashlib.sha256(data).hexdigest(), name
        assert scan.size == len(data), name
        head = read_head(data_path, encoding=encoding)
        assert (head.header, head.sha256, head.size) == (scan.header, scan.sha256, scan.size), name
        with Source(data_path, encoding) as source:
            assert b"".join(CopyReader(head, source)) == text.encode()[8:], name


def test_bytes_a_declared_encoding_does_not_have_are_issues(tmp_path: Path) -> None:
    scan = scan_file(write(tmp_path, b"a,b\n1,\xe9\n2,x\x81y\n"), encoding="cp1252")
    good, bad, _ = read(scan)
    assert good == [(2, ["1", "é"])]
    assert [(row.line_no, row.code, row.value) for row in bad] == [(3, "bad_encoding", "2,x\\x81y")]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n \n,,\n", "empty"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16-le"), "NUL bytes"),
        ("a.csv", b"caf\xe9,b\n1,2\n", "not valid UTF-8"),
        ("a.csv", b"PK\x03\x04xxxx", "damaged or incomplete zip"),
        ("a.csv.gz", b"a,b\n1,2\n", "not gzip"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 1000)[:-9], "incomplete gzip"),
        ("a.csv", b'a"b"c,"d"e\n1,2\n', "header"),
        ("a.csv", b",".join(b"c" for _ in range(1700)) + b"\n", "1700 columns"),
        ("a.csv", b"x" * 1001 + b",b\n", "1000 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    with pytest.raises(FileError, match=message):
        scan_file(write(tmp_path, data, name), ",")


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match='unknown encoding "klingon"'):
        scan_file(write(tmp_path, b"a\n"), encoding="klingon")


# ------------------------------------------------------------------------------------------- rows


def test_bad_records_are_named_with_their_line_and_kept_whole(tmp_path: Path) -> None:
    data = (
        b"a,b,c\n"
        b'1,"two\nlines",3\n'  # 2, 3
        b"1,2\n"  # 4
        b"1,2,3,,\n"  # 5
        b"\n"  # 6
        b"x\\,\xe9\xff,3\n"  # 7
        b"1,a\0b,3\n"  # 8
        b'1,"2"x,3\n'  # 9
        b'"",,""""\n'  # 10
        b',"",\n'  # 11
        b'5" pipe,a"b"c,\n'  # 12
        b" , ,\t\n"  # 13
        b"z,z,z"  # 14
    )
    good, bad, reader = read(scan_file(write(tmp_path, data), ",", "utf-8"))
    assert good == [
        (2, ["1", "two\nlines", "3"]),
        (5, ["1", "2", "3"]),
        (10, ["", None, '"']),
        (11, [None, "", None]),
        (12, ['5" pipe', 'a"b"c', None]),
        (14, ["z", "z", "z"]),
    ]
    assert [(row.line_no, row.code, row.value) for row in bad] == [
        (4, "ragged_row", "1,2"),
        (7, "bad_encoding", "x\\\\,\\xE9\\xFF,3"),
        (8, "nul_byte", "1,a\\x00b,3"),
        (9, "bad_quote", '1,"2"x,3'),
    ]
    assert bad[0].message == "the row has 2 fields, the header 3"
    assert (bad[1].position, bad[2].position) == (2, 2)
    assert (reader.rows, reader.refused, reader.blank) == (6, 4, 2)


def test_lines_count_with_every_kind_of_line_end(tmp_path: Path) -> None:
    data = b'a,b\r\n1,2\r3,4\n"x\r\n\ny",6\r\n7,8'
    good, bad, _ = read(scan_file(write(tmp_path, data), ","))
    assert [line for line, _ in good] == [2, 3, 4, 7]
    assert good[2][1] == ["x\r\n\ny", "6"]
    assert not bad


def test_a_lone_end_marker_loses_no_row(tmp_path: Path) -> None:
    good, bad, _ = read(scan_file(write(tmp_path, b"a\n1\n\\.\n2\n"), ","))
    assert (good, bad) == ([(2, ["1"]), (3, ["\\."]), (4, ["2"])], [])


def test_a_header_over_two_lines_and_blank_lines_before_it_are_skipped(tmp_path: Path) -> None:
    scan = scan_file(write(tmp_path, b'\n\n"a\nx",b\n1,2\n'), ",")
    assert scan.header == ("a\nx", "b")
    good, _, reader = read(scan)
    assert (good, reader.blank, scan.fast) == ([(5, ["1", "2"])], 0, True)


@pytest.mark.parametrize("record", ['"', 'a,"b', '"a"b', '"a" ,b'])
def test_split_record_refuses_what_is_no_record(record: str) -> None:
    with pytest.raises(csv.Error):
        split_record(record, ",")


@settings(max_examples=300, deadline=None)
@given(
    rows=st.integers(2, 4).flatmap(
        lambda width: st.lists(
            st.lists(
                st.one_of(st.none(), st.text('ab ,;"\r\n\té中\\.', max_size=6)),
                min_size=width,
                max_size=width,
            ),
            max_size=8,
        ).map(lambda rows: [[f"c{n}" for n in range(width)], *rows])
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    always=st.booleans(),
)
def test_what_a_writer_wrote_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str | None]],
    end: str,
    always: bool,
) -> None:
    path = tmp_path_factory.mktemp("h") / "a.csv"
    path.write_bytes(to_csv(rows, end, always).encode())
    scan = scan_file(path, ",")
    assert "stray_quote" not in scan.hazards
    good, bad, reader = read(scan)
    expected = [row for row in rows[1:] if not is_blank(row, always)]
    assert not bad
    assert [fields for _, fields in good] == expected
    assert scan.rows == len(expected) == reader.rows
    assert scan.blank_rows == reader.blank
    if scan.fast:
        # a line is a row here
        assert [line for line, _ in good] == list(range(2, 2 + len(good)))


def to_csv(rows: list[list[str | None]], end: str = "\n", always: bool = False) -> str:
    """Write NULL as nothing and the empty text as two quotes, as COPY does."""

    def cell(value: str | None) -> str:
        if value is None:
            return ""
        if always or value == "" or any(mark in value for mark in ',"\r\n'):
            return '"' + value.replace('"', '""') + '"'
        return value

    return "".join(",".join(map(cell, row)) + end for row in rows)


def is_blank(row: list[str | None], always: bool) -> bool:
    return all(value is None or (not always and value and not value.strip(" \t")) for value in row)


@settings(max_examples=300, deadline=None)
@given(data=st.lists(st.sampled_from([b"a", b",", b'"', b"\n", b"\r\n", b"\xe9", b"\0", b"\\."])))
@example(data=[b"a", b",", b",", b"\n", b"a"])
def test_whatever_the_bytes_every_record_has_one_class(
    tmp_path_factory: pytest.TempPathFactory, data: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("h") / "a.csv"
    path.write_bytes(b"h,i\n" + b"".join(data))
    try:
        scan = scan_file(path, ",", "utf-8")
        good, bad, reader = read(scan)
    except FileError as error:
        assert "never closed" in error.message  # noqa: PT017 - or nothing is refused
        return
    assert (len(good), len(bad)) == (reader.rows, reader.refused)
    assert all(len(fields) == 2 for _, fields in good)
    lines = [line for line, _ in good] + [row.line_no for row in bad]
    assert len(set(lines)) == len(lines)
    if "stray_quote" not in scan.hazards:
        assert scan.rows == reader.rows + reader.refused
        assert scan.blank_rows == reader.blank
    if scan.fast:
        # fields too many and too few may be as many as there should be: the server refuses these
        assert {row.code for row in bad} <= {"ragged_row"}


# ------------------------------------------------------------------------------------------ paths


def test_a_folder_gives_its_own_files_sorted(tmp_path: Path) -> None:
    for name in ("b.csv", "A.CSV", "c.tsv.gz", "notes.md", ".hidden.csv"):
        (tmp_path / name).write_bytes(b"a\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "d.csv").write_bytes(b"a\n")
    (tmp_path / "link.csv").symlink_to("b.csv")
    found = expand_paths([tmp_path])
    assert [path.name for path in found] == ["A.CSV", "b.csv", "c.tsv.gz"]
    assert expand_paths([str(tmp_path / "*.csv"), tmp_path / "b.csv"]) == [tmp_path / "b.csv"]


def test_a_link_out_of_its_folder_is_refused_but_may_be_named(tmp_path: Path) -> None:
    outside = write(tmp_path, b"a\n", "outside.csv")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.csv").symlink_to(outside)
    with pytest.raises(FileError, match="leads out of its folder"):
        expand_paths([folder])
    assert expand_paths([folder / "link.csv"]) == [folder / "link.csv"]


def test_fifos_devices_and_missing_files_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.csv")
    for given_path, message in (
        (tmp_path / "p.csv", "not a regular file"),
        (tmp_path, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "none.csv", "no such file"),
        (tmp_path / "none*.csv", "no file to import"),
    ):
        with pytest.raises(FileError, match=message):
            expand_paths([given_path])
    with pytest.raises(FileError, match="not a regular file"):
        scan_file(tmp_path / "p.csv")


def test_files_of_one_name_are_shown_with_their_folder() -> None:
    paths = [Path("/x/a/1.csv"), Path("/x/b/1.csv"), Path("/x/2.csv")]
    assert display_names(paths) == ["a/1.csv", "b/1.csv", "2.csv"]


def test_memory_stays_flat_on_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    line = b"x" * 40 + b',"quoted, text"\n'
    with path.open("wb") as file:
        file.write(b"a,b\n")
        for _ in range(200):
            file.write(line * 1000)
    tracemalloc.start()
    scan = scan_file(path)
    for _ in RowReader(scan):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert scan.rows == 200_000
    assert peak < 20 * 1024 * 1024
