"""A big job, two workers, and both of them killed in turn all the time: make soak.

PGIMPORT_TEST_QUEUE_ROWS says how many rows: 1,000,000 there; it is skipped where nothing is said.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from _sessions import call, scalar, until
from _workers import Process, expire, proved, worker

ROWS = int(os.environ.get("PGIMPORT_TEST_QUEUE_ROWS", "0"))
BATCHES = 50
SEED = int(os.environ.get("PGIMPORT_TEST_SEED", "6"))
TABLE = """
    CREATE TABLE public.codes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        merchant_id uuid NOT NULL,
        code text NOT NULL,
        points integer,
        UNIQUE (code, merchant_id)
    );
    SELECT pgimport.register_target('public.codes', 'codes', '{code,merchant_id}', '{}');
    CREATE TABLE public.source AS
    SELECT '6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11' AS merchant_id,
        'C' || md5(n::text) AS code, (n % 1000)::text AS points
    FROM generate_series(1, %(rows)s) AS n;
"""


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLE.replace("%(rows)s", str(ROWS)))
    return installed_dsn


@pytest.mark.skipif(ROWS == 0, reason="PGIMPORT_TEST_QUEUE_ROWS is not set (make soak)")
def test_a_big_job_is_done_once_by_two_workers_that_are_killed_in_turn(
    dsn: str, tmp_path: Path
) -> None:
    print(f"seed {SEED}, {ROWS} rows")
    chance = random.Random(SEED)
    conn = psycopg.connect(dsn, autocommit=True)
    job = str(call(conn, "create_job", "codes", Jsonb({}))["job_id"])
    call(conn, "stage_relation", job, "public.source", Jsonb({}))
    call(conn, "submit_job", job, Jsonb({"batch_rows": max(ROWS // BATCHES, 1)}))
    begun = time.monotonic()

    def written() -> int:
        return int(
            scalar(conn, "SELECT coalesce(batch_no, 0) FROM pgimport.job WHERE job_id = %s", job)
        )

    def is_done() -> bool:
        return bool(
            scalar(conn, "SELECT status = 'completed' FROM pgimport.job WHERE job_id = %s", job)
        )

    kills = 0
    with ExitStack() as stack:

        def start() -> Process:
            return stack.enter_context(
                worker(dsn, tmp_path, f"w{kills}-{chance.randrange(10**6)}", "--lease", "5")
            )

        workers = [start(), start()]
        while not is_done():
            # let some more be written, so that every kill hits another place
            reached = written() + chance.randrange(1, 4)
            until(lambda: is_done() or written() >= reached, f"{reached} batches")  # noqa: B023
            holder = scalar(conn, "SELECT worker FROM pgimport.job_queue WHERE job_id = %s", job)
            doomed = next((one for one in workers if one.name == holder), workers[kills % 2])
            time.sleep(chance.random() * 0.05)
            doomed.send(signal.SIGKILL)
            doomed.ended()
            kills += 1
            workers[workers.index(doomed)] = start()
            # its lease is taken as over at once; what its backend does is finished first
            expire(conn, job)
    seconds = time.monotonic() - begun

    proved(conn, job, ROWS)
    ours = scalar(
        conn,
        "SELECT sum(hashtextextended(concat_ws('|', merchant_id, code, points), 0)::numeric)"
        " FROM public.codes",
    )
    theirs = scalar(
        conn,
        "SELECT sum(hashtextextended(concat_ws('|', merchant_id, code, points), 0)::numeric)"
        " FROM public.source",
    )
    assert ours == theirs
    answer = call(conn, "verify_job", job)
    assert answer["checksum_staged"] == answer["checksum_target"]
    claims = scalar(conn, "SELECT fence FROM pgimport.job_queue WHERE job_id = %s", job)
    print(f"{ROWS} rows, {kills} kills, {claims} claims, {seconds:.1f} s, checksum {ours}")
    assert kills >= 5
    conn.close()
