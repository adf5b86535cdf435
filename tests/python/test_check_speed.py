"""The time of a check grows with its rows, whatever the planner knows of the issues."""

from __future__ import annotations

from typing import Any

import psycopg

from pgimport import Client

ROWS = 30_000


def test_the_check_of_rows_that_all_break_a_constraint_takes_seconds(
    conn: psycopg.Connection[Any],
) -> None:
    """Row by row, the marks would be read as often as there are rows: a minute."""
    conn.execute("CREATE TABLE public.codes (code text PRIMARY KEY, size int CHECK (size < 9))")
    client = Client(conn)
    client.register_target("public.codes", "codes", ["code"])
    job_id = client.create_job("codes").job_id
    assert job_id is not None
    # half of the rows have a bad value already, when the constraint is judged
    file = client.stage_file(job_id, "a.csv", ["code", "size"])
    with conn.cursor() as cursor, cursor.copy(file.row_copy_sql.encode()) as copy:
        for place in range(ROWS):
            copy.write_row((place, f"c{place}", "many" if place % 2 else "10"))
    client.finish_file(job_id, file.file_no, ROWS)
    conn.execute("SET statement_timeout = '15s'")
    assert client.check_job(job_id).counts.invalid_rows == ROWS
