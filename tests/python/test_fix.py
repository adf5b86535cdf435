"""Corrected rows sent back: the reject loop on a real server, and files that came through Excel."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from _command import run
from pgimport import (
    Client,
    FileError,
    JobStateError,
    ReadOptions,
    StagingError,
    export_report,
    fix_file,
    stage_files,
)
from pgimport.readers import BadRow, read_any_head, row_reader

TABLE = """
CREATE TABLE public.orders (
    order_no text PRIMARY KEY,
    customer_name varchar(40) NOT NULL,
    quantity integer CHECK (quantity > 0),
    price numeric(10, 2),
    order_day date,
    remark text
)
"""
HEADER = ("Order No", "Customer Name", "Quantity", "Price", "Order Day", "Remark")
TOKEN = "pgimport_row"


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(TABLE)
        Client(connection).register_target("public.orders", "orders", ["order_no"])
    return installed_dsn


@pytest.fixture
def conn(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


Rows = list[dict[str, str]]


def staged(dsn: str, client: Client, path: Path, lines: Iterable[str], **options: Any) -> UUID:
    """Stage lines of CSV into a new job and check it; returns its id."""
    path.write_text("".join(f"{line}\n" for line in (",".join(HEADER), *lines)))
    job = client.create_job("orders", {"on_issue": "abort", **options}).job_id
    assert job is not None
    stage_files(dsn, job, [path])
    client.check_job(job)
    return job


def reported(conn: psycopg.Connection[Any], job: UUID, path: Path, report: str = "issues") -> Rows:
    """Write a report and read it again, CSV or XLSX."""
    rows = export_report(conn, job, report, path)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = list(csv.DictReader(file))
    else:
        table = list(sheet_rows(path))
        found = [dict(zip(table[0], row, strict=True)) for row in table[1:]]
    assert len(found) == rows
    return found


def sheet_rows(path: Path) -> Iterator[list[str]]:
    """The header and the rows of a sheet, as the readers of the package read them."""
    head = read_any_head(path, ReadOptions())
    yield list(head.header)
    reader = row_reader(head)
    with reader.source:
        for block in reader:
            assert not isinstance(block, BadRow)
            assert isinstance(block, bytes)
            for line in block.decode().split("\n")[:-1]:
                fields = line.split("\t")[1:]
                yield ["" if field == r"\N" else unescape(field) for field in fields]


def unescape(field: str) -> str:
    """The value of a field of COPY's text format."""
    for short, sign in ((r"\n", "\n"), (r"\r", "\r"), (r"\t", "\t")):
        field = field.replace(short, sign)
    return field.replace("\\\\", "\\")


