"""What the reports are made of, read through the client alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from pgimport import models
from pgimport.client import Client
from pgimport.errors import PgImportError
from pgimport.html_report._format import as_moment

Json = dict[str, Any]
T = TypeVar("T")

# states in which there is something in the table to be verified or rolled back
WRITTEN = frozenset({"completed", "rolled_back", "inserting"})
_PAGE = 2000


@dataclass(frozen=True)
class JobStory:
    """Everything that is told of one job.

    Attributes:
        job: what get_job says.
        events: its log, in order.
        issues: its issues by column and code.
        sensitive: columns whose values are not shown; None where that cannot be known any more.
        verify: what verify_job says, or why it says nothing; None where it was not asked.
        plan: what plan_rollback says, likewise.
        version: of the functions in the database.
        made_at: when all this was read.

    """

    job: Json
    events: list[Json]
    issues: list[models.IssueGroup]
    sensitive: frozenset[str] | None
    verify: models.VerifyResult | str | None = None
    plan: models.RollbackPlan | str | None = None
    version: str = ""
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def status(self) -> str:
        """The state of the job."""
        return str(self.job.get("status"))

    def count(self, name: str) -> int | None:
        """Return one of the counts of the job; None where it is not known."""
        value = (self.job.get("counts") or {}).get(name)
        return value if isinstance(value, int) else None


@dataclass(frozen=True)
class History:
    """Many jobs.

    Attributes:
        jobs: rows of list_jobs, the newest first.
        filters: those that were asked for.
        more: there are older jobs than these.

    """

    jobs: list[Json]
    filters: Mapping[str, Any]
    more: bool = False
    version: str = ""
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def read_job(
    client: Client, job_id: UUID | str, *, verify: bool = False, plan: bool = False
) -> JobStory:
    """Read the story of a job.

    Args:
        client: its connection may be in a transaction; nothing is left behind in it.
        job_id: the job.
        verify: compare the table with what was staged, by verify_job.
        plan: ask what a rollback would do, by plan_rollback, which writes to the job's log.

    """
    # first what may take long: the rest is read when it is known
    job = client.get_job(job_id).raw
    written = job.get("status") in WRITTEN
    verified = _try(client, lambda: client.verify_job(job_id)) if verify and written else None
    planned = _try(client, lambda: client.plan_rollback(job_id)) if plan and written else None
    job = client.get_job(job_id).raw
    return JobStory(
        job=job,
        events=[event.raw for event in client.job_events(job_id)],
        issues=client.issue_summary(job_id),
        sensitive=_sensitive(client, job),
        verify=verified,
        plan=planned,
        version=client.version(),
    )


def _try(client: Client, call: Callable[[], T]) -> T | str:
    """Return a result, or why there is none; an open transaction goes on in both cases."""
    try:
        with client.conn.transaction():
            return call()
    except (PgImportError, psycopg.Error) as error:
        return str(error).strip() or type(error).__name__


def _sensitive(client: Client, job: Json) -> frozenset[str] | None:
    """Return the sensitive columns of a job's target; None where it is not there any more."""
    described = _try(client, lambda: client.describe_target(str(job.get("target_name") or "")))
    if isinstance(described, str):
        return None
    began, made = as_moment(job.get("created_at")), as_moment(described.raw.get("created_at"))
    # a later target may have the name of an earlier one
    if not isinstance(began, datetime) or not isinstance(made, datetime) or made > began:
        return None
    return frozenset(
        str(column.get("name"))
        for column in described.columns or []
        if (column.get("rules") or {}).get("sensitive")
    )


def read_history(
    client: Client,
    filters: Mapping[str, Any] | None = None,
    *,
    after: UUID | str | None = None,
    limit: int | None = None,
) -> History:
    """Read the history, all of it or so many jobs.

    Args:
        client: reads by pages.
        filters: those of list_jobs.
        after: only jobs that are older than this one.
        limit: at most so many jobs, the newest.

    """
    jobs: list[Json] = []
    while True:
        wanted = _PAGE if limit is None else min(_PAGE, limit + 1 - len(jobs))
        page = client.list_jobs(dict(filters or {}), after, wanted)
        jobs += [row.raw for row in page]
        if len(page) < wanted or (limit is not None and len(jobs) > limit):
            break
        after = page[-1].job_id
    more = limit is not None and len(jobs) > limit
    return History(jobs[:limit] if more else jobs, dict(filters or {}), more, client.version())
