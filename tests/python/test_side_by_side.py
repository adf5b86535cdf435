"""Imports side by side into one target, and what others do to the target meanwhile.

Each import runs in a thread with a connection of its own. What must hold afterwards holds whatever
the order was: every row is in exactly one class, and the table holds each key once.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from _sessions import PATIENCE, Answer, Conn, call, scalar, until_waiting

IMPORTS = 8
KEYS = 400
ROWS = 250


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(
            "CREATE TABLE public.item (id integer PRIMARY KEY, value text);"
            "CREATE TABLE public.other (id integer PRIMARY KEY, value text);"
            "SELECT pgimport.register_target('public.item', 'item', '{id}');"
            "SELECT pgimport.register_target('public.other', 'other', '{id}');"
        )
    return installed_dsn


def stage(conn: Conn, rows: Sequence[tuple[int, str]], target: str = "item", **options: Any) -> str:
    job = str(call(conn, "create_job", target, Jsonb(options))["job_id"])
    opened = call(conn, "stage_file", job, "a.csv", ["id", "value"])
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("id,value\n" + "".join(f"{key},{value}\n" for key, value in rows))
    call(conn, "finish_file", job, opened["file_no"], len(rows))
    return job


def checked(conn: Conn, rows: Sequence[tuple[int, str]], target: str = "item", **more: Any) -> str:
    job = stage(conn, rows, target, **more)
    assert call(conn, "check_job", job)["status"] == "checked"
    return job


def whole_import(dsn: str, rows: Sequence[tuple[int, str]], options: dict[str, Any]) -> Answer:
    """One import from the file to the last row, by a connection of its own."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        return call(conn, "insert_job", checked(conn, rows, **options))


def import_all(
    dsn: str, files: Sequence[Sequence[tuple[int, str]]], **options: Any
) -> list[Answer]:
    """Start an import of each file at once; none may fail, and none may wait for ever."""
    with ThreadPoolExecutor(max_workers=len(files)) as pool:
        running = [pool.submit(whole_import, dsn, rows, options) for rows in files]
        answers = [future.result(4 * PATIENCE) for future in running]
    assert [answer["message"] for answer in answers if not answer["success"]] == []
    return answers


def assert_classes(conn: Conn, answers: Sequence[Answer], rows: int) -> None:
    """Every row of each import is in one class, and pgimport finds nothing wrong."""
    for answer in answers:
        classes = (
            answer["rows_inserted"] + answer["rows_updated"]
            + answer["rows_skipped"] + answer["rows_rejected"]
        )  # fmt: skip
        assert classes == answer["counts"]["total_rows"] == rows
    assert [one for one in call(conn, "verify_install", True)["checks"] if not one["ok"]] == []


