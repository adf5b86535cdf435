"""What the functions return, as frozen dataclasses.

A key that this version does not know is kept in ``raw``; a key that is missing is None. So a
client goes on working with a newer or an older schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import UUID

Json = dict[str, Any]
R = TypeVar("R", bound="Record")


def _uuid(value: Any) -> Any:
    return UUID(value) if isinstance(value, str) else value


def _time(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:  # infinity, or a year Python has no date for
        return value


@dataclass(frozen=True, kw_only=True)
class Record:
    """Base of everything returned.

    Attributes:
        raw: the whole object as the function returned it.

    """

    raw: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Build from the object of a function or from a row; unknown keys only go to raw."""
        known = {item.name for item in fields(cls)} - {"raw"}
        values = {name: value for name, value in raw.items() if name in known}
        cls._convert(values)
        return cls(raw=dict(raw), **values)

    @classmethod
    def _convert(cls, values: Json) -> None:
        for name, value in values.items():
            if name == "job_id":
                values[name] = _uuid(value)
            elif name.endswith("_at"):
                values[name] = _time(value)


def _with_class(model: type[R], raw: Mapping[str, Any]) -> R:
    """Build a row whose column "class" is no name for an attribute."""
    renamed = {("row_class" if name == "class" else name): raw[name] for name in raw}
    known = {item.name for item in fields(model)} - {"raw"}
    return model(raw=dict(raw), **{name: renamed[name] for name in renamed if name in known})


@dataclass(frozen=True, kw_only=True)
class Counts(Record):
    """Counts of a job; None: not known yet."""

    files: int | None = None
    total_rows: int | None = None
    invalid_rows: int | None = None
    internal_duplicates: int | None = None
    database_duplicates: int | None = None
    both_duplicates: int | None = None
    clean_rows: int | None = None
    rows_inserted: int | None = None
    rows_updated: int | None = None
    rows_unchanged: int | None = None
    rows_skipped: int | None = None
    rows_rejected: int | None = None
    rows_deleted: int | None = None
    rows_restored: int | None = None
    rows_kept: int | None = None


@dataclass(frozen=True, kw_only=True)
class Result(Record):
    """What every act returns."""

    success: bool = True
    job_id: UUID | None = None
    status: str | None = None
    target: str | None = None
    counts: Counts = field(default_factory=Counts)
    message: str = ""
    warnings: list[str] = field(default_factory=list)
    details: Json = field(default_factory=dict)

    @classmethod
    def _convert(cls, values: Json) -> None:
        super()._convert(values)
        values["counts"] = Counts.from_json(values.get("counts") or {})
        for name, item in (("warnings", []), ("details", {}), ("message", "")):
            if values.get(name) is None:
                values[name] = item
        # set_mapping answers with the mapping it was given, an object
        if isinstance(values.get("mapping"), list):
            values["mapping"] = [Mapped.from_json(entry) for entry in values["mapping"]]


@dataclass(frozen=True, kw_only=True)
class Mapped(Record):
    """Where one field of a header goes.

    Attributes:
        how: exact, normalised, alias, similarity, saved, given … or None where it goes nowhere.
        transform: how the field is joined with others or split; column is None then.

    """

    position: int | None = None
    header: str | None = None
    column: str | None = None
    staged_as: str | None = None
    score: float | None = None
    how: str | None = None
    transform: Json | None = None


@dataclass(frozen=True, kw_only=True)
class TargetResult(Result):
    """A target that was registered, described, changed or dropped."""

    name: str | None = None
    key: list[str] | None = None
    ddl: list[str] | None = None
    index: str | None = None
    columns: list[Json] | None = None
    options: Json | None = None
    rules: Json | None = None


@dataclass(frozen=True, kw_only=True)
class MappingResult(Result):
    """A mapping that is suggested or set.

    Attributes:
        mapping: one element a field where it is suggested; the mapping itself where it is set.
        files: where the fields of each file of the job go, where it is set.

    """

    mapping: list[Mapped] | Json = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    missing_required: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SavedMapping(Result):
    """A mapping that is kept, or dropped.

    Attributes:
        existing: the newest version says the same already; nothing was saved.

    """

    mapping_id: int | None = None
    name: str | None = None
    version: int | None = None
    existing: bool | None = None
    tenant: str | None = None
    is_shared: bool | None = None


