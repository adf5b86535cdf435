"""The history of jobs and of records: quick however much there is, true whoever acts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from _sessions import PATIENCE, Answer, Conn, call, scalar, until_waiting

TABLES = """
    CREATE TABLE public.codes (code text PRIMARY KEY, sku text);
    CREATE TABLE public.visits (person text NOT NULL, import_job_id uuid);
    SELECT pgimport.register_target('public.codes', 'codes', '{code}', '{"row_history": true}');
    SELECT pgimport.register_target(
        'public.visits', 'visits', '{person}', '{"on_duplicate": "create"}'
    );
"""
# jobs of a minute each, in two targets, of many tenants, sources and people
JOBS = """
    INSERT INTO pgimport.job (
        job_id, target_id, status, owner_role, actor, tenant, source, created_at, deleted_at
    )
    SELECT
        (
            lpad(to_hex(1750000000000 + i::bigint * 60000), 12, '0') || '7'
            || substr(md5(i::text), 1, 3) || '8' || substr(md5(i::text || 'x'), 1, 15)
        )::uuid,
        (SELECT target_id FROM pgimport.target
            WHERE name = CASE WHEN i % 1000 = 0 THEN 'visits' ELSE 'codes' END),
        (ARRAY['completed', 'completed', 'completed', 'rolled_back', 'cancelled', 'failed'])
            [1 + i % 6],
        CASE WHEN i % 100 = 0 THEN 'rare' ELSE current_user END,
        'actor' || i % 500, 'tenant' || i % 300, 'source' || i % 200,
        to_timestamp(1750000000 + i * 60),
        CASE WHEN i % 400 = 5 THEN now() END
    FROM generate_series(1, 30000) AS i;
    INSERT INTO pgimport.file (job_id, file_no, file_name, status, header, mapping, staging_table)
    SELECT job_id, 1, 'day-' || to_char(created_at, 'YYYY-MM-DD-HH24MI') || '.csv', 'cleared',
        '{code}', '[]', 'none'
    FROM pgimport.job;
    ANALYZE pgimport.job;
    ANALYZE pgimport.file;
