"""A run that stands still at a row that is known, so that what others see of it can be compared.

The target has a trigger that waits, at one row, for an advisory lock which the test holds; the same
does a check constraint, and a lock on its key's index is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from _sessions import Conn, call, until, until_waiting

GATE = 4711
TABLES = f"""
    CREATE TABLE public.stand (at integer, act text);
    CREATE FUNCTION public.stand() RETURNS trigger LANGUAGE plpgsql AS $stand$
    DECLARE
        v_id integer := CASE tg_op WHEN 'DELETE' THEN old.id ELSE new.id END;
    BEGIN
        IF EXISTS (SELECT FROM public.stand WHERE at = v_id AND act = tg_op) THEN
            PERFORM pg_advisory_xact_lock({GATE});
        END IF;
        IF tg_op = 'DELETE' THEN
            RETURN old;
        END IF;
        RETURN new;
    END $stand$;
    CREATE FUNCTION public.stand_check(p_id integer) RETURNS boolean LANGUAGE plpgsql AS $stand$
    BEGIN
        IF EXISTS (SELECT FROM public.stand WHERE at = p_id AND act = 'CHECK') THEN
            PERFORM pg_advisory_xact_lock({GATE});
        END IF;
        RETURN true;
    END $stand$;
    CREATE TABLE public.item (
        id integer PRIMARY KEY, body text, CHECK (public.stand_check(id))
    );
    CREATE TRIGGER stand BEFORE INSERT OR UPDATE OR DELETE ON public.item
    FOR EACH ROW EXECUTE FUNCTION public.stand();
    SELECT pgimport.register_target('public.item', 'item', '{{id}}', '{{}}');
"""


@pytest.fixture
def standing_dsn(installed_dsn: str) -> str:
    """A database with the target "item", whose writes can be made to stand still."""
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLES)
    return installed_dsn


def staged(conn: Conn, rows: int, options: str = "{}", first: int = 1) -> str:
    """A job with so many rows, staged from a query."""
    job = str(call(conn, "create_job", "item", options)["job_id"])
    opened = call(conn, "stage_file", job, f"{job}.csv", ["id", "body"])
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("id,body\n" + "".join(f"{n},{job[:8]}\n" for n in range(first, first + rows)))
    call(conn, "finish_file", job, 1, rows)
    return job


def checked(conn: Conn, rows: int, options: str = "{}", first: int = 1) -> str:
    """The same, checked."""
    job = staged(conn, rows, options, first)
    assert call(conn, "check_job", job)["valid"]
    return job


@contextmanager
def standing(
    conn: Conn,
    gate: Conn,
    run: Conn,
    background: ThreadPoolExecutor,
    act: str,
    at: int,
    *words: Any,
) -> Iterator[Future[Any]]:
    """Within this block a function of another session stands at a row; then it may go on."""
    conn.execute("INSERT INTO public.stand VALUES (%s, %s)", [at, act])
    gate.execute("SELECT pg_advisory_lock(%s)", [GATE])
    gate.commit()
    future = background.submit(call, run, *words)
    try:
        until_waiting(conn, run, future)
        yield future
    finally:
        gate.execute("SELECT pg_advisory_unlock(%s)", [GATE])
        gate.commit()
        conn.execute("DELETE FROM public.stand")


def left_of(conn: Conn, job: str) -> list[str]:
    """What is left of a job: relations of its staging, and who holds its run lock."""
    relations = conn.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'pgimport_staging'::regnamespace"
        " AND starts_with(relname, 'job_' || replace(%s, '-', '')) ORDER BY 1",
        [job],
    ).fetchall()
    holders = conn.execute("SELECT pid::text FROM pgimport._job_backends(%s)", [job]).fetchall()
    return [row[0] for row in relations + holders]


def problems(conn: Conn) -> Any:
    """What verify_install() finds."""
    return [check for check in call(conn, "verify_install")["checks"] if not check["ok"]]


def until_progress(conn: Conn, job: str, **wanted: Any) -> dict[str, Any]:
    """Return how far a job is once it is so far."""
    seen: dict[str, Any] = {}

    def is_there() -> bool:
        seen.update(call(conn, "job_progress", job))
        return all(seen[name] == value for name, value in wanted.items())

    until(is_there, f"job_progress to say {wanted}")
    return seen