def test_eight_imports_of_overlapping_keys_put_each_row_into_one_class(
    conn: Conn, dsn: str
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    files = []
    for number in range(IMPORTS):
        keys = draw.sample(range(KEYS), ROWS - 10)
        # repeated in the file, too
        keys += draw.sample(keys, 10)
        draw.shuffle(keys)
        files.append([(key, f"import {number}") for key in keys])
    answers = import_all(dsn, files)
    assert_classes(conn, answers, ROWS)
    present = {key for rows in files for key, _ in rows}
    assert sum(answer["rows_inserted"] for answer in answers) == len(present)
    assert scalar(conn, "SELECT count(*) FROM public.item") == len(present)
    for answer in answers:
        count = "SELECT count(*) FROM public.item WHERE import_job_id = %s"
        assert scalar(conn, count, answer["job_id"]) == answer["rows_inserted"]
        assert call(conn, "verify_job", answer["job_id"])["verified"]

    # and each of them can be taken back, all at once
    def undo(job: str) -> int:
        with psycopg.connect(dsn, autocommit=True) as session:
            return int(call(session, "rollback_job", job)["rows_deleted"])

    with ThreadPoolExecutor(max_workers=IMPORTS) as pool:
        deleted = list(pool.map(undo, [answer["job_id"] for answer in answers]))
    assert deleted == [answer["rows_inserted"] for answer in answers]
    assert scalar(conn, "SELECT count(*) FROM public.item") == 0


def test_updates_in_opposite_order_of_their_keys_do_not_lock_each_other_out(
    conn: Conn, dsn: str
) -> None:
    conn.execute("INSERT INTO public.item SELECT i, 'before' FROM generate_series(1, 200) AS i")
    files = [
        [(key, f"import {number}") for key in (range(1, 251) if number % 2 else range(250, 0, -1))]
        for number in range(IMPORTS)
    ]
    answers = import_all(dsn, files, on_duplicate="update")
    assert_classes(conn, answers, 250)
    assert sum(answer["rows_inserted"] for answer in answers) == 50
    assert all(answer["rows_inserted"] + answer["rows_updated"] == 250 for answer in answers)
    # the last one wrote all of them
    assert scalar(conn, "SELECT count(DISTINCT value) FROM public.item") == 1
    assert scalar(conn, "SELECT count(*) FROM public.item") == 250


def test_imports_in_batches_side_by_side_put_each_row_into_one_class(conn: Conn, dsn: str) -> None:
    def batches(rows: Sequence[tuple[int, str]]) -> Answer:
        with psycopg.connect(dsn, autocommit=True) as session:
            job = checked(session, rows)
            answer = call(session, "insert_job", job, Jsonb({"batch_rows": 60}))
            while answer["status"] == "inserting":
                answer = call(session, "insert_job", job)
            return answer

    files = [[(key, f"import {n}") for key in range(n * 50, n * 50 + 200)] for n in range(4)]
    with ThreadPoolExecutor(max_workers=len(files)) as pool:
        answers = list(pool.map(batches, files))
    assert scalar(conn, "SELECT count(*) FROM public.item") == 350
    # a key that came between two batches is skipped by the next, as any that is there
    assert_classes(conn, answers, 200)
    assert sum(answer["rows_inserted"] for answer in answers) == 350
    for answer in answers:
        count = "SELECT count(*) FROM public.item WHERE import_job_id = %s"
        assert scalar(conn, count, answer["job_id"]) == answer["rows_inserted"]


def test_imports_into_two_targets_do_not_wait_for_each_other(
    conn: Conn, first: Conn, second: Conn
) -> None:
    one, other = checked(conn, [(1, "x")]), checked(conn, [(1, "x")], "other")
    done = checked(conn, [(2, "x")], "other")
    assert call(conn, "insert_job", done)["success"]
    call(first, "insert_job", one)
    second.execute("SET lock_timeout = '1s'")
    assert call(second, "insert_job", other)["rows_inserted"] == 1
    assert call(second, "rollback_job", done)["rows_deleted"] == 1
    first.rollback()


def test_jobs_of_a_target_are_staged_and_checked_while_another_inserts(
    conn: Conn, first: Conn, second: Conn
) -> None:
    one = checked(conn, [(1, "x"), (2, "x")])
    call(first, "insert_job", one)
    second.execute("SET lock_timeout = '1s'")
    other = checked(second, [(2, "y"), (3, "y")])
    first.commit()
    answer = call(second, "insert_job", other)
    assert (answer["rows_inserted"], answer["new_database_duplicates"]) == (1, 1)


# what is done to the target meanwhile


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        ("ALTER TABLE public.item ALTER COLUMN value SET STATISTICS 50", "completed"),
        ("ALTER TABLE public.item ADD COLUMN more integer DEFAULT 5", "PI102"),
        ("ALTER TABLE public.item ADD CHECK (value <> 'x')", "PI102"),
        ("ALTER TABLE public.item ALTER COLUMN value TYPE varchar(3)", "PI102"),
        ("ALTER TABLE public.item DROP CONSTRAINT item_pkey", "PI204"),
        ("ALTER TABLE public.item RENAME COLUMN id TO other_id", "PI204"),
        ("ALTER TABLE public.item RENAME TO renamed", "PI205"),
        ("DROP TABLE public.item", "PI205"),
    ],
)
def test_ddl_between_the_check_and_the_insert_never_lets_wrong_rows_in(
    conn: Conn, ddl: str, expected: str
) -> None:
    job = checked(conn, [(1, "x"), (2, "y")])
    conn.execute(ddl.encode())
    try:
        answer = call(conn, "insert_job", job)
        found = answer["status"]
    except psycopg.Error as error:
        found = str(error.sqlstate)
    assert found == expected
    if expected != "completed":
        assert scalar(conn, "SELECT status FROM pgimport.job WHERE job_id = %s", job) == "checked"


