"""Several sessions at once: each test brings two of them to a point where one waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from _sessions import PATIENCE, Answer, Conn, call, scalar, until_waiting
from pgimport import _assemble
from pgimport.embedded import EmbeddedServer

MERCHANT = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
TABLE = """
    CREATE TABLE public.codes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        merchant_id uuid NOT NULL,
        code text NOT NULL,
        sku text,
        UNIQUE (code, merchant_id)
    );
    SELECT pgimport.register_target('public.codes', 'codes', '{code,merchant_id}', '{}');
"""


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLE)
    return installed_dsn


def new_job(conn: Conn, **options: Any) -> str:
    return str(call(conn, "create_job", "codes", Jsonb(options))["job_id"])


def stage(conn: Conn, job: str, codes: list[str], *, name: str = "a.csv", **options: Any) -> Answer:
    opened = call(conn, "stage_file", job, name, ["merchant_id", "code"], Jsonb(options))
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("merchant_id,code\n" + "".join(f"{MERCHANT},{code}\n" for code in codes))
    return call(conn, "finish_file", job, opened["file_no"], len(codes))


def checked(conn: Conn, codes: list[str], **options: Any) -> str:
    job = new_job(conn, **options)
    stage(conn, job, codes)
    assert call(conn, "check_job", job)["status"] == "checked"
    return job


def completed(conn: Conn, codes: list[str], **options: Any) -> str:
    job = checked(conn, codes, **options)
    assert call(conn, "insert_job", job)["rows_inserted"] == len(codes)
    return job


def codes_of(conn: Conn) -> list[str]:
    return [row[0] for row in conn.execute("SELECT code FROM public.codes ORDER BY code")]


def status_of(conn: Conn, job: str) -> str:
    return str(scalar(conn, "SELECT status FROM pgimport.job WHERE job_id = %s", job))


def pid_of(conn: Conn) -> int:
    return conn.info.backend_pid


# staging


def test_files_of_a_job_are_staged_side_by_side(conn: Conn, first: Conn, second: Conn) -> None:
    job = new_job(conn)
    for session in (first, second):
        session.execute("SET lock_timeout = '1s'")
    second.autocommit = False
    stage(first, job, ["A1", "A2"], name="a.csv")
    stage(second, job, ["B1"], name="b.csv")
    stage(first, job, ["C1"], name="c.csv")
    second.commit()
    first.commit()
    answer = call(conn, "check_job", job)
    assert (answer["counts"]["files"], answer["total_rows"], answer["clean_count"]) == (3, 4, 4)


def test_a_file_whose_transaction_ends_without_commit_was_never_there(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = new_job(conn)
    stage(first, job, ["A"], name="a.csv")
    stage(second, job, ["B"], name="b.csv")
    first.rollback()
    answer = call(conn, "check_job", job)
    assert (answer["counts"]["files"], answer["total_rows"]) == (1, 1)


def test_a_check_waits_for_a_file_that_is_being_staged(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = new_job(conn)
    stage(conn, job, ["A"])
    stage(first, job, ["B"], name="b.csv")
    answer = background.submit(call, second, "check_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    assert answer.result(PATIENCE)["total_rows"] == 2


# two imports


@pytest.mark.parametrize("order", [["A", "B", "C"], ["C", "B", "A"]])
def test_of_two_imports_of_the_same_keys_the_second_skips(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, order: list[str]
) -> None:
    one = checked(conn, ["A", "B", "C"])
    other = checked(conn, [*order, "D"])
    call(first, "insert_job", one)
    answer = background.submit(call, second, "insert_job", other)
    until_waiting(conn, second, answer)
    first.commit()
    result = answer.result(PATIENCE)
    assert (result["success"], result["rows_inserted"], result["rows_skipped"]) == (True, 1, 3)
    assert result["new_database_duplicates"] == 3
    assert len(result["warnings"]) == 1
    assert codes_of(conn) == ["A", "B", "C", "D"]
    assert call(conn, "verify_job", one)["verified"]
    assert call(conn, "verify_job", other)["verified"]


def test_when_the_first_of_two_imports_is_undone_the_second_inserts_all(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    one = checked(conn, ["A", "B"])
    other = checked(conn, ["B", "C"])
    call(first, "insert_job", one)
    answer = background.submit(call, second, "insert_job", other)
    until_waiting(conn, second, answer)
    first.rollback()
    assert answer.result(PATIENCE)["rows_inserted"] == 2
    assert status_of(conn, one) == "checked"
    assert codes_of(conn) == ["B", "C"]


def test_of_two_imports_of_the_same_rows_that_create_the_second_is_refused(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    conn.execute("ALTER TABLE public.codes DROP CONSTRAINT codes_code_merchant_id_key")
    conn.execute(
        "SELECT pgimport.register_target('public.codes', 'codes', '{code,merchant_id}', "
        """'{"on_duplicate": "create"}')"""
    )
    one = checked(conn, ["A", "B", "B"])
    other = checked(conn, ["B", "A", "B"])
    call(first, "insert_job", one)
    answer = background.submit(call, second, "insert_job", other)
    until_waiting(conn, second, answer)
    first.commit()
    result = answer.result(PATIENCE)
    assert (result["success"], result["code"]) == (False, "PI406")
    assert codes_of(conn) == ["A", "B", "B"]

    # the rollback of the first is waited for, and releases the rows
    call(first, "rollback_job", one)
    answer = background.submit(call, second, "insert_job", other)
    until_waiting(conn, second, answer)
    first.commit()
    assert answer.result(PATIENCE)["rows_inserted"] == 3
    assert codes_of(conn) == ["A", "B", "B"]


def test_a_duplicate_that_comes_while_an_insert_waits_refuses_a_job_that_takes_none(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    one = checked(conn, ["A", "B"])
    other = checked(conn, ["B", "C"], on_duplicate="error")
    call(first, "insert_job", one)
    answer = background.submit(call, second, "insert_job", other)
    until_waiting(conn, second, answer)
    first.commit()
    result = answer.result(PATIENCE)
    assert (result["success"], result["code"]) == (False, "PI405")
    assert result["new_database_duplicates"] == 1
    assert codes_of(conn) == ["A", "B"]


def test_imports_into_different_tables_do_not_wait(conn: Conn, first: Conn, second: Conn) -> None:
    conn.execute("CREATE TABLE public.other (merchant_id uuid, code text PRIMARY KEY)")
    call(conn, "register_target", "public.other", "other", ["code"])
    one = checked(conn, ["A"])
    other = str(call(conn, "create_job", "other")["job_id"])
    stage(conn, other, ["A"])
    call(conn, "check_job", other)
    call(first, "insert_job", one)
    second.execute("SET lock_timeout = '1s'")
    assert call(second, "insert_job", other)["rows_inserted"] == 1
    first.rollback()


def test_the_same_insert_started_twice_inserts_once(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, ["A", "B"])
    begun = call(first, "insert_job", job)
    answer = background.submit(call, second, "insert_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    repeated = answer.result(PATIENCE)
    assert "nothing was done now" in repeated["message"]
    assert (repeated["rows_inserted"], begun["rows_inserted"]) == (2, 2)
    assert codes_of(conn) == ["A", "B"]


def test_the_same_idempotency_key_makes_one_job(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    options = Jsonb({"idempotency_key": "monday"})
    begun = call(first, "create_job", "codes", options)
    answer = background.submit(call, second, "create_job", "codes", options)
    until_waiting(conn, second, answer)
    first.commit()
    assert answer.result(PATIENCE)["job_id"] == begun["job_id"]
    assert answer.result()["existing"]
    assert scalar(conn, "SELECT count(*) FROM pgimport.job") == 1


# somebody's own work on the table


def test_a_live_insert_of_a_key_fails_the_job_and_a_new_check_mends_it(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, ["A", "B", "C"])
    first.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'B')", [MERCHANT])
    answer = background.submit(call, second, "insert_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    result = answer.result(PATIENCE)
    assert (result["success"], result["status"], result["code"]) == (False, "failed", "PI404")
    assert result["details"]["sqlstate"] == "23505"
    assert codes_of(conn) == ["B"]
    assert call(conn, "check_job", job)["database_duplicates"] == 1
    assert call(conn, "insert_job", job)["rows_inserted"] == 2
    assert codes_of(conn) == ["A", "B", "C"]


def test_a_live_insert_that_is_undone_does_no_harm(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, ["A", "B", "C"])
    first.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'B')", [MERCHANT])
    answer = background.submit(call, second, "insert_job", job)
    until_waiting(conn, second, answer)
    first.rollback()
    assert answer.result(PATIENCE)["rows_inserted"] == 3


def test_a_key_that_came_from_a_transaction_open_during_the_check_is_found(
    conn: Conn, first: Conn
) -> None:
    """Its transaction is older than the check, its commit is younger."""
    first.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'B')", [MERCHANT])
    job = checked(conn, ["A", "B"])
    # transactions that are younger, and over before the insert
    for _ in range(3):
        conn.execute("CREATE TEMP TABLE x (); DROP TABLE x")
    first.commit()
    answer = call(conn, "insert_job", job)
    assert (answer["rows_inserted"], answer["new_database_duplicates"]) == (1, 1)


def test_readers_and_writers_go_on_while_a_job_inserts(
    conn: Conn, first: Conn, second: Conn
) -> None:
    completed(conn, ["OLD"])
    job = checked(conn, ["A", "B"])
    call(first, "insert_job", job)
    second.execute("SET lock_timeout = '1s'")
    assert codes_of(second) == ["OLD"]
    second.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'LIVE')", [MERCHANT])
    second.execute("UPDATE public.codes SET sku = 'x' WHERE code = 'OLD'")
    second.execute("DELETE FROM public.codes WHERE code = 'OLD'")
    first.commit()
    assert codes_of(conn) == ["A", "B", "LIVE"]


def test_readers_and_writers_go_on_while_a_job_is_rolled_back(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = completed(conn, ["A", "B"])
    call(first, "rollback_job", job)
    second.execute("SET lock_timeout = '1s'")
    assert codes_of(second) == ["A", "B"]
    second.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'LIVE')", [MERCHANT])
    first.commit()
    assert codes_of(conn) == ["LIVE"]


# rollbacks


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("UPDATE public.codes SET sku = 'mine' WHERE code = 'B'", ["B"]),
        ("DELETE FROM public.codes WHERE code = 'B'", []),
    ],
)
def test_a_change_during_a_rollback_undoes_the_rollback(
    conn: Conn,
    first: Conn,
    second: Conn,
    background: ThreadPoolExecutor,
    change: str,
    left: list[str],
) -> None:
    job = completed(conn, ["A", "B", "C"])
    first.execute(change.encode())
    answer = background.submit(call, second, "rollback_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    with pytest.raises(psycopg.Error) as raised:
        answer.result(PATIENCE)
    assert raised.value.sqlstate == "PI505"
    assert raised.value.diag.message_hint
    assert codes_of(conn) == sorted(["A", "C", *left])
    assert status_of(conn, job) == "completed"
    again = call(conn, "rollback_job", job, "keep_modified")
    assert (again["rows_deleted"], again["rows_kept"]) == (2, len(left))
    assert codes_of(conn) == left


def test_a_change_that_is_undone_does_not_hinder_a_rollback(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A", "B"])
    first.execute("UPDATE public.codes SET sku = 'mine' WHERE code = 'B'")
    answer = background.submit(call, second, "rollback_job", job)
    until_waiting(conn, second, answer)
    first.rollback()
    assert answer.result(PATIENCE)["rows_deleted"] == 2


def test_of_two_rollbacks_of_a_job_the_second_does_nothing_and_says_so(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A", "B"])
    call(first, "rollback_job", job)
    answer = background.submit(call, second, "rollback_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    result = answer.result(PATIENCE)
    assert result["success"]
    assert "nothing was done now" in result["message"]
    assert codes_of(conn) == []


def test_an_import_of_the_same_keys_waits_for_a_rollback(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    later = checked(conn, ["A", "B"])
    job = completed(conn, ["A", "B"])
    call(first, "rollback_job", job)
    answer = background.submit(call, second, "insert_job", later)
    until_waiting(conn, second, answer)
    first.commit()
    assert answer.result(PATIENCE)["rows_inserted"] == 2
    assert call(conn, "verify_job", later)["verified"]
    assert call(conn, "verify_job", job)["verified"]


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_dependent_that_comes_during_a_rollback_is_not_lost(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, action: str
) -> None:
    table = f"public.sale (code_id bigint REFERENCES public.codes ON DELETE {action})"
    conn.execute(f"CREATE TABLE {table}".encode())
    job = completed(conn, ["A", "B"])
    first.execute("INSERT INTO public.sale SELECT id FROM public.codes WHERE code = 'A'")
    answer = background.submit(call, second, "rollback_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    result = answer.result(PATIENCE)
    assert (result["success"], result["code"]) == (False, "PI504")
    assert scalar(conn, "SELECT count(code_id) FROM public.sale") == 1
    assert codes_of(conn) == ["A", "B"]


def test_a_foreign_key_that_refuses_is_the_guard_itself(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    conn.execute("CREATE TABLE public.sale (code_id bigint REFERENCES public.codes)")
    job = completed(conn, ["A", "B"])
    first.execute("INSERT INTO public.sale SELECT id FROM public.codes WHERE code = 'A'")
    answer = background.submit(call, second, "rollback_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        answer.result(PATIENCE)
    assert codes_of(conn) == ["A", "B"]
    assert status_of(conn, job) == "completed"


def test_closing_a_rollback_waits_for_one_that_runs(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A"])
    call(first, "rollback_job", job)
    answer = background.submit(call, second, "disable_rollback", job)
    until_waiting(conn, second, answer)
    first.commit()
    with pytest.raises(psycopg.Error) as raised:
        answer.result(PATIENCE)
    assert raised.value.sqlstate == "PI102"


def test_closing_old_rollbacks_leaves_out_a_job_that_somebody_holds(
    conn: Conn, first: Conn, second: Conn
) -> None:
    held, free = completed(conn, ["A"]), completed(conn, ["B"])
    first.execute("SELECT FROM pgimport.job WHERE job_id = %s FOR UPDATE", [held])
    second.execute("SET lock_timeout = '1s'")
    assert call(second, "disable_old_rollbacks", "0")["disabled"] == [free]
    first.rollback()
    assert call(second, "disable_old_rollbacks", "0")["disabled"] == [held]


# cancelling


def test_cancelling_waits_for_a_check(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = new_job(conn)
    stage(conn, job, ["A"])
    call(first, "check_job", job)
    answer = background.submit(call, second, "cancel_job", job, "changed my mind")
    until_waiting(conn, second, answer, "Timeout")
    first.commit()
    assert answer.result(PATIENCE)["status"] == "cancelled"
    assert scalar(conn, "SELECT count(*) FROM pg_class WHERE relname ~ '^job_[0-9a-f]{32}'") == 0


def test_a_check_of_a_job_that_is_being_cancelled_is_refused(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = new_job(conn)
    stage(conn, job, ["A"])
    call(first, "cancel_job", job, "changed my mind")
    answer = background.submit(call, second, "check_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    with pytest.raises(psycopg.Error) as raised:
        answer.result(PATIENCE)
    assert raised.value.sqlstate == "PI102"


def test_cancelling_a_job_that_is_being_inserted_is_refused(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, ["A"])
    call(first, "insert_job", job)
    answer = background.submit(call, second, "cancel_job", job, "too late")
    until_waiting(conn, second, answer, "Timeout")
    first.commit()
    with pytest.raises(psycopg.Error) as raised:
        answer.result(PATIENCE)
    assert raised.value.sqlstate == "PI102"
    assert codes_of(conn) == ["A"]


# changes of the table


def test_ddl_waits_for_an_insert(conn: Conn, first: Conn, second: Conn) -> None:
    job = checked(conn, ["A"])
    call(first, "insert_job", job)
    second.execute("SET lock_timeout = '100ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        second.execute("ALTER TABLE public.codes DROP COLUMN sku")
    first.commit()
    second.execute("ALTER TABLE public.codes DROP COLUMN sku")
    assert call(conn, "plan_rollback", job)["delete"] == 1
    assert call(conn, "rollback_job", job)["rows_deleted"] == 1


@pytest.mark.parametrize(
    ("change", "sqlstate"),
    [
        ("ALTER TABLE public.codes ALTER COLUMN code TYPE varchar(1)", "PI102"),
        ("ALTER TABLE public.codes DROP CONSTRAINT codes_code_merchant_id_key", "PI204"),
        ("ALTER TABLE public.codes RENAME TO moved", "PI205"),
        (
            "ALTER TABLE public.codes RENAME TO moved;"
            "CREATE TABLE public.codes (LIKE public.moved INCLUDING ALL)",
            "PI205",
        ),
    ],
)
def test_a_table_that_changes_while_an_insert_waits_is_noticed(
    conn: Conn,
    first: Conn,
    second: Conn,
    background: ThreadPoolExecutor,
    change: str,
    sqlstate: str,
) -> None:
    job = checked(conn, ["A"])
    first.execute(change.encode())
    answer = background.submit(call, second, "insert_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    with pytest.raises(psycopg.Error) as raised:
        answer.result(PATIENCE)
    assert raised.value.sqlstate == sqlstate
    assert status_of(conn, job) == "checked"


def test_a_new_not_null_column_fails_the_insert_and_nothing_is_written(conn: Conn) -> None:
    job = checked(conn, ["A"])
    conn.execute("ALTER TABLE public.codes ADD COLUMN region text NOT NULL")
    with pytest.raises(psycopg.Error) as raised:
        call(conn, "insert_job", job)
    assert raised.value.sqlstate == "PI102"
    assert codes_of(conn) == []


# sessions that end


def test_a_cancelled_insert_leaves_the_job_checked(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, ["A", "B"])
    first.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'B')", [MERCHANT])
    answer = background.submit(call, second, "insert_job", job)
    until_waiting(conn, second, answer)
    conn.execute("SELECT pg_cancel_backend(%s)", [pid_of(second)])
    with pytest.raises(psycopg.errors.QueryCanceled):
        answer.result(PATIENCE)
    first.rollback()
    assert status_of(conn, job) == "checked"
    assert call(second, "insert_job", job)["rows_inserted"] == 2


def test_a_session_that_is_terminated_leaves_no_row(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, ["A", "B"])
    first.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'B')", [MERCHANT])
    answer = background.submit(call, second, "insert_job", job)
    until_waiting(conn, second, answer)
    conn.execute("SELECT pg_terminate_backend(%s)", [pid_of(second)])
    with pytest.raises(psycopg.OperationalError):
        answer.result(PATIENCE)
    first.rollback()
    assert codes_of(conn) == []
    assert status_of(conn, job) == "checked"
    assert call(conn, "insert_job", job)["rows_inserted"] == 2


def test_lock_timeout_holds_for_the_wait_for_another_import(
    conn: Conn, first: Conn, second: Conn
) -> None:
    one, other = checked(conn, ["A"]), checked(conn, ["B"])
    call(first, "insert_job", one)
    second.execute("SET lock_timeout = '100ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        call(second, "insert_job", other)
    first.commit()
    assert status_of(conn, other) == "checked"
    assert call(second, "insert_job", other)["rows_inserted"] == 1


def test_a_serialization_failure_is_the_callers_to_retry(
    conn: Conn, first: Conn, second: Conn
) -> None:
    one, other = checked(conn, ["A"]), checked(conn, ["B"])
    second.autocommit = False
    for session in (first, second):
        session.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        session.execute("SELECT count(*) FROM public.codes")
    call(first, "insert_job", one)
    first.commit()

    def insert() -> None:
        call(second, "insert_job", other)
        second.commit()

    with pytest.raises(psycopg.errors.SerializationFailure):
        insert()
    second.rollback()
    assert call(second, "insert_job", other)["rows_inserted"] == 1
    second.commit()
    assert codes_of(conn) == ["A", "B"]


def test_rights_taken_away_after_the_check_fail_the_insert(
    dsn: str, conn: Conn, plain_role: str
) -> None:
    role = sql.Identifier(plain_role)
    call(conn, "grant_usage", plain_role, "importer")
    conn.execute(sql.SQL("GRANT SELECT, INSERT, DELETE ON public.codes TO {0}").format(role))
    with psycopg.connect(dsn, user=plain_role, autocommit=True) as importer:
        job = checked(importer, ["A"])
        conn.execute(sql.SQL("REVOKE INSERT ON public.codes FROM {}").format(role))
        answer = call(importer, "insert_job", job)
        assert (answer["status"], answer["details"]["sqlstate"]) == ("failed", "42501")
        conn.execute(sql.SQL("GRANT INSERT ON public.codes TO {}").format(role))
        call(importer, "check_job", job)
        assert call(importer, "insert_job", job)["rows_inserted"] == 1
        conn.execute(sql.SQL("REVOKE DELETE ON public.codes FROM {}").format(role))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            call(importer, "rollback_job", job)
        assert codes_of(conn) == ["A"]


# maintenance


@pytest.mark.parametrize(
    "maintenance",
    [
        "VACUUM (FREEZE) public.codes",
        "VACUUM (FULL) public.codes",
        "CLUSTER public.codes USING codes_pkey",
        "VACUUM (FULL, FREEZE) public.codes",
        "REINDEX TABLE public.codes",
        "ALTER TABLE public.codes ADD COLUMN later integer DEFAULT 7",
        "CREATE INDEX ON public.codes (sku)",
        "ANALYZE public.codes",
    ],
)
def test_maintenance_is_no_modification(conn: Conn, maintenance: str) -> None:
    job = completed(conn, [f"M{n}" for n in range(50)])
    conn.execute("DELETE FROM public.codes WHERE code = 'M7'")
    conn.execute(maintenance.encode())
    plan = call(conn, "plan_rollback", job)
    assert (plan["delete"], plan["modified"], plan["already_gone"]) == (49, 0, 1)
    conn.execute("UPDATE public.codes SET sku = 'x' WHERE code = 'M8'")
    conn.execute(maintenance.replace("later", "later2").encode())
    plan = call(conn, "plan_rollback", job)
    assert (plan["delete"], plan["modified"]) == (48, 1)
    assert call(conn, "rollback_job", job, "keep_modified")["rows_deleted"] == 48
    assert codes_of(conn) == ["M8"]


def test_a_rewrite_of_the_table_leaves_rows_untouched_or_says_otherwise(conn: Conn) -> None:
    """A change of type writes all rows anew: they may count as modified, never as untouched."""
    job = completed(conn, ["A", "B"])
    conn.execute("UPDATE public.codes SET sku = 'x' WHERE code = 'B'")
    conn.execute("ALTER TABLE public.codes ALTER COLUMN sku TYPE varchar(7)")
    plan = call(conn, "plan_rollback", job)
    assert plan["delete"] + plan["modified"] == 2
    assert plan["modified"] >= 1
    assert call(conn, "rollback_job", job)["success"] is False


def test_row_locks_of_other_sessions_are_no_modification(
    conn: Conn, first: Conn, second: Conn
) -> None:
    """Two lockers at once make a multixact of the row's xmax; its xmin stays."""
    job = completed(conn, ["A", "B"])
    second.autocommit = False
    first.execute("SELECT FROM public.codes FOR KEY SHARE")
    second.execute("SELECT FROM public.codes FOR SHARE")
    plan = call(conn, "plan_rollback", job)
    assert (plan["delete"], plan["modified"]) == (2, 0)
    first.commit()
    second.commit()
    assert call(conn, "rollback_job", job)["rows_deleted"] == 2


