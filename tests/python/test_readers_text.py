"""Dialects of text files and the line of each record: titles, sep=, quotes, odd lines, odd ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgimport import Client, FileError, ReadOptions, import_files, stage_files
from pgimport.readers import BadRow, CopyReader, RowReader, Source, read_head, scan_file
from pgimport.readers import disk as disk_module

Record = tuple[int, list[str | None]]


def write(folder: Path, data: bytes | str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


class Read:
    """A file read by all ways."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.scan = scan_file(path, options=ReadOptions(**options))
        self.head = read_head(path, options=ReadOptions(**options))
        assert (self.head.header, self.head.delimiter) == (self.scan.header, self.scan.delimiter)
        assert self.head.line_offset == self.scan.line_offset
        reader = RowReader(self.head)
        self.good: list[Record] = []
        self.bad: list[BadRow] = []
        for record in reader:
            if isinstance(record, BadRow):
                self.bad.append(record)
            else:
                self.good.append(record)
        self.blank = reader.blank
        if "stray_quote" not in self.scan.hazards:
            assert self.scan.rows == len(self.good) + len(self.bad)
            assert self.scan.blank_rows == self.blank
        if self.scan.fast and {row.code for row in self.bad} != {"ragged_row"}:
            assert not self.bad
            with Source(path, self.head.encoding) as source:
                self.copied = b"".join(CopyReader(self.head, source)).decode()
            # what COPY is given has one line a row, and a row's line follows from its number
            lines = self.copied.removesuffix("\n").removesuffix("\r").split("\n")
            assert len([line for line in lines if self.copied]) == len(self.good)
            assert [line for line, _ in self.good] == [
                self.head.line_offset + number for number in range(1, len(self.good) + 1)
            ]

    @property
    def lines(self) -> list[int]:
        return [line for line, _ in self.good]

    @property
    def header(self) -> tuple[str, ...]:
        return self.head.header

    @property
    def fast(self) -> bool:
        return self.scan.fast


def refused(path: Path, **options: Any) -> FileError:
    """Return the error by which a file is refused by both ways."""
    with pytest.raises(FileError) as scanned:
        scan_file(path, options=ReadOptions(**options))
    with pytest.raises(FileError) as read:
        for _ in RowReader(read_head(path, options=ReadOptions(**options))):
            pass
    assert scanned.value.message == read.value.message
    return read.value


# ---------------------------------------------------------------------------------- sep= and header


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("sep=;", ";"), ("SEP=,", ","), ("Sep=|", "|"), ('"sep=;"', ";"), ("sep=\\t", "\t"),
        ("sep=\t", "\t"), ("sep=^", "^"), ("sep=;;;;", ";"), ("sep=,,", ","), ("sep=:", ":"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_line_sep_is_obeyed_and_no_data(
    tmp_path: Path, line: str, mark: str, end: str, bom: str
) -> None:
    text = bom + end.join([line, mark.join("ab"), mark.join("12"), mark.join("34"), ""])
    found = Read(write(tmp_path, text))
    assert found.header == ("a", "b")
    assert found.good == [(3, ["1", "2"]), (4, ["3", "4"])]
    assert found.fast == (end != "\r")
    wide = Read(write(tmp_path, text.removeprefix("\ufeff").encode("utf-16")))
    assert wide.good == found.good


def test_sep_decides_where_the_delimiter_could_not_be_told(tmp_path: Path) -> None:
    assert Read(write(tmp_path, "sep=;\na,b;c\n1,2;3\n")).header == ("a,b", "c")
    # what the user declares comes first; the line is no data all the same
    assert Read(write(tmp_path, "sep=;\na,b\n1,2\n"), delimiter=",").good == [(3, ["1", "2"])]


@pytest.mark.parametrize("text", ["sep=\na\n1\n", "sep=ab\n1\n", "separator\n1\n", "sep=é\n1\n"])
def test_what_only_looks_like_sep_is_a_header(tmp_path: Path, text: str) -> None:
    assert Read(write(tmp_path, text), delimiter=",").header == (text.split("\n", maxsplit=1)[0],)


def test_a_sep_line_elsewhere_is_data(tmp_path: Path) -> None:
    found = Read(write(tmp_path, "a\nsep=;\n1\n"), delimiter=",")
    assert found.good == [(2, ["sep=;"]), (3, ["1"])]


def test_the_header_stands_where_the_user_says(tmp_path: Path) -> None:
    text = 'x\n"open\n\n1,2\na,b\r\n1,2\r\n3,4\r\n'
    found = Read(write(tmp_path, text), header_row=5)
    assert (found.header, found.head.line_offset) == (("a", "b"), 5)
    assert found.good == [(6, ["1", "2"]), (7, ["3", "4"])]
    assert found.fast
    assert Read(write(tmp_path, text), header_row=4).header == ("1", "2")
    assert Read(write(tmp_path, "sep=;\nt\na;b\n1;2\n"), header_row=3).lines == [4]
    assert Read(
        write(tmp_path, "remark\nhello, world\nbye, you\n"), header_row=1, delimiter=","
    ).bad
    # far below, and with a header over several lines
    far = "remark, of no use\n" * 40_000 + '"a\nx",b\n1,2\n'
    assert Read(write(tmp_path, far), header_row=40_001).good == [(40_003, ["1", "2"])]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (0, "not the number of a line"), (-1, "not the number"), (10**9, "not the number"),
        (5, "has no line 5"), (4, "has no line 4"), (2, "line 2 of .* is blank"),
    ],
)  # fmt: skip
def test_a_header_row_that_is_none_is_refused(tmp_path: Path, row: int, says: str) -> None:
    path = write(tmp_path, "a,b\n  \n1,2\n")
    with pytest.raises(FileError, match=says):
        read_head(path, options=ReadOptions(header_row=row))
    assert "names the delimiter" in refused(write(tmp_path, "sep=,\na,b\n"), header_row=1).message


