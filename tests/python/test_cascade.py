"""Rows that others add beside a rollback by cascade: counted, or the whole is undone."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest

from pgimport import Client, PgImportError

TABLES = """
CREATE TABLE client (id integer PRIMARY KEY, name text);
CREATE TABLE appointment (
    id integer PRIMARY KEY,
    client_id integer REFERENCES client ON DELETE {action},
    moved boolean NOT NULL DEFAULT false
);
CREATE TABLE note (
    id integer PRIMARY KEY,
    appointment_id integer REFERENCES appointment ON DELETE {action}
);
CREATE TABLE src AS VALUES ('1', 'Ann'), ('2', 'Bob');
ALTER TABLE src RENAME column1 TO id;
ALTER TABLE src RENAME column2 TO name;
"""
COUNTS = (
    "SELECT ARRAY[(SELECT count(*) FROM client), (SELECT count(*) FROM appointment), "
    "(SELECT count(*) FROM note)]"
)


def one(conn: psycopg.Connection[Any], query: str) -> Any:
    row = conn.execute(query).fetchone()
    assert row is not None
    return row[0]


def imported(dsn: str, action: str) -> str:
    """A completed job of two clients, with an appointment that somebody made and a note to it."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(TABLES.format(action=action))
        client = Client(conn)
        client.register_target("client", "client", ["id"])
        job = str(client.create_job("client").job_id)
        client.stage_relation(job, "src")
        client.check_job(job)
        assert client.insert_job(job).rows_inserted == 2
        conn.execute("INSERT INTO appointment VALUES (11, 1), (12, 2)")
        conn.execute("INSERT INTO note VALUES (21, 11)")
    return job


def beside(dsn: str, job: str, change: str, done: str = "COMMIT") -> Any:
    """What the rollback says that waits for a change which somebody is about to commit."""
    answers: list[Any] = []

    def roll_back() -> None:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute("SET application_name = 'undo'")
            try:
                answers.append(Client(conn).rollback_job(job, "cascade", options={"force": True}))
            except (PgImportError, psycopg.Error) as error:
                answers.append(error)

    with psycopg.connect(dsn) as writer, psycopg.connect(dsn, autocommit=True) as watcher:
        writer.execute(change)
        undo = threading.Thread(target=roll_back)
        undo.start()
        deadline = time.monotonic() + 60
        while (
            one(
                watcher,
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE application_name = 'undo' AND wait_event_type = 'Lock'",
            )
            == 0
        ):
            assert undo.is_alive(), answers
            assert time.monotonic() < deadline, "nobody waits"
        writer.execute(done)
        undo.join(60)
    return answers[0]


@pytest.mark.parametrize("action", ["CASCADE", "NO ACTION", "RESTRICT"])
def test_a_dependent_that_comes_beside_the_rollback_undoes_it(dsn: str, action: str) -> None:
    """A note to an appointment: also where the key would delete it without a word."""
    job = imported(dsn, action)
    answer = beside(dsn, job, "INSERT INTO note VALUES (22, 12)")
    assert isinstance(answer, PgImportError | psycopg.Error), answer
    expected = {"CASCADE": {"PI505"}, "NO ACTION": {"23503"}, "RESTRICT": {"23001", "23503"}}
    code = answer.code if isinstance(answer, PgImportError) else answer.sqlstate
    assert code in expected[action]
    with psycopg.connect(dsn) as conn:
        assert one(conn, COUNTS) == [2, 2, 2]
        assert one(conn, f"SELECT status FROM pgimport.job WHERE job_id = '{job}'") == "completed"


@pytest.mark.parametrize("action", ["CASCADE", "NO ACTION"])
def test_a_dependent_that_never_comes_does_not_matter(dsn: str, action: str) -> None:
    job = imported(dsn, action)
    answer = beside(dsn, job, "INSERT INTO note VALUES (22, 12)", "ROLLBACK")
    assert not isinstance(answer, Exception), answer
    assert answer.rows_cascaded == 3
    with psycopg.connect(dsn) as conn:
        assert one(conn, COUNTS) == [0, 0, 0]


@pytest.mark.parametrize("action", ["CASCADE", "NO ACTION"])
def test_a_dependent_that_somebody_writes_beside_the_rollback_undoes_it(
    dsn: str, action: str
) -> None:
    """The row that was listed is not the row that is there: it is not deleted unseen."""
    job = imported(dsn, action)
    answer = beside(dsn, job, "UPDATE appointment SET moved = true WHERE id = 11")
    if action == "CASCADE":
        # it was waited for before the rows were looked for once more: nothing is new in number
        assert not isinstance(answer, Exception), answer
    else:
        assert isinstance(answer, PgImportError | psycopg.Error), answer
        with psycopg.connect(dsn) as conn:
            assert one(conn, COUNTS) == [2, 2, 1]