@dataclass(frozen=True, kw_only=True)
class SavedMappings(Result):
    """The mappings of a job's files that are kept."""

    saved: list[Json] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SavedMappingRow(Record):
    """A row of list_mappings.

    Attributes:
        is_used: the newest for its header and tenant: stage_file follows it.

    """

    mapping_id: int | None = None
    target_name: str | None = None
    tenant: str | None = None
    name: str | None = None
    version: int | None = None
    is_used: bool | None = None
    header: list[str] | None = None
    mapping: Json | None = None
    is_shared: bool | None = None
    saved_by: str | None = None
    saved_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class JobResult(Result):
    """A job.

    Attributes:
        existing: the idempotency key named a job that was there already.
        stopped: pids of the sessions that a cancellation has stopped.

    """

    existing: bool | None = None
    stopped: list[int] | None = None
    target_name: str | None = None
    owner_role: str | None = None
    actor: str | None = None
    tenant: str | None = None
    source: str | None = None
    source_info: str | None = None
    files: list[Json] | None = None
    fixes: list[Json] | None = None
    options: Json | None = None
    created_at: datetime | None = None
    staged_at: datetime | None = None
    checked_at: datetime | None = None
    completed_at: datetime | None = None
    finished_at: datetime | None = None
    deleted_at: datetime | None = None
    deleted_by: str | None = None
    error: Json | None = None
    checksums: Json | None = None
    rollback: Json | None = None


@dataclass(frozen=True, kw_only=True)
class ProgressResult(Result):
    """How far a job is at this moment.

    Attributes:
        running: whether a session works on it; pid: which.
        phase: what it does; None where nothing runs.
        rows_done: at least so many, and fewer than a thousand more; None in a phase that counts
            none. rows_total: of the phase, where it is known.
        seconds: since the phase began. rows_per_second, eta_seconds: of the phase.
        waiting_for: the sessions for which it waits, or None.

    """

    running: bool = False
    pid: int | None = None
    phase: str | None = None
    rows_done: int | None = None
    rows_total: int | None = None
    seconds: float | None = None
    rows_per_second: float | None = None
    eta_seconds: float | None = None
    waiting_for: str | None = None


@dataclass(frozen=True, kw_only=True)
class StageFileResult(Result):
    """An open file and how to load it.

    Attributes:
        copy_sql: COPY for the CSV text as it is.
        row_copy_sql: COPY in text format, line_no first and then the fields.
        fence: shows that nobody else opened the file since; for checkpoint_file and finish_file.
        checkpoint: of a file that is gone on with: {done, rows, bytes, sha256, rows_refused,
            state}; None where it is loaded from its start.

    """

    file_no: int = 0
    copy_sql: str = ""
    row_copy_sql: str = ""
    mapping: list[Mapped] = field(default_factory=list)
    fence: int | None = None
    checkpoint: Json | None = None


@dataclass(frozen=True, kw_only=True)
class CheckpointResult(Result):
    """How far a file is loaded; see StageFileResult."""

    file_no: int | None = None
    fence: int | None = None
    checkpoint: Json | None = None


@dataclass(frozen=True, kw_only=True)
class StagedResult(Result):
    """A file or relation that is staged, or issues that were recorded of it."""

    file_no: int | None = None
    rows_staged: int | None = None
    issues_added: int | None = None


@dataclass(frozen=True, kw_only=True)
class CheckResult(Result):
    """What mark_duplicates, validate_job and check_job found; each fills its own part."""

    valid: bool | None = None
    total_rows: int | None = None
    total_clean: int | None = None
    clean_count: int | None = None
    internal_duplicates: int | None = None
    database_duplicates: int | None = None
    both_duplicates: int | None = None
    new_database_duplicates: int | None = None
    validation_errors: int | None = None
    errors: list[Json] = field(default_factory=list)
    would_insert: int | None = None
    would_update: int | None = None
    refused_because: Json | None = None