def test_a_file_without_header_takes_the_names_given(tmp_path: Path) -> None:
    found = Read(write(tmp_path, "1;x\n2;y\n"), header=("a", "b"))
    assert (found.header, found.head.delimiter, found.head.line_offset) == (("a", "b"), ";", 0)
    assert found.good == [(1, ["1", "x"]), (2, ["2", "y"])]
    assert found.fast
    assert Read(write(tmp_path, "sep=|\n1|x\n"), header=("a", "b")).good == [(2, ["1", "x"])]
    assert Read(write(tmp_path, "1\n2\n"), header=("a",)).lines == [1, 2]
    assert Read(write(tmp_path, "\n1,2\n"), header=("a", "b")).good == [(2, ["1", "2"])]
    with pytest.raises(FileError, match="cannot be told"):
        read_head(write(tmp_path, "1,2,3\n"), options=ReadOptions(header=("a", "b")))
    with pytest.raises(FileError, match="exclude each other"):
        read_head(write(tmp_path, "1\n"), options=ReadOptions(header=("a",), header_row=1))
    for data in (b"", b"\n \n"):
        assert "empty" in refused(write(tmp_path, data), header=("a",)).message


# ------------------------------------------------------------------------------------------- titles


@pytest.mark.parametrize(
    ("text", "header", "line"),
    [
        ("Report 2024\n\na;b;c\n1;2;3\n4;5;6\n", ("a", "b", "c"), 4),
        ("Report 2024\na;b;c\n1;2;3\n4;5;6\n", ("a", "b", "c"), 3),
        ("Report, of May\nBy me\n\na;b;c\n1,5;2;3\n4,5;5;6\n", ("a", "b", "c"), 5),
        ("Report,,\n,,\na,b,c\n1,2,3\n4,5,6\n", ("a", "b", "c"), 4),
        ('"Report, of\nMay"\n\na,b\n1,2\n3,4\n', ("a", "b"), 5),
        ("Account;123\nPeriod;05/2024\n\nDate;Text;In;Out\n1.5.;x;1;\n2.5.;y;;2\n",
         ("Date", "Text", "In", "Out"), 5),
        ("Title\na^b\n1^2\n3^4\n", ("a", "b"), 3),
        ("Title\n\nname,city,land\nx,y,z\nu,v,w\n", ("name", "city", "land"), 4),
        ("sep=;\nTitle\n\na;b\n1;2\n3;4\n", ("a", "b"), 5),
        ("\n\n  \na,b\n1,2\n", ("a", "b"), 5),
    ],
)  # fmt: skip
def test_a_header_evidently_below_titles_is_found(
    tmp_path: Path, text: str, header: tuple[str, ...], line: int
) -> None:
    found = Read(write(tmp_path, text))
    assert (found.header, found.lines[0]) == (header, line)
    assert found.fast
    assert Read(write(tmp_path, text.replace("\n", "\r\n"))).good == found.good


