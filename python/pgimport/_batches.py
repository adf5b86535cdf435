"""The insert of a job: at once, or batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pgimport.client import Client
from pgimport.models import InsertResult


def insert_rows(
    client: Client,
    job_id: str,
    options: Mapping[str, Any] | None = None,
    batch_rows: int | None = None,
    told: Callable[[InsertResult], None] | None = None,
) -> InsertResult:
    """Insert the clean rows of a job; with batch_rows so many a call, until all are written.

    On a connection in autocommit mode each batch is committed: the same call goes on after a
    crash. ``told`` is called with the answer of each batch but the last.

    Raises:
        InsertFailed: refused or undone; batches that were written stay.

    """
    given = dict(options or {})
    if batch_rows is not None:
        given["batch_rows"] = batch_rows
    while True:
        result = client.insert_job(job_id, given)
        if result.status != "inserting":
            return result
        if told is not None:
            told(result)
