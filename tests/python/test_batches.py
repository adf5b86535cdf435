"""An insert in batches: what is committed stays, whatever happens, and each row is written once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

import pgimport
from _command import run
from _sessions import PATIENCE, Conn, call, scalar, until_waiting
from pgimport import _assemble
from pgimport.embedded import EmbeddedServer

TABLE = "CREATE TABLE public.notes (id integer PRIMARY KEY, body text)"


def checked(conn: Conn, rows: int, after: int = 0) -> str:
    """A checked job of so many rows, staged in a file."""
    if scalar(conn, "SELECT count(*) FROM pgimport.list_targets()") == 0:
        conn.execute("SELECT pgimport.register_target('public.notes', 'notes', '{id}', '{}')")
    job = str(call(conn, "create_job", "notes")["job_id"])
    opened = call(conn, "stage_file", job, f"{job}.csv", ["id", "body"])
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write(
            "id,body\n" + "".join(f"{n},note {n}\n" for n in range(after + 1, after + rows + 1))
        )
    call(conn, "finish_file", job, 1, rows)
    assert call(conn, "check_job", job)["clean_count"] == rows
    return job


def ids(conn: Conn) -> list[int]:
    return [row[0] for row in conn.execute("SELECT id FROM public.notes ORDER BY id")]


@pytest.fixture
def table(conn: Conn) -> Conn:
    conn.execute(TABLE)
    return conn


def test_the_procedure_commits_each_batch_and_goes_on_after_its_session_was_killed(
    table: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(table, 10)
    # somebody writes row 6 and does not commit: the batch of rows 5 to 8 waits for him
    first.autocommit = False
    first.execute("INSERT INTO public.notes VALUES (6, 'mine')")
    running = background.submit(second.execute, "CALL pgimport.insert_in_batches(%s, 4)", [job])
    until_waiting(table, second, running)

    assert ids(table) == [1, 2, 3, 4], "the first batch is committed"
    assert scalar(table, "SELECT status FROM pgimport.job WHERE job_id = %s", job) == "inserting"
    table.execute("SELECT pg_terminate_backend(%s)", [second.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        running.result(PATIENCE)
    first.rollback()

    table.execute("CALL pgimport.insert_in_batches(%s, 4)", [job])
    assert ids(table) == list(range(1, 11))
    assert call(table, "verify_job", job)["verified"]
    assert scalar(table, "SELECT batch_no FROM pgimport.job WHERE job_id = %s", job) == 3
    assert call(table, "rollback_job", job)["rows_deleted"] == 10
    assert ids(table) == []


def test_two_sessions_that_insert_one_job_write_each_row_once(
    table: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(table, 50)
    first.autocommit = True
    running = [
        background.submit(session.execute, "CALL pgimport.insert_in_batches(%s, 3)", [job])
        for session in (first, second)
    ]
    for future in running:
        future.result(PATIENCE)
    assert ids(table) == list(range(1, 51))
    assert scalar(table, "SELECT rows_inserted FROM pgimport.job WHERE job_id = %s", job) == 50


def test_a_transaction_block_is_refused_by_the_procedure_and_nothing_is_written(
    table: Conn,
) -> None:
    job = checked(table, 5)
    with (
        pytest.raises(psycopg.errors.InvalidTransactionTermination),
        table.transaction(),
    ):
        table.execute("CALL pgimport.insert_in_batches(%s, 2)", [job])
    assert ids(table) == []
    assert scalar(table, "SELECT status FROM pgimport.job WHERE job_id = %s", job) == "checked"


def test_a_timeout_in_a_batch_undoes_that_batch_alone(table: Conn, first: Conn) -> None:
    job = checked(table, 6)
    first.autocommit = False
    first.execute("INSERT INTO public.notes VALUES (5, 'mine')")
    table.execute("SET lock_timeout = '50ms'")
    row = table.execute("CALL pgimport.insert_in_batches(%s, 2)", [job]).fetchone()
    assert row is not None
    answer = row[0]
    assert (answer["success"], answer["code"], answer["status"]) == (False, "PI407", "inserting")
    assert answer["details"]["sqlstate"] == "55P03"
    assert ids(table) == [1, 2, 3, 4]
    first.commit()
    row = table.execute("CALL pgimport.insert_in_batches(%s, 2)", [job]).fetchone()
    assert row is not None
    assert (row[0]["status"], row[0]["rows_inserted"], row[0]["rows_skipped"]) == (
        "completed", 5, 1,
    )  # fmt: skip


@pytest.fixture
def own_server(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A server that may crash."""
    with EmbeddedServer.for_tests(server.major) as own:
        with psycopg.connect(own.dsn, autocommit=True) as conn:
            conn.execute(_assemble.assemble())
            conn.execute(TABLE)
        yield own


def test_a_crash_of_the_server_between_two_batches_loses_nothing(
    own_server: EmbeddedServer,
) -> None:
    with psycopg.connect(own_server.dsn, autocommit=True) as conn:
        job = checked(conn, 10)
        call(conn, "insert_job", job, Jsonb({"batch_rows": 4}))
    own_server.stop("immediate")
    own_server.start()
    with psycopg.connect(own_server.dsn, autocommit=True) as conn:
        assert ids(conn) == [1, 2, 3, 4]
        assert call(conn, "verify_job", job)["verified"]
        answer = call(conn, "insert_job", job, Jsonb({"batch_rows": 4}))
        assert (answer["status"], answer["rows_inserted"]) == ("inserting", 8)
        assert call(conn, "insert_job", job)["status"] == "completed"
        assert ids(conn) == list(range(1, 11))
        assert call(conn, "verify_job", job)["verified"]
        assert call(conn, "verify_install")["success"]


def test_the_command_inserts_in_batches_and_goes_on_with_the_job(
    table: Conn, dsn: str, tmp_path: Path
) -> None:
    table.execute("SELECT pgimport.register_target('public.notes', 'notes', '{id}', '{}')")
    (tmp_path / "a.csv").write_text("id,body\n" + "".join(f"{n},x\n" for n in range(1, 8)))
    done = run(
        "--dsn", dsn, "--json", "import", "notes", str(tmp_path / "a.csv"), "--yes",
        "--batch-rows", "3",
    )  # fmt: skip
    assert (done.code, done.json["status"], done.json["batch_no"]) == (0, "completed", 3)
    job = checked(table, 9, after=7)
    call(table, "insert_job", job, Jsonb({"batch_rows": 1}))
    done = run(
        "--dsn", dsn, "--json", "import", "notes", str(tmp_path / "a.csv"), "--yes", "--job", job,
    )  # fmt: skip
    assert (done.code, done.json["status"], done.json["job_id"]) == (0, "completed", job)
    assert done.json["details"]["verify"]["verified"]
    assert ids(table) == list(range(1, 17))


def test_import_files_in_batches(table: Conn, dsn: str, tmp_path: Path) -> None:
    table.execute("SELECT pgimport.register_target('public.notes', 'notes', '{id}', '{}')")
    (tmp_path / "a.csv").write_text("id,body\n" + "".join(f"{n},x\n" for n in range(1, 8)))
    done = pgimport.import_files(dsn, "notes", [tmp_path / "a.csv"], batch_rows=2)
    assert done.insert is not None
    assert done.verify is not None
    assert (done.insert.batch_no, done.insert.rows_remaining, done.verify.verified) == (4, 0, True)
    assert ids(table) == list(range(1, 8))
