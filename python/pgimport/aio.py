"""The client for asyncio: the same methods as Client, awaited.

Both are made from the builders of _sql; there is nothing to keep alike by hand.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar, overload

import psycopg
from psycopg.rows import tuple_row

from pgimport import _sql, errors

P = ParamSpec("P")
T = TypeVar("T")


class _Method(Generic[P, T]):
    """Makes a method of AsyncClient out of a builder of _sql: same parameters, awaited."""

    def __init__(self, build: Callable[P, _sql.Call[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__
        self.__wrapped__ = build

    @overload
    def __get__(self, client: None, owner: type[AsyncClient]) -> _Method[P, T]: ...

    @overload
    def __get__(
        self, client: AsyncClient, owner: type[AsyncClient]
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(
        self, client: AsyncClient | None, owner: type[AsyncClient]
    ) -> _Method[P, T] | Callable[P, Coroutine[Any, Any, T]]:
        if client is None:
            return self

        @functools.wraps(self._build)
        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client.run(self._build(*args, **kwargs))

        return method


class AsyncClient:
    """Calls the functions on the caller's connection, in the caller's transaction; see Client."""

    def __init__(self, conn: psycopg.AsyncConnection[Any]) -> None:
        self.conn = conn

    async def run(self, call: _sql.Call[T]) -> T:
        """Run one call and return its result."""
        try:
            async with self.conn.cursor(row_factory=tuple_row) as cursor:
                await cursor.execute(call.sql, call.parameters)
                columns = [column.name for column in cursor.description or ()]
                rows = await cursor.fetchall()
        except psycopg.Error as error:
            ours = errors.from_database(error)
            if ours is None:
                raise
            raise ours from error
        return call.result(rows, columns)

    register_target = _Method(_sql.register_target)
    set_column = _Method(_sql.set_column)
    list_targets = _Method(_sql.list_targets)
    describe_target = _Method(_sql.describe_target)
    drop_target = _Method(_sql.drop_target)
    suggest_mapping = _Method(_sql.suggest_mapping)
    save_mapping = _Method(_sql.save_mapping)
    list_mappings = _Method(_sql.list_mappings)
    drop_mapping = _Method(_sql.drop_mapping)
    create_job = _Method(_sql.create_job)
    stage_file = _Method(_sql.stage_file)
    checkpoint_file = _Method(_sql.checkpoint_file)
    finish_file = _Method(_sql.finish_file)
    add_issues = _Method(_sql.add_issues)
    stage_relation = _Method(_sql.stage_relation)
    stage_fix = _Method(_sql.stage_fix)
    apply_fix = _Method(_sql.apply_fix)
    set_mapping = _Method(_sql.set_mapping)
    save_job_mapping = _Method(_sql.save_job_mapping)
    cancel_job = _Method(_sql.cancel_job)
    job_progress = _Method(_sql.job_progress)
    clear_staging = _Method(_sql.clear_staging)
    clear_target_staging = _Method(_sql.clear_target_staging)
    mark_duplicates = _Method(_sql.mark_duplicates)
    validate_job = _Method(_sql.validate_job)
    check_job = _Method(_sql.check_job)
    preview_job = _Method(_sql.preview_job)
    rehearse_job = _Method(_sql.rehearse_job)
    insert_job = _Method(_sql.insert_job)
    verify_job = _Method(_sql.verify_job)
    submit_job = _Method(_sql.submit_job)
    claim_job = _Method(_sql.claim_job)
    heartbeat = _Method(_sql.heartbeat)
    run_job = _Method(_sql.run_job)
    release_job = _Method(_sql.release_job)
    run_next_job = _Method(_sql.run_next_job)
    list_queue = _Method(_sql.list_queue)
    plan_rollback = _Method(_sql.plan_rollback)
    rollback_job = _Method(_sql.rollback_job)
    rollback_rows = _Method(_sql.rollback_rows)
    redo_job = _Method(_sql.redo_job)
    disable_rollback = _Method(_sql.disable_rollback)
    disable_old_rollbacks = _Method(_sql.disable_old_rollbacks)
    duplicate_report = _Method(_sql.duplicate_report)
    issue_report = _Method(_sql.issue_report)
    issue_summary = _Method(_sql.issue_summary)
    row_report = _Method(_sql.row_report)
    report_copy_sql = _Method(_sql.report_copy_sql)
    list_jobs = _Method(_sql.list_jobs)
    get_job = _Method(_sql.get_job)
    job_events = _Method(_sql.job_events)
    retry_job = _Method(_sql.retry_job)
    delete_job = _Method(_sql.delete_job)
    row_history = _Method(_sql.row_history)
    grant_usage = _Method(_sql.grant_usage)
    verify_install = _Method(_sql.verify_install)
    doctor = _Method(_sql.doctor)
    set_limit = _Method(_sql.set_limit)
    list_limits = _Method(_sql.list_limits)
    enable_retention = _Method(_sql.enable_retention)
    run_maintenance = _Method(_sql.run_maintenance)
    version = _Method(_sql.version)