@dataclass(frozen=True, kw_only=True)
class StageFixResult(Result):
    """An open file of corrected rows and how to load it; see StageFileResult.

    Attributes:
        existing: the same bytes were applied before as this fix; there is nothing to load.
        fields: what the fields of its header are: token, data, own, constant or unknown.

    """

    fix_no: int = 0
    existing: bool = False
    copy_sql: str | None = None
    row_copy_sql: str | None = None
    fields: list[Json] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class FixResult(CheckResult):
    """What became of corrected rows, and what the check of them found.

    Attributes:
        rows: rows of the file. rows_fixed: changed, and valid now. rows_still_invalid: changed,
            and not valid yet. rows_unchanged: left as they were.
        issues_left: issues of the whole job.

    """

    fix_no: int | None = None
    rows: int | None = None
    rows_fixed: int | None = None
    rows_still_invalid: int | None = None
    rows_unchanged: int | None = None
    issues_left: int | None = None


@dataclass(frozen=True, kw_only=True)
class PreviewResult(Result):
    """Rows as they would be written.

    Attributes:
        classes: rows of the whole job by class: insert, update, skip, invalid.
        columns: what is shown, in the order of the table.
        not_shown: columns that the table fills, and fields that go to no column.

    """

    rows: list[Json] = field(default_factory=list)
    classes: Json = field(default_factory=dict)
    columns: list[Json] = field(default_factory=list)
    not_shown: list[Json] = field(default_factory=list)
    would_insert: int | None = None
    would_update: int | None = None
    refused_because: Json | None = None


@dataclass(frozen=True, kw_only=True)
class RehearseResult(Result):
    """What a real insert, undone, has shown.

    Attributes:
        sample: how many rows were asked for; None: all.
        failures: rows that fail, with file, row, line, sqlstate and message; row_no None: it is
            the statement that fails.
        sequences: those that moved, which cannot be undone.

    """

    passed: bool | None = None
    rehearsed: int | None = None
    sample: int | None = None
    would_insert: int | None = None
    would_update: int | None = None
    failed: int | None = None
    failures: list[Json] = field(default_factory=list)
    sequences: list[Json] = field(default_factory=list)
    refused_because: Json | None = None


@dataclass(frozen=True, kw_only=True)
class InsertResult(Result):
    """What the insert wrote.

    Attributes:
        rows_updated: rows of the table that were changed to what the files say.
        rows_unchanged: rows of the table that were so already; part of rows_skipped.
        rows_skipped: valid rows that were neither inserted nor updated.
        expected: rows it set out to insert or to update.
        rows_remaining: rows still to be written, of an insert in batches.
        batch_no: how many batches are written; None where it was no insert in batches.
        redone: how often the job was done again after a rollback.
        retried: the status of a job that was tried again. files: what it wants staged again.

    """

    rows_inserted: int | None = None
    rows_updated: int | None = None
    rows_unchanged: int | None = None
    rows_skipped: int | None = None
    rows_rejected: int | None = None
    expected: int | None = None
    rows_remaining: int | None = None
    batch_no: int | None = None
    redone: int | None = None
    retried: str | None = None
    files: list[Json] | None = None


@dataclass(frozen=True, kw_only=True)
class DeleteResult(Result):
    """What was deleted of a job."""

    reason: str | None = None
    deleted_rows: int | None = None
    deleted_issues: int | None = None


@dataclass(frozen=True, kw_only=True)
class QueueResult(Result):
    """How a job stands in the queue; after run_job also what check or insert answered (raw).

    Attributes:
        queue_no: number of the submission.
        state: waiting, running, done, dead or cancelled.
        fence: number of the claim, which run_job, heartbeat and release_job ask for.
        attempt: claims since the last step that was done, this one included.
        existing: it was submitted before; nothing was changed.
        act: what run_job did: check or insert.
        done: the claim is over: the job is completed, waits to be tried again, or is dead.
        cancel: said by a heartbeat: the step that runs is to be cancelled by its worker.

    """

    queue_no: int | None = None
    state: str | None = None
    worker: str | None = None
    fence: int | None = None
    attempt: int | None = None
    max_attempts: int | None = None
    run_after: datetime | None = None
    lease_until: datetime | None = None
    existing: bool | None = None
    act: str | None = None
    done: bool | None = None
    cancel: bool | None = None

    @classmethod
    def _convert(cls, values: Json) -> None:
        super()._convert(values)
        for name in ("run_after", "lease_until"):
            values[name] = _time(values.get(name))