# the server


@pytest.fixture
def own_server(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A server that may crash."""
    with EmbeddedServer.for_tests(server.major) as own:
        with psycopg.connect(own.dsn, autocommit=True) as conn:
            conn.execute(_assemble.assemble())
            conn.execute(TABLE)
        yield own


def crash(server: EmbeddedServer) -> None:
    server.stop("immediate")
    server.start()


def test_a_crash_of_the_server(own_server: EmbeddedServer) -> None:
    with psycopg.connect(own_server.dsn, autocommit=True) as conn:
        done = completed(conn, ["DONE1", "DONE2"])
        conn.execute("UPDATE public.codes SET sku = 'x' WHERE code = 'DONE2'")
        staged = new_job(conn)
        stage(conn, staged, ["S1", "S2"])
        ready = checked(conn, ["R1"])
        durable = checked(conn, ["D1", "D2"], durable=True)
        rolled_back = completed(conn, ["GONE"])
        call(conn, "rollback_job", rolled_back)
        # the files are on disk: a crash must not leave rows of an older time
        conn.execute("CHECKPOINT")
    half = psycopg.connect(own_server.dsn)
    try:
        stage(half, staged, ["S3"], name="half.csv")
        crash(own_server)
    finally:
        half.close()

    with psycopg.connect(own_server.dsn, autocommit=True) as conn:
        # completed jobs are as they were, and still known row by row
        plan = call(conn, "plan_rollback", done)
        assert (plan["delete"], plan["modified"]) == (1, 1)
        assert codes_of(conn) == ["DONE1", "DONE2"]
        assert call(conn, "verify_job", rolled_back)["verified"]

        # staged rows are gone, and that is said
        answer = call(conn, "check_job", staged)
        assert (answer["success"], answer["status"]) == (False, "staging_lost")
        assert (answer["code"], bool(answer["hint"])) == ("PI306", True)
        assert call(conn, "check_job", staged)["status"] == "staging_lost"
        answer = call(conn, "insert_job", ready)
        assert (answer["success"], answer["status"]) == (False, "staging_lost")
        assert codes_of(conn) == ["DONE1", "DONE2"]

        # they can be staged again
        for job, codes in ((staged, ["S1", "S2"]), (ready, ["R1"])):
            stage(conn, job, codes, file_no=1)
            assert call(conn, "check_job", job)["clean_count"] == len(codes)
            assert call(conn, "insert_job", job)["rows_inserted"] == len(codes)

        # a durable job needs none of that
        assert call(conn, "insert_job", durable)["rows_inserted"] == 2
        assert call(conn, "verify_job", durable)["verified"]


def test_a_crash_during_an_insert_leaves_no_row(
    own_server: EmbeddedServer, background: ThreadPoolExecutor
) -> None:
    with psycopg.connect(own_server.dsn, autocommit=True) as conn:
        job = checked(conn, ["A", "B", "C"], durable=True)
    holder = psycopg.connect(own_server.dsn)
    inserter = psycopg.connect(own_server.dsn, autocommit=True)
    watcher = psycopg.connect(own_server.dsn, autocommit=True)
    try:
        holder.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'C')", [MERCHANT])
        answer = background.submit(call, inserter, "insert_job", job)
        until_waiting(watcher, inserter, answer)
        crash(own_server)
        with pytest.raises(psycopg.OperationalError):
            answer.result(PATIENCE)
    finally:
        for session in (holder, inserter, watcher):
            session.close()

    with psycopg.connect(own_server.dsn, autocommit=True) as conn:
        assert codes_of(conn) == []
        assert status_of(conn, job) == "checked"
        assert call(conn, "insert_job", job)["rows_inserted"] == 3
        assert call(conn, "verify_job", job)["verified"]


def test_the_identity_of_a_server_is_part_of_the_proof(
    own_server: EmbeddedServer, tmp_path: Any
) -> None:
    """Rows copied into another server with their job's record prove nothing by their xmin."""
    assert os.access(own_server.binary("psql"), os.X_OK)
    with psycopg.connect(own_server.dsn, autocommit=True) as conn:
        job = completed(conn, ["A"])
        conn.execute("ALTER TABLE pgimport.job_write DISABLE TRIGGER USER")
        conn.execute("UPDATE pgimport.job_write SET system_identifier = 1")
        plan = call(conn, "plan_rollback", job)
        assert (plan["delete"], plan["rewritten"]) == (1, 1), "known by its fingerprint alone"
        assert any("compared with its fingerprint" in warning for warning in plan["warnings"])
        conn.execute("UPDATE codes SET sku = 'other'")
        plan = call(conn, "plan_rollback", job)
        assert (plan["delete"], plan["modified"]) == (0, 1)