def csv_bytes(
    rows: Rows, delimiter: str = ",", encoding: str = "utf-8", end: str = "\r\n"
) -> bytes:
    """Rows as a spreadsheet would save them as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def save_xlsx(path: Path, rows: Rows, blank_rows: int = 0) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for place, name in enumerate(rows[0]):
            sheet.write_string(0, place, name)
        for number, row in enumerate(rows, 1):
            for place, value in enumerate(row.values()):
                if value:
                    sheet.write_string(number, place, value)
        bold = book.add_format({"bold": True})
        for number in range(len(rows) + 1, len(rows) + 1 + blank_rows):
            sheet.write_blank(number, 0, None, bold)


def where_rows_lie(conn: psycopg.Connection[Any], job: UUID) -> dict[int, tuple[str, str]]:
    """Place and writing transaction of each staged row of the first file."""
    table = f"pgimport_staging.job_{job.hex}_f1"
    return {
        row_no: (place, xmin)
        for row_no, place, xmin in conn.execute(
            f"SELECT row_no, ctid::text, xmin::text FROM {table}".encode()
        )
    }


def messy(rows: int) -> Iterator[str]:
    """Lines of which each twentieth is bad, in six ways."""
    for number in range(1, rows + 1):
        row = [f"{number:08d}", f"Customer {number}", str(number % 50 + 1), "7.50", "2024-03-05"]
        row.append("=1+1" if number % 97 == 0 else f"n {number}")
        if number % 20 == 7:
            kind = number // 20 % 6
            if kind == 0:
                row[2], row[3] = "many", "a lot"
            elif kind == 1:
                row[1] = ""
            elif kind == 2:
                row[4] = "31/31/2024"
            elif kind == 3:
                row.append("one too many")
            elif kind == 4:
                row[0] = f"{number - 1:08d}"
            else:
                row[2] = "0"
        yield ",".join(row)


def correct(row: dict[str, str]) -> None:
    """What a person does with a row of the report."""
    if record := row.get("pgimport_record"):
        row.update(zip(HEADER, record.split(",")[:6], strict=True))
    row["Customer Name"] = row["Customer Name"] or "Somebody"
    if row["Quantity"] in ("many", "0", "still bad"):
        row["Quantity"] = "3"
    if row["Price"] == "a lot":
        row["Price"] = "12.50"
    if row["Order Day"] == "31/31/2024":
        row["Order Day"] = "2024-03-31"


def test_a_messy_file_is_clean_after_two_uploads_and_good_rows_are_not_touched(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    rows = 20_000
    client = Client(conn)
    job = staged(dsn, client, tmp_path / "orders.csv", messy(rows))
    lying = where_rows_lie(conn, job)
    errors = reported(conn, job, tmp_path / "issues.xlsx")
    assert errors == reported(conn, job, tmp_path / "issues.csv")
    codes = {code for row in errors for code in row["pgimport_codes"].split(" ")}
    assert codes == {
        "bad_date", "bad_integer", "bad_numeric", "check:orders_quantity_check", "ragged_row",
        "required",
    }  # fmt: skip

    # the first upload: XLSX, its rows in another order, a tenth of them still wrong
    for place, row in enumerate(errors):
        if place % 10:
            correct(row)
        elif place % 20 == 0:
            row["Quantity"] = "still bad"
    random.Random(7).shuffle(errors)
    save_xlsx(tmp_path / "corrected.xlsx", errors, blank_rows=5)
    first = fix_file(dsn, job, tmp_path / "corrected.xlsx")
    left = first.rows_still_invalid or 0, first.rows_unchanged or 0
    assert min(left) > 0
    assert (first.rows, first.rows_fixed) == (len(errors), len(errors) - sum(left))
    assert first.issues_left

    # the second: CSV of a French Excel, with what is left and the duplicates, few columns
    columns = (TOKEN, "Price", "Quantity", "Customer Name", "Order Day", "Order No")
    rest = reported(conn, job, tmp_path / "rest.csv")
    assert len(rest) == sum(left)
    for row in rest:
        correct(row)
    doubles = reported(conn, job, tmp_path / "doubles.csv", "duplicates")
    for row in doubles:
        row.update({name: row[name.lower().replace(" ", "_")] for name in columns[1:]})
        row["Order No"] += "-b"
    sent = [{name: row[name] for name in columns} for row in (*rest, *doubles)]
    (tmp_path / "rest2.csv").write_bytes(csv_bytes(sent, ";", "cp1252"))
    second = fix_file(dsn, job, tmp_path / "rest2.csv")
    assert (second.rows_fixed, second.issues_left) == (len(sent), 0)
    assert (second.counts.clean_rows, second.counts.total_rows) == (rows, rows)

    after = where_rows_lie(conn, job)
    bad = len(errors) + len(doubles)
    assert sum(after[number] == place for number, place in lying.items()) == rows - bad
    assert client.insert_job(job).rows_inserted == rows
    assert client.verify_job(job).verified
    assert conn.execute("SELECT count(*) FROM orders WHERE remark = '=1+1'").fetchone() == (
        rows // 97,
    )


# what people and programs do to a file


@pytest.fixture
def job(dsn: str, conn: psycopg.Connection[Any], tmp_path: Path) -> UUID:
    return staged(
        dsn,
        Client(conn),
        tmp_path / "a.csv",
        [
            "0001,Ann,1,1.50,2024-03-05,=1+1",
            "0002,Béa,x,1.50,2024-03-05,'quoted",
            "0003,,2,1.50,2024-03-05,-5",
            'ragged,"a ""b"""',
            "0005,Eve,y,9,2024-03-05,",
        ],
    )