@dataclass(frozen=True, kw_only=True)
class QueueRow(Record):
    """A row of list_queue."""

    queue_no: int | None = None
    job_id: UUID | None = None
    target_name: str | None = None
    owner_role: str | None = None
    status: str | None = None
    state: str | None = None
    priority: int | None = None
    options: Json | None = None
    submitted_by: str | None = None
    queued_at: datetime | None = None
    run_after: datetime | None = None
    attempts: int | None = None
    max_attempts: int | None = None
    worker: str | None = None
    fence: int | None = None
    claimed_at: datetime | None = None
    heartbeat_at: datetime | None = None
    lease_until: datetime | None = None
    last_sqlstate: str | None = None
    last_message: str | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class VerifyResult(Result):
    """Whether the table holds what was staged.

    Attributes:
        modified: rows with other values than the job wrote.
        rewritten: rows that were written again since, but are equal.
        updated_found: rows the job updated that are there.

    """

    verified: bool | None = None
    expected_count: int | None = None
    actual_count: int | None = None
    modified: int | None = None
    rewritten: int | None = None
    updated_found: int | None = None
    checksum_staged: str | None = None
    checksum_inserted: str | None = None
    checksum_target: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dependent(Record):
    """Rows of another table that refer, by one foreign key, to rows a rollback would delete.

    Attributes:
        count: how many; by_jobs of them came by imports (``jobs``), by_others did not.
        on_delete: what the foreign key does when the row it refers to goes: no action, restrict,
            cascade, set null, set default.
        depth: 1 for rows that refer to rows of the job, 2 for rows that refer to those …

    """

    table: str | None = None
    constraint: str | None = None
    count: int | None = None
    on_delete: str | None = None
    depth: int | None = None
    by_jobs: int | None = None
    by_others: int | None = None
    jobs: list[Any] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class LaterJob(Record):
    """A job that came after and stands on rows of the one that would be rolled back.

    Attributes:
        rows: how many rows of this job it concerns.
        why: updated, where it updated them; dependents, where its rows refer to them.

    """

    job_id: UUID | None = None
    target: str | None = None
    completed_at: datetime | None = None
    rows: int | None = None
    why: str | None = None


@dataclass(frozen=True, kw_only=True)
class RollbackPlan(Result):
    """What a rollback would do.

    Attributes:
        eligible: whether the job can be rolled back at all; reasons says why not.
        delete: inserted rows that would be deleted; rewritten of them were written since, but
            are equal.
        restore: updated rows that would get their old values back.
        already_gone: rows of the job that are not there any more.
        modified: rows that others have changed since; details.modified_rows names up to 100.
        taken: restored values that another row of the table has by now.
        dependents: rows of other tables that refer to rows that would go.
        later_jobs: jobs that build on this one, the newest first: the order to roll back in.
        refused_because: why the mode would refuse, or None.
        soft: rows would be declared deleted instead of being deleted.
        seconds: about how long it would take.
        expires_at: end of the window for a rollback.

    """

    eligible: bool | None = None
    reasons: list[Any] = field(default_factory=list)
    delete: int | None = None
    restore: int | None = None
    rewritten: int | None = None
    already_gone: int | None = None
    modified: int | None = None
    modified_inserted: int | None = None
    modified_updated: int | None = None
    taken: int | None = None
    dependents: list[Dependent] = field(default_factory=list)
    later_jobs: list[LaterJob] = field(default_factory=list)
    mode: str | None = None
    refused_because: str | None = None
    soft: bool | None = None
    partial: bool | None = None
    rows_inserted: int | None = None
    rows_updated: int | None = None
    seconds: float | None = None
    expires_at: datetime | None = None

    @classmethod
    def _convert(cls, values: Json) -> None:
        super()._convert(values)
        values["dependents"] = [
            Dependent.from_json(item) for item in values.get("dependents") or []
        ]
        values["later_jobs"] = _later(values.get("later_jobs"))


