"""What makes a row a job's own, when the table under it is rewritten, moved or locked."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from pgimport import Client, PgImportError
from pgimport.embedded import EmbeddedServer

TABLE = """
CREATE TABLE item (
    id integer PRIMARY KEY, name text, price numeric(10, 2), tags text[], at timestamptz,
    data jsonb, ratio double precision
);
INSERT INTO item VALUES
    (1, 'one', 1.50, '{a}', 'infinity', '{"a": 1.0}', '-0'),
    (2, 'two', NULL, NULL, NULL, 'null', 'NaN');
CREATE TABLE src AS SELECT * FROM (VALUES
    ('1', 'uno', '1.5', '{a}', '2025-01-01', '{}', '0'),
    ('2', 'due', '2', '{}', '2025-01-02', '1', '1'),
    ('3', 'tre', '3.10', '{b}', '2025-01-03', '[]', '1e300'),
    ('4', 'quattro', '4.00', '{}', '2025-01-04', '{"z": 1, "a": 2}', '0.1')
) AS v (id, name, price, tags, at, data, ratio);
"""
CONTENT = "SELECT coalesce(string_agg(i::text, ';' ORDER BY id), '') FROM item AS i"


def one(conn: psycopg.Connection[Any], query: str) -> Any:
    row = conn.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def imported(dsn: str) -> tuple[str, str, str]:
    """A database with a completed job of two inserted and two updated rows, and what was before."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(TABLE)
        client = Client(conn)
        client.register_target("item", "item", ["id"])
        before = one(conn, CONTENT)
        job = str(client.create_job("item", {"on_duplicate": "update"}).job_id)
        client.stage_relation(job, "src")
        client.check_job(job)
        done = client.insert_job(job)
        assert (done.rows_inserted, done.rows_updated) == (2, 2)
    return dsn, job, before


def plan(conn: psycopg.Connection[Any], job: str) -> dict[str, int]:
    found = one(conn, f"SELECT pgimport.plan_rollback('{job}')")
    return {key: found[key] for key in ("delete", "restore", "rewritten", "modified")}


@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM FULL item",
        "CLUSTER item USING item_pkey",
        "VACUUM (FREEZE) item",
        "REINDEX TABLE item",
        "ANALYZE item",
    ],
)
def test_what_moves_rows_without_writing_them_leaves_them_untouched(
    imported: tuple[str, str, str], statement: str
) -> None:
    dsn, job, before = imported
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(statement)
        assert plan(conn, job) == {"delete": 2, "restore": 2, "rewritten": 0, "modified": 0}
        Client(conn).rollback_job(job)
        assert one(conn, CONTENT) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE item SET id = id",
        "ALTER TABLE item SET UNLOGGED",
        "ALTER TABLE item ALTER COLUMN id TYPE bigint",
        "ALTER TABLE item ALTER COLUMN name TYPE varchar(90), ALTER COLUMN price TYPE numeric",
        "ALTER TABLE item ADD COLUMN added timestamptz DEFAULT clock_timestamp()",
        "UPDATE item SET price = price + 1; UPDATE item SET price = price - 1",
    ],
)
def test_rows_that_were_written_again_with_the_same_values_are_known_by_them(
    imported: tuple[str, str, str], statement: str
) -> None:
    dsn, job, _ = imported
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(statement)
        assert plan(conn, job) == {"delete": 2, "restore": 2, "rewritten": 4, "modified": 0}
        done = Client(conn).rollback_job(job)
        assert (done.rows_deleted, done.rows_restored) == (2, 2)
        assert one(conn, "SELECT count(*) FROM item") == 2


def test_a_restored_dump_is_rolled_back_to_the_last_digit(
    imported: tuple[str, str, str], server: EmbeddedServer, tmp_path: Path
) -> None:
    dsn, job, before = imported
    with psycopg.connect(dsn, autocommit=True) as conn:
        Client(conn).clear_staging(job)
    dump = tmp_path / "dump"
    # of this run's server alone: older programs do not know every word of a connection
    database = conninfo.conninfo_to_dict(dsn)["dbname"]
    source = conninfo.make_conninfo(server.dsn, dbname=database)
    subprocess.run(
        [str(server.binary("pg_dump")), "-d", source, "-Fc", "-f", str(dump)], check=True
    )
    name = f"restored_{os.urandom(6).hex()}"
    with psycopg.connect(server.dsn, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    try:
        moved = conninfo.make_conninfo(server.dsn, dbname=name)
        subprocess.run(
            [str(server.binary("pg_restore")), "--exit-on-error", "-d", moved, str(dump)],
            check=True,
        )
        with psycopg.connect(moved, autocommit=True) as conn:
            assert plan(conn, job) == {"delete": 2, "restore": 2, "rewritten": 4, "modified": 0}
            conn.execute("UPDATE item SET ratio = 0.2 WHERE id = 4")
            assert plan(conn, job) == {"delete": 1, "restore": 2, "rewritten": 3, "modified": 1}
            conn.execute("UPDATE item SET ratio = 0.1 WHERE id = 4")
            Client(conn).rollback_job(job)
            assert one(conn, CONTENT) == before
    finally:
        with psycopg.connect(server.dsn, autocommit=True) as conn:
            conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_change_that_waits_beside_the_rollback_is_never_lost(
    imported: tuple[str, str, str],
) -> None:
    """A row that is being written when the rollback comes is waited for, then kept or refused."""
    dsn, job, _ = imported
    answers: list[Any] = []

    def roll_back() -> None:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute("SET application_name = 'undo'")
            try:
                answers.append(Client(conn).rollback_job(job))
            except (PgImportError, psycopg.Error) as error:
                answers.append(error)

    with psycopg.connect(dsn) as writer, psycopg.connect(dsn, autocommit=True) as watcher:
        writer.execute("UPDATE item SET name = 'mine' WHERE id = 3")
        writer.execute("UPDATE item SET name = 'mine' WHERE id = 1")
        undo = threading.Thread(target=roll_back)
        undo.start()
        wait_for_lock(watcher)
        writer.commit()
        undo.join(60)
        assert isinstance(answers[0], PgImportError), answers
        assert answers[0].code in ("PI505", "PI504")
        assert one(watcher, "SELECT string_agg(name, ',' ORDER BY id) FROM item") == (
            "mine,due,mine,quattro"
        )
        assert plan(watcher, job) == {"delete": 1, "restore": 1, "rewritten": 0, "modified": 2}


def test_two_rollbacks_of_one_job_do_it_once(imported: tuple[str, str, str]) -> None:
    dsn, job, before = imported
    done: list[Any] = []

    def roll_back() -> None:
        with psycopg.connect(dsn, autocommit=True) as conn:
            done.append(one(conn, f"SELECT pgimport.rollback_job('{job}')"))

    threads = [threading.Thread(target=roll_back) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer["success"] for answer in done] == [True, True]
    assert sorted("before" in answer["message"] for answer in done) == [False, True]
    with psycopg.connect(dsn) as conn:
        assert one(conn, CONTENT) == before


def wait_for_lock(conn: psycopg.Connection[Any]) -> None:
    deadline = time.monotonic() + 60
    waiting = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'undo' AND wait_event_type = 'Lock'"
    )
    while one(conn, waiting) == 0:
        assert time.monotonic() < deadline, "nobody waits"
