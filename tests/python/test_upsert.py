"""Updates while others write: rows that are waited for, and jobs that want the same rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from _sessions import PATIENCE, Conn, call, until_waiting

TABLE = """
    CREATE TABLE public.stock (
        code text PRIMARY KEY, place integer NOT NULL UNIQUE, amount integer, note text
    );
    INSERT INTO public.stock (code, place, amount)
    SELECT chr(64 + n), 100 - n, 1 FROM generate_series(1, 20) AS n;
    SELECT pgimport.register_target('public.stock', 'stock', '{code}', '{}');
    SELECT pgimport.register_target('public.stock', 'places', '{place}', '{}');
"""


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLE)
    return installed_dsn


@pytest.fixture
def person(first: Conn) -> Conn:
    """The session of somebody who works with the table: a transaction until it commits."""
    return first


@pytest.fixture
def importer(second: Conn) -> Conn:
    """The session that imports: each statement its own transaction."""
    return second


def upsert(
    conn: Conn, header: list[str], lines: list[str], *, target: str = "stock", **options: Any
) -> str:
    """A checked job that updates."""
    job = str(
        call(conn, "create_job", target, Jsonb({"on_duplicate": "update", **options}))["job_id"]
    )
    opened = call(conn, "stage_file", job, "a.csv", header, Jsonb({}))
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("".join(f"{line}\n" for line in [",".join(header), *lines]))
    call(conn, "finish_file", job, opened["file_no"], len(lines))
    assert call(conn, "check_job", job)["status"] == "checked"
    return job


def amounts(conn: Conn, codes: str) -> list[int | None]:
    rows = conn.execute(
        "SELECT s.amount FROM public.stock AS s WHERE s.code = ANY (%s) ORDER BY s.code",
        [list(codes)],
    )
    return [row[0] for row in rows]


def images(conn: Conn, job: str) -> list[tuple[Any, ...]]:
    """Key, value before and value after of each updated row, in the order of the key."""
    table = sql.Identifier("pgimport_staging", f"job_{job.replace('-', '')}_image")
    return conn.execute(
        sql.SQL("SELECT i.k1, i.o1, i.n1 FROM {} AS i ORDER BY i.k1").format(table)
    ).fetchall()


# somebody writes a row that the job is about to update


def test_the_image_holds_what_another_session_committed_while_the_insert_waited(
    conn: Conn, person: Conn, importer: Conn, background: ThreadPoolExecutor
) -> None:
    job = upsert(conn, ["code", "amount"], ["A,5", "B,5", "C,5"])
    person.execute("UPDATE public.stock SET amount = 77 WHERE code = 'B'")
    future = background.submit(call, importer, "insert_job", job)
    until_waiting(conn, importer, future)
    person.commit()

    answer = future.result(PATIENCE)
    assert (answer["success"], answer["rows_updated"]) == (True, 3)
    assert images(conn, job) == [("A", 1, 5), ("B", 77, 5), ("C", 1, 5)]
    assert call(conn, "verify_job", job)["verified"]
    assert call(conn, "rollback_job", job)["rows_restored"] == 3
    assert amounts(conn, "ABC") == [1, 77, 1]


def test_a_row_that_got_the_wanted_value_while_the_insert_waited_is_unchanged(
    conn: Conn, person: Conn, importer: Conn, background: ThreadPoolExecutor
) -> None:
    job = upsert(conn, ["code", "amount"], ["A,5", "B,5"])
    person.execute("UPDATE public.stock SET amount = 5 WHERE code = 'B'")
    future = background.submit(call, importer, "insert_job", job)
    until_waiting(conn, importer, future)
    person.commit()

    answer = future.result(PATIENCE)
    assert (answer["rows_updated"], answer["rows_unchanged"]) == (1, 1)
    assert images(conn, job) == [("A", 1, 5)]
    assert call(conn, "verify_job", job)["verified"]


def test_a_row_that_lost_the_wanted_value_while_the_insert_waited_is_updated(
    conn: Conn, person: Conn, importer: Conn, background: ThreadPoolExecutor
) -> None:
    job = upsert(conn, ["code", "amount"], ["A,5", "B,1"])
    person.execute("UPDATE public.stock SET amount = 9 WHERE code IN ('A', 'B')")
    future = background.submit(call, importer, "insert_job", job)
    until_waiting(conn, importer, future)
    person.commit()

    answer = future.result(PATIENCE)
    assert (answer["rows_updated"], answer["rows_unchanged"]) == (2, 0)
    assert images(conn, job) == [("A", 9, 5), ("B", 9, 1)]
    assert amounts(conn, "AB") == [5, 1]


def test_an_update_that_is_rolled_back_leaves_no_trace_in_the_image(
    conn: Conn, person: Conn, importer: Conn, background: ThreadPoolExecutor
) -> None:
    job = upsert(conn, ["code", "amount"], ["A,5", "B,5"])
    person.execute("UPDATE public.stock SET amount = 77 WHERE code = 'B'")
    future = background.submit(call, importer, "insert_job", job)
    until_waiting(conn, importer, future)
    person.rollback()

    assert future.result(PATIENCE)["rows_updated"] == 2
    assert images(conn, job) == [("A", 1, 5), ("B", 1, 5)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM public.stock WHERE code = 'B'",
        "UPDATE public.stock SET code = 'other' WHERE code = 'B'",
    ],
    ids=["deleted", "another key"],
)
def test_a_row_that_went_while_the_insert_waited_fails_the_job_which_can_be_checked_again(
    conn: Conn, person: Conn, importer: Conn, background: ThreadPoolExecutor, statement: str
) -> None:
    job = upsert(conn, ["code", "place", "amount"], ["A,99,5", "B,50,5", "X,51,5"])
    person.execute(statement.encode())
    future = background.submit(call, importer, "insert_job", job)
    until_waiting(conn, importer, future)
    person.commit()

    answer = future.result(PATIENCE)
    assert (answer["success"], answer["code"], answer["status"]) == (False, "PI404", "failed")
    assert answer["details"]["sqlstate"] == "PI401"
    assert answer["details"]["message"] == (
        "2 rows to be updated, but 1 can be changed and 0 as the file says"
    )
    assert "check_job" in answer["hint"]
    assert amounts(conn, "ABX") == [1]

    assert call(conn, "check_job", job)["status"] == "checked"
    answer = call(conn, "insert_job", job)
    assert (answer["rows_inserted"], answer["rows_updated"]) == (2, 1)
    assert call(conn, "verify_job", job)["verified"]


def test_under_repeatable_read_a_row_that_was_changed_meanwhile_is_a_serialization_failure(
    conn: Conn, person: Conn, importer: Conn, background: ThreadPoolExecutor
) -> None:
    job = upsert(conn, ["code", "amount"], ["A,5", "B,5"])
    person.execute("UPDATE public.stock SET amount = 77 WHERE code = 'B'")
    importer.execute("SET default_transaction_isolation = 'repeatable read'")
    future = background.submit(call, importer, "insert_job", job)
    until_waiting(conn, importer, future)
    person.commit()

    with pytest.raises(psycopg.errors.SerializationFailure):
        future.result(PATIENCE)
    assert amounts(conn, "AB") == [1, 77]
    importer.execute("SET default_transaction_isolation = 'read committed'")
    assert call(importer, "insert_job", job)["rows_updated"] == 2


def test_a_lock_that_is_not_given_in_time_fails_the_job(
    conn: Conn, person: Conn, importer: Conn
) -> None:
    job = upsert(conn, ["code", "amount"], ["A,5", "B,5"])
    person.execute("UPDATE public.stock SET amount = 77 WHERE code = 'B'")
    importer.execute("SET lock_timeout = '200ms'")

    answer = call(importer, "insert_job", job)
    assert (answer["success"], answer["details"]["sqlstate"]) == (False, "55P03")
    person.rollback()
    assert amounts(conn, "AB") == [1, 1]


def test_rows_that_nothing_is_written_to_are_not_waited_for(
    conn: Conn, person: Conn, importer: Conn
) -> None:
    job = upsert(conn, ["code", "amount"], ["A,5", "B,1"])
    person.execute("UPDATE public.stock SET note = 'in work' WHERE code = 'B'")
    importer.execute("SET lock_timeout = '2s'")

    answer = call(importer, "insert_job", job)
    assert (answer["rows_updated"], answer["rows_unchanged"]) == (1, 1)
    person.commit()


def test_others_may_write_rows_that_the_job_has_not_locked_and_wait_for_those_it_has(
    conn: Conn, person: Conn, importer: Conn, background: ThreadPoolExecutor
) -> None:
    job = upsert(conn, ["code", "amount"], ["A,5", "B,5"])
    importer.autocommit = False
    assert call(importer, "insert_job", job)["rows_updated"] == 2
    person.execute("UPDATE public.stock SET amount = 3 WHERE code = 'C'")
    future = background.submit(
        person.execute, "UPDATE public.stock SET amount = amount + 1 WHERE code = 'A'"
    )
    until_waiting(conn, person, future)
    importer.commit()
    future.result(PATIENCE)
    person.commit()

    assert amounts(conn, "ABC") == [6, 5, 3]
    verified = call(conn, "verify_job", job)
    assert (verified["verified"], verified["modified"]) == (False, 1)


# two jobs


def test_two_jobs_with_overlapping_keys_in_opposite_order_do_not_deadlock(
    conn: Conn, person: Conn, importer: Conn, dsn: str, background: ThreadPoolExecutor
) -> None:
    codes = [chr(64 + n) for n in range(1, 21)]
    jobs = [
        upsert(conn, ["code", "amount"], [f"{code},5" for code in codes]),
        upsert(conn, ["code", "amount"], [f"{code},6" for code in reversed(codes)]),
    ]
    # both want a row in the middle, so that each has what comes before it
    person.execute("SELECT FROM public.stock WHERE code = 'J' FOR UPDATE")
    with psycopg.connect(dsn, autocommit=True) as other:
        first = background.submit(call, importer, "insert_job", jobs[0])
        until_waiting(conn, importer, first)
        second = background.submit(call, other, "insert_job", jobs[1])
        until_waiting(conn, other, second)
        person.rollback()
        assert first.result(PATIENCE)["rows_updated"] == 20
        assert second.result(PATIENCE)["rows_updated"] == 20

    assert amounts(conn, "AJT") == [6, 6, 6]
    assert images(conn, jobs[1])[0] == ("A", 5, 6)
    assert call(conn, "verify_job", jobs[1])["verified"]
    verified = call(conn, "verify_job", jobs[0])
    assert (verified["verified"], verified["modified"]) == (False, 20)


def test_the_second_of_two_jobs_with_the_same_new_rows_updates_what_the_first_inserted(
    conn: Conn, importer: Conn, dsn: str, background: ThreadPoolExecutor
) -> None:
    jobs = [upsert(conn, ["code", "place", "amount"], [f"X,50,{n}", f"Y,51,{n}"]) for n in (5, 6)]
    importer.autocommit = False
    assert call(importer, "insert_job", jobs[0])["rows_inserted"] == 2
    with psycopg.connect(dsn, autocommit=True) as other:
        second = background.submit(call, other, "insert_job", jobs[1])
        until_waiting(conn, other, second)
        importer.commit()
        answer = second.result(PATIENCE)

    assert (answer["rows_inserted"], answer["rows_updated"]) == (0, 2)
    assert answer["new_database_duplicates"] == 2
    assert amounts(conn, "XY") == [6, 6]
    assert images(conn, jobs[1]) == [("X", 50, 50), ("Y", 51, 51)]


def test_two_targets_on_one_table_wait_for_each_other_row_by_row(
    conn: Conn, importer: Conn, dsn: str, background: ThreadPoolExecutor
) -> None:
    by_code = upsert(conn, ["code", "amount"], ["A,5", "B,5"])
    by_place = upsert(conn, ["place", "amount"], ["98,6", "97,6"], target="places")
    importer.autocommit = False
    assert call(importer, "insert_job", by_code)["rows_updated"] == 2
    with psycopg.connect(dsn, autocommit=True) as other:
        second = background.submit(call, other, "insert_job", by_place)
        until_waiting(conn, other, second)
        importer.commit()
        assert second.result(PATIENCE)["rows_updated"] == 2

    assert amounts(conn, "ABC") == [5, 6, 6]
    assert images(conn, by_place) == [(97, 1, 6), (98, 5, 6)]
