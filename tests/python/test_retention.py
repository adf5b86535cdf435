"""Retention beside rollbacks, redos and imports; the command maintain; the SQL of the document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from _command import run
from _sessions import PATIENCE, Answer, Conn, call, scalar, until, until_waiting
from pgimport import _assemble
from pgimport.client import Client

DOCUMENT = Path(__file__).parents[2] / "docs" / "retention.md"
TABLE = """
    CREATE TABLE public.codes (id bigint GENERATED ALWAYS AS IDENTITY, code text PRIMARY KEY);
    SELECT pgimport.register_target('public.codes', 'codes', '{code}', '{}');
"""


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    """A target and retention by pgimport itself that frees staged rows at once."""
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLE)
        conn.execute(
            "SELECT pgimport.enable_retention("
            """'{"engine": "own", "staged_rows": "1 microsecond"}')"""
        )
    return installed_dsn


@pytest.fixture
def third(dsn: str) -> Iterator[Conn]:
    """One more session that waits."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def completed(conn: Conn, codes: list[str]) -> str:
    job = str(call(conn, "create_job", "codes", Jsonb({}))["job_id"])
    opened = call(conn, "stage_file", job, "a.csv", ["code"], Jsonb({}))
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("code\n" + "".join(f"{code}\n" for code in codes))
    call(conn, "finish_file", job, opened["file_no"], len(codes))
    call(conn, "check_job", job)
    assert call(conn, "insert_job", job)["rows_inserted"] == len(codes)
    return job


def end_window(conn: Conn, job: str, after: str = "0") -> None:
    """Let the window of a rollback end: it may be made shorter, never longer."""
    conn.execute(
        "UPDATE pgimport.job SET rollback_until = clock_timestamp() + %s::interval"
        " WHERE job_id = %s",
        [after, job],
    )


def left(conn: Conn, job: str) -> set[str]:
    """The kinds of relations that a job has in schema pgimport_staging."""
    rows = conn.execute(
        "SELECT regexp_replace(relname, '^job_[0-9a-f]{32}', '') FROM pg_class"
        " WHERE relnamespace = 'pgimport_staging'::regnamespace AND relkind IN ('r', 'p', 'v')"
        " AND starts_with(relname, pgimport._staging_name(%s))",
        [job],
    )
    return {row[0] for row in rows}


def kept(answer: Answer, kind: str) -> list[str]:
    return [row["why"] for row in answer["kept"] if row["kind"] == kind]