def _later(given: Any) -> list[LaterJob]:
    """Return later jobs, be they objects or bare ids."""
    return [
        LaterJob.from_json(item if isinstance(item, Mapping) else {"job_id": item})
        for item in given or []
    ]


@dataclass(frozen=True, kw_only=True)
class RollbackResult(Result):
    """What a rollback did.

    Attributes:
        rows_kept: rows left as they are because others have changed them since.
        rows_cascaded: rows of other tables that went with them (mode cascade).
        partial: rows of the job are left, and it stays completed.
        later_jobs: jobs that were rolled back before it (with_later_jobs).

    """

    mode: str | None = None
    rows_deleted: int | None = None
    rows_restored: int | None = None
    rows_kept: int | None = None
    rows_cascaded: int | None = None
    inserted_originally: int | None = None
    updated_originally: int | None = None
    partial: bool | None = None
    later_jobs: list[LaterJob] = field(default_factory=list)

    @classmethod
    def _convert(cls, values: Json) -> None:
        super()._convert(values)
        values["later_jobs"] = _later(values.get("later_jobs"))


@dataclass(frozen=True, kw_only=True)
class RollbackRow(Record):
    """A row of rollback_rows.

    Attributes:
        row_no: to be given as ``after`` for the next page.
        row_class: delete, restore, gone, modified, taken or kept (the column "class").
        kind: whether the job inserted or updated it.
        columns: those that differ from what the job wrote.

    """

    row_no: int | None = None
    row_class: str | None = None
    kind: str | None = None
    key: Json | None = None
    columns: list[str] | None = None
    detail: str | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Build from a row; the column "class" becomes row_class."""
        return _with_class(cls, raw)


@dataclass(frozen=True, kw_only=True)
class DisabledResult(Result):
    """Jobs whose rollback was closed."""

    disabled: list[Any] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ClearResult(Result):
    """What is left in staging."""

    remaining_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReportCopyResult(Result):
    """The COPY … TO STDOUT of a report.

    Attributes:
        copy_sql: as CSV with a header. row_copy_sql: the rows alone, in COPY's text format.
        columns: names of the columns.

    """

    copy_sql: str = ""
    row_copy_sql: str = ""
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class DuplicateRow(Record):
    """A row of the duplicate report; status CLEAN, INTERNAL_DUPLICATE … as text."""

    file_no: int | None = None
    file_name: str | None = None
    row_no: int | None = None
    line_no: int | None = None
    is_internal_duplicate: bool | None = None
    is_database_duplicate: bool | None = None
    status: str | None = None
    data: Json | None = None


@dataclass(frozen=True, kw_only=True)
class IssueRow(Record):
    """A problem of the data."""

    issue_id: int | None = None
    job_id: UUID | None = None
    file_no: int | None = None
    file_name: str | None = None
    row_no: int | None = None
    line_no: int | None = None
    column_name: str | None = None
    code: str | None = None
    severity: str | None = None
    message: str | None = None
    value: str | None = None
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class IssueGroup(Record):
    """The issues of one column and code.

    Attributes:
        rows: how many. sample, message, hint: of the first of them.
        samples: up to three different values, each with file_no, file_name, line_no, row_no and
            its length; values are cut at 200 characters.

    """

    column_name: str | None = None
    code: str | None = None
    severity: str | None = None
    rows: int | None = None
    sample: str | None = None
    message: str | None = None
    hint: str | None = None
    samples: list[Json] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class StagedRow(Record):
    """A row of the row report.

    Attributes:
        row_class: insert, skip or invalid (the column "class").

    """

    file_no: int | None = None
    file_name: str | None = None
    row_no: int | None = None
    line_no: int | None = None
    row_class: str | None = None
    issues: list[Json] | None = None
    data: Json | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Build from a row; the column "class" becomes row_class."""
        return _with_class(cls, raw)