@pytest.mark.parametrize(
    "text",
    [
        "remark\nhello, world\nbye, bye\n",
        "remark\nBonjour, Monsieur\n3 fois, 12 mai\n4 fois, 1 mai\n",
        "name\nDupont,Jean,75001\nMartin,Paul,75002\n",
        "title\na,a\n1,2\n3,4\n",
        "title\na,\n1,2\n3,4\n",
        "x\n2023,2024\n1,2\n3,4\n",
    ],
)
def test_a_header_that_is_not_evident_is_asked_for(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(FileError, match="cannot be told for sure") as caught:
        read_head(path, ",")
    assert "--header-row" in (caught.value.hint or "")
    with pytest.raises(FileError, match="cannot be told for sure"):
        read_head(path)
    for row in (1, 2):
        assert read_head(path, ",", options=ReadOptions(header_row=row)).line_offset == row


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2,3\n4,5,6\n", ("a", "b")),
        ("a\n1\n2,3\n4\n", ("a",)),
        ("a,,\n1,x,y\n2,z,u\n", ("a", "", "")),
        ("a,,,\nA,B,C,D\nE,F,G,H\n", ("a", "", "", "")),
        (",b\n1,2\n3,4\n", ("", "b")),
        (",,c\n1,2,3\n3,4,5\n", ("", "", "c")),
        ("2023,2024\n1,2\n3,4\n", ("2023", "2024")),
        ('"",""\n1,2\n', ("", "")),
        ("a,a,\n1,2,3\n", ("a", "a", "")),
    ],
)
def test_a_first_record_that_may_be_the_header_is_it(
    tmp_path: Path, text: str, header: tuple[str, ...]
) -> None:
    assert Read(write(tmp_path, text), delimiter=",").header == header


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("a^b\nx, y^2\nz^3\n", "^"),
        ("a~b~c\n1~2~3\n4~5~6\n", "~"),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ('a\tb\n"x\ty"\t1\nz\t2\n', "\t"),
        ("a|b\n1|x;y,z\n", "|"),
        ("a;b\n'x;y';1\n", ";"),
    ],
)
def test_the_delimiter_is_found_among_six(tmp_path: Path, text: str, mark: str) -> None:
    assert read_head(write(tmp_path, text)).delimiter == mark


# ------------------------------------------------------------------------------------ header fields


def test_headers_keep_what_is_written_whatever_it_is(tmp_path: Path) -> None:
    found = Read(write(tmp_path, '\ufeff"first\r\nname","a ""b""",,name,name,\n1,2,3,4,5,6\n'))
    assert found.header == ("first\r\nname", 'a "b"', "", "name", "name", "")
    assert found.good == [(3, ["1", "2", "3", "4", "5", "6"])]
    assert found.fast


def test_a_file_of_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    for text in ("a,b", "a,b\n", "a,b\r\n\r\n", "\n\na,b\n,\n \n", "sep=,\na,b\n"):
        found = Read(write(tmp_path, text), delimiter=",")
        assert (found.header, found.good, found.fast) == (("a", "b"), [], True)


@pytest.mark.parametrize("data", [b"", b"\n\r\n \t\n", b"\xef\xbb\xbf", b"\xff\xfe", b",,\n,,\n"])
def test_an_empty_file_is_refused_as_empty(tmp_path: Path, data: bytes) -> None:
    assert refused(write(tmp_path, data), delimiter=",").message == '"a.csv" is empty'


# --------------------------------------------------------------------------------- width of records


def test_empty_fields_at_the_end_of_a_record_do_not_count(tmp_path: Path) -> None:
    text = 'a,b\n1,2,,\n3,4,"",\n5,6,x\n7,8, \n9\n,,,\n"p\nq",r,,\n'
    found = Read(write(tmp_path, text))
    assert found.good == [
        (2, ["1", "2"]), (3, ["3", "4"]), (8, ["p\nq", "r"]),
    ]  # fmt: skip
    assert [(row.line_no, row.code) for row in found.bad] == [
        (4, "ragged_row"), (5, "ragged_row"), (6, "ragged_row"),
    ]  # fmt: skip
    assert found.blank == 1


def test_columns_without_a_name_at_the_end_may_be_missing(tmp_path: Path) -> None:
    found = Read(write(tmp_path, "a,b,,\n1,2\n3,4,,\n5,6,x\n7,8,x,y,\n9\n"))
    assert found.good == [
        (2, ["1", "2", None, None]),
        (3, ["3", "4", None, None]),
        (4, ["5", "6", "x", None]),
        (5, ["7", "8", "x", "y"]),
    ]
    assert [row.line_no for row in found.bad] == [6]