def test_maintenance_leaves_a_job_that_is_being_rolled_back(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = completed(conn, ["A", "B"])
    end_window(conn, job, "1 second")
    assert call(first, "rollback_job", job)["rows_deleted"] == 2
    until(
        lambda: bool(
            scalar(
                conn,
                "SELECT rollback_until < clock_timestamp() FROM pgimport.job WHERE job_id = %s",
                job,
            )
        ),
        "the window ends",
    )

    answer = call(second, "run_maintenance")
    assert kept(answer, "rollback_data") == ["in use by another session"]
    assert kept(answer, "staged_rows") == ["in use by another session"]
    assert "_print" in left(conn, job)

    first.commit()
    assert scalar(conn, "SELECT count(*) FROM public.codes") == 0
    assert call(second, "run_maintenance")["removed"]
    assert left(conn, job) == set()


def test_a_rollback_that_waits_for_maintenance_finds_its_window_closed(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A", "B"])
    end_window(conn, job)
    removed = {row["kind"] for row in call(first, "run_maintenance")["removed"]}
    assert removed == {"open_rollbacks", "staged_rows", "rollback_data"}

    rollback = background.submit(call, second, "rollback_job", job)
    until_waiting(conn, second, rollback)
    first.commit()
    with pytest.raises(psycopg.DatabaseError) as error:
        rollback.result(PATIENCE)
    assert error.value.sqlstate == "PI503"
    assert scalar(conn, "SELECT count(*) FROM public.codes") == 2


def test_a_rollback_whose_window_is_open_lacks_nothing_after_it_waited_for_maintenance(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A", "B"])
    call(first, "run_maintenance")

    rollback = background.submit(call, second, "rollback_job", job)
    until_waiting(conn, second, rollback)
    first.commit()
    assert rollback.result(PATIENCE)["rows_deleted"] == 2


def test_maintenance_leaves_a_job_that_is_being_redone(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = completed(conn, ["A", "B"])
    call(conn, "rollback_job", job)
    assert call(first, "redo_job", job)["rows_inserted"] == 2
    assert kept(call(second, "run_maintenance"), "staged_rows") == ["in use by another session"]
    first.commit()
    assert scalar(conn, "SELECT count(*) FROM public.codes") == 2


def test_a_redo_that_waits_for_maintenance_says_that_the_staged_rows_are_gone(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A", "B"])
    call(conn, "rollback_job", job)
    call(first, "run_maintenance")

    redo = background.submit(call, second, "redo_job", job)
    until_waiting(conn, second, redo)
    first.commit()
    with pytest.raises(psycopg.DatabaseError) as error:
        redo.result(PATIENCE)
    assert error.value.sqlstate == "PI315"


def test_staged_rows_that_somebody_reads_are_left_for_the_next_run(
    conn: Conn, first: Conn, second: Conn
) -> None:
    read = completed(conn, ["A"])
    other = completed(conn, ["B"])
    first.execute("SELECT count(*) FROM pgimport.row_report(%s)", [read])

    answer = call(second, "run_maintenance")
    assert kept(answer, "staged_rows") == ["in use by another session"]
    assert "_f1" in left(conn, read)
    assert left(conn, other) == {"_print"}
    first.rollback()
    call(second, "run_maintenance")
    assert left(conn, read) == {"_print"}


def test_old_partitions_wait_for_an_import_and_an_import_for_nothing(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = completed(conn, ["A"])
    conn.execute(
        "INSERT INTO pgimport.issue (job_id, file_no, code, message, found_at)"
        " SELECT %s, 1, 'x', 'x', now() - g * interval '1 day' FROM generate_series(60, 90) AS g",
        [job],
    )
    call(conn, "enable_retention", Jsonb({"issues": "1 year"}))
    call(conn, "enable_retention", Jsonb({"issues": "1 month"}))
    first.execute("SELECT count(*) FROM pgimport.issue")

    answer = call(second, "run_maintenance")
    assert "in use by another session: removed at the next run" in kept(answer, "issues")
    assert scalar(conn, "SELECT count(*) FROM pgimport.issue") == 31
    # nobody waits behind it any more
    conn.execute("SET lock_timeout = '1s'")
    assert completed(conn, ["B"])

    first.rollback()
    call(second, "run_maintenance")
    assert scalar(conn, "SELECT count(*) FROM pgimport.issue") == 0


def test_retention_is_not_enabled_while_an_import_holds_the_tables(
    conn: Conn, first: Conn, second: Conn
) -> None:
    before = scalar(conn, "SELECT issues FROM pgimport.retention")
    first.execute("SELECT count(*) FROM pgimport.issue")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        call(second, "enable_retention", Jsonb({"issues": "5 days"}))
    first.rollback()
    assert scalar(conn, "SELECT issues FROM pgimport.retention") == before
    assert scalar(conn, "SHOW lock_timeout") == "0"


def test_of_two_maintenances_one_says_that_the_other_is_running(
    conn: Conn, first: Conn, second: Conn
) -> None:
    completed(conn, ["A"])
    assert call(first, "run_maintenance")["removed"]
    answer = call(second, "run_maintenance")
    assert answer["success"] is True
    assert answer["removed"] == []
    assert kept(answer, "all") == ["another maintenance is running"]


def test_a_maintenance_that_is_stopped_in_the_middle_has_done_nothing(
    conn: Conn, first: Conn, second: Conn
) -> None:
    jobs = [completed(conn, [code]) for code in "ABC"]
    before = [left(conn, job) for job in jobs]
    name = scalar(conn, "SELECT pgimport._staging_name(%s, '_mark')", jobs[-1])
    first.execute(f"LOCK TABLE pgimport_staging.{name} IN ACCESS SHARE MODE".encode())
    second.execute("SET statement_timeout = '1s'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        call(second, "run_maintenance")
    assert [left(conn, job) for job in jobs] == before
    assert call(conn, "verify_install")["success"] is True

    first.rollback()
    second.execute("RESET statement_timeout")
    call(second, "run_maintenance")
    assert [left(conn, job) for job in jobs] == [{"_print"}] * 3


def test_pg_partman_that_has_to_wait_for_an_import_is_told(
    conn: Conn, first: Conn, second: Conn
) -> None:
    if not scalar(conn, "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_partman'"):
        pytest.skip("pg_partman is not on this server")
    job = completed(conn, ["A"])
    conn.execute("CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman")
    conn.execute(
        "INSERT INTO pgimport.issue (job_id, file_no, code, message, found_at)"
        " VALUES (%s, 1, 'x', 'x', now() - interval '60 days')",
        [job],
    )
    call(conn, "enable_retention", Jsonb({"engine": "pg_partman"}))
    first.execute("SELECT count(*) FROM pgimport.issue")
    path = scalar(second, "SHOW search_path")
    assert [why for why in kept(call(second, "run_maintenance"), "issues") if "lock" in why]
    assert scalar(second, "SHOW search_path") == path
    first.rollback()
    # pg_partman alone
    second.execute("SELECT partman.run_maintenance('pgimport.issue')")
    assert scalar(conn, "SELECT count(*) FROM pgimport.issue") == 0
    assert call(conn, "rollback_job", job)["rows_deleted"] == 1


def test_many_jobs_are_freed_by_several_runs(conn: Conn) -> None:
    jobs = [completed(conn, [code]) for code in "ABCDE"]
    runs = 0
    while call(conn, "run_maintenance", Jsonb({"jobs": 2}))["remaining"]:
        runs += 1
    assert runs == 2
    assert [left(conn, job) for job in jobs] == [{"_print"}] * 5


def test_only_members_of_the_owner_enable_retention_and_run_it(
    conn: Conn, dsn: str, plain_role: str
) -> None:
    conn.execute(f"SELECT pgimport.grant_usage('{plain_role}', 'admin')".encode())
    with psycopg.connect(dsn, user=plain_role, autocommit=True) as stranger:
        for function in ("enable_retention", "run_maintenance"):
            with pytest.raises(psycopg.DatabaseError) as error:
                call(stranger, function)
            assert error.value.sqlstate == "PI603"
            assert "SET ROLE" in str(error.value.diag.message_hint)


def test_a_plain_owner_frees_what_other_roles_have_staged(empty_dsn: str, plain_role: str) -> None:
    importer = f"{plain_role}_importer"
    with psycopg.connect(empty_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {importer} LOGIN".encode())
        database = admin.info.dbname
        admin.execute(f'GRANT CREATE ON DATABASE "{database}" TO {plain_role}'.encode())
    with psycopg.connect(empty_dsn, user=plain_role, autocommit=True) as owner:
        owner.execute(_assemble.assemble().encode())
        owner.execute(f"SELECT pgimport.grant_usage('{importer}', 'importer')".encode())
        with psycopg.connect(empty_dsn, autocommit=True) as admin:
            admin.execute(b"CREATE TABLE public.codes (code text PRIMARY KEY)")
            admin.execute(f"ALTER TABLE public.codes OWNER TO {plain_role}".encode())
            admin.execute(f"GRANT CREATE ON SCHEMA public TO {plain_role}".encode())
            admin.execute(f"GRANT SELECT, INSERT ON public.codes TO {importer}".encode())
        call(owner, "register_target", "public.codes", "codes", ["code"], Jsonb({}))
        with psycopg.connect(empty_dsn, user=importer, autocommit=True) as imports:
            job = completed(imports, ["A"])
        call(owner, "enable_retention", Jsonb({"staged_rows": "1 microsecond"}))
        end_window(owner, job)
        removed = {row["kind"] for row in call(owner, "run_maintenance")["removed"]}
        assert removed == {"open_rollbacks", "staged_rows", "rollback_data"}
        assert left(owner, job) == set()


# the client and the command


def test_the_client_has_both(conn: Conn) -> None:
    completed(conn, ["A"])
    client = Client(conn)
    enabled = client.enable_retention({"issues": "2 weeks"})
    assert enabled.settings["issues"] == "14 days"
    assert {table["engine"] for table in enabled.tables} == {"own"}
    done = client.run_maintenance({"dry_run": True})
    assert done.dry_run is True
    assert [row["kind"] for row in done.removed] == ["staged_rows"]


def test_the_command_says_what_it_would_remove_and_then_removes_it(conn: Conn, dsn: str) -> None:
    job = completed(conn, ["A"])
    tried = run("maintain", "--dry-run", dsn=dsn)
    assert tried.code == 0, tried.err
    assert "would be freed" in tried.out
    assert re.search(r"staged rows +1 ", tried.out), tried.out
    assert "a rollback is open" in tried.out
    assert "_f1" in left(conn, job)

    done = run("maintain", "--json", dsn=dsn)
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert [(row["kind"], row["jobs"]) for row in answer["removed"]] == [("staged_rows", 1)]
    assert left(conn, job) == {"_print"}


def test_the_command_says_how_retention_is_enabled(installed_dsn: str) -> None:
    tried = run("maintain", dsn=installed_dsn)
    assert tried.code == 1
    assert "enable_retention" in tried.err


def test_the_sql_of_the_document_runs(installed_dsn: str) -> None:
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(blocks) >= 6
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        installed = {row[0] for row in conn.execute("SELECT name FROM pg_available_extensions")}
        conn.execute("CREATE ROLE nightly")
        # a stand-in: the real one has to be preloaded by the server
        conn.execute(
            "CREATE SCHEMA cron;"
            " CREATE FUNCTION cron.schedule(text, text, text) RETURNS bigint LANGUAGE plpgsql"
            " AS 'BEGIN EXECUTE $3; RETURN 1; END'"
        )
        for block in blocks:
            if "pg_partman" in block and "pg_partman" not in installed:
                continue
            if "EXTENSION pg_cron" in block:
                continue
            conn.execute(block.encode())
        conn.execute("DROP OWNED BY nightly; DROP ROLE nightly")
