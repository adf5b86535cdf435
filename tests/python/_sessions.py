"""Sessions beside each other: calling functions in them, and knowing when one waits for another.

A session is known to wait when pg_stat_activity says wait_event_type = 'Lock': no test sleeps and
hopes. The sessions themselves are fixtures of conftest.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import psycopg
from psycopg import sql

Conn = psycopg.Connection[Any]
Answer = dict[str, Any]
PATIENCE = 30.0


def call(conn: Conn, function: str, *arguments: Any) -> Answer:
    """Call a function of pgimport that answers with one JSONB object."""
    statement = sql.SQL("SELECT pgimport.{}({})").format(
        sql.Identifier(function), sql.SQL(", ").join(sql.Placeholder() * len(arguments))
    )
    row = conn.execute(statement, arguments).fetchone()
    assert row is not None
    answer: Answer = row[0]
    return answer


def scalar(conn: Conn, query: str, *arguments: Any) -> Any:
    """Return the one value of a query."""
    row = conn.execute(query.encode(), arguments).fetchone()
    assert row is not None
    return row[0]


def until(condition: Callable[[], bool], what: str) -> None:
    """Return when a condition holds; fail when it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.005)


def until_waiting(
    watcher: Conn, waiting: Conn, future: Future[Any], event_type: str = "Lock"
) -> None:
    """Return when a session waits for a lock of another; "Timeout" where it looks now and then."""

    def is_waiting() -> bool:
        assert not future.done(), f"it did not wait: {future.result()}"
        return bool(
            scalar(
                watcher,
                "SELECT coalesce((SELECT wait_event_type = %s FROM pg_stat_activity"
                " WHERE pid = %s), false)",
                event_type,
                waiting.info.backend_pid,
            )
        )

    until(is_waiting, f"waiting, {event_type}")
