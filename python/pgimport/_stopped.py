"""Tells a statement that cancel_job() has stopped from one that failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from pgimport.client import Client
from pgimport.errors import JobStopped, PgImportError
from pgimport.models import EventRow, JobResult

# a cancelled statement; a status that allows nothing any more; a file or a table that is gone
_SQLSTATES = ("57014", "PI102", "PI301", "PI302", "42P01")
# whoever stops a statement writes it into the job's log, once what ran is undone
_SECONDS_TO_LOG = 2.0
_SECONDS_AT_MOST = 15.0
_SECONDS_BETWEEN = 0.05


@contextmanager
def telling_stops(
    conn: psycopg.Connection[Any], job_id: Callable[[], UUID | str | None]
) -> Iterator[None]:
    """Raise JobStopped within this block where somebody has stopped the job."""
    try:
        yield
    except (psycopg.Error, PgImportError) as error:
        stopped = stopped_by(conn, job_id(), error)
        if stopped is None:
            raise
        raise stopped from error


def stopped_by(
    conn: psycopg.Connection[Any], job_id: UUID | str | None, error: BaseException
) -> JobStopped | None:
    """Return what a failed call on a job means where somebody has stopped it, else None.

    Args:
        conn: in autocommit mode and free: the one of the call, or another.
        job_id: the job.
        error: what the call raised.

    """
    code = error.code if isinstance(error, PgImportError) else getattr(error, "sqlstate", None)
    if job_id is None or code not in _SQLSTATES or conn.closed:
        return None
    try:
        return _find(Client(conn), job_id, wait=code == "57014")
    except (psycopg.Error, PgImportError):
        return None


def _find(client: Client, job_id: UUID | str, wait: bool) -> JobStopped | None:
    pid = client.conn.info.backend_pid
    begun = time.monotonic()
    while True:
        job = client.get_job(job_id)
        for event in reversed(client.job_events(job_id)):
            pids = (event.details or {}).get("pids") or ()
            if job.status == "cancelled" == event.event or (
                event.event == "stopped" and pid in pids
            ):
                return _said(job, event)
        spent = time.monotonic() - begun
        if not wait or spent > _SECONDS_AT_MOST:
            return None
        if spent > _SECONDS_TO_LOG and not client.job_progress(job_id).running:
            return None
        time.sleep(_SECONDS_BETWEEN)


def _said(job: JobResult, event: EventRow) -> JobStopped:
    reason = (event.details or {}).get("reason")
    what = "cancelled" if event.event == "cancelled" else "stopped"
    return JobStopped(
        f'job {job.job_id} was {what} by "{event.role_name}"' + (f": {reason}" if reason else ""),
        code="PI106",
        detail=job.message,
        hint=f"select jsonb_pretty(pgimport.get_job('{job.job_id}'));",
        result=job,
    )