Damage = Callable[[Rows], bytes]


def as_utf16(rows: Rows) -> bytes:
    return csv_bytes(rows, "\t", "utf-16")


def with_other_columns(rows: Rows) -> bytes:
    return csv_bytes([{"done by": "me", **dict(reversed(row.items())), "€": "1"} for row in rows])


def with_blanks_around_tokens(rows: Rows) -> bytes:
    return csv_bytes([{**row, TOKEN: f" {row[TOKEN].upper()}\xa0 "} for row in rows])


def with_blank_rows(rows: Rows) -> bytes:
    return csv_bytes(rows) + b",,,\r\n\r\n,,,,,,,,,,,\r\n"


def as_excel_saves(rows: Rows) -> bytes:
    for row in rows:
        row["Order No"] = row["Order No"].lstrip("0")
        row["Price"] = row["Price"].rstrip("0").replace(".", ",")
        row["Order Day"] = "/".join(reversed(row["Order Day"].split("-")))
    return csv_bytes(rows, ";", "cp1252")


@pytest.mark.parametrize(
    ("damage", "encoding"),
    [
        (csv_bytes, None),
        (lambda rows: csv_bytes(rows, encoding="utf-8-sig", end="\n"), None),
        (lambda rows: csv_bytes(rows, ";", "cp1252"), "cp1252"),
        (as_utf16, None),
        (as_excel_saves, "cp1252"),
        (with_other_columns, None),
        (with_blanks_around_tokens, None),
        (with_blank_rows, None),
        (lambda rows: csv_bytes(list(reversed(rows))), None),
    ],
)  # fmt: skip
def test_what_programs_do_to_a_file_does_not_change_the_data(
    dsn: str,
    conn: psycopg.Connection[Any],
    tmp_path: Path,
    job: UUID,
    damage: Damage,
    encoding: str | None,
) -> None:
    errors = reported(conn, job, tmp_path / "issues.csv")
    assert [row["Remark"] for row in errors] == ["''quoted", "'-5", "", ""]
    sent = [row for row in errors if not row["pgimport_record"]]
    for row in sent:
        row["Quantity"] = "7"
        row["Customer Name"] = row["Customer Name"] or "Zoé"
    path = tmp_path / "back.csv"
    path.write_bytes(damage(sent))
    done = fix_file(dsn, job, path, read=ReadOptions(encoding=encoding))
    assert (done.rows, done.rows_fixed, done.issues_left) == (3, 3, 1)
    found = conn.execute(
        f"SELECT order_no, customer_name, quantity, price, order_day, remark"
        f" FROM pgimport_staging.job_{job.hex} ORDER BY row_no".encode()
    ).fetchall()
    assert found == [
        ("0001", "Ann", "1", "1.50", "2024-03-05", "=1+1"),
        ("0002", "Béa", "7", "1.50", "2024-03-05", "'quoted"),
        ("0003", "Zoé", "7", "1.50", "2024-03-05", "-5"),
        ("0005", "Eve", "7", "9", "2024-03-05", None),
    ]
    assert bool(done.warnings) == (damage in (as_excel_saves, with_other_columns))


def test_a_file_in_another_encoding_is_refused_and_the_likely_ones_are_named(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, job: UUID
) -> None:
    errors = reported(conn, job, tmp_path / "issues.csv")
    path = tmp_path / "back.csv"
    path.write_bytes(csv_bytes(errors, ";", "cp1252"))
    with pytest.raises(FileError) as refused:
        fix_file(dsn, job, path)
    assert "cp1252" in (refused.value.hint or "") + (refused.value.detail or "")
    assert conn.execute("SELECT count(*) FROM pgimport.fix").fetchone() == (0,)