"""
FILTERS: list[dict[str, Any]] = [
    {},
    {"target": "codes"},
    {"target": "visits"},
    {"status": "failed"},
    {"status": ["failed", "cancelled"]},
    {"status": "queued"},
    {"tenant": "tenant7"},
    {"tenant": "nobody's"},
    {"actor": "actor7"},
    {"actor": "nobody"},
    {"role": "rare"},
    {"role": "nobody"},
    {"source": "source3"},
    {"source": "nowhere"},
    {"since": "2025-07-01"},
    {"since": "2030-01-01"},
    {"until": "2025-06-15 16:00+00"},
    {"until": "2020-01-01"},
    {"since": "2025-06-20", "until": "2025-06-21"},
    {"deleted": True},
    {"deleted": False},
    {"tenant": "tenant7", "status": "failed"},
    {"file_name": "csv", "status": "queued"},
    {"file_name": "csv"},
]


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLES)
    return installed_dsn


def stage(conn: Conn, job: str, header: str, values: list[str], **options: Any) -> None:
    opened = call(conn, "stage_file", job, "a.csv", [header], Jsonb(options))
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write(f"{header}\n" + "".join(f"{value}\n" for value in values))
    call(conn, "finish_file", job, opened["file_no"], len(values))


def checked(conn: Conn, target: str, header: str, values: list[str], **options: Any) -> str:
    job = str(call(conn, "create_job", target, Jsonb(options))["job_id"])
    stage(conn, job, header, values)
    assert call(conn, "check_job", job)["status"] == "checked"
    return job


def buffers(conn: Conn, query: str, *arguments: Any) -> int:
    """How many pages a query reads."""
    plan = scalar(conn, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {query}", *arguments)[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


# jobs


def test_a_page_of_the_history_reads_what_is_on_it_not_all_there_is(conn: Conn) -> None:
    conn.execute(JOBS.encode())
    pages = scalar(conn, "SELECT pg_relation_size('pgimport.job') / 8192")
    query = "SELECT * FROM pgimport.list_jobs(%s)"
    for wanted in FILTERS:
        conn.execute(query.encode(), [Jsonb(wanted)])
        read = buffers(conn, query, Jsonb(wanted))
        # the jobs of a span of time are sorted, and names of files looked through
        many = {"since", "until"} <= set(wanted) or "file_name" in wanted
        most = 800 if many else 400
        assert read < most, f"{wanted}: {read} pages"
    assert pages > 400


def test_all_pages_together_are_the_whole_history(conn: Conn) -> None:
    conn.execute(JOBS.encode())
    seen: list[Any] = []
    after = None
    while True:
        page = conn.execute(
            b"SELECT job_id FROM pgimport.list_jobs('{}', %s, 7000)", [after]
        ).fetchall()
        if not page:
            break
        seen.extend(row[0] for row in page)
        after = seen[-1]
    assert len(seen) == 30000
    assert seen == sorted(set(seen), reverse=True)


def test_every_filter_finds_what_a_plain_query_finds(conn: Conn) -> None:
    conn.execute(JOBS.encode())
    for wanted, condition in (
        ({"tenant": "tenant7"}, "tenant = 'tenant7'"),
        ({"actor": "rare"}, "'rare' IN (actor, owner_role)"),
        ({"role": "rare"}, "owner_role = 'rare'"),
        ({"source": "source3"}, "source = 'source3'"),
        ({"deleted": True}, "deleted_at IS NOT NULL"),
        ({"deleted": False, "status": "failed"}, "deleted_at IS NULL AND status = 'failed'"),
        ({"since": "2025-07-01Z"}, "created_at >= '2025-07-01Z'"),
        ({"until": "2025-06-16Z"}, "created_at < '2025-06-16Z'"),
        (
            {"file_name": "DAY-2025-06-2"},
            "to_char(created_at, 'YYYY-MM-DD') LIKE '2025-06-2%'",
        ),
        ({"file_name": "-0000.csv"}, "to_char(created_at, 'HH24MI') = '0000'"),
    ):
        listed = scalar(
            conn, "SELECT array_agg(job_id) FROM pgimport.list_jobs(%s, NULL, 10000)", Jsonb(wanted)
        )
        plain = conn.execute(
            (
                "SELECT array_agg(job_id) FROM (SELECT job_id FROM pgimport.job "
                f"WHERE {condition} ORDER BY job_id DESC LIMIT 10000) AS j"
            ).encode()
        ).fetchall()[0][0]
        assert listed == plain, wanted
        assert listed, wanted


def test_the_log_says_which_role_and_which_person_acted_and_from_where(
    conn: Conn, dsn: str
) -> None:
    job = checked(conn, "codes", "code", ["A"], actor="ann")
    conn.execute(b"SET application_name = 'office'; SET pgimport.actor = 'bob'")
    call(conn, "insert_job", job)
    conn.execute(b"RESET pgimport.actor")
    conn.execute(b"CREATE ROLE history_admin LOGIN SUPERUSER")
    try:
        with psycopg.connect(dsn, user="history_admin", application_name="desk") as other:
            other.execute(b"SELECT pgimport.rollback_job(%s, p_reason => 'test')", [job])
        rows = conn.execute(
            b"SELECT to_status, role_name, actor, application_name "
            b"FROM pgimport.job_events(%s) WHERE to_status IN ('checked', 'completed', "
            b"'rolled_back') ORDER BY event_id",
            [job],
        ).fetchall()
        me = scalar(conn, "SELECT current_user::text")
        assert [row[:3] for row in rows] == [
            ("checked", me, "ann"),
            ("completed", me, "bob"),
            ("rolled_back", "history_admin", None),
        ]
        assert [row[3] for row in rows][1:] == ["office", "desk"]
        deleted = conn.execute(
            b"SELECT action, actor, role_name FROM pgimport.row_history('codes', '{A}')"
        ).fetchall()
        assert deleted == [("delete", None, "history_admin"), ("insert", "bob", me)]
    finally:
        conn.execute(b"DROP OWNED BY history_admin; DROP ROLE history_admin")


def test_a_job_that_somebody_works_on_is_not_deleted(conn: Conn, first: Conn) -> None:
    job = checked(conn, "codes", "code", ["A"])
    call(first, "check_job", job)
    with pytest.raises(psycopg.Error) as refused:
        call(conn, "delete_job", job)
    assert refused.value.sqlstate == "PI108"
    first.commit()
    assert call(conn, "delete_job", job)["status"] == "cancelled"


# the same file


Inserting = Callable[[str, str], Answer]


@pytest.fixture
def inserting(conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor) -> Inserting:
    """Two jobs inserted at once: the second waits for the first, which is committed then."""

    def both(one: str, two: str) -> Answer:
        assert call(first, "insert_job", one)["success"]
        waiting = background.submit(call, second, "insert_job", two)
        until_waiting(conn, second, waiting)
        first.commit()
        answer: Answer = waiting.result(PATIENCE)
        assert not second.info.transaction_status
        return answer

    return both


def test_one_file_imported_twice_at_once_is_created_once(conn: Conn, inserting: Inserting) -> None:
    digest = "ab" * 32
    jobs = []
    for _ in range(2):
        job = str(call(conn, "create_job", "visits", Jsonb({}))["job_id"])
        stage(conn, job, "person", ["ann", "bob"], sha256=digest)
        call(conn, "check_job", job)
        jobs.append(job)
    answer = inserting(*jobs)
    assert (answer["success"], answer["code"]) == (False, "PI406")
    assert scalar(conn, "SELECT count(*) FROM public.visits") == 2
    third = str(call(conn, "create_job", "visits", Jsonb({}))["job_id"])
    with pytest.raises(psycopg.Error) as refused:
        stage(conn, third, "person", ["ann", "bob"], sha256=digest)
    assert refused.value.sqlstate == "PI304"


def test_one_file_imported_twice_at_once_is_skipped_the_second_time(
    conn: Conn, inserting: Inserting
) -> None:
    jobs = [checked(conn, "codes", "code", ["A", "B"]) for _ in range(2)]
    answer = inserting(*jobs)
    assert (answer["rows_inserted"], answer["rows_skipped"]) == (0, 2)
    assert scalar(conn, "SELECT count(*) FROM pgimport.row_history") == 2


@pytest.mark.parametrize("released_by", ["rollback", "cancel", "delete"])
def test_a_file_its_content_and_its_key_are_free_again(conn: Conn, released_by: str) -> None:
    digest = "cd" * 32

    def begin() -> tuple[str, bool]:
        made = call(conn, "create_job", "visits", Jsonb({"idempotency_key": "order 7"}))
        return str(made["job_id"]), made["existing"]

    job, existing = begin()
    assert not existing
    stage(conn, job, "person", ["ann"], sha256=digest)
    call(conn, "check_job", job)
    if released_by != "cancel":
        assert call(conn, "insert_job", job)["success"]
    assert begin() == (job, True)
    if released_by == "rollback":
        call(conn, "rollback_job", job)
    elif released_by == "cancel":
        call(conn, "cancel_job", job)
    else:
        call(conn, "disable_rollback", job)
        call(conn, "delete_job", job)

    again, existing = begin()
    assert (again != job, existing) == (True, False)
    stage(conn, again, "person", ["ann"], sha256=digest)
    assert call(conn, "check_job", again)["warnings"] == []
    assert call(conn, "insert_job", again)["rows_inserted"] == 1


# records


def test_the_history_of_a_record_is_found_among_very_many(conn: Conn) -> None:
    job = checked(conn, "codes", "code", [f"C{n}" for n in range(3000)])
    call(conn, "insert_job", job)
    conn.execute(
        b"INSERT INTO pgimport.row_history (target_id, key_hash, job_id, action, key) "
        b"SELECT h.target_id, h.key_hash + n, h.job_id, h.action, h.key "
        b"FROM pgimport.row_history AS h, generate_series(1, 50) AS n"
    )
    conn.execute(b"ANALYZE pgimport.row_history")
    query = "SELECT * FROM pgimport.row_history('codes', '{C7}')"
    conn.execute(query.encode())
    assert len(conn.execute(query.encode()).fetchall()) == 1
    assert buffers(conn, query) < 700


def test_roles_see_the_history_of_records_of_their_own_jobs(conn: Conn, dsn: str) -> None:
    try:
        for role in ("history_ann", "history_bob"):
            name = sql.Identifier(role)
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            conn.execute(b"SELECT pgimport.grant_usage(%s, 'importer')", [role])
            conn.execute(
                sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON public.codes TO {}").format(name)
            )
        lines = {}
        with (
            psycopg.connect(dsn, user="history_ann", autocommit=True) as ann,
            psycopg.connect(dsn, user="history_bob", autocommit=True) as bob,
        ):
            job = checked(ann, "codes", "code", ["A"])
            assert call(ann, "insert_job", job)["success"]
            assert call(ann, "rollback_job", job)["success"]
            for session in (ann, bob, conn):
                lines[session.info.user] = scalar(
                    session, "SELECT count(*) FROM pgimport.row_history('codes', '{A}')"
                )
            assert lines["history_ann"] == lines[conn.info.user] == 2
            assert lines["history_bob"] == 0
            for statement in (
                b"SELECT * FROM pgimport.row_history_default",
                b"DELETE FROM pgimport.row_history",
                b"UPDATE pgimport.row_history SET action = 'insert'",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    ann.execute(statement)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bob.execute(
                    b"INSERT INTO pgimport.row_history (target_id, job_id, action, key) "
                    b"VALUES (1, %s, 'insert', '{A}')",
                    [job],
                )
    finally:
        for role in ("history_ann", "history_bob"):
            name = sql.Identifier(role)
            conn.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(name))
            conn.execute(sql.SQL("DROP ROLE {}").format(name))
