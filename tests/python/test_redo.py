"""Redo across transactions: two sessions at once, rows that were rewritten since the rollback."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from _sessions import PATIENCE, Conn, call, scalar, until_waiting
from test_races import TABLE, codes_of, completed, new_job, status_of


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLE)
    return installed_dsn


def test_of_two_redos_of_one_job_the_second_does_nothing(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A", "B"])
    call(conn, "rollback_job", job)
    assert call(first, "redo_job", job)["rows_inserted"] == 2
    answer = background.submit(call, second, "redo_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    assert answer.result(PATIENCE)["message"].endswith("nothing to redo")
    assert codes_of(conn) == ["A", "B"]
    assert call(conn, "get_job", job)["rollback"]["redone"] == 1


def test_a_redo_that_is_undone_leaves_the_job_to_the_next(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A", "B"])
    call(conn, "rollback_job", job)
    call(first, "redo_job", job)
    answer = background.submit(call, second, "redo_job", job)
    until_waiting(conn, second, answer)
    first.rollback()
    assert answer.result(PATIENCE)["rows_inserted"] == 2
    assert call(conn, "verify_job", job)["verified"]


def test_a_client_key_that_is_being_taken_stops_a_redo_with_a_code_of_its_own(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A"], idempotency_key="k")
    call(conn, "rollback_job", job)
    new_job(first, idempotency_key="k")
    answer = background.submit(call, second, "redo_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    with pytest.raises(psycopg.Error) as caught:
        answer.result(PATIENCE)
    assert caught.value.sqlstate == "PI304"
    assert status_of(conn, job) == "rolled_back"


def test_an_import_of_the_same_keys_beside_a_redo_skips(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = completed(conn, ["A", "B"])
    call(conn, "rollback_job", job)
    call(first, "redo_job", job)
    answer = background.submit(completed_any, second, ["B", "C"])
    until_waiting(conn, second, answer)
    first.commit()
    assert answer.result(PATIENCE)["rows_inserted"] == 1
    assert codes_of(conn) == ["A", "B", "C"]


def completed_any(conn: Conn, codes: list[str]) -> dict[str, Any]:
    job = new_job(conn)
    opened = call(conn, "stage_file", job, "b.csv", ["merchant_id", "code"])
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        merchant = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
        copy.write("merchant_id,code\n" + "".join(f"{merchant},{code}\n" for code in codes))
    call(conn, "finish_file", job, opened["file_no"], len(codes))
    call(conn, "check_job", job)
    return call(conn, "insert_job", job)


# rows declared deleted


def soft_target(conn: Conn, column_type: str) -> None:
    default = " NOT NULL DEFAULT false" if column_type == "boolean" else ""
    conn.execute(
        f"ALTER TABLE public.codes ADD COLUMN gone {column_type}{default};"
        " SELECT pgimport.register_target('public.codes', 'codes', '{code,merchant_id}',"
        ' \'{"soft_delete": "gone"}\')'.encode()
    )


def alive(conn: Conn, column_type: str) -> list[str]:
    condition = "NOT gone" if column_type == "boolean" else "gone IS NULL"
    query = f"SELECT code FROM public.codes WHERE {condition} ORDER BY code"
    return [row[0] for row in conn.execute(query.encode())]


@pytest.mark.parametrize(
    "column_type", ["timestamptz", "timestamp", "timestamptz(0)", "date", "boolean"]
)
def test_a_redo_knows_its_rows_from_those_that_people_declared_deleted(
    conn: Conn, column_type: str
) -> None:
    soft_target(conn, column_type)
    job = completed(conn, ["A", "B", "C"])
    value = "true" if column_type == "boolean" else "now()"
    conn.execute(f"UPDATE public.codes SET gone = {value} WHERE code = 'A'".encode())
    assert call(conn, "rollback_job", job)["rows_deleted"] == 2
    conn.execute("UPDATE public.codes SET sku = 'x' WHERE code = 'A'")
    assert alive(conn, column_type) == []
    answer = call(conn, "redo_job", job)
    assert (answer["success"], answer["details"]["rows_revived"]) == (True, 2)
    assert alive(conn, column_type) == ["B", "C"]
    plan = call(conn, "plan_rollback", job)
    assert (plan["delete"], plan["modified"], plan["already_gone"]) == (2, 0, 1)
    assert call(conn, "rollback_job", job)["rows_deleted"] == 2
    assert call(conn, "redo_job", job)["redone"] == 2
    assert alive(conn, column_type) == ["B", "C"]


@pytest.mark.parametrize(("column_type", "revived"), [("timestamptz", 2), ("boolean", 0)])
def test_rows_of_a_table_that_was_rewritten_are_known_by_the_time_alone(
    conn: Conn, column_type: str, revived: int
) -> None:
    soft_target(conn, column_type)
    job = completed(conn, ["A", "B"])
    call(conn, "rollback_job", job)
    before = scalar(conn, "SELECT min(xmin::text::bigint) FROM public.codes")
    conn.execute("ALTER TABLE public.codes ALTER sku TYPE text USING sku || ''")
    assert scalar(conn, "SELECT min(xmin::text::bigint) FROM public.codes") != before
    answer = call(conn, "redo_job", job)
    assert answer["details"]["rows_revived"] == revived
    assert bool(answer["warnings"]) == (revived == 0)
    plan = call(conn, "plan_rollback", job)
    assert (plan["delete"], plan["modified"]) == (revived, 0)