@pytest.mark.parametrize("act", ["check_job", "insert_job"])
def test_ddl_waits_for_an_act_and_the_act_is_whole(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, act: str
) -> None:
    job = (stage if act == "check_job" else checked)(conn, [(1, "x"), (2, "y")])
    call(first, act, job)
    ddl = background.submit(second.execute, b"ALTER TABLE public.item DROP COLUMN value")
    until_waiting(conn, second, ddl)
    first.commit()
    ddl.result(PATIENCE)
    if act == "insert_job":
        assert scalar(conn, "SELECT count(*) FROM public.item") == 2
        return
    # what was checked is not there any more: nothing is inserted by an old check
    with pytest.raises(psycopg.Error) as raised:
        call(conn, "insert_job", job)
    assert str(raised.value.sqlstate).startswith("PI")


def test_an_act_that_waits_for_ddl_sees_what_it_made(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, [(1, "x"), (2, "y")])
    first.execute("ALTER TABLE public.item ADD CHECK (value <> 'x')")
    answer = background.submit(call, second, "insert_job", job)
    until_waiting(conn, second, answer)
    first.commit()
    with pytest.raises(psycopg.Error) as raised:
        answer.result(PATIENCE)
    assert raised.value.sqlstate == "PI102"
    found = call(conn, "check_job", job)
    assert (found["clean_count"], found["validation_errors"]) == (1, 1)


@pytest.mark.parametrize(
    ("revoked", "act", "outcome"),
    [
        ("SELECT", "check_job", "42501"),
        ("INSERT", "insert_job", "failed 42501"),
        ("DELETE", "rollback_job", "42501"),
    ],
)
def test_rights_that_are_revoked_during_a_job_stop_it_and_a_grant_lets_it_go_on(
    conn: Conn, second: Conn, plain_role: str, revoked: str, act: str, outcome: str
) -> None:
    role = sql.Identifier(plain_role)
    call(conn, "grant_usage", plain_role, "importer")
    right = sql.SQL(revoked)
    conn.execute(sql.SQL("GRANT SELECT, INSERT, DELETE ON public.item TO {}").format(role))
    second.execute(sql.SQL("SET ROLE {}").format(role))
    job = (stage if act == "check_job" else checked)(second, [(1, "x"), (2, "y")])
    if act == "rollback_job":
        call(second, "insert_job", job)
    rows = scalar(conn, "SELECT count(*) FROM public.item")
    conn.execute(sql.SQL("REVOKE {} ON public.item FROM {}").format(right, role))
    try:
        answer = call(second, act, job)
        found = f"{answer['status']} {answer['details']['sqlstate']}"
    except psycopg.Error as error:
        found = str(error.sqlstate)
    assert found == outcome
    assert scalar(conn, "SELECT count(*) FROM public.item") == rows

    conn.execute(sql.SQL("GRANT {} ON public.item TO {}").format(right, role))
    if act == "insert_job":
        call(second, "check_job", job)
    assert call(second, act, job)["success"]


def test_rights_that_are_revoked_while_a_job_inserts_wait_for_nobody_and_hold_afterwards(
    conn: Conn, first: Conn, plain_role: str
) -> None:
    role = sql.Identifier(plain_role)
    call(conn, "grant_usage", plain_role, "importer")
    conn.execute(sql.SQL("GRANT SELECT, INSERT, DELETE ON public.item TO {}").format(role))
    first.execute(sql.SQL("SET ROLE {}").format(role))
    job = checked(first, [(1, "x")])
    call(first, "insert_job", job)
    conn.execute("SET lock_timeout = '1s'")
    conn.execute(sql.SQL("REVOKE ALL ON public.item FROM {}").format(role))
    first.commit()
    assert scalar(conn, "SELECT count(*) FROM public.item") == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        call(first, "rollback_job", job)