# -------------------------------------------------------------------------------- lines and quotes


def test_only_line_feed_and_carriage_return_end_a_line(tmp_path: Path) -> None:
    odd = "\v\f\x1c\x1d\x1e\x85\u2028\u2029\ufeff\u00a0"
    for text in (
        f"a{odd}x,b\n1{odd}2,{odd}\n3,4\n",
        f'a{odd}x,b\n"1{odd}2",{odd}\n3,4\n',
        f"a{odd}x,b\r\n1{odd}2,{odd}\r\n3,4\r\n5\r,6\r\n",
    ):
        found = Read(write(tmp_path, text))
        assert found.header == (f"a{odd}x", "b")
        assert found.good[:2] == [(2, [f"1{odd}2", odd]), (3, ["3", "4"])]
        # nor in UTF-16, where these characters hold the bytes of line ends
        assert Read(write(tmp_path, text.encode("utf-16"))).good == found.good
    wide = "a,b\n\u0a0a\u0d0d,\u0a00\u000a3,4\n"
    assert Read(write(tmp_path, wide.encode("utf-16"))).lines == [2, 3]


def test_a_mark_in_the_middle_is_data(tmp_path: Path) -> None:
    found = Read(write(tmp_path, '\ufeff"a","b"\n\ufeff1,2\n\ufeff"3",4\n'))
    assert found.header == ("a", "b")
    assert found.good == [(2, ["\ufeff1", "2"]), (3, ['\ufeff"3"', "4"])]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n1,"x', 2),
        ('a,b\n1,"x\n', 2),
        ('a,b\r\n"p\r\nq",1\r\n2,"x\r\n3,4\r\n', 4),
        ('sep=,\n\ntitle\n\na,b\n1,2\n"x,2\n', 7),
        ('a,b\n1,""x"\n"y\n', 3),
        ('a,b\n1,2\n"', 3),
        ('a,b\r1,2\r"x\r', 3),
    ],
)
def test_a_quote_never_closed_is_an_error_with_the_line_where_it_was_opened(
    tmp_path: Path, text: str, line: int
) -> None:
    with pytest.raises(FileError, match=f"line {line}: a quote is opened and never closed"):
        for _ in RowReader(read_head(write(tmp_path, text), ",")):
            pass
    with pytest.raises(FileError, match=f"line {line}: a quote is opened and never closed"):
        for _ in RowReader(scan_file(write(tmp_path, text), ",")):
            pass


def test_quotes_that_do_not_quote_are_text(tmp_path: Path) -> None:
    found = Read(write(tmp_path, 'a;b\n5" pipe;\'x;y\'\n\'it\'\'s\';"z;""u"""\n'), delimiter=";")
    assert found.good == [(3, ["'it''s'", 'z;"u"'])]
    assert [(row.line_no, row.code) for row in found.bad] == [(2, "ragged_row")]


def test_every_line_number_is_physical_in_a_file_with_everything(tmp_path: Path) -> None:
    data = (
        b"\xef\xbb\xbfsep=;\r\n"  # 1
        b"Report\r\n"  # 2
        b"\r\n"  # 3
        b'"first\nname";n;"x"\r\n'  # 4, 5
        b"a;1;\r\n"  # 6
        b'"b\r\n\r\n";2;"\n"\n'  # 7 - 10
        b"\n"  # 11
        b"\\.\n"  # 12
        b";;\r"  # 13
        b"c;3;\xe2\x80\xa8\xc3\xa9\r"  # 14
        b"d;\0;\r\n"  # 15
        b"e;5;\xff\r\n"  # 16
        b'"f"g;6;\r\n'  # 17
        b'h"h;7;;;;\n'  # 18
        b"i;8;y;z\n"  # 19
    )
    data += b"j;9;k\n" * 10 + b"k;9;l"  # 20 - 30
    found = Read(write(tmp_path, data))
    assert found.header == ("first\nname", "n", "x")
    assert found.lines == [6, 7, 14, 18, *range(20, 31)]
    assert [(row.line_no, row.code) for row in found.bad] == [
        (12, "ragged_row"), (15, "nul_byte"), (16, "bad_encoding"), (17, "bad_quote"),
        (19, "ragged_row"),
    ]  # fmt: skip
    assert found.blank == 2


