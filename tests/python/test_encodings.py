"""Encodings and packings of text files: what is recognised, what is refused, and how it is told."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pgimport import Client, FileError, check_headers, import_files
from pgimport.readers import BadRow, CopyReader, RowReader, Source, read_head, scan_file
from pgimport.readers import unpack as unpack_module
from pgimport.readers.candidates import candidates, readings
from pgimport.readers.encoding import codec_name

TEXT = "id,name\n1,Éric Lefèvre\n2,naïve 中文 €\n"
Rows = list[tuple[int, list[str | None]]]


def write(folder: Path, data: bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def rows(path: Path, encoding: str | None = None) -> Rows:
    """Read a file by both ways, which must agree; returns its good rows."""
    head = read_head(path, encoding=encoding)
    scan = scan_file(path, encoding=encoding)
    data = path.read_bytes()
    assert head.sha256 == scan.sha256 == hashlib.sha256(data).hexdigest()
    assert head.size == scan.size == len(data)
    assert (head.header, head.delimiter, head.line_offset) == (
        scan.header, scan.delimiter, scan.line_offset,
    )  # fmt: skip
    reader = RowReader(head)
    good = [record for record in reader if not isinstance(record, BadRow)]
    assert reader.source.sha256 == head.sha256
    assert reader.rows == scan.rows
    if scan.fast:
        with Source(path, encoding) as source:
            copied = b"".join(CopyReader(head, source)).decode()
            assert source.sha256 == head.sha256
        assert len(copied.splitlines()) == len(good)
    return good


def refused(path: Path, encoding: str | None = None, delimiter: str | None = None) -> FileError:
    """Return the error by which a file is refused, the same by both ways."""
    with pytest.raises(FileError) as scanned:
        scan_file(path, delimiter, encoding)
    with pytest.raises(FileError) as read:
        for _ in RowReader(read_head(path, delimiter, encoding)):
            pass
    assert scanned.value.code == "PI307"
    assert (scanned.value.message, scanned.value.hint) == (read.value.message, read.value.hint)
    return scanned.value


# -------------------------------------------------------------------------------------- encodings


@pytest.mark.parametrize(
    ("data", "encoding", "charset"),
    [
        (TEXT.encode(), None, "UTF-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), None, "UTF-8 with BOM"),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + TEXT.encode(), None, "UTF-8 with BOM"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), None, "utf-16-le"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), None, "utf-16-be"),
        (b"\xff\xfe\0\0" + TEXT.encode("utf-32-le"), None, "utf-32-le"),
        (b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), None, "utf-32-be"),
        (TEXT.encode("utf-16-le"), "utf-16-le", "utf-16-le"),
        (TEXT.encode("utf-16-be"), "UTF-16BE", "UTF-16BE"),
        (TEXT.encode("utf-16-le"), "utf-16", "utf-16"),
        (TEXT.encode("utf-16-be"), "utf-16", "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16", "utf-16"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "UTF-16LE", "UTF-16LE"),
        (TEXT.encode("utf-32-be"), "utf-32", "utf-32"),
        (TEXT.encode("gb18030"), "gb18030", "gb18030"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf8", "UTF-8 with BOM"),
        (TEXT.encode(), "UTF-8-SIG", "UTF-8-SIG"),
    ],
)
def test_what_a_mark_or_the_user_says_is_read(
    tmp_path: Path, data: bytes, encoding: str | None, charset: str
) -> None:
    path = write(tmp_path, data)
    assert rows(path, encoding) == [(2, ["1", "Éric Lefèvre"]), (3, ["2", "naïve 中文 €"])]
    assert scan_file(path, encoding=encoding).charset == charset


@pytest.mark.parametrize(
    ("given", "codec"),
    [
        ("WIN1252", "cp1252"), ("win1250", "cp1250"), ("windows-1251", "cp1251"),
        ("LATIN1", "iso8859-1"), ("LATIN9", "iso8859-15"), ("latin10", "iso8859-16"),
        ("ISO_8859_5", "iso8859-5"), ("WIN866", "cp866"), ("KOI8R", "koi8-r"), ("KOI8", "koi8-r"),
        ("SJIS", "cp932"), ("EUC_JP", "euc_jp"), ("EUC_CN", "gb2312"), ("UHC", "cp949"),
        ("BIG5", "big5"), ("GBK", "gbk"), ("SQL_ASCII", "utf-8"), ("UTF8", "utf-8"),
        ("Unicode", "utf-8"), ("WIN", "cp1251"), ("macroman", "mac-roman"), ("WIN874", "cp874"),
        ("JOHAB", "johab"), ("EUC_KR", "euc_kr"), ("ibm850", "cp850"),
    ],
)  # fmt: skip
def test_encodings_have_the_names_of_python_and_of_postgresql(given: str, codec: str) -> None:
    assert codec_name(given) == codec


@pytest.mark.parametrize(
    "given",
    ["klingon", "", "rot13", "hex", "base64", "zlib", "idna", "punycode", "unicode_escape", "a\0b",
     "undefined", "é", "MULE_INTERNAL", "../../etc/passwd"],
)  # fmt: skip
def test_what_is_no_encoding_is_refused(tmp_path: Path, given: str) -> None:
    assert "unknown encoding" in refused(write(tmp_path, b"a\n1\n"), given).message


def test_a_mark_that_contradicts_the_user_is_refused(tmp_path: Path) -> None:
    for data, encoding, says in (
        (b"\xff\xfea\0\n\0", "cp1252", "UTF-16"),
        (b"\xef\xbb\xbfa\n1\n", "cp1252", "UTF-8"),
        (b"\xff\xfea\0\n\0", "utf-8", "UTF-16"),
        (b"\xfe\xff\0a\0\n", "utf-16-le", "UTF-16"),
    ):
        error = refused(write(tmp_path, data), encoding)
        assert f"byte order mark of {says}" in error.message
        assert encoding in error.message


def test_utf_16_without_a_mark_is_named_but_not_guessed(tmp_path: Path) -> None:
    for codec in ("utf-16-le", "utf-16-be"):
        error = refused(write(tmp_path, "näme,b\né,2\n".encode(codec)))
        assert "it looks like UTF-16 without byte order mark" in error.message
        assert error.hint == f"if it would begin with 'näme,b': --encoding {codec}"
    wide = "名前,電話\n山田,1\n".encode("utf-16-be")
    assert (refused(write(tmp_path, wide), None, ",").hint or "").endswith("utf-16-be")
    # where nothing tells the order of the bytes, it is not guessed, either
    assert (
        "order of its bytes"
        in refused(write(tmp_path, "名前".encode("utf-16-le")), "utf-16").message
    )


def test_utf_16_that_breaks_off_within_a_character_is_an_issue_of_its_last_row(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, b"\xff\xfe" + "a,b\n1,2\n3,4".encode("utf-16-le") + b"x")
    found = list(RowReader(read_head(path)))
    assert found[0] == (2, ["1", "2"])
    assert isinstance(found[1], BadRow)
    assert (found[1].line_no, found[1].code, found[1].value) == (3, "bad_encoding", "3,4\\x78")
    lone = "a,b\n1,".encode("utf-16-le") + b"\x3d\xd8" + "x\n2,3\n".encode("utf-16-le")
    first = next(iter(RowReader(read_head(write(tmp_path, lone), encoding="utf-16-le"))))
    assert isinstance(first, BadRow)
    assert (first.code, first.position, first.value) == ("bad_encoding", 2, "1,\\x3D\\xD8x")


def test_bytes_without_a_character_never_become_one_by_standing_together(tmp_path: Path) -> None:
    # in cp1253 neither D2 nor AA is a character; together they would be one in UTF-8
    path = write(tmp_path, b"a,b\n1,x\xd2\xaay\n2,\xdf\n")
    found = list(RowReader(read_head(path, encoding="cp1253")))
    assert isinstance(found[0], BadRow)
    assert (found[0].code, found[0].value) == ("bad_encoding", "1,x\\xD2\\xAAy")
    assert found[1] == (3, ["2", "ί"])
    assert "bad_encoding" in scan_file(path, encoding="cp1253").hazards


# -------------------------------------------------------------------------------- not valid UTF-8


def test_a_file_in_another_encoding_is_refused_with_line_byte_word_and_candidates(
    tmp_path: Path,
) -> None:
    data = b"id,name\n1,plain\n2,the caf\xe9, good\n3,na\xefve\n"
    error = refused(write(tmp_path, data), None, ",")
    assert error.message == (
        '"a.csv", line 3: byte \\xE9 is not valid UTF-8, and no other encoding was given'
    )
    assert error.hint is not None
    assert '"caf\\xE9" would be "café" in cp1252 or iso-8859-15' in error.hint
    assert '"cafÈ" in mac_roman' in error.hint
    assert error.hint.endswith("--encoding cp1252")
    assert error.detail == (
        'byte 25 of the text, in "caf\\xE9"; 2 such bytes, 0 valid sequences of UTF-8'
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Éric Lefèvre,l\u2019été à 5 €,Noël", "cp1252"),
        ("Éric Lefèvre,Chloé,Noël", "mac_roman"),
        ("Éric Lefèvre,Chloé,Noël", "cp850"),
        ("Jörg Groß,München,Äpfel", "cp1252"),
        ("Núñez,España,¿Qué?", "cp1252"),
        ("Łódź,źdźbło żółć,Święty", "cp1250"),
        ("Łódź,źdźbło żółć,Święty", "iso-8859-2"),
        ("Dvořák,Plzeň,Žižka,Příbram", "cp1250"),
        ("Dvořák,Plzeň,Žižka,Příbram", "cp852"),
        ("Şahin,İstanbul,Ağaoğlu,Çığ", "cp1254"),
        ("Иванов Иван,Москва,Пётр", "cp1251"),
        ("Иванов Иван,Москва,Пётр", "koi8-r"),
        ("Иванов Иван,Москва,Пётр", "cp866"),
        ("όνομα,Αθήνα,Γιώργος", "cp1253"),
        ("山田太郎,カタカナ,ひらがな", "cp932"),
        ("山田太郎,カタカナ,ひらがな", "euc_jp"),
        ("王小明,北京市,李雷,上海", "gb18030"),
        ("김철수,서울,이름", "cp949"),
    ],
)
def test_the_likeliest_encoding_is_the_first_candidate(
    tmp_path: Path, text: str, encoding: str
) -> None:
    data = (
        "id,name\n" + "".join(f'{n},"{word}"\n' for n, word in enumerate(text.split(",")))
    ).encode(encoding)
    hint = refused(write(tmp_path, data), None, ",").hint or ""
    named = hint.rpartition("--encoding ")[2]
    assert data.decode(named) == data.decode(encoding), hint
    assert named == encoding or encoding == "cp1252"


def test_candidates_are_made_of_any_bytes() -> None:
    for word in (bytes(range(128, 256)), b"\x81", b"\xff" * 40, b"a\x80"):
        for item in candidates([word]):
            assert item.word
        text, _ = readings([word])
        assert text.isprintable() or "\u00a0" in text
    assert readings([b"\x80\x80\x80"])


def test_a_hint_without_candidates_still_names_the_option(tmp_path: Path) -> None:
    hint = refused(write(tmp_path, b"a,b\n1,\xff\xfe\xff\n"), None, ",").hint or ""
    assert "--encoding " in hint


def test_in_a_file_that_is_evidently_utf_8_bad_bytes_are_issues_of_their_rows(
    tmp_path: Path,
) -> None:
    data = "a,b\n1,é\n2,è\n".encode() + b"3,\xe9\n4,x\n"
    found = list(RowReader(read_head(write(tmp_path, data))))
    assert [type(item) is BadRow for item in found] == [False, False, True, False]
    assert scan_file(write(tmp_path, data)).rows == 4
    # a mark at the beginning is evidence, too
    data = b"\xef\xbb\xbfa,b\n1,\xe9\n2,x\n"
    assert scan_file(write(tmp_path, data)).rows == 2
    # capitals before a no-break space or a quote look like UTF-8 by chance: É + NBSP, É + »
    chance = "a,b\n1,été très gâté\n2,SOCIÉTÉ\u00a0: «\u00a0CAFÉ»\n".encode("cp1252")
    assert "not valid UTF-8" in refused(write(tmp_path, chance)).message


def test_where_utf_8_is_declared_bad_bytes_are_issues(tmp_path: Path) -> None:
    path = write(tmp_path, b"a,b\n1,\xe9\n2,x\n")
    found = list(RowReader(read_head(path, encoding="utf-8")))
    assert isinstance(found[0], BadRow)
    assert found[0].message == "byte \\xE9 is not valid utf-8"
    assert found[1] == (3, ["2", "x"])


def test_the_line_of_the_first_bad_byte_is_physical(tmp_path: Path) -> None:
    for data, line in (
        (b'a,b\r\n1,"x\r\n\r\ny"\r\n2,\xe9\r\n', 5),
        (b"a,b\r1,2\r3,\xe9\r", 3),
        (b"\n\nsep\xe9,b\n1,2\n", 3),
        (b"a,b\n" + b"1,2\n" * 300_000 + b"3,\xe9\n", 300_002),
    ):
        assert f", line {line}: byte" in refused(write(tmp_path, data), None, ",").message


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    noise = os.urandom(9000).replace(b"\x1f\x8b", b"..")
    assert refused(write(tmp_path, b"\x01" + noise))
    for data, kind in (
        (b"%PDF-1.7", "a PDF"),
        (b"PAR1....", "a Parquet file"),
        (b"<html><table>", "HTML or XML"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z file"),
        (bytes(range(1, 9)) * 40, "not a text file"),
    ):
        assert kind in refused(write(tmp_path, data)).message


# ---------------------------------------------------------------------------------------- packings


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor(level=3).compress,
    "zip": lambda data: zipped({"in/x.csv": data}),
}
BODY = b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n * 7919) for n in range(50_000))


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.{}", "a.{}", "A.CSV.{}"])
def test_a_packed_file_is_known_by_its_bytes_whatever_its_name(
    tmp_path: Path, kind: str, name: str
) -> None:
    packed = PACKERS[kind](BODY)
    path = write(tmp_path, packed, name.format(kind))
    found = rows(path)
    assert (len(found), found[0], found[-1][0]) == (50_000, (2, ["0", "name 0"]), 50_001)
    head = read_head(path)
    assert head.compressed
    with Source(path) as source:
        assert b"".join(CopyReader(head, source)) == BODY[8:]


def test_a_name_that_promises_a_packing_must_keep_it(tmp_path: Path) -> None:
    for kind, other in (("gz", "zip"), ("zst", "gzip"), ("zip", "zstd")):
        error = refused(write(tmp_path, b"a,b\n1,2\n", f"a.csv.{kind}"))
        assert "as its name says" in error.message, other


def test_frames_members_and_packed_utf_16_are_read_as_one_text(tmp_path: Path) -> None:
    half = len(BODY) // 2
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 3) + b"xyz"
    checked = zstandard.ZstdCompressor(write_checksum=True, write_content_size=False)
    streamed = checked.compressobj()
    frames = (
        PACKERS["zst"](BODY[:half])
        + skippable
        + streamed.compress(BODY[half:])
        + streamed.flush()
        + PACKERS["zst"](b"")
    )
    assert len(rows(write(tmp_path, frames, "a.csv.zst"))) == 50_000
    assert len(rows(write(tmp_path, skippable + frames, "b.csv.zst"))) == 50_000
    members = gzip.compress(BODY[:half]) + gzip.compress(BODY[half:]) + b"\0" * 100
    assert len(rows(write(tmp_path, members, "a.csv.gz"))) == 50_000
    for kind, pack in PACKERS.items():
        wide = pack(TEXT.encode("utf-16"))
        assert rows(write(tmp_path, wide, f"w.csv.{kind}"))[0] == (2, ["1", "Éric Lefèvre"])
        assert rows(write(tmp_path, pack(TEXT.encode("gb18030")), f"g.{kind}"), "gb18030")
    stored = zipped({"x.csv": BODY}, zipfile.ZIP_STORED)
    assert len(rows(write(tmp_path, stored, "s.zip"))) == 50_000
    finder = zipped({"x.csv": BODY, "__MACOSX/._x.csv": b"\0\5"})
    assert len(rows(write(tmp_path, finder, "m.zip"))) == 50_000


@pytest.mark.parametrize("kind", PACKERS)
def test_a_packed_file_that_breaks_off_is_refused_wherever(tmp_path: Path, kind: str) -> None:
    packed = PACKERS[kind](BODY)
    for size in (len(packed) - 1, len(packed) - 9, len(packed) // 2, 40, 12, 5):
        path = write(tmp_path, packed[:size], f"a.csv.{kind}")
        with pytest.raises(FileError, match="damaged or incomplete") as caught:
            list(RowReader(read_head(path)))
        assert "can be read up to line " in caught.value.message
        assert f"of {size} bytes were read" in (caught.value.detail or "")
    tail = "line 50002" if kind == "gz" else "line "
    with pytest.raises(FileError, match=tail):
        scan_file(write(tmp_path, packed[:-1], f"a.csv.{kind}"))


@pytest.mark.parametrize("kind", PACKERS)
def test_a_flipped_bit_never_gives_other_rows(tmp_path: Path, kind: str) -> None:
    checked = zstandard.ZstdCompressor(write_checksum=True).compress
    pack = checked if kind == "zst" else PACKERS[kind]
    body = BODY[:20_000]
    packed = pack(body)
    expected = rows(write(tmp_path, packed, f"a.csv.{kind}"))
    for place in range(0, len(packed), max(1, len(packed) // 150)):
        damaged = bytearray(packed)
        damaged[place] ^= 0x10
        path = write(tmp_path, bytes(damaged), "d.csv")
        try:
            found = [item for item in RowReader(read_head(path)) if not isinstance(item, BadRow)]
        except FileError:
            continue
        assert found == expected, place  # a bit that means nothing: a time, a name


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(sorted(PACKERS)),
    cuts=st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=6)), max_size=4),
)
def test_rubbish_in_an_archive_is_a_file_error_or_text(
    tmp_path_factory: pytest.TempPathFactory, kind: str, cuts: list[tuple[int, bytes]]
) -> None:
    packed = PACKERS[kind](BODY[:600])
    for place, data in cuts:
        packed = packed[:place] + data + packed[place + len(data) :]
    path = write(tmp_path_factory.mktemp("z"), packed)
    try:
        list(RowReader(read_head(path)))
    except FileError as error:
        assert error.message  # noqa: PT017 - or nothing is refused


def test_archives_that_are_not_one_plain_file_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("x.csv")
    link.external_attr = 0o120777 << 16
    links = io.BytesIO()
    with zipfile.ZipFile(links, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    secret = bytearray(zipped({"x.csv": b"a\n1\n"}))
    secret[6] |= 1
    secret[secret.rindex(b"PK\x01\x02") + 8] |= 1
    for data, says in (
        (zipped({"a.csv": b"a\n1\n", "b.csv": b"a\n2\n"}), "holds 2 files, not one"),
        (zipped({}), "holds 0 files"),
        (zipped({"d/": b""}), "holds 0 files"),
        (zipped({f"{n}.csv": b"a\n" for n in range(2000)}), "holds many files"),
        (zipped({"../x.csv": b"a\n1\n"}), "leads out of it"),
        (zipped({"/etc/x.csv": b"a\n1\n"}), "leads out of it"),
        (zipped({"C:\\x.csv": b"a\n1\n"}), "leads out of it"),
        (zipped({"..\\x.csv": b"a\n1\n"}), "leads out of it"),
        (links.getvalue(), "a link or a device"),
        (bytes(secret), "is encrypted"),
        (zipped({"x.csv": b"a\n1\n"}, zipfile.ZIP_BZIP2), "bzip2, which is not read"),
        (zipped({"x.csv": b"a\n1\n"}, zipfile.ZIP_LZMA), "LZMA, which is not read"),
        (zipped({"x.csv.gz": gzip.compress(b"a\n1\n")}), "a packed file in a packed one"),
        (zipped({"x.zip": zipped({"x.csv": b"a\n1\n"})}), "holds a ZIP or Excel file"),
        (zipped({"[Content_Types].xml": b"<?xml", "xl/workbook.xml": b""}), "Excel"),
        (gzip.compress(gzip.compress(b"a\n1\n")), "a packed file in a packed one"),
        (gzip.compress(b"%PDF-1.4"), "holds a PDF"),
        (PACKERS["zst"](zipped({"x.csv": b"a\n1\n"})), "holds a ZIP or Excel file"),
    ):
        assert says in refused(write(tmp_path, data)).message


def test_bombs_are_refused_early_and_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack_module, "RATIO_FREE_BYTES", 8 * 1024**2)
    empty = b"a,b\n" + (b"x" * 65536 + b",1\n") * 1000
    for kind, pack in PACKERS.items():
        path = write(tmp_path, pack(empty), f"bomb.csv.{kind}")
        tracemalloc.start()
        error = refused(path, None, ",")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "unpacks to more than 500 times its size" in error.message
        assert peak < 24 * 1024**2, kind
    monkeypatch.setattr(unpack_module, "MAX_UNPACKED_BYTES", 1024**2)
    path = write(tmp_path, gzip.compress(os.urandom(2_000_000).hex().encode()), "big.csv.gz")
    assert "unpacks to more than" in refused(path, None, ",").message


def test_a_window_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = packer.compress(b"a,b\n1,2\n") + packer.flush()
    assert "window of more than 128 MB" in refused(write(tmp_path, data, "a.csv.zst")).message


def test_a_zip_whose_directory_lies_about_the_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"x.csv": BODY}))
    place = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, place + 24, 100)  # the unpacked size
    assert "damaged or incomplete zip" in refused(write(tmp_path, bytes(data))).message


def test_without_the_package_zstandard_the_hint_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, PACKERS["zst"](b"a\n1\n"), "a.csv.zst")
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    assert refused(path).hint == "pip install zstandard"


# ----------------------------------------------------------------------------------------- imports


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute("CREATE TABLE public.people (id integer PRIMARY KEY, name text)")
        Client(conn).register_target("public.people", "people", ["id"])
    return installed_dsn


def people(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute("SELECT id, name FROM public.people ORDER BY id").fetchall()


@pytest.mark.parametrize(
    ("data", "name", "encoding"),
    [
        (TEXT.encode("utf-16"), "a.csv", None),
        (TEXT.encode("utf-16-be"), "a.csv", "utf-16-be"),
        (zipped({"x.csv": TEXT.encode("utf-16")}), "a.zip", None),
        (PACKERS["zst"](TEXT.encode()), "a.csv.zst", None),
        (gzip.compress(TEXT.encode("gb18030")), "a.csv", "GB18030"),
    ],
)
def test_encoded_and_packed_files_are_imported_as_they_are_meant(
    dsn: str, tmp_path: Path, data: bytes, name: str, encoding: str | None
) -> None:
    path = write(tmp_path, data, name)
    result = import_files(dsn, "people", [path], encoding=encoding)
    assert result.files[0].way == "copy"
    assert result.verify is not None
    assert result.verify.verified
    assert people(dsn) == [(1, "Éric Lefèvre"), (2, "naïve 中文 €")]
    with psycopg.connect(dsn, autocommit=True) as conn:
        assert conn.execute("SELECT sha256 FROM pgimport.file").fetchall() == [
            (hashlib.sha256(data).hexdigest(),)
        ]


def test_an_undeclared_encoding_stages_nothing_and_says_what_to_type(
    dsn: str, tmp_path: Path
) -> None:
    text = "id,name\n" + "".join(f"{n},x\n" for n in range(1, 50_000)) + "50000,café\n"
    path = write(tmp_path, text.encode("cp1252"))
    with pytest.raises(FileError, match=r"line 50001: byte \\xE9 is not valid UTF-8") as caught:
        import_files(dsn, "people", [path])
    assert (caught.value.hint or "").endswith("--encoding cp1252")
    assert people(dsn) == []
    with psycopg.connect(dsn, autocommit=True) as conn:
        assert check_headers(conn, "people", [path])[0].hint == caught.value.hint
        left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'pgimport_staging'::regnamespace"
        assert conn.execute(left).fetchone() == (0,)
    result = import_files(dsn, "people", [path], encoding="WIN1252")
    assert result.files[0].rows_staged == 50_000
    assert people(dsn)[-1] == (50_000, "café")


def test_a_damaged_archive_stages_nothing_and_leaves_the_others_alone(
    dsn: str, tmp_path: Path
) -> None:
    body = b"id,name\n" + b"".join(b"%d,%d\n" % (n, n * 7919) for n in range(1, 100_000))
    write(tmp_path, gzip.compress(body)[:-4], "bad.csv.gz")
    write(tmp_path, b"id,name\n0,good\n", "good.csv")
    result = import_files(dsn, "people", [tmp_path])
    assert [(file.name, file.status) for file in result.files] == [
        ("bad.csv.gz", "failed"), ("good.csv", "staged"),
    ]  # fmt: skip
    assert "damaged or incomplete gzip file" in (result.files[0].message or "")
    assert people(dsn) == [(0, "good")]
