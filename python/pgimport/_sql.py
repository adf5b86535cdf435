"""Every function of the schema pgimport that Python calls: SQL text, parameters, result.

One builder a function. Client runs what a builder returns, AsyncClient awaits it; the builder's
signature and docstring are theirs. A parameter that is None and has a default in the database is
not sent. Types are written with their schema: nothing depends on the caller's search path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from psycopg.types.json import Jsonb

from pgimport import errors, models

T = TypeVar("T")

Options = Mapping[str, Any]
JobId = UUID | str


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call: its statement and parameters, and what its rows are made into.

    Attributes:
        shape: "object" for one JSONB object, "rows" for a table, "value" for a plain value.

    """

    sql: str
    parameters: dict[str, Any]
    shape: str
    model: Any

    def result(self, rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> T:
        """Return the result; an object with ``success: false`` is raised as its error."""
        if self.shape == "rows":
            made = [self.model.from_json(dict(zip(columns, row, strict=True))) for row in rows]
            return cast(T, made)
        value = rows[0][0] if rows else None
        if self.shape == "value":
            return cast(T, value)
        result = self.model.from_json(json.loads(value) if isinstance(value, str) else value)
        if not result.success:
            raise errors.from_result(result)
        return cast(T, result)


# How a parameter is written: its placeholder is given its type.
_JSON, _ID = "jsonb", "uuid"


def _statement(function: str, shape: str, parameters: Mapping[str, tuple[str, Any]]) -> str:
    given = ", ".join(
        f"p_{name} => %({name})s::pg_catalog.{kind}" for name, (kind, _) in parameters.items()
    )
    call = f"pgimport.{function}({given})"
    if shape == "rows":
        return f"SELECT * FROM {call}"
    return f"SELECT {call}::pg_catalog.text" if shape == "object" else f"SELECT {call}"


def _adapt(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == _JSON:
        return Jsonb(value if isinstance(value, list) else dict(value))
    if kind == "text[]":
        return list(value)
    return str(value) if kind == _ID else value


def _call(
    function: str,
    model: Any,
    required: Mapping[str, tuple[str, Any]],
    optional: Mapping[str, tuple[str, Any]] | None = None,
    shape: str = "object",
) -> Call[Any]:
    sent = dict(required)
    sent.update((name, item) for name, item in (optional or {}).items() if item[1] is not None)
    return Call(
        _statement(function, shape, sent),
        {name: _adapt(kind, value) for name, (kind, value) in sent.items()},
        shape,
        model,
    )


def _job(function: str, model: Any, job_id: JobId, **optional: tuple[str, Any]) -> Call[Any]:
    return _call(function, model, {"job_id": (_ID, job_id)}, optional)


def _job_rows(function: str, model: Any, job_id: JobId, **optional: tuple[str, Any]) -> Call[Any]:
    return _call(function, model, {"job_id": (_ID, job_id)}, optional, "rows")


# ---------------------------------------------------------------------------------------- targets


def register_target(
    relation: str, name: str, key: Sequence[str], options: Options | None = None
) -> Call[models.TargetResult]:
    """Register a table for imports under a name, with the columns that identify a row."""
    return _call(
        "register_target",
        models.TargetResult,
        {"relation": ("regclass", relation), "name": ("text", name), "key": ("text[]", key)},
        {"options": (_JSON, options)},
    )


def set_column(target: str, column: str, rules: Options) -> Call[models.TargetResult]:
    """Set the rules of a column: aliases, required, default, trim, null_values and more."""
    return _call(
        "set_column",
        models.TargetResult,
        {"target": ("text", target), "column": ("text", column), "rules": (_JSON, rules)},
    )


def list_targets() -> Call[list[models.TargetRow]]:
    """Return the registered targets one may see."""
    return _call("list_targets", models.TargetRow, {}, shape="rows")


def describe_target(target: str) -> Call[models.TargetResult]:
    """Return one target with its columns and rules."""
    return _call("describe_target", models.TargetResult, {"target": ("text", target)})


def drop_target(target: str) -> Call[models.TargetResult]:
    """Take a table out of the targets; the table and its jobs stay."""
    return _call("drop_target", models.TargetResult, {"target": ("text", target)})


def suggest_mapping(
    target: str, header: Sequence[str], threshold: float | None = None
) -> Call[models.MappingResult]:
    """Return where each field of a header would go, with a score from 0 to 1."""
    return _call(
        "suggest_mapping",
        models.MappingResult,
        {"target": ("text", target), "header": ("text[]", header)},
        {"threshold": ("float4", threshold)},
    )


def save_mapping(
    target: str, header: Sequence[str], mapping: Options, options: Options | None = None
) -> Call[models.SavedMapping]:
    """Keep a mapping for files with a header; jobs that give none follow the newest."""
    return _call(
        "save_mapping",
        models.SavedMapping,
        {
            "target": ("text", target),
            "header": ("text[]", header),
            "mapping": (_JSON, mapping),
        },
        {"options": (_JSON, options)},
    )


def list_mappings(
    target: str | None = None,
    tenant: str | None = None,
    after: int | None = None,
    limit: int | None = None,
) -> Call[list[models.SavedMappingRow]]:
    """Return a page of the saved mappings, newest first, those after a mapping_id."""
    return _call(
        "list_mappings",
        models.SavedMappingRow,
        {},
        {
            "target": ("text", target),
            "tenant": ("text", tenant),
            "after": ("int8", after),
            "limit": ("int4", limit),
        },
        "rows",
    )


def drop_mapping(mapping_id: int) -> Call[models.SavedMapping]:
    """Forget one version of a saved mapping; the one before it counts again."""
    return _call("drop_mapping", models.SavedMapping, {"mapping_id": ("int8", mapping_id)})


# ------------------------------------------------------------------------------- jobs and staging


def create_job(target: str, options: Options | None = None) -> Call[models.JobResult]:
    """Start an import and return its job."""
    return _call(
        "create_job", models.JobResult, {"target": ("text", target)}, {"options": (_JSON, options)}
    )


def stage_file(
    job_id: JobId, file_name: str, header: Sequence[str], options: Options | None = None
) -> Call[models.StageFileResult]:
    """Open a file of a job; the result holds the COPY statement that loads it."""
    return _call(
        "stage_file",
        models.StageFileResult,
        {
            "job_id": (_ID, job_id),
            "file_name": ("text", file_name),
            "header": ("text[]", header),
        },
        {"options": (_JSON, options)},
    )


def checkpoint_file(
    job_id: JobId,
    file_no: int,
    rows_parsed: int | None = None,
    options: Options | None = None,
) -> Call[models.CheckpointResult]:
    """Note how far an open file is loaded; without rows it is only held for this transaction."""
    return _call(
        "checkpoint_file",
        models.CheckpointResult,
        {"job_id": (_ID, job_id), "file_no": ("int4", file_no)},
        {"rows_parsed": ("int8", rows_parsed), "options": (_JSON, options)},
    )


def finish_file(
    job_id: JobId, file_no: int, rows_parsed: int | None, options: Options | None = None
) -> Call[models.StagedResult]:
    """Close a file: rows parsed must equal rows staged. ``{"failed": why}`` gives it up."""
    return _call(
        "finish_file",
        models.StagedResult,
        {
            "job_id": (_ID, job_id),
            "file_no": ("int4", file_no),
            "rows_parsed": ("int8", rows_parsed),
        },
        {"options": (_JSON, options)},
    )


def add_issues(
    job_id: JobId, file_no: int, issues: Sequence[Mapping[str, Any]]
) -> Call[models.StagedResult]:
    """Record problems of records that could not be staged, while their file is open."""
    return _call(
        "add_issues",
        models.StagedResult,
        {"job_id": (_ID, job_id), "file_no": ("int4", file_no), "issues": (_JSON, list(issues))},
    )


def stage_relation(
    job_id: JobId, source: str, options: Options | None = None
) -> Call[models.StagedResult]:
    """Stage the rows of a table, view or foreign table that is there already."""
    return _call(
        "stage_relation",
        models.StagedResult,
        {"job_id": (_ID, job_id), "source": ("regclass", source)},
        {"options": (_JSON, options)},
    )


def stage_fix(
    job_id: JobId, file_name: str, header: Sequence[str], options: Options | None = None
) -> Call[models.StageFixResult]:
    """Open a file of corrected rows; the result holds the COPY statement that loads it."""
    return _call(
        "stage_fix",
        models.StageFixResult,
        {
            "job_id": (_ID, job_id),
            "file_name": ("text", file_name),
            "header": ("text[]", header),
        },
        {"options": (_JSON, options)},
    )


def apply_fix(
    job_id: JobId, fix_no: int, rows_parsed: int, options: Options | None = None
) -> Call[models.FixResult]:
    """Put the corrected rows of an open file in place of the staged ones and check them again."""
    return _call(
        "apply_fix",
        models.FixResult,
        {
            "job_id": (_ID, job_id),
            "fix_no": ("int4", fix_no),
            "rows_parsed": ("int8", rows_parsed),
        },
        {"options": (_JSON, options)},
    )


def set_mapping(job_id: JobId, mapping: Options) -> Call[models.MappingResult]:
    """Set which header goes to which column, for all files of a job."""
    return _call(
        "set_mapping",
        models.MappingResult,
        {"job_id": (_ID, job_id), "mapping": (_JSON, mapping)},
    )


def save_job_mapping(job_id: JobId, options: Options | None = None) -> Call[models.SavedMappings]:
    """Keep the mappings of a job's files for later files with the same headers."""
    return _job("save_job_mapping", models.SavedMappings, job_id, options=(_JSON, options))


def cancel_job(job_id: JobId, reason: str | None = None) -> Call[models.JobResult]:
    """Give a job up that was not inserted, also while another session runs it: that is stopped.

    Raises:
        JobStopped: what ran was stopped, but rows of the job are in the target. RightsError: it
        runs under a role whose statements the caller may not cancel.

    """
    return _job("cancel_job", models.JobResult, job_id, reason=("text", reason))


def job_progress(job_id: JobId) -> Call[models.ProgressResult]:
    """Return how far a job is now, also while another session runs it; waits for nothing."""
    return _job("job_progress", models.ProgressResult, job_id)


def clear_staging(job_id: JobId) -> Call[models.ClearResult]:
    """Drop the staged rows of a job."""
    return _job("clear_staging", models.ClearResult, job_id)


def clear_target_staging(target: str, tenant: str | None = None) -> Call[models.ClearResult]:
    """Drop the staged rows of all jobs of a target, or of one tenant's."""
    return _call(
        "clear_target_staging",
        models.ClearResult,
        {"target": ("text", target)},
        {"tenant": ("text", tenant)},
    )


# --------------------------------------------------------------------------------- check and insert


def mark_duplicates(job_id: JobId) -> Call[models.CheckResult]:
    """Mark duplicates in the files and against the table; repeatable."""
    return _job("mark_duplicates", models.CheckResult, job_id)


def validate_job(job_id: JobId) -> Call[models.CheckResult]:
    """Check the values, and whether the table got duplicates since they were marked."""
    return _job("validate_job", models.CheckResult, job_id)


def check_job(job_id: JobId) -> Call[models.CheckResult]:
    """Validate and mark duplicates, in the right order."""
    return _job("check_job", models.CheckResult, job_id)


def preview_job(job_id: JobId, limit: int | None = None) -> Call[models.PreviewResult]:
    """Return the first rows as they would be written."""
    return _job("preview_job", models.PreviewResult, job_id, limit=("int4", limit))


def rehearse_job(
    job_id: JobId, sample: int | None = None, options: Options | None = None
) -> Call[models.RehearseResult]:
    """Insert rows of a checked job for real and undo it: a sample, or all with ``sample=0``."""
    return _job(
        "rehearse_job",
        models.RehearseResult,
        job_id,
        sample=("int4", sample),
        options=(_JSON, options),
    )


def insert_job(job_id: JobId, options: Options | None = None) -> Call[models.InsertResult]:
    """Insert the clean rows of a checked job, all or none.

    Raises:
        InsertFailed: refused or undone. That the job is "failed" stands only if the caller's
            transaction is committed all the same.

    """
    return _job("insert_job", models.InsertResult, job_id, options=(_JSON, options))


def retry_job(job_id: JobId, options: Options | None = None) -> Call[models.InsertResult]:
    """Try a job again that failed or stopped: check and insert it, or write what is left of it.

    Args:
        job_id: the job.
        options: those of insert_job; without ``batch_rows`` all the rest is written.

    Raises:
        JobStateError: there is nothing to try again (PI109). StagingError: its staged rows are
            lost; ``files`` of its result says what is to be staged again. InsertFailed: refused or
            undone.

    """
    return _job("retry_job", models.InsertResult, job_id, options=(_JSON, options))


def verify_job(job_id: JobId) -> Call[models.VerifyResult]:
    """Compare what is in the table with what was staged."""
    return _job("verify_job", models.VerifyResult, job_id)


# ------------------------------------------------------------------------------------------ queue


def submit_job(job_id: JobId, options: Options | None = None) -> Call[models.QueueResult]:
    """Hand a staged, checked or failed job to the workers, or one that is inserting.

    Args:
        job_id: the job.
        options: ``batch_rows``, ``priority`` (the highest first), ``run_after`` (a time),
            ``max_attempts`` (5).

    """
    return _job("submit_job", models.QueueResult, job_id, options=(_JSON, options))


def claim_job(worker: str, lease: timedelta | str | None = None) -> Call[models.QueueResult]:
    """Take the next waiting job for the time of a lease; job_id is None when there is none."""
    return _call(
        "claim_job",
        models.QueueResult,
        {"worker": ("text", worker)},
        {"lease": ("interval", lease)},
    )


def heartbeat(
    job_id: JobId, fence: int, lease: timedelta | str | None = None
) -> Call[models.QueueResult]:
    """Make the lease of a claimed job longer; a JobStateError PI105 says it is lost."""
    return _call(
        "heartbeat",
        models.QueueResult,
        {"job_id": (_ID, job_id), "fence": ("int8", fence)},
        {"lease": ("interval", lease)},
    )


def run_job(job_id: JobId, fence: int) -> Call[models.QueueResult]:
    """Do the next step of a claimed job: check, insert or one batch; again until ``done``.

    Raises:
        JobStateError: PI105, the claim is lost and nothing was written. InsertFailed and others
            with a ``result``: refused or undone, and the job was given back already.

    """
    return _call("run_job", models.QueueResult, {"job_id": (_ID, job_id), "fence": ("int8", fence)})


def release_job(
    job_id: JobId, fence: int, sqlstate: str | None = None, message: str | None = None
) -> Call[models.QueueResult]:
    """Give a claimed job back: unused, or after an error, to be tried again or dead."""
    return _call(
        "release_job",
        models.QueueResult,
        {"job_id": (_ID, job_id), "fence": ("int8", fence)},
        {"sqlstate": ("text", sqlstate), "message": ("text", message)},
    )


def run_next_job(worker: str | None = None) -> Call[models.QueueResult]:
    """Claim the next waiting job and run it, or one batch of it, in this transaction."""
    return _call("run_next_job", models.QueueResult, {}, {"worker": ("text", worker)})


def list_queue(
    filter: Options | None = None,  # noqa: A002 - the name of the function's parameter
    after: int | None = None,
    limit: int | None = None,
) -> Call[list[models.QueueRow]]:
    """Return a page of the queue, the last submitted first, those after a queue_no."""
    return _call(
        "list_queue",
        models.QueueRow,
        {},
        {"filter": (_JSON, filter), "after": ("int8", after), "limit": ("int4", limit)},
        "rows",
    )


# --------------------------------------------------------------------------------------- rollback


def plan_rollback(
    job_id: JobId, mode: str | None = None, options: Options | None = None
) -> Call[models.RollbackPlan]:
    """Return what rollback_job() would do in a mode, with its options; changes no row."""
    return _job(
        "plan_rollback",
        models.RollbackPlan,
        job_id,
        mode=("text", mode),
        options=(_JSON, options),
    )


def rollback_job(
    job_id: JobId,
    mode: str | None = None,
    reason: str | None = None,
    options: Options | None = None,
) -> Call[models.RollbackResult]:
    """Take back what a job wrote: delete what it inserted, put back what it updated.

    Args:
        job_id: a completed job.
        mode: refuse (default), keep_modified, force or cascade.
        reason: recorded with the job.
        options: ``filter`` {column: value or list} or ``rows`` [tokens] for some of its rows,
            ``soft_delete``, ``with_later_jobs``, ``force`` (with cascade), ``allow_superuser``.

    Raises:
        RollbackRefused: something stands against it; nothing was changed.

    """
    return _job(
        "rollback_job",
        models.RollbackResult,
        job_id,
        mode=("text", mode),
        reason=("text", reason),
        options=(_JSON, options),
    )


def rollback_rows(
    job_id: JobId,
    class_: str,
    after: int | None = None,
    limit: int | None = None,
) -> Call[list[models.RollbackRow]]:
    """Return a page of the rows of one class of the plan, those after a row_no.

    Args:
        job_id: the job.
        class_: delete, restore, gone, modified or taken; after a rollback: kept.
        after: row_no of the last row of the page before.
        limit: rows of a page.

    """
    return _call(
        "rollback_rows",
        models.RollbackRow,
        {"job_id": (_ID, job_id), "class": ("text", class_)},
        {"after": ("int8", after), "limit": ("int4", limit)},
        "rows",
    )


def redo_job(job_id: JobId) -> Call[models.InsertResult]:
    """Check and insert a job that was rolled back once more, from its staged rows.

    Raises:
        StagingError: its staged rows are gone. InsertFailed: refused or undone.

    """
    return _job("redo_job", models.InsertResult, job_id)


def disable_rollback(job_id: JobId, reason: str | None = None) -> Call[models.DisabledResult]:
    """Close the rollback of one job for good."""
    return _call(
        "disable_rollback",
        models.DisabledResult,
        {"job_id": (_ID, job_id), "reason": ("text", reason)},
    )


def disable_old_rollbacks(
    older_than: timedelta | str | None = None,
) -> Call[models.DisabledResult]:
    """Close the rollback of all jobs past their window, or completed longer ago than given."""
    return _call(
        "disable_old_rollbacks",
        models.DisabledResult,
        {},
        {"older_than": ("interval", older_than)},
    )


# ---------------------------------------------------------------------------- reports and history


def duplicate_report(
    job_id: JobId, only_duplicates: bool | None = None
) -> Call[list[models.DuplicateRow]]:
    """Return the rows with their duplicate flags; for millions use export_report()."""
    return _job_rows(
        "duplicate_report", models.DuplicateRow, job_id, only_duplicates=("bool", only_duplicates)
    )


def issue_report(
    job_id: JobId, after: int | None = None, limit: int | None = None
) -> Call[list[models.IssueRow]]:
    """Return a page of the issues, those after an issue_id."""
    return _job_rows(
        "issue_report", models.IssueRow, job_id, after=("int8", after), limit=("int4", limit)
    )


def issue_summary(job_id: JobId) -> Call[list[models.IssueGroup]]:
    """Return the issues by column and code: how many, and the first values with their place."""
    return _job_rows("issue_summary", models.IssueGroup, job_id)


def row_report(job_id: JobId) -> Call[list[models.StagedRow]]:
    """Return every row with its class and issues; for millions use export_report()."""
    return _job_rows("row_report", models.StagedRow, job_id)


def report_copy_sql(
    job_id: JobId, report: str | None = None, raw: bool | None = None
) -> Call[models.ReportCopyResult]:
    """Return the COPY … TO STDOUT of a report: issues, issue_list, duplicates or all."""
    return _job(
        "report_copy_sql",
        models.ReportCopyResult,
        job_id,
        report=("text", report),
        raw=("bool", raw),
    )


def list_jobs(
    filter: Options | None = None,  # noqa: A002 - the name of the function's parameter
    after: JobId | None = None,
    limit: int | None = None,
) -> Call[list[models.JobRow]]:
    """Return a page of the history, newest first, those after a job id."""
    return _call(
        "list_jobs",
        models.JobRow,
        {},
        {"filter": (_JSON, filter), "after": (_ID, after), "limit": ("int4", limit)},
        "rows",
    )


def get_job(job_id: JobId) -> Call[models.JobResult]:
    """Return one job with its files and counts."""
    return _job("get_job", models.JobResult, job_id)


def job_events(job_id: JobId) -> Call[list[models.EventRow]]:
    """Return the log of a job."""
    return _job_rows("job_events", models.EventRow, job_id)


def delete_job(job_id: JobId, reason: str | None = None) -> Call[models.DeleteResult]:
    """Delete what a job has, and keep its record, its log and the history of its rows.

    Raises:
        JobStateError: it can be rolled back, or somebody works on it (PI108).

    """
    return _job("delete_job", models.DeleteResult, job_id, reason=("text", reason))


def row_history(
    target: str,
    key: Sequence[str | None],
    after: int | None = None,
    limit: int | None = None,
) -> Call[list[models.HistoryRow]]:
    """Return what jobs did to the record of a key, newest first, a page at a time.

    Args:
        target: a target with the option ``row_history``.
        key: the values of its key, in its order, as texts.
        after: history_id of the last row of the page before.
        limit: rows of a page.

    """
    return _call(
        "row_history",
        models.HistoryRow,
        {"target": ("text", target), "key": ("text[]", None if key is None else list(key))},
        {"after": ("int8", after), "limit": ("int4", limit)},
        "rows",
    )


# ----------------------------------------------------------------------------------- administration


def grant_usage(role: str, level: str) -> Call[models.Result]:
    """Give a role the rights of a viewer, importer or admin."""
    return _call("grant_usage", models.Result, {"role": ("text", role), "level": ("text", level)})


def verify_install(deep: bool | None = None) -> Call[models.Result]:
    """Check the installation and the invariants of its data."""
    return _call("verify_install", models.Result, {}, {"deep": ("bool", deep)})


def doctor() -> Call[list[models.Finding]]:
    """Return what would hinder or slow imports, each with what mends it."""
    return _call("doctor", models.Finding, {}, shape="rows")


def set_limit(limits: Options) -> Call[models.LimitResult]:
    """Set how many jobs of a role or tenant may be under way, and how many bytes staged.

    Args:
        limits: ``role``, ``tenant`` (left out: all of them together), ``running_jobs``,
            ``staged_bytes`` (a number or a text such as "10 GB"); None takes a limit away.

    """
    return _call("set_limit", models.LimitResult, {"limits": (_JSON, limits)})


def list_limits() -> Call[list[models.LimitRow]]:
    """Return the limits, with what is running and staged now."""
    return _call("list_limits", models.LimitRow, {}, shape="rows")


def enable_retention(options: Options | None = None) -> Call[models.RetentionResult]:
    """Say for how long what is kept, and cut issues, events and row history by time.

    Args:
        options: ``staged_rows`` (of finished jobs; "24 hours"), ``issues`` ("1 month"), ``events``,
            ``row_history`` (None: for ever), ``engine`` (auto, pg_partman, own), ``premake``.

    """
    return _call("enable_retention", models.RetentionResult, {}, {"options": (_JSON, options)})


def run_maintenance(options: Options | None = None) -> Call[models.MaintenanceResult]:
    """Remove what is older than retention says; nothing that an open rollback needs.

    Args:
        options: ``dry_run``, ``jobs`` (of how many at most staged rows are freed in one run).

    """
    return _call("run_maintenance", models.MaintenanceResult, {}, {"options": (_JSON, options)})


def version() -> Call[str]:
    """Return the version of the functions in the database."""
    return _call("version", str, {}, shape="value")


FUNCTIONS = (
    register_target, set_column, list_targets, describe_target, drop_target, suggest_mapping,
    save_mapping, list_mappings, drop_mapping, save_job_mapping,
    create_job, stage_file, checkpoint_file, finish_file, add_issues, stage_relation, stage_fix,
    apply_fix, set_mapping, cancel_job, job_progress, clear_staging, clear_target_staging,
    mark_duplicates, validate_job, check_job, preview_job, rehearse_job, insert_job, verify_job,
    plan_rollback, rollback_job, rollback_rows, redo_job, disable_rollback, disable_old_rollbacks,
    duplicate_report, issue_report, issue_summary,
    row_report, report_copy_sql, list_jobs, get_job, job_events, retry_job, delete_job, row_history,
    grant_usage, verify_install,
    doctor, set_limit, list_limits,
    enable_retention, run_maintenance,
    submit_job, claim_job, heartbeat, run_job, release_job, run_next_job, list_queue,
    version,
)  # fmt: skip
