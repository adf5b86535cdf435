"""examples/bookkeeping: all or nothing, soft delete, a window of 24 hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgimport
from pgimport import Client, InsertFailed, RollbackRefused
from pgimport._assemble import assemble

EXAMPLE = Path(__file__).parents[2] / "examples" / "bookkeeping"

Connection = psycopg.Connection[Any]


@pytest.fixture
def books(empty_dsn: str) -> Iterator[Connection]:
    """A database with the example in it."""
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        for text in (
            (EXAMPLE / "schema.sql").read_text(encoding="utf-8"),
            assemble(),
            (EXAMPLE / "target.sql").read_text(encoding="utf-8"),
        ):
            connection.execute(text.encode())
        yield connection


def load(books: Connection, name: str) -> Any:
    return pgimport.import_files(
        books.info.dsn,
        "bookkeeping",
        [EXAMPLE / "data" / name],
        options={"on_issue": "abort"},
    )


def records(books: Connection) -> tuple[int, int]:
    """How many records there are, and how many count."""
    row = books.execute(
        "SELECT count(*), count(*) FILTER (WHERE deleted_at IS NULL)"
        " FROM public.bookkeeping_records"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_one_wrong_row_and_nothing_is_imported_and_all_errors_are_told(books: Connection) -> None:
    with pytest.raises(InsertFailed) as failed:
        load(books, "orders_wrong.csv")
    assert failed.value.code == "PI402"
    job = Client(books).list_jobs()[0].job_id
    assert job is not None
    found = {(issue.line_no, issue.column_name) for issue in Client(books).issue_report(job)}
    assert found >= {(3, "sold_on"), (3, "total"), (4, "total"), (4, "currency")}
    assert records(books) == (0, 0)


def test_a_rollback_declares_records_deleted_and_their_ids_are_free(books: Connection) -> None:
    done = load(books, "orders.csv")
    client = Client(books)
    plan = client.plan_rollback(done.job_id)
    assert (plan.delete, plan.soft) == (3, True)
    assert client.rollback_job(done.job_id).rows_deleted == 3
    assert records(books) == (3, 0)
    assert load(books, "orders.csv").insert.rows_inserted == 3
    assert records(books) == (6, 3)


def test_a_redo_declares_the_records_alive_again(books: Connection) -> None:
    done = load(books, "orders.csv")
    client = Client(books)
    client.rollback_job(done.job_id)
    assert client.redo_job(done.job_id).redone == 1
    assert records(books) == (3, 3)
    assert client.verify_job(done.job_id).verified


def test_a_record_that_somebody_changed_stops_it_and_stays_when_that_is_said(
    books: Connection,
) -> None:
    done = load(books, "orders.csv")
    books.execute("UPDATE public.bookkeeping_records SET total = 25 WHERE buyer = 'ana'")
    client = Client(books)
    with pytest.raises(RollbackRefused):
        client.rollback_job(done.job_id)
    assert records(books) == (3, 3)
    kept = client.rollback_job(done.job_id, "keep_modified")
    assert (kept.rows_deleted, kept.rows_kept) == (2, 1)
    assert records(books) == (3, 1)


def test_the_window_is_a_day(books: Connection) -> None:
    done = load(books, "orders.csv")
    job = Client(books).get_job(done.job_id)
    plan = Client(books).plan_rollback(done.job_id)
    assert job.completed_at is not None
    assert plan.expires_at is not None
    window = plan.expires_at - job.completed_at
    assert abs(window - timedelta(hours=24)) < timedelta(seconds=1)
