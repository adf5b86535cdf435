"""Reports for people as one HTML file each: the story of a job, and the history of many.

A file holds everything it shows. It loads nothing and runs nothing, and its own
Content-Security-Policy forbids both; what came out of files and tables is escaped, cut, and masked
where its column is sensitive. English and French, by day, by night and on paper.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from uuid import UUID

from pgimport.client import Client
from pgimport.errors import ArgumentError
from pgimport.html_report import _history, _job_data, _job_head, _job_proof
from pgimport.html_report._data import History, JobStory, read_history, read_job
from pgimport.html_report._flows import rows_of
from pgimport.html_report._format import Language
from pgimport.html_report._markup import Html, Part, tag
from pgimport.html_report._page import page
from pgimport.html_report._phases import phases_of
from pgimport.html_report._words import LANGUAGES, WORDS

__all__ = ["LANGUAGES", "history_report", "job_report", "write_report"]


def job_report(
    client: Client,
    job_id: UUID | str,
    *,
    language: str = "en",
    verify: bool = False,
    plan: bool = False,
    zone: tzinfo = UTC,
) -> str:
    """Return the report of one job, in whatever state it is.

    Args:
        client: with the rights of a viewer.
        job_id: the job.
        language: en or fr.
        verify: compare the table with what was staged, too (verify_job).
        plan: ask what a rollback would do, too (plan_rollback, which writes to the job's log).
        zone: time zone in which times are shown.

    Raises:
        PgImportError: there is no such job for this role, or no such language.

    """
    words = _language(language, zone)
    return _job_page(words, read_job(client, job_id, verify=verify, plan=plan))


def history_report(
    client: Client,
    filters: Mapping[str, Any] | None = None,
    *,
    language: str = "en",
    after: UUID | str | None = None,
    limit: int | None = None,
    zone: tzinfo = UTC,
) -> str:
    """Return the report of many jobs: all that the filters of list_jobs let through.

    Args:
        client: with the rights of a viewer.
        filters: those of list_jobs.
        language: en or fr.
        after: only jobs that are older than this one.
        limit: at most so many jobs, the newest; None for all.
        zone: time zone in which times are shown.

    Raises:
        PgImportError: an unknown filter, or no such language.

    """
    words = _language(language, zone)
    return _history_page(words, read_history(client, filters, after=after, limit=limit))


def write_report(path: str | os.PathLike[str], text: str) -> int:
    """Write a report to a file, which appears under its name only when it is whole.

    Returns:
        Its size in bytes.

    """
    place = Path(path)
    made = place.with_name(f".{place.name[:100]}.{secrets.token_hex(6)}")
    try:
        written = made.write_bytes(text.encode("utf-8", "replace"))
        made.replace(place)
    except BaseException:
        with suppress(OSError):
            made.unlink()
        raise
    return written


def _language(name: str, zone: tzinfo) -> Language:
    if name not in WORDS:
        raise ArgumentError(
            f'no reports in "{name}"', code="PI003", hint=f"one of {', '.join(LANGUAGES)}"
        )
    return Language(name, WORDS[name], zone)


def _job_page(language: Language, story: JobStory) -> str:
    rows = rows_of(story.job)
    phases = phases_of(story.job, story.events)
    fixes = _job_data.fixes(language, story)
    sections: list[tuple[str, Html | None]] = [
        ("files", _job_head.files(language, story)),
        ("flows", _job_head.flows(language, story, rows)),
        ("issues", _job_data.issues(language, story, rows)),
        ("fixes", fixes),
        ("duplicates", _job_data.duplicates(language, story)),
        ("times", _job_proof.times(language, phases)),
        ("proof", _job_proof.proof(language, story, rows)),
        ("rollback", _job_proof.rollback(language, story)),
        ("mapping", _job_data.mapping(language, story)),
        ("options", _job_data.options(language, story)),
        ("log", _job_proof.log(language, story)),
    ]
    title = language.say("job_title", target=story.job.get("target") or "")
    return page(
        language,
        f"{title} · {str(story.job.get('job_id'))[-12:]}",
        _job_head.header(language, story, rows, phases),
        [(anchor, language.say(anchor), made) for anchor, made in sections if made is not None],
        _footer(language, story.made_at, story.version),
    )


def _history_page(language: Language, history: History) -> str:
    return page(
        language,
        language.say("brand_history"),
        _history.header(language, history),
        _history.sections(language, history),
        _footer(language, history.made_at, history.version),
    )


def _footer(language: Language, made_at: datetime, version: str) -> list[Part]:
    made = language.with_moment("made", made_at, version=version)
    return [tag("p", made, " ", language.say("offline"))]