def test_a_record_that_cannot_be_read_refuses_the_file_as_a_whole(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, job: UUID
) -> None:
    errors = reported(conn, job, tmp_path / "issues.csv")
    for row in errors:
        row["Quantity"] = "7"
    path = tmp_path / "back.csv"
    path.write_bytes(csv_bytes(errors) + b"only,three,fields\r\n")
    with pytest.raises(FileError, match="line 6"):
        fix_file(dsn, job, path)
    assert len(reported(conn, job, tmp_path / "issues.csv")) == 4
    assert conn.execute("SELECT count(*) FROM pgimport.fix").fetchone() == (0,)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"a,b,c\n1,2,3\n", "pgimport_row"),
        (b"PK\x03\x04 no archive", "back.csv"),
        ((",".join(f"c{n}" for n in range(2000)) + "\n").encode(), "columns"),
    ],
)
def test_a_file_that_is_none_of_corrections_is_refused(
    dsn: str, tmp_path: Path, job: UUID, content: bytes, problem: str
) -> None:
    path = tmp_path / "back.csv"
    path.write_bytes(content)
    with pytest.raises(StagingError, match=problem):
        fix_file(dsn, job, path)


def test_a_file_with_a_header_alone_changes_nothing(dsn: str, tmp_path: Path, job: UUID) -> None:
    path = tmp_path / "back.csv"
    path.write_text(f"{TOKEN},Quantity\n")
    done = fix_file(dsn, job, path)
    assert (done.rows, done.rows_fixed, done.issues_left, done.status) == (0, 0, 4, "checked")


def test_the_same_file_again_says_so_and_changes_nothing(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, job: UUID
) -> None:
    path = tmp_path / "back.csv"
    errors = reported(conn, job, tmp_path / "issues.csv")
    path.write_bytes(csv_bytes([{TOKEN: errors[0][TOKEN], "Quantity": "7"}]))
    first = fix_file(dsn, job, path)
    path.rename(tmp_path / "other.csv")
    again = fix_file(dsn, job, tmp_path / "other.csv")
    assert (first.rows_fixed, again.rows_fixed, again.fix_no) == (1, 1, first.fix_no)
    assert "applied before" in again.message
    forced = fix_file(dsn, job, tmp_path / "other.csv", force=True)
    assert (forced.fix_no, forced.rows_unchanged) == (2, 1)


def test_tokens_of_another_job_are_refused_with_the_lines(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, job: UUID
) -> None:
    other = staged(dsn, Client(conn), tmp_path / "b.csv", ["1,Ann,x,1,2024-03-05,"])
    rows = reported(conn, job, tmp_path / "i.csv") + reported(conn, other, tmp_path / "j.csv")
    path = tmp_path / "back.csv"
    path.write_bytes(csv_bytes([{TOKEN: row[TOKEN], "Quantity": "7"} for row in rows]))
    with pytest.raises(StagingError, match="line 6") as refused:
        fix_file(dsn, job, path)
    assert (refused.value.code, len(reported(conn, job, tmp_path / "i.csv"))) == ("PI312", 4)


