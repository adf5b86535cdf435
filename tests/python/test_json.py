"""JSON files: shapes, exact texts, what is an issue and what fails the file, whole imports."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from _command import run
from pgimport import Client, FileError, ReadOptions, check_headers, import_files, stage_files
from pgimport.readers import BadRow, JsonHead, JsonReader, read_any_head, read_contents
from pgimport.readers import disk as disk_module

Rows = list[tuple[int, list[str | None]]]


def write(folder: Path, data: str | bytes, name: str = "a.json") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def read(path: Path, **options: Any) -> tuple[JsonHead, Rows, list[BadRow], JsonReader]:
    head = read_any_head(path, ReadOptions(**options))
    assert isinstance(head, JsonHead)
    reader = JsonReader(head)
    good: Rows = []
    bad: list[BadRow] = []
    for item in reader:
        if isinstance(item, BadRow):
            bad.append(item)
        else:
            good.append(item)
    assert head.sha256 == reader.source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (reader.rows, reader.refused) == (len(good), len(bad))
    assert head.rows == len(good) + len(bad)
    assert head.blank_rows == reader.blank
    return head, good, bad, reader


# ----------------------------------------------------------------------------------- exact texts


@pytest.mark.parametrize(
    "number",
    ["0", "-0", "12", "1E5", "1e-7", "1.0", "1.50", "0.30000000000000004", "1" * 30, "-1.5E+300",
     "1e999", "NaN", "-Infinity"],
)  # fmt: skip
def test_numbers_stay_as_they_are_written(tmp_path: Path, number: str) -> None:
    path = write(tmp_path, f'[{{"a": {number}, "b": [{number}], "c": {{"d": {number}}}}}]')
    assert read(path)[1] == [(1, [number, f"[{number}]", f'{{"d": {number}}}'])]


def test_texts_words_nulls_and_missing_keys(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '[{"a": "0012", "b": "", "c": null, "d": true},\n\n'
        ' {"d": false, "e": "\\u00e9\\n\\ud83d\\ude00", "a": "\\\\N"}, {}]',
    )
    head, good, bad, _ = read(path)
    assert head.header == ("a", "b", "c", "d", "e")
    assert good == [
        (1, ["0012", "", None, "true", None]),
        (3, ["\\N", None, None, "false", "é\n😀"]),
        (3, [None] * 5),
    ]
    assert not bad


def test_nested_values_keep_their_text_to_the_letter(tmp_path: Path) -> None:
    nested = '{"z": 1.0, "a" : [1E5,\n {"k": 1, "k": 2}], "u": "\\u00e9", "e": {}, "l": []}'
    path = write(tmp_path, f'[{{"a": {nested}, "b": [], "c": {{}}, "d": 1}}]')
    assert read(path)[1] == [(1, [nested, "[]", "{}", "1"])]


def test_the_header_is_made_of_all_records_in_their_order(tmp_path: Path) -> None:
    records = [{f"k{n}": n} for n in range(500)]
    records.append({"k3": 1, "late": 2})
    path = write(tmp_path, json.dumps(records))
    head, good, _, _ = read(path)
    assert head.header == (*(f"k{n}" for n in range(500)), "late")
    assert good[-1][1][3] == "1"


# ---------------------------------------------------------------------------------------- shapes


def test_one_record_a_line_and_a_bad_line_spoils_no_other(tmp_path: Path) -> None:
    text = '{"a": 1}\r\n\n{"a": \n  {"a": 2} rest\n[1]\n"x"\n{"a": 3}\n\n{"b": 4}'
    head, good, bad, _ = read(write(tmp_path, text, "a.ndjson"))
    assert head.shape == "lines"
    assert good == [(1, ["1", None]), (7, ["3", None]), (9, [None, "4"])]
    assert [(row.line_no, row.code, row.value) for row in bad] == [
        (3, "bad_json", '{"a":'),
        (4, "bad_json", '{"a": 2} rest'),
        (5, "bad_record", "[1]"),
        (6, "bad_record", '"x"'),
    ]
    assert "column 12" in bad[1].message
    assert head.blank_rows == 2


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson", "a.jsonl.gz"])
def test_lines_are_known_by_their_look_too(tmp_path: Path, name: str) -> None:
    data = b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n'
    path = write(tmp_path, gzip.compress(data) if name.endswith(".gz") else data, name)
    assert [row for _, row in read(path)[1]] == [["1"], ["2"]]


def test_a_list_in_an_object_is_found_or_named(tmp_path: Path) -> None:
    one = (
        '{"page": 1, "tags": ["x"], "meta": {"n": [1, 2]},\n"items": [{"a": 1},\n{"a": 2}], "z": 0}'
    )
    head, good, _, _ = read(write(tmp_path, one))
    assert (head.shape, head.records) == ("list", "items")
    assert good == [(2, ["1"]), (3, ["2"])]
    two = write(tmp_path, '{"data": {"rows": [{"a": 1}]}, "other": [{"b": 2}]}')
    with pytest.raises(FileError, match=r'2 lists of records: "data\.rows", "other"'):
        read(two)
    assert read(two, records="data.rows")[1] == [(1, ["1"])]
    assert read(two, records="other")[1] == [(1, ["2"])]
    with pytest.raises(FileError, match='no list "x"') as caught:
        read(two, records="x")
    assert caught.value.hint == 'it has: "data.rows", "other"'


@pytest.mark.parametrize("text", ['{"a": 1}', "{}", '{"a": {"b": 1}}', '{"a": [1, 2]}'])
def test_an_object_without_a_list_of_records_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError, match="without a list of records"):
        read(write(tmp_path, text))


def test_an_array_of_arrays_begins_with_its_header(tmp_path: Path) -> None:
    text = '[["a", " b"],\n[1, "x"],\n[2],\n[{"k": 1.0}, null],\n{"a": 1}]'
    head, good, bad, _ = read(write(tmp_path, text))
    assert head.header == ("a", "b")
    assert good == [(2, ["1", "x"]), (4, ['{"k": 1.0}', None])]
    assert [(row.line_no, row.code) for row in bad] == [(3, "ragged_row"), (5, "bad_record")]
    path = write(tmp_path, "[[1, 2], [3, 4]]")
    with pytest.raises(FileError, match="names of the columns"):
        read(path)
    assert read(path, header=("x", "y"))[1] == [(1, ["1", "2"]), (1, ["3", "4"])]
    with pytest.raises(FileError, match="names its columns itself"):
        read(write(tmp_path, '[{"a": 1}]'), header=("x",))


# ------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a": 1},\n {"b": }]', "line 2, column 8: expecting value"),
        ('[{"a": 1},\n {"b": 1', "line 2, column 9: expecting ',' delimiter"),
        ('[{"a": 1} {"b": 1}]', 'line 1, column 11: "{" where "," should be'),
        ('[{"a": 1},]', "line 1, column 11: expecting value"),
        ('[{"a": 1}] x', "line 1, column 12: text after the end"),
        ('[{"a": "never closed', "line 1, column 8: unterminated string"),
        ('[{"a": 1}', 'the end of the file where "," should be'),
        ('["a" 1]', 'line 1, column 6: "1" where "," should be'),
        ("[]", "has no record"),
        ("[1, 2]", "has no record"),
        ("", "is empty"),
        ("  \n ", "is empty"),
        ("nonsense", 'line 1, column 1: "n" where "\\[" or "{" should be'),
        ('{"a": 1, b: 2}', "a key should be here"),
        ('{"a" 1}', '"1" where ":" should be'),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('[{"a": 1}, {"a": "\n"}]', "invalid control character"),
    ],
)
def test_malformed_json_fails_the_file_with_line_and_column(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(FileError, match=message) as caught:
        read(write(tmp_path, text))
    assert caught.value.code == "PI307"


@pytest.mark.parametrize("block", [1, 7, 256])
def test_places_of_errors_do_not_depend_on_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(disk_module, "BLOCK", block)
    text = '[{"a": "é"},\n\n   {"a": "x", "b": 12345},  {"b": 1 "c"}]'
    with pytest.raises(FileError, match="line 3, column 37: expecting ',' delimiter"):
        read(write(tmp_path, text))


def test_a_line_nested_too_deeply_is_an_issue(tmp_path: Path) -> None:
    text = '{"a": 1}\n{"a": ' + "[" * 100_000 + '\n{"a": 2}'
    _, good, bad, _ = read(write(tmp_path, text, "a.ndjson"))
    assert good == [(1, ["1"]), (3, ["2"])]
    assert [(row.line_no, row.code) for row in bad] == [(2, "bad_json")]


def test_a_value_of_100_megabytes_fails_the_file_in_bounded_memory(tmp_path: Path) -> None:
    path = write(tmp_path, b'[{"a": "' + b"x" * 100_000_000 + b'"}]')
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match="line 1: a value of more than 64 MB"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 300 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_key_that_stands_twice_is_an_issue(tmp_path: Path) -> None:
    _, good, bad, _ = read(write(tmp_path, '[{"a": 1, "b": 2, "a": 1}, {"a": 3}]'))
    assert good == [(1, ["3", None])]
    assert [(row.code, row.position, row.detail, row.value) for row in bad] == [
        ("duplicate_key", 1, "a", '{"a": 1, "b": 2, "a": 1}')
    ]


def test_what_postgresql_cannot_store_is_an_issue(tmp_path: Path) -> None:
    text = '[{"a": "x\\u0000"}, {"a": "\\ud800"}, {"\\u0000": 1}, {"\\udc00": 1}, {"a": "ok"}]'
    head, good, bad, _ = read(write(tmp_path, text))
    assert head.header == ("a",)
    assert good == [(1, ["ok"])]
    assert [(row.code, row.position) for row in bad] == [
        ("nul_byte", 1), ("bad_encoding", 1), ("nul_byte", None), ("bad_encoding", None),
    ]  # fmt: skip


def test_a_nested_text_with_escapes_is_kept_as_written(tmp_path: Path) -> None:
    _, good, bad, _ = read(write(tmp_path, '[{"a": ["\\u0000", "\\ud800"]}]'))
    assert good == [(1, ['["\\u0000", "\\ud800"]'])]
    assert not bad


def test_encodings_are_those_of_csv(tmp_path: Path) -> None:
    text = '[{"é": "à"}]'
    for encoding in ("utf-16", "utf-8-sig"):
        assert read(write(tmp_path, text.encode(encoding)))[1] == [(1, ["à"])]
    path = write(tmp_path, text.encode("cp1252"))
    assert read(path, encoding="cp1252")[0].header == ("é",)
    with pytest.raises(FileError, match="not valid UTF-8"):
        read(path)
    mostly = '[{"a": "ééééé"}, {"a": "'.encode() + b'\xe9"}]'
    _, good, bad, _ = read(write(tmp_path, mostly))
    assert good == [(1, ["ééééé"])]
    assert [(row.code, row.position, row.detail) for row in bad] == [("bad_encoding", 1, "\\xE9")]


def test_too_many_different_keys_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps([{f"id{n}": 1} for n in range(2000)]))
    with pytest.raises(FileError, match="more than 1590 different keys"):
        read(path)
    with pytest.raises(FileError, match="key of more than 1000"):
        read(write(tmp_path, json.dumps([{"k" * 1001: 1}])))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("w") as file:
        file.write("[")
        for number in range(150_000):
            file.write(f'{{"a": {number}, "b": "{"x" * 60}", "c": [1, 2]}},')
        file.write('{"a": 0}]')
    tracemalloc.start()
    try:
        assert read_contents(path, ReadOptions()).rows == 150_001
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    records=st.lists(st.dictionaries(_KEYS, _VALUES, min_size=1), min_size=1, max_size=6),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
    block=st.integers(1, 300),
)
def test_what_a_writer_wrote_is_read_as_it_was(
    tmp_path: Path, records: list[dict[str, Any]], indent: int | None, ascii_only: bool, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk_module, "BLOCK", block)
        array = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
        lines = "\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in records)
        for name, text in (("a.json", array), ("b.ndjson", lines)):
            head, good, bad, _ = read(write(tmp_path, text, name))
            assert not bad
            assert len(good) == len(records)
            for record, (_, fields) in zip(records, good, strict=True):
                for key, field in zip(head.header, fields, strict=True):
                    value = record.get(key)
                    if value is None or isinstance(value, str):
                        assert field == value
                    else:
                        assert field is not None
                        assert json.loads(field) == value


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text('[]{}",:\\ \n01eE.-tfnaru\0é', max_size=60))
def test_rubbish_is_issues_or_an_error_never_a_crash(tmp_path: Path, text: str) -> None:
    for name in ("a.json", "a.ndjson"):
        path = write(tmp_path, text, name)
        try:
            head = read_any_head(path, ReadOptions())
        except FileError:
            continue
        assert list(JsonReader(head))  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------- whole imports


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(
            """
            CREATE TABLE public.orders (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                code text NOT NULL UNIQUE, amount numeric, paid boolean, lines jsonb, note text
            )
            """
        )
        Client(conn).register_target("public.orders", "orders", ["code"])
    return installed_dsn


@pytest.fixture
def conn(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


ORDERS = (
    '[{"code": "0012", "amount": 1E5, "paid": true, "lines": [{"sku": "a", "n": 1.50}]},\n'
    '{"code": "B", "amount": 123456789012345678901234567890, "note": ""}]'
)


def test_a_json_file_becomes_rows_of_the_table(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    result = import_files(dsn, "orders", [write(tmp_path, ORDERS)])
    assert result.verify is not None
    assert result.verify.verified
    assert (result.files[0].way, result.files[0].rows_staged) == ("rows", 2)
    rows = conn.execute(
        "SELECT code, amount::text, paid, lines::text, note FROM orders ORDER BY id"
    ).fetchall()
    assert rows == [
        ("0012", "100000", True, '[{"n": 1.50, "sku": "a"}]', None),
        ("B", "123456789012345678901234567890", None, None, ""),
    ]


def test_bad_lines_are_issues_in_both_languages(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    text = '{"code": "a"}\n{"code": \n[1]\n{"code": "b", "code": "c"}\n{"code": "d\\u0000"}\n'
    path = write(tmp_path, text, "a.ndjson")
    said = []
    for language in ("en", "fr"):
        place = psycopg.conninfo.make_conninfo(dsn, options=f"-c pgimport.language={language}")
        result = stage_files(place, None, [path], target="orders")
        assert (result.rows_staged, result.files[0].rows_refused) == (1, 4)
        said.append(Client(conn).issue_report(result.job_id))
    assert [(issue.line_no, issue.code, issue.column_name) for issue in said[0]] == [
        (2, "bad_json", None),
        (3, "bad_record", None),
        (4, "duplicate_key", "code"),
        (5, "nul_byte", "code"),
    ]
    for english, french in zip(*said, strict=True):
        assert english.value == french.value
        assert english.message != french.message
        assert english.hint != french.hint
    assert str(said[1][0].message).startswith("la ligne n'est pas du JSON valide : expecting value")


def test_a_file_that_breaks_off_leaves_the_others_untouched(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    write(tmp_path, ORDERS)
    write(tmp_path, ORDERS[:-20], "b.json")
    write(tmp_path, "code\nc\n", "c.csv")
    result = stage_files(dsn, None, [tmp_path], target="orders")
    assert [file.status for file in result.files] == ["staged", "failed", "staged"]
    reports = check_headers(conn, "orders", [tmp_path])
    assert [(report.status, report.rows) for report in reports] == [
        ("ok", 2), ("unreadable", None), ("ok", 1),
    ]  # fmt: skip


def test_the_command_takes_the_key_of_the_list(dsn: str, tmp_path: Path) -> None:
    path = write(tmp_path, '{"a": [{"x": 1}], "b": [{"code": "k"}]}')
    refused = run("import", "orders", str(path), "--yes", dsn=dsn)
    assert refused.code == 1
    assert "2 lists of records" in refused.err
    ran = run("--json", "import", "orders", str(path), "--yes", "--records", "b", dsn=dsn)
    assert ran.json["rows_inserted"] == 1
