"""Whole imports against a real server: files in, rows or issues out, interruption and resuming."""

from __future__ import annotations

import csv
import gzip
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgimport import (
    Client,
    FileError,
    Interrupted,
    Progress,
    TargetError,
    check_headers,
    export_report,
    import_files,
    stage_files,
)
from pgimport import progress as progress_module
from pgimport.models import CheckResult, PreviewResult
from pgimport.readers import BadRow, CopyReader, RowReader, Source, read_head, scan_file

MERCHANT = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
HEADER = "merchant_id,code,sku\n"


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(
            """
            CREATE TABLE public.codes (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                merchant_id uuid NOT NULL,
                code text NOT NULL,
                sku text,
                UNIQUE (code, merchant_id)
            )
            """
        )
        Client(conn).register_target("public.codes", "codes", ["code", "merchant_id"])
    return installed_dsn


@pytest.fixture
def conn(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def write(path: Path, codes: list[str], sku: str = "S") -> Path:
    path.write_text(HEADER + "".join(f"{MERCHANT},{code},{sku}\n" for code in codes))
    return path


def one(conn: psycopg.Connection[Any], sql: str, *values: Any) -> Any:
    row = conn.execute(sql.encode(), values).fetchone()
    assert row is not None
    return row[0]


def staged(conn: psycopg.Connection[Any], job: Any, file_no: int) -> list[tuple[Any, ...]]:
    """Return (row_no, line_no, code, sku) of a file as it is staged."""
    table = one(
        conn,
        "SELECT staging_table FROM pgimport.file WHERE job_id = %s AND file_no = %s",
        job,
        file_no,
    )
    return conn.execute(
        f'SELECT row_no, line_no, code, sku FROM pgimport_staging."{table}" ORDER BY 1'.encode()
    ).fetchall()


def test_a_folder_becomes_rows_and_the_numbers_add_up(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    write(tmp_path / "a.csv", ["A", "B", "C"])
    (tmp_path / "b.csv.gz").write_bytes(
        gzip.compress(f"code;merchant_id\nD;{MERCHANT}\nA;{MERCHANT}\n".encode())
    )
    seen: list[Progress] = []
    asked: list[tuple[CheckResult, PreviewResult]] = []

    def confirm(check: CheckResult, preview: PreviewResult) -> bool:
        asked.append((check, preview))
        return True

    result = import_files(dsn, "codes", [tmp_path], confirm=confirm, progress=seen.append)
    assert [(file.status, file.way, file.rows_staged) for file in result.files] == [
        ("staged", "copy", 3),
        ("staged", "copy", 2),
    ]
    assert asked[0][0].internal_duplicates == 1
    assert len(asked[0][1].rows) == 5
    assert result.insert is not None
    assert result.insert.rows_inserted == 4
    assert result.verify is not None
    assert result.verify.verified
    assert one(conn, "SELECT count(*) FROM public.codes") == 4
    phases = [item.phase for item in seen]
    assert sorted(set(phases), key=phases.index) == [
        "headers", "stage", "check", "insert", "verify",
    ]  # fmt: skip
    last = [item for item in seen if item.phase == "stage"][-1]
    assert (last.files_done, last.rows_done, last.rows_total) == (2, 5, 5)
    assert last.bytes_done == last.bytes_total


def test_without_confirmation_and_in_a_dry_run_nothing_is_written(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", ["A"])
    refused = import_files(dsn, "codes", [path], confirm=lambda check, preview: False)
    assert refused.insert is None
    dry = import_files(dsn, "codes", [path], dry_run=True)
    assert dry.insert is not None
    assert dry.insert.status == "checked"
    assert one(conn, "SELECT count(*) FROM public.codes") == 0
    # the job that waits can be gone on with: its file is there already
    again = import_files(dsn, "codes", [path], job_id=refused.job_id)
    assert again.job_id == refused.job_id
    assert [file.status for file in again.files] == ["already"]
    assert again.verify is not None
    assert again.verify.verified


def test_250000_rows_with_five_bad_ones_stage_249995_and_name_the_five(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    bad = {10: "ragged_row", 20: "bad_encoding", 100_000: "ragged_row",
           150_000: "bad_encoding", 249_999: "ragged_row"}  # fmt: skip
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(HEADER.encode())
        for number in range(250_000):
            line = f"{MERCHANT},A{number:08},S\n".encode()
            if bad.get(number) == "ragged_row":
                line = f"{MERCHANT},A{number:08}\n".encode()
            elif bad.get(number) == "bad_encoding":
                line = line.replace(b",S", b",caf\xe9")
            file.write(line)
    result = stage_files(dsn, None, [path], target="codes", encoding="utf-8")
    assert (result.files[0].rows_staged, result.files[0].rows_refused) == (249_995, 5)
    issues = Client(conn).issue_report(result.job_id)
    assert [(issue.line_no, issue.code) for issue in issues] == [
        (number + 2, code) for number, code in bad.items()
    ]
    assert [issue.column_name for issue in issues if issue.code == "bad_encoding"] == ["sku"] * 2
    assert issues[1].value == f"{MERCHANT},A00000020,caf\\xE9"
    rows = staged(conn, result.job_id, 1)
    assert rows[10] == (11, 13, "A00000011", "S")
    assert rows[-1][0] == len(rows) == 249_995


def test_issues_of_the_reader_are_written_in_the_language_that_is_set(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'{HEADER}{MERCHANT},"A"x,S\n{MERCHANT},B\n{MERCHANT},C,S,,x\n')
    said = []
    for language in ("en", "fr"):
        result = stage_files(
            psycopg.conninfo.make_conninfo(dsn, options=f"-c pgimport.language={language}"),
            None,
            [path],
            target="codes",
        )
        said.append([issue.message for issue in Client(conn).issue_report(result.job_id)])
    assert said == [
        [
            "the row cannot be read: text after a closing quote",
            "the row has 2 fields, the header 3",
            "the row has 5 fields, the header 3",
        ],
        [
            "guillemets mal placés",
            "nombre de champs inattendu : 2 ≠ 3",
            "nombre de champs inattendu : 5 ≠ 3",
        ],
    ]


def test_a_lone_end_marker_in_the_middle_loses_no_row(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code\nA\n\\.\nB\nC\n")
    options = {"constants": {"merchant_id": MERCHANT}}
    result = import_files(dsn, "codes", [path], options=options)
    assert result.files[0].rows_staged == 4
    codes = conn.execute("SELECT code FROM public.codes ORDER BY id").fetchall()
    assert {code for (code,) in codes} == {"A", "\\.", "B", "C"}


def test_a_file_that_copy_refuses_is_read_row_by_row_with_dense_numbers(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{MERCHANT},A{number},S" for number in range(2000)]
    # one field less, one more: the number of delimiters is as it should be
    lines[1500], lines[1600] = f"{MERCHANT},short", f"{MERCHANT},long,S,more"
    path.write_text(HEADER + "\n".join(lines) + "\n")
    assert scan_file(path).fast
    result = stage_files(dsn, None, [path], target="codes")
    assert (result.files[0].way, result.files[0].rows_refused) == ("rows", 2)
    rows = staged(conn, result.job_id, 1)
    assert [row[0] for row in rows] == list(range(1, 1999))
    assert (rows[0][1], rows[-1][1]) == (2, 2001)
    assert [issue.line_no for issue in Client(conn).issue_report(result.job_id)] == [1502, 1602]


def test_more_issues_than_are_kept_at_once_are_all_recorded(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "".join(f"x\n{MERCHANT},A{number},S\n" for number in range(1300)))
    result = stage_files(dsn, None, [path], target="codes")
    assert (result.rows_staged, result.files[0].rows_refused) == (1300, 1300)
    count = "SELECT count(*) FROM pgimport.issue WHERE job_id = %s"
    assert one(conn, count, result.job_id) == 1300
    assert [row[0] for row in staged(conn, result.job_id, 1)] == list(range(1, 1301))


def test_a_file_that_fails_leaves_the_others_untouched_and_is_staged_again_alone(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    write(tmp_path / "a.csv", ["A"])
    bad = tmp_path / "b.csv"
    bad.write_text(f'{HEADER}{MERCHANT},"B,S\n')
    (tmp_path / "c.csv").write_text(f'{HEADER}{MERCHANT},5" pipe,S\n{MERCHANT},"never,S\n')
    write(tmp_path / "d.csv", ["D"])
    result = stage_files(dsn, None, [tmp_path], target="codes")
    assert [file.status for file in result.files] == ["staged", "failed", "failed", "staged"]
    assert result.files[1].code == "PI307"
    assert result.files[1].message == '"b.csv", line 2: a quote is opened and never closed'
    assert result.files[2].message == '"c.csv", line 3: a quote is opened and never closed'
    known = Client(conn).get_job(result.job_id)
    assert known.status == "staged"
    assert known.files is not None
    assert [file["status"] for file in known.files] == ["staged", "failed", "failed", "staged"]
    assert known.files[1]["error_message"] == result.files[1].message

    write(bad, ["B"])
    again = stage_files(dsn, result.job_id, [bad])
    assert [(file.file_no, file.status) for file in again.files] == [(2, "staged")]
    done = import_files(dsn, "codes", [tmp_path / "a.csv"], job_id=result.job_id)
    assert done.insert is not None
    assert done.insert.rows_inserted == 3


def test_another_file_of_the_same_name_is_added_not_replaced(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    for folder, code in (("x", "A"), ("y", "B")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "a.csv", [code])
    first = stage_files(dsn, None, [tmp_path / "x"], target="codes")
    second = stage_files(dsn, first.job_id, [tmp_path / "y"])
    assert second.files[0].file_no == 2
    assert "of this name already" in second.files[0].warnings[-1]
    assert [row[2] for row in staged(conn, first.job_id, 1)] == ["A"]


def test_names_and_texts_of_any_kind_reach_the_database(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    bad_name = tmp_path / "caf\udce9.csv"
    bad_name.write_text(f'{HEADER}{MERCHANT},"B,S\n', encoding="utf-8")
    write(tmp_path / "zz.csv", ["\u4e2d"], sku="\\N\t")
    with psycopg.connect(dsn, client_encoding="latin1"):
        result = stage_files(f"{dsn} client_encoding=latin1", None, [tmp_path], target="codes")
    assert [file.status for file in result.files] == ["failed", "staged"]
    assert staged(conn, result.job_id, 2)[0][2:] == ("\u4e2d", "\\N\t")


def test_a_file_that_changes_while_it_is_read_fails(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    first, second = write(tmp_path / "a.csv", ["A"]), write(tmp_path / "b.csv", ["B"])
    result = stage_files(
        dsn, None, [first, second], target="codes", begun=lambda job: write(first, ["C"]).touch()
    )
    assert [file.status for file in result.files] == ["failed", "staged"]
    assert result.files[0].message == '"a.csv" changed while it was read'


def test_the_same_file_is_refused_until_it_is_rolled_back_or_forced(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", ["A"])
    first = import_files(dsn, "codes", [path])
    with pytest.raises(Exception, match="PI304") as caught:
        import_files(dsn, "codes", [path])
    assert getattr(caught.value, "code", None) == "PI304"
    forced = import_files(dsn, "codes", [path], force=True)
    assert forced.insert is not None
    assert forced.insert.rows_skipped == 1
    Client(conn).rollback_job(forced.job_id)
    Client(conn).rollback_job(first.job_id)
    again = import_files(dsn, "codes", [path])
    assert again.insert is not None
    assert again.insert.rows_inserted == 1


def test_what_is_wrong_late_in_a_file_undoes_what_was_copied_of_it(
    dsn: str,
    conn: psycopg.Connection[Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "a.csv"
    # far beyond the first block: COPY has begun
    lines = [f"{MERCHANT},A{number},S" for number in range(30_000)]
    lines[20_000:20_000] = ["", f'{MERCHANT},5" pipe,S', "\\."]
    path.write_text(HEADER + "\n".join(lines) + "\n")
    result = stage_files(dsn, None, [path], target="codes")
    assert (result.files[0].way, result.files[0].rows_staged) == ("rows", 30_001)
    assert (result.files[0].blank_rows, result.files[0].rows_refused) == (1, 1)
    rows = staged(conn, result.job_id, 1)
    assert [row[0] for row in rows] == list(range(1, 30_002))
    assert rows[20_000][1:3] == (20_003, '5" pipe')
    # neither where COPY itself refuses the file before its end is read
    lines[9_000] = f"{MERCHANT},A,S,more"
    path.write_text(HEADER + "\n".join(lines) + "\n")
    again = stage_files(dsn, None, [path], target="codes", force=True)
    assert (again.files[0].rows_staged, again.files[0].rows_refused) == (30_000, 2)
    assert not caplog.records


def test_where_every_file_fails_while_it_is_loaded_the_job_made_for_them_is_cancelled(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'{HEADER}{MERCHANT},A,S\n{MERCHANT},"never,S\n')
    gone = tmp_path / "b.csv.gz"
    gone.write_bytes(gzip.compress(path.read_bytes())[:-9])
    for call in (
        lambda: import_files(dsn, "codes", [path, gone]),
        lambda: stage_files(dsn, None, [path, gone], target="codes"),
    ):
        with pytest.raises(FileError, match="line 3: a quote is opened and never closed"):
            call()
    statuses = conn.execute("SELECT DISTINCT status FROM pgimport.job").fetchall()
    assert statuses == [("cancelled",)]
    # a job that was there before is not: other files may go into it
    job = Client(conn).create_job("codes", {"idempotency_key": "k"}).job_id
    assert job is not None
    with pytest.raises(FileError):
        import_files(dsn, "codes", [path], options={"idempotency_key": "k"})
    assert Client(conn).get_job(job).status == "staging"


def test_a_job_is_not_staged_before_its_last_file(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    for number in range(20):
        write(tmp_path / f"{number:02}.csv", [f"A{number}"])
    result = stage_files(dsn, None, [tmp_path], target="codes", jobs=3)
    assert [file.file_no for file in result.files] == list(range(1, 21))
    events = [event.event for event in Client(conn).job_events(result.job_id)]
    assert events.count("file_staged") == 20
    known = Client(conn).get_job(result.job_id)
    assert known.status == "staged"
    moved = "SELECT count(*) FROM pgimport.job_event WHERE job_id = %s AND event = 'staged'"
    assert one(conn, moved, result.job_id) <= 1


def test_progress_tells_rate_and_time_left_at_most_ten_times_a_second(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    for name in "abc":
        write(tmp_path / f"{name}.csv", [f"{name}{number}" for number in range(60_000)])
    seen: list[Progress] = []
    stage_files(dsn, None, [tmp_path], target="codes", progress=seen.append, jobs=1)
    for phase in ("headers", "stage"):
        some = [item for item in seen if item.phase == phase]
        assert len(some) <= some[-1].seconds * 10 + 2
        assert [item.seconds for item in some] == sorted(item.seconds for item in some)
        assert some[-1].files_done == some[-1].files_total == 3
        assert some[-1].bytes_done == some[-1].bytes_total
        assert some[-1].eta_seconds == 0
    first, last = some[0], some[-1]
    assert (first.rows_per_second, first.eta_seconds) == (None, None)
    assert first.rows_total == pytest.approx(180_000, rel=0.1)
    assert last.rows_total == last.rows_done == 180_000
    if last.seconds >= 0.2:
        assert last.rows_per_second == pytest.approx(180_000 / last.seconds)


def test_nothing_to_import_makes_no_job(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(FileError, match="empty"):
        import_files(dsn, "codes", [tmp_path / "a.csv"])
    with pytest.raises(FileError, match="no file to import"):
        import_files(dsn, "codes", [tmp_path / "*.tsv"])
    with pytest.raises(TargetError):
        import_files(dsn, "none", [write(tmp_path / "b.csv", ["A"])])
    assert one(conn, "SELECT count(*) FROM pgimport.job") == 0


@pytest.mark.parametrize("how", ["signal", "callback"])
def test_an_interrupted_staging_is_gone_on_with(
    dsn: str,
    conn: psycopg.Connection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_CALLS", 0)
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.csv", [f"{name}{number}" for number in range(30_000)])
    fired = threading.Event()

    def interrupt(now: Progress) -> None:
        if now.phase == "stage" and now.files_done == 1 and not fired.is_set():
            fired.set()
            if how == "callback":
                raise KeyboardInterrupt
            signal.raise_signal(signal.SIGINT)
            threading.Event().wait(0.5)

    with pytest.raises(Interrupted) as caught:
        import_files(dsn, "codes", [tmp_path], progress=interrupt, jobs=1)
    job = caught.value.job_id
    assert job is not None
    known = Client(conn).get_job(job)
    assert known.status == "staging"
    assert known.files is not None
    before = [file["status"] for file in known.files]
    assert sorted(before) in (["open", "open", "staged"], ["open", "staged", "staged"])
    assert one(conn, "SELECT count(*) FROM public.codes") == 0
    done = import_files(dsn, "codes", [tmp_path], job_id=job)
    assert [file.file_no for file in done.files] == [1, 2, 3]
    assert done.insert is not None
    assert done.insert.rows_inserted == 90_000


def test_a_lost_connection_interrupts_and_the_job_can_be_gone_on_with(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", [f"A{number}" for number in range(50_000)])
    killed = threading.Event()

    def kill(now: Progress) -> None:
        if now.phase == "stage" and not killed.is_set():
            killed.set()
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND query LIKE 'COPY%'"
            )

    jobs: list[Any] = []
    with pytest.raises(Interrupted) as caught:
        stage_files(dsn, None, [path], target="codes", progress=kill, begun=jobs.append, retries=0)
    assert caught.value.job_id == str(jobs[0])
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    again = stage_files(dsn, jobs[0], [path])
    assert [(file.file_no, file.status) for file in again.files] == [(1, "staged")]


def test_headers_are_checked_before_anything_is_loaded(
    conn: psycopg.Connection[Any], tmp_path: Path
) -> None:
    write(tmp_path / "a.csv", ["A", "B"])
    (tmp_path / "b.csv").write_text("code;price\nA;1\n")
    (tmp_path / "c.csv").write_text("")
    reports = check_headers(conn, "codes", [tmp_path])
    assert [(item.file, item.status, item.rows, item.columns) for item in reports] == [
        ("a.csv", "ok", 2, 3),
        ("b.csv", "missing_required", 1, 2),
        ("c.csv", "unreadable", None, None),
    ]
    assert reports[1].missing_required == ("merchant_id",)
    assert (reports[1].delimiter, reports[1].unmapped) == (";", ("price",))
    assert one(conn, "SELECT count(*) FROM pgimport.job") == 0


@pytest.mark.parametrize(("report", "rows"), [("issues", 2), ("duplicates", 1), ("all", 4)])
def test_reports_are_written_whole_with_a_byte_order_mark(
    dsn: str, conn: psycopg.Connection[Any], tmp_path: Path, report: str, rows: int
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        f"{HEADER}{MERCHANT},A,=1+1\nragged\n{MERCHANT},A,x\nno uuid,B,y\n{MERCHANT},C,z\n"
    )
    result = import_files(dsn, "codes", [path], dry_run=True)
    out = tmp_path / "out" / "report.csv"
    out.parent.mkdir()
    assert export_report(conn, result.job_id, report, out) == rows
    data = out.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    table = list(csv.reader(data.decode("utf-8-sig").splitlines()))
    assert len(table) == rows + 1
    assert list(out.parent.iterdir()) == [out]
    if report == "all":
        assert "'=1+1" in table[1]
        export_report(conn, result.job_id, report, out, raw=True)
        assert ",=1+1," in out.read_text("utf-8-sig")


_cell = st.one_of(st.none(), st.text('aB ,;"\r\n\té中\\.N', max_size=6))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.lists(_cell, min_size=3, max_size=3), max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_both_paths_stage_the_same_text_and_the_same_nulls(
    conn: psycopg.Connection[Any],
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str | None]],
    end: str,
) -> None:
    def cell(value: str | None) -> str:
        if value is None or (value and not any(mark in value for mark in ',"\r\n')):
            return value or ""
        return '"' + value.replace('"', '""') + '"'

    path = tmp_path_factory.mktemp("h") / "a.csv"
    header: list[str | None] = ["a", "b", "c"]
    text = "".join(",".join(map(cell, row)) + end for row in (header, *rows))
    path.write_bytes(text.encode())
    scan = scan_file(path, ",")
    # Those hazards COPY itself reads rightly: there the paths can be compared, too.
    if scan.hazards - {"quoted_newline"}:
        return
    conn.execute("DROP TABLE IF EXISTS pg_temp.t")
    conn.execute(
        "CREATE TEMP TABLE t (way int, n int GENERATED ALWAYS AS IDENTITY, a text, b text, c text)"
    )
    with Source(path) as source, conn.cursor() as cursor:
        reader = CopyReader(read_head(path, ","), source)
        with cursor.copy("COPY pg_temp.t (a, b, c) FROM STDIN (FORMAT csv)") as copy:
            data = path.read_bytes()[scan.data_start : scan.data_bytes]
            for block in reader if scan.fast else [data]:
                copy.write(block)
        conn.execute("UPDATE pg_temp.t SET way = 1")
    with conn.cursor() as cursor, cursor.copy("COPY pg_temp.t (a, b, c) FROM STDIN") as copy:
        for record in RowReader(scan):
            assert not isinstance(record, BadRow)
            copy.write_row(record[1])
    read = "SELECT a, b, c FROM pg_temp.t WHERE way {} ORDER BY n"
    by_copy = conn.execute(read.format("= 1").encode()).fetchall()
    by_row = conn.execute(read.format("IS NULL").encode()).fetchall()
    assert by_copy == by_row
    assert len(by_copy) == scan.rows