@dataclass(frozen=True, kw_only=True)
class TargetRow(Record):
    """A row of list_targets."""

    name: str | None = None
    target: str | None = None
    key: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class JobRow(Record):
    """A row of the history."""

    job_id: UUID | None = None
    target_name: str | None = None
    target: str | None = None
    status: str | None = None
    actor: str | None = None
    owner_role: str | None = None
    tenant: str | None = None
    source: str | None = None
    source_info: str | None = None
    files: int | None = None
    file_names: list[str] | None = None
    total_rows: int | None = None
    invalid_rows: int | None = None
    internal_duplicates: int | None = None
    database_duplicates: int | None = None
    clean_rows: int | None = None
    rows_inserted: int | None = None
    rows_updated: int | None = None
    rows_skipped: int | None = None
    rows_rejected: int | None = None
    rows_deleted: int | None = None
    rows_restored: int | None = None
    rows_kept: int | None = None
    partial_rollbacks: int | None = None
    redone: int | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    finished_at: datetime | None = None
    rollback_until: datetime | None = None
    rolled_back_at: datetime | None = None
    rolled_back_by: str | None = None
    deleted_at: datetime | None = None
    error_message: str | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryRow(Record):
    """What a job did to one record.

    Attributes:
        action: insert, update, delete or restore.
        key: as it was written, *** for a sensitive column.
        line_no: physical line of the file from which the job wrote the record.
        actor, role_name: who did it.

    """

    history_id: int | None = None
    written_at: datetime | None = None
    action: str | None = None
    key: list[str | None] = field(default_factory=list)
    job_id: UUID | None = None
    job_status: str | None = None
    source: str | None = None
    file_no: int | None = None
    file_name: str | None = None
    row_no: int | None = None
    line_no: int | None = None
    actor: str | None = None
    role_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class EventRow(Record):
    """A row of a job's log.

    Attributes:
        started_at: when the statement was sent that did it; up to happened_at the act took.

    """

    event_id: int | None = None
    happened_at: datetime | None = None
    event: str | None = None
    from_status: str | None = None
    to_status: str | None = None
    role_name: str | None = None
    actor: str | None = None
    application_name: str | None = None
    client_address: Any = None
    details: Json | None = None
    started_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Finding(Record):
    """What doctor() found.

    Attributes:
        status: ok, warning (imports work, but …) or problem.
        mend: the statement or command that mends it, or None.

    """

    what: str | None = None
    status: str | None = None
    found: str | None = None
    why: str | None = None
    mend: str | None = None


@dataclass(frozen=True, kw_only=True)
class LimitResult(Result):
    """What set_limit() has set; None: no limit."""

    role: str | None = None
    tenant: str | None = None
    running_jobs: int | None = None
    staged_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class LimitRow(Record):
    """A limit, with what counts against it now; role and tenant are None for all of them."""

    role_name: str | None = None
    tenant: str | None = None
    running_jobs: int | None = None
    running_now: int | None = None
    staged_bytes: int | None = None
    staged_now: int | None = None
    set_at: datetime | None = None
    set_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class RetentionResult(Result):
    """For how long what is kept.

    Attributes:
        settings: staged_rows, issues, events, row_history (None: for ever), engine, premake.
        engine: who makes and drops partitions: pg_partman or own.
        tables: one a partitioned table: table, keep, engine, partition_length, partitions,
            rows_moved.

    """

    settings: Json = field(default_factory=dict)
    engine: str | None = None
    tables: list[Json] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MaintenanceResult(Result):
    """What was removed, or would be.

    Attributes:
        removed: one a kind: kind, jobs, partitions, rows, bytes.
        kept: one a kind and reason: kind, jobs, partitions, bytes, why.
        remaining: there is more for another run.

    """

    dry_run: bool = False
    removed: list[Json] = field(default_factory=list)
    kept: list[Json] = field(default_factory=list)
    remaining: bool = False
