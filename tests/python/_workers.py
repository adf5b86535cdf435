"""Jobs for the tests of the queue: a table with a gate, at which a statement can be held."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from _command import COMMAND, environment
from _sessions import PATIENCE, Answer, Conn, call, scalar, until

MERCHANT = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
GATE = 7
# the row "GATE" is written only while nobody holds the gate
TABLE = """
    CREATE TABLE public.codes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        merchant_id uuid NOT NULL,
        code text NOT NULL,
        UNIQUE (code, merchant_id)
    );
    CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(7);
        RETURN new;
    END $$;
    CREATE TRIGGER gate BEFORE INSERT ON public.codes
    FOR EACH ROW WHEN (new.code = 'GATE') EXECUTE FUNCTION public.gate();
    SELECT pgimport.register_target('public.codes', 'codes', '{code,merchant_id}', '{}');
"""


def staged(conn: Conn, codes: list[str], **options: Any) -> str:
    """Make a job with one file of these codes."""
    job = str(call(conn, "create_job", "codes", Jsonb(options))["job_id"])
    opened = call(conn, "stage_file", job, "a.csv", ["merchant_id", "code"], Jsonb({}))
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("merchant_id,code\n" + "".join(f"{MERCHANT},{code}\n" for code in codes))
    call(conn, "finish_file", job, opened["file_no"], len(codes))
    return job


def submitted(conn: Conn, codes: list[str], **options: Any) -> str:
    """Make such a job and hand it to the workers, with options of submit_job."""
    job = staged(conn, codes)
    call(conn, "submit_job", job, Jsonb(options))
    return job


def standing(conn: Conn, job: str) -> tuple[str, str]:
    """How the job stands: in the queue, and its status."""
    row = conn.execute(
        "SELECT q.state, j.status FROM pgimport.job_queue AS q"
        " INNER JOIN pgimport.job AS j ON j.job_id = q.job_id"
        " WHERE q.job_id = %s ORDER BY q.queue_no DESC LIMIT 1",
        [job],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def expire(conn: Conn, job: str) -> None:
    """Let the lease of a job be over."""
    conn.execute(
        "UPDATE pgimport.job_queue SET lease_until = now() - interval '1 second'"
        " WHERE job_id = %s AND state = 'running'",
        [job],
    )


def codes_of(conn: Conn) -> list[str]:
    return [row[0] for row in conn.execute("SELECT code FROM public.codes ORDER BY code")]


def proved(conn: Conn, job: str, rows: int) -> None:
    """The job is completed, left the queue, and its rows are in the table once each."""
    assert standing(conn, job) == ("done", "completed")
    answer: Answer = call(conn, "verify_job", job)
    assert (answer["verified"], answer["actual_count"]) == (True, rows)
    assert scalar(conn, "SELECT count(*) FROM public.codes WHERE import_job_id = %s", job) == rows


@contextmanager
def shut_gate(conn: Conn) -> Iterator[None]:
    """Hold the gate; it is opened at the end of the block at the latest."""
    conn.execute("SELECT pg_advisory_lock(%s)", [GATE])
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock_all()")


def open_gate(conn: Conn) -> None:
    conn.execute("SELECT pg_advisory_unlock_all()")


@dataclass
class Process:
    """A worker in a process of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def ended(self) -> int:
        """Wait until it ends; its exit code."""
        return self.process.wait(PATIENCE)

    def until_said(self, text: str) -> None:
        try:
            until(lambda: text in self.said(), text)
        except AssertionError:
            raise AssertionError(f"{self.name} does not say {text!r}: {self.said()}") from None

    def backend(self, conn: Conn) -> int:
        """The backend of the worker that waits at the gate."""
        found: list[int] = []

        def waits() -> bool:
            rows = conn.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
                " AND wait_event_type = 'Lock'",
                [f"pgimport worker {self.name}"],
            ).fetchall()
            found[:] = [row[0] for row in rows]
            assert self.process.poll() is None, self.said()
            return bool(found)

        until(waits, f"{self.name} at the gate")
        return found[0]


@contextmanager
def worker(dsn: str, folder: Path, name: str, *words: str) -> Iterator[Process]:
    """Run a worker; it is killed at the end of the block where it has not ended."""
    log = folder / f"{name}.log"
    command = [*COMMAND, "--dsn", dsn, "worker", "--name", name, "--poll", "0.05", *words]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment()
        ) as process,
    ):
        try:
            yield Process(name, process, log)
        finally:
            if process.poll() is None:
                process.kill()