def test_very_long_lines_are_read_and_longer_ones_refused(tmp_path: Path) -> None:
    long = "x" * 30_000_000
    found = Read(write(tmp_path, f"a,b\n1,{long}\n2,y\n"), delimiter=",")
    assert found.lines == [2, 3]
    assert found.good[0][1][1] == long
    path = write(tmp_path, b"a,b\n" + b"x" * 70_000_000)
    assert "a line of more than 64 MB" in refused(path, delimiter=",").message


def test_a_sample_cut_within_quotes_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "a;b\n" + '"x,\ny";1\n' * 300
    path = write(tmp_path, text)
    expected = Read(path)
    assert expected.head.delimiter == ";"
    for size in (1, 7, 100, 1000):
        monkeypatch.setattr(disk_module, "BLOCK", size)
        assert Read(path).good == expected.good


PIECES = [
    "a",
    "1",
    ",",
    ";",
    '"',
    "\n",
    "\r\n",
    "\r",
    " ",
    "é",
    "\u2028",
    "sep=;",
    "\\.",
    "\t",
    "x,y",
]


@settings(max_examples=500, deadline=None)
@given(parts=st.lists(st.sampled_from(PIECES), max_size=30), row=st.sampled_from([None, 1, 2, 3]))
def test_any_text_is_read_the_same_by_both_ways_or_refused_with_a_message(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], row: int | None
) -> None:
    path = write(tmp_path_factory.mktemp("t"), "".join(parts))
    try:
        found = Read(path, header_row=row)
    except FileError as error:
        assert error.message.startswith(('"a.csv"', "the ", "line "))  # noqa: PT017 - or not
        return
    physical = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for line, fields in found.good:
        first = (fields[0] or "").split("\n")[0].split("\r")[0]
        assert first.replace('"', "") in physical[line - 1].decode().replace('"', "")
    for bad in found.bad:
        assert bad.line_no > found.head.line_offset


# ------------------------------------------------------------------------------------------ imports


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute("CREATE TABLE public.t (id integer PRIMARY KEY, first_name text, note text)")
        Client(conn).register_target("public.t", "t", ["id"])
    return installed_dsn


def staged(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute("SELECT id, first_name, note FROM public.t ORDER BY id").fetchall()


@pytest.mark.parametrize(
    ("data", "way", "read", "lines"),
    [
        ("sep=;\r\nid;first_name;note\r\n1;x;\r\nbad;y;\r\n", "copy", {}, [4]),
        ("Report\n\nid;first_name;note\n1;x;\nbad;y;\n", "copy", {}, [5]),
        ('"id","first\nname",note\n1,x,\nbad,y,\n', "copy", {}, [4]),
        ("junk,\nid,first_name,note\n1,x,\nbad,y,\n", "copy", {"header_row": 2}, [4]),
        ("1,x,\nbad,y,\n", "copy", {"header": ("id", "first name", "note")}, [2]),
        ("id,first_name,note\n1,x,,,\nbad,y,,,\n", "rows", {}, [3]),
        ('Report\n\nid,first_name,note\n1,x,\n"bad\n",y,\nworse,z,\n', "rows", {}, [5, 7]),
    ],
)
def test_issues_of_the_check_name_the_physical_line(
    dsn: str, tmp_path: Path, data: str, way: str, read: dict[str, Any], lines: list[int]
) -> None:
    result = import_files(dsn, "t", [write(tmp_path, data)], read=ReadOptions(**read))
    assert result.files[0].way == way
    assert staged(dsn) == [(1, "x", None)]
    with psycopg.connect(dsn, autocommit=True) as conn:
        issues = Client(conn).issue_report(result.job_id)
    assert [issue.line_no for issue in issues] == lines


def test_a_header_alone_is_staged_as_no_rows(dsn: str, tmp_path: Path) -> None:
    result = stage_files(dsn, None, [write(tmp_path, "id,note\n")], target="t")
    assert (result.files[0].status, result.files[0].rows_staged) == ("staged", 0)


def test_headers_that_are_empty_or_stand_twice_are_imported_by_their_place(
    dsn: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "id,,note,note,\n1,p,q,r,s\n2,,,,\n")
    result = import_files(dsn, "t", [path])
    assert result.files[0].rows_staged == 2
    assert staged(dsn) == [(1, None, "q"), (2, None, None)]


def test_a_quote_never_closed_stages_nothing(dsn: str, tmp_path: Path) -> None:
    text = "id,note\n" + "".join(f"{n},x\n" for n in range(1, 100_000)) + '100000,"y\n'
    with pytest.raises(FileError, match="line 100001: a quote is opened and never closed"):
        import_files(dsn, "t", [write(tmp_path, text)])
    assert staged(dsn) == []