def test_an_inserted_job_takes_no_corrections(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    client = Client(conn)
    job = staged(dsn, client, tmp_path / "b.csv", ["1,Ann,x,1,2024-03-05,"], on_issue="skip")
    path = tmp_path / "back.csv"
    reported(conn, job, path)
    client.insert_job(job)
    with pytest.raises(JobStateError):
        fix_file(dsn, job, path)


# any value comes back as it was


def cells() -> st.SearchStrategy[str]:
    sign = st.characters(codec="utf-8", exclude_characters="\0")
    return st.one_of(
        st.text(sign, max_size=12),
        st.text("=+-@'\t\r\n\",;\uff1d 0123456789.,E*_x[", max_size=8),
        st.sampled_from(["***", "", "0012", "1.50", "TRUE", "'", "'=", "_x0041_", "\\N", "\\."]),
        st.integers(32_760, 32_775).map(lambda size: "=" * size),
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(cells(), min_size=1, max_size=6), suffix=st.sampled_from([".csv", ".xlsx"]))
def test_a_report_that_comes_back_as_it_is_changes_nothing(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, values: Sequence[str], suffix: str
) -> None:
    client = Client(conn)
    job = client.create_job("orders").job_id
    assert job is not None
    header = ["order_no", "customer_name", "quantity", "remark", "=odd\nname"]
    opened = client.stage_file(job, "a", header)
    with conn.cursor() as cursor, cursor.copy(opened.row_copy_sql.encode()) as copy:
        for number, value in enumerate(values, 2):
            copy.write_row((number, str(number), "Ann", "x", value, value))
    client.finish_file(job, opened.file_no, len(values))
    client.check_job(job)
    path = tmp_path / f"report{suffix}"
    assert export_report(conn, job, "issues", path) == len(values)
    done = fix_file(dsn, job, path, force=True)
    assert (done.rows_unchanged, done.rows) == (len(values), len(values))
    client.cancel_job(job)


# reports


def test_a_workbook_has_more_sheets_where_one_is_full(
    conn: psycopg.Connection[Any],
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pgimport.exports._SHEET_ROWS", 4)
    job = staged(dsn, Client(conn), tmp_path / "a.csv", [f"{n},Ann,x,1,," for n in range(7)])
    path = tmp_path / "issues.xlsx"
    assert export_report(conn, job, "issues", path) == 7
    found = []
    for sheet, rows in (("issues", 3), ("issues 2", 3), ("issues 3", 1)):
        head = read_any_head(path, ReadOptions(sheet=sheet))
        assert head.header[0] == "Order No"
        reader = row_reader(head)
        with reader.source:
            found += list(reader)
        assert reader.rows == rows
        assert fix_file(dsn, job, path, read=ReadOptions(sheet=sheet), force=True).rows == rows
    assert not [name for name in tmp_path.iterdir() if name.name.startswith(".")]


@pytest.mark.parametrize("report", ["issues", "issue_list", "duplicates", "all"])
def test_a_report_without_rows_has_its_header(
    conn: psycopg.Connection[Any], dsn: str, tmp_path: Path, report: str
) -> None:
    job = staged(dsn, Client(conn), tmp_path / "a.csv", [])
    path = tmp_path / "report.xlsx"
    assert export_report(conn, job, report, path) == 0
    assert len(next(sheet_rows(path))) > 5


def test_no_half_report_is_left_where_it_fails(
    conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    for name in ("report.xlsx", "report.csv"):
        with pytest.raises(JobStateError):
            export_report(conn, UUID(int=0), "issues", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


# the command


def test_the_command_tells_what_was_fixed_and_what_to_type_next(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, job: UUID
) -> None:
    issues = tmp_path / "issues.xlsx"
    done = run("report", str(job), "--issues", "-o", str(issues), dsn=dsn)
    assert (done.code, f"next: pgimport fix {job} {issues}" in done.out) == (0, True)
    rows = reported(conn, job, issues)
    for row in rows:
        row["Quantity"] = "7"
        row["Customer Name"] = row["Customer Name"] or "Zoé"
    save_xlsx(issues, rows)
    done = run("fix", str(job), str(issues), dsn=dsn)
    assert done.code == 0, done.err
    assert "3 rows fixed, 1 changed and still invalid" in done.out
    assert f"next: pgimport report {job} --issues" in done.out

    rows = reported(conn, job, tmp_path / "rest.csv")
    rows[0]["Order No"] = "0004"
    (tmp_path / "rest.csv").write_bytes(csv_bytes(rows, ";", "cp1252"))
    words = ("--json", "fix", str(job), str(tmp_path / "rest.csv"), "--encoding", "cp1252")
    done = run(*words, dsn=dsn)
    assert (done.code, done.json["issues_left"], done.json["rows_fixed"]) == (0, 0, 1)
    done = run("fix", str(job), str(tmp_path / "rest.csv"), "--encoding", "cp1252", dsn=dsn)
    assert (done.code, f"next: pgimport insert {job}" in done.out) == (0, True)
    assert "applied before" in done.out
    shown = json.loads(run("--json", "show", str(job), dsn=dsn).out)
    assert [fix["rows_fixed"] for fix in shown["fixes"]] == [3, 1]

    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    done = run("fix", str(job), str(tmp_path / "none.csv"), dsn=dsn)
    assert (done.code, f"pgimport report {job} --issues" in done.err) == (1, True)
    assert run("fix", str(job), str(tmp_path / "not there.csv"), dsn=dsn).code == 1
