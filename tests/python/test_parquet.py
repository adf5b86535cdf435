"""Parquet files: exact texts of all types, damage, whole imports, the extra not installed."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pgimport import Client, FileError, ReadOptions, import_files
from pgimport.readers import BadRow, TableHead, TableReader, count_table, read_any_head
from pgimport.readers import table as table_module
from pgimport.readers.cell_text import unescape


def read(path: Path, **options: Any) -> tuple[tuple[str, ...], list[tuple[int, list[str | None]]]]:
    head = read_any_head(path, ReadOptions(**options))
    assert isinstance(head, TableHead)
    rows = []
    with TableReader(head) as reader:
        for item in reader:
            assert not isinstance(item, BadRow), item
            for line in item.decode().splitlines():
                number, *fields = line.split("\t")
                rows.append((int(number), [unescape(field) for field in fields]))
    assert reader.sha256 == head.sha256
    return head.header, rows


def write(path: Path, columns: dict[str, pa.Array], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 13, 14, 15, 500_000)


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        (pa.int64(), [2**63 - 1, -1, 0], ["9223372036854775807", "-1", "0"]),
        (pa.uint64(), [2**64 - 1], ["18446744073709551615"]),
        (pa.int8(), [-128], ["-128"]),
        (pa.bool_(), [True, False], ["true", "false"]),
        (pa.float64(), [0.1, 12.0, 1e300, float("nan"), float("-inf")],
         ["0.1", "12", "1e+300", "NaN", "-Infinity"]),
        (pa.decimal128(38, 5), [decimal.Decimal("1.50000"), decimal.Decimal("1E-5")],
         ["1.50000", "0.00001"]),
        (pa.string(), ["0012", "", "tab\t\\ é", "\\N"], ["0012", "", "tab\t\\ é", "\\N"]),
        (pa.date32(), [DAY], ["2024-02-29"]),
        (pa.timestamp("us"), [MOMENT], ["2024-02-29 13:14:15.5"]),
        (pa.timestamp("ns", "Europe/Paris"), [1_709_212_455_123_456_789],
         ["2024-02-29 13:14:15.123456789+00:00"]),
        (pa.timestamp("s"), [-1], ["1969-12-31 23:59:59"]),
        (pa.time64("us"), [datetime.time(1, 2, 3)], ["01:02:03"]),
        (pa.duration("ms"), [90_000_500], ["25:00:00.5"]),
        (pa.binary(), [b"\x00\xff", b""], ["\\x00ff", "\\x"]),
        (pa.list_(pa.int64()), [[1, 2], []], ["[1, 2]", "[]"]),
        (pa.struct([("a", pa.string()), ("b", pa.float64())]), [{"a": "é", "b": 1.5}],
         ['{"a": "é", "b": 1.5}']),
        (pa.list_(pa.date32()), [[DAY]], ['["2024-02-29"]']),
        (pa.dictionary(pa.int32(), pa.string()), ["x", "x"], ["x", "x"]),
        (pa.null(), [], []),
    ],
)  # fmt: skip
def test_each_type_arrives_as_exact_text(
    tmp_path: Path, kind: pa.DataType, values: list[Any], texts: list[str]
) -> None:
    column = pa.array([*values, None], kind)
    header, rows = read(
        write(tmp_path / "a.parquet", {"id": pa.array(range(len(column))), "v": column})
    )
    assert header == ("id", "v")
    assert [fields[1] for _, fields in rows] == [*texts, None]
    assert [line for line, _ in rows] == list(range(1, len(column) + 1))


def test_row_groups_and_compression_make_no_difference(tmp_path: Path) -> None:
    numbers = pa.array(range(20_000))
    path = write(tmp_path / "a.parquet", {"n": numbers}, row_group_size=777, compression="zstd")
    _, rows = read(path)
    assert rows == [(n + 1, [str(n)]) for n in range(20_000)]
    _, count, blank = count_table(path, "parquet")
    assert (count, blank) == (20_000, 0)


def test_a_row_of_nulls_is_a_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"a": pa.array([None, "x"]), "b": pa.array([None, None])})
    assert count_table(path, "parquet")[1:] == (2, 0)
    assert read(path)[1] == [(1, [None, None]), (2, ["x", None])]


def test_names_of_columns_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"a": pa.array([1])})
    assert read(path, header=("x",))[0] == ("x",)
    with pytest.raises(FileError, match="is no spreadsheet"):
        read(path, sheet="x")


def test_damage_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"a": pa.array(["x" * 50] * 1000)})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="is damaged"):
        read(path)
    path.write_bytes(b"PAR1" + b"\xff" * 400 + b"PAR1")
    with pytest.raises(FileError, match="is damaged"):
        read(path)
    for place in range(4, len(whole) - 8, max(1, len(whole) // 60)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            read(path)
        except FileError as error:
            assert '"a.parquet"' in error.message  # noqa: PT017


def test_without_pyarrow_the_hint_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.parquet", {"a": pa.array([1])})
    start = table_module._START.replace(
        "from pgimport.readers", "sys.modules['pyarrow'] = None\nfrom pgimport.readers"
    )
    monkeypatch.setattr(table_module, "_START", start)
    with pytest.raises(FileError, match="pyarrow is not installed") as caught:
        read(path)
    assert caught.value.hint == "pip install 'pgimport[parquet]'"


def test_a_parquet_file_becomes_rows_of_the_table(installed_dsn: str, tmp_path: Path) -> None:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(
            "CREATE TABLE public.m (code text PRIMARY KEY, at timestamptz, data bytea, j jsonb)"
        )
        Client(conn).register_target("public.m", "m", ["code"])
        path = write(
            tmp_path / "a.parquet",
            {
                "code": pa.array(["0012"]),
                "at": pa.array([MOMENT], pa.timestamp("us", "UTC")),
                "data": pa.array([b"\x00\\"]),
                "j": pa.array([[{"k": "\t"}]]),
            },
        )
        result = import_files(installed_dsn, "m", [path])
        assert result.verify is not None
        assert result.verify.verified
        moment = MOMENT.replace(tzinfo=datetime.UTC)
        assert conn.execute("SELECT code, at, data, j FROM m").fetchone() == (
            "0012", moment, b"\x00\\", [{"k": "\t"}],
        )  # fmt: skip
