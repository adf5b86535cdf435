"""docs/locks.md says which locks pgimport takes and who waits for it: here both are measured."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from _sessions import Conn, call, scalar

DOCUMENT = Path(__file__).parents[2] / "docs" / "locks.md"
TABLES = """
    CREATE TABLE public.merchant (id integer PRIMARY KEY);
    INSERT INTO public.merchant VALUES (1);
    CREATE TABLE public.code (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        merchant_id integer NOT NULL REFERENCES public.merchant,
        code text UNIQUE,
        points integer
    );
    CREATE TABLE public.claim (code_id bigint REFERENCES public.code);
    INSERT INTO public.code (merchant_id, code) VALUES (1, 'LIVE'), (1, 'LIVE 2'), (1, 'OLD');
    SELECT pgimport.register_target('public.code', 'code', '{code}', '{"on_duplicate": "update"}');
"""
# how strong a lock is, weakest first; "RowShare" and "RowExclusive" leave all row work alone
MODES = ("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock",
         "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")  # fmt: skip
PLACES = {
    "the target": "code",
    "tables it refers to": "merchant",
    "tables that refer to it": "claim",
}
# what others do beside an act
BESIDE = {
    "SELECT": "SELECT count(*) FROM public.code",
    "INSERT of another key": "INSERT INTO public.code (merchant_id, code) VALUES (1, 'MINE')",
    "UPDATE of another row": "UPDATE public.code SET points = 1 WHERE code = 'LIVE'",
    "DELETE of another row": "DELETE FROM public.code WHERE code = 'LIVE 2'",
    "INSERT of a key of the job": "INSERT INTO public.code (merchant_id, code) VALUES (1, 'NEW')",
    "UPDATE of a row of the job": "UPDATE public.code SET points = 1 WHERE code = 'OLD'",
    "VACUUM": "VACUUM public.code",
    "ANALYZE": "ANALYZE public.code",
    "CREATE INDEX": "CREATE INDEX ON public.code (points)",
    "ALTER TABLE": "ALTER TABLE public.code ADD COLUMN more integer",
    "another job's stage_file": "SELECT pgimport.stage_file(%(pending)s, 'b.csv', '{code}')",
    "another job's check_job": "SELECT pgimport.check_job(%(staged)s)",
    "another job's insert_job": "SELECT pgimport.insert_job(%(checked)s)",
    "another job's rollback_job": "SELECT pgimport.rollback_job(%(completed)s)",
    # the last: it leaves an index behind that is half made
    "CREATE INDEX CONCURRENTLY": "CREATE INDEX CONCURRENTLY made ON public.code (points)",
}
ACTS = ("stage_file, COPY, finish_file", "check_job", "insert_job", "rollback_job")


def table_of(title: str) -> dict[str, dict[str, str]]:
    """Read a table of the document: row → column → cell."""
    text = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {title}\n", 1)[1]
    lines = re.findall(r"^\|(.*)\|$", text.split("\n## ", 1)[0], re.MULTILINE)
    rows = [[cell.strip().strip("`") for cell in line.split("|")] for line in lines]
    header = rows[0]
    return {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows[2:]}


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLES)
    return installed_dsn


def new_job(conn: Conn) -> str:
    return str(call(conn, "create_job", "code")["job_id"])


def stage(conn: Conn, job: str, codes: list[str]) -> str:
    opened = call(conn, "stage_file", job, "a.csv", ["merchant_id", "code", "points"])
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("merchant_id,code,points\n" + "".join(f"1,{code},5\n" for code in codes))
    call(conn, "finish_file", job, opened["file_no"], len(codes))
    return job


def prepared(conn: Conn, status: str, codes: list[str]) -> str:
    """A job that has come so far."""
    job = new_job(conn)
    if status != "pending":
        stage(conn, job, codes)
    if status in ("checked", "completed"):
        call(conn, "check_job", job)
    if status == "completed":
        assert call(conn, "insert_job", job)["success"]
    return job


def begin(conn: Conn, first: Conn, act: str) -> None:
    """Let the first session do it, in a transaction that stays open, with a living snapshot."""
    codes = ["NEW", "OLD"]
    before = {"check_job": "staged", "insert_job": "checked", "rollback_job": "completed"}
    job = prepared(conn, before.get(act, "pending"), codes)
    first.execute("DECLARE held CURSOR FOR SELECT 1; FETCH held")
    if act in before:
        assert call(first, act, job)["success"]
    else:
        stage(first, job, codes)


@pytest.mark.parametrize("act", ACTS)
def test_an_act_takes_the_locks_that_are_documented(conn: Conn, first: Conn, act: str) -> None:
    begin(conn, first, act)
    rows = conn.execute(
        "SELECT c.relname, l.mode FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation"
        " WHERE l.pid = %s AND l.granted AND c.relnamespace = 'public'::regnamespace",
        [first.info.backend_pid],
    ).fetchall()
    held = {
        place: max((MODES.index(mode) for name, mode in rows if name == table), default=-1)
        for place, table in PLACES.items()
    }
    documented = table_of("Locks on tables of yours")[act]
    names = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode[:-4]).upper() for mode in MODES]
    assert {place: documented[place] for place in PLACES} == {
        place: names[mode] if mode >= 0 else "none" for place, mode in held.items()
    }


@pytest.mark.parametrize("act", ACTS)
def test_beside_an_act_others_wait_as_documented(
    conn: Conn, first: Conn, second: Conn, act: str
) -> None:
    others = {
        status: prepared(conn, status, [f"OTHER {status}"])
        for status in ("pending", "staged", "checked", "completed")
    }
    begin(conn, first, act)
    waits: dict[str, str] = {}
    second.execute("SET lock_timeout = '100ms'")
    for what, statement in BESIDE.items():
        alone = statement.startswith(("VACUUM", "CREATE INDEX CONCURRENTLY"))
        try:
            with contextlib.nullcontext() if alone else second.transaction(force_rollback=True):
                second.execute(statement.encode(), others if "%(" in statement else None)
            waits[what] = "goes on"
        except psycopg.errors.LockNotAvailable:
            waits[what] = "waits"
    first.rollback()
    table = table_of("Who waits beside an act")
    assert waits == {what: table[what][act] for what in BESIDE}


def test_whoever_gives_up_waiting_is_told_which_job_writes(
    conn: Conn, first: Conn, second: Conn
) -> None:
    one = prepared(conn, "checked", ["A"])
    other = prepared(conn, "checked", ["B"])
    call(first, "insert_job", one)
    second.execute("SET lock_timeout = '50ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable) as raised:
        call(second, "insert_job", other)
    message = raised.value.diag.message_primary or ""
    assert message == (
        f'target "code" is being written by job "{one}" (pid {first.info.backend_pid})'
    )
    assert "50ms" in (raised.value.diag.message_detail or "")
    assert raised.value.diag.message_hint
    # nothing happened to the job that gave up
    assert scalar(conn, "SELECT status FROM pgimport.job WHERE job_id = %s", other) == "checked"
    first.commit()
    assert call(second, "insert_job", other)["success"]


def test_whoever_gives_up_waiting_for_ddl_is_told_who_changes_the_table(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = prepared(conn, "checked", ["A"])
    first.execute("ALTER TABLE public.code ADD COLUMN more integer")
    second.execute("SET lock_timeout = '50ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable) as raised:
        call(second, "insert_job", job)
    message = raised.value.diag.message_primary or ""
    assert f"pid {first.info.backend_pid}" in message, message
    assert 'table "public.code" is locked by' in message


def test_a_job_that_one_may_not_see_is_not_named(
    conn: Conn, first: Conn, second: Conn, plain_role: str
) -> None:
    one = prepared(conn, "checked", ["A"])
    call(conn, "grant_usage", plain_role, "importer")
    role = sql.Identifier(plain_role)
    conn.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE ON public.code TO {}").format(role))
    conn.execute(sql.SQL("GRANT SELECT ON public.merchant TO {}").format(role))
    second.execute(sql.SQL("SET ROLE {}").format(role))
    other = prepared(second, "checked", ["B"])
    call(first, "insert_job", one)
    second.execute("SET lock_timeout = '50ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable) as raised:
        call(second, "insert_job", other)
    message = raised.value.diag.message_primary or ""
    assert (
        message == f'target "code" is being written by another job (pid {first.info.backend_pid})'
    )


def test_two_names_of_one_table_write_one_after_the_other(
    conn: Conn, first: Conn, second: Conn
) -> None:
    call(conn, "register_target", "public.code", "code again", ["code"], Jsonb({}))
    one = prepared(conn, "checked", ["A", "B"])
    other = str(call(conn, "create_job", "code again")["job_id"])
    stage(conn, other, ["B", "A"])
    call(conn, "check_job", other)
    call(first, "insert_job", one)
    second.execute("SET lock_timeout = '50ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable, match="being written by"):
        call(second, "insert_job", other)
    first.commit()
    assert call(second, "insert_job", other)["rows_skipped"] == 2


def test_whoever_gives_up_waiting_for_a_row_is_told_who_else_writes_the_table(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = prepared(conn, "checked", ["A", "B"])
    first.execute("INSERT INTO public.code (merchant_id, code) VALUES (1, 'B')")
    second.execute("SET lock_timeout = '50ms'")
    answer = call(second, "insert_job", job)
    assert (answer["success"], answer["status"]) == (False, "failed")
    assert answer["details"]["sqlstate"] == "55P03"
    assert f"pid {first.info.backend_pid} " in answer["details"]["message"]
    first.rollback()
    call(second, "check_job", job)
    assert call(second, "insert_job", job)["rows_inserted"] == 2
