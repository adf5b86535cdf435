"""The client against a real server: one method a function, typed results, errors by SQLSTATE."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from pgimport import (
    ArgumentError,
    AsyncClient,
    Client,
    InsertFailed,
    JobStateError,
    PgImportError,
    RollbackRefused,
    StagingError,
    TargetError,
    _sql,
    errors,
    models,
)

MERCHANT = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
TABLE = """
CREATE TABLE public.codes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id uuid NOT NULL,
    code text NOT NULL,
    sku text,
    UNIQUE (code, merchant_id)
)
"""
HEADER = ["merchant_id", "code", "sku"]

# parameters that are not the caller's to give
HIDDEN = {"search_path"}


@pytest.fixture
def conn(installed_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(TABLE)
        Client(connection).register_target("public.codes", "codes", ["code", "merchant_id"])
        yield connection


@pytest.fixture
def client(conn: psycopg.Connection[Any]) -> Client:
    return Client(conn)


def stage(client: Client, codes: list[str]) -> UUID:
    """Stage codes into a new job and return its id."""
    job = client.create_job("codes", {"source": "test"}).job_id
    assert job is not None
    opened = client.stage_file(job, "a.csv", HEADER)
    with client.conn.cursor().copy(opened.copy_sql.encode()) as copy:
        copy.write("merchant_id,code,sku\n" + "".join(f"{MERCHANT},{code},\n" for code in codes))
    client.finish_file(job, opened.file_no, len(codes))
    return job


def imported(client: Client, codes: list[str]) -> UUID:
    job = stage(client, codes)
    client.check_job(job)
    client.insert_job(job)
    return job


def test_the_client_has_a_method_for_every_public_function_and_no_other(client: Client) -> None:
    rows = client.conn.execute(
        """
        SELECT p.proname, p.proargnames, p.pronargs, p.pronargdefaults
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'pgimport'::regnamespace
            AND p.proname NOT LIKE '\\_%' AND p.prokind = 'f'
        """
    ).fetchall()
    database = {}
    for name, argument_names, count, defaults in rows:
        names = [item.removeprefix("p_") for item in (argument_names or [])[:count]]
        required = names[: count - defaults]
        database[name] = (
            [item for item in names if item not in HIDDEN],
            [item for item in required if item not in HIDDEN],
        )
    python = {}
    for build in _sql.FUNCTIONS:
        parameters = inspect.signature(build).parameters.values()
        python[build.__name__] = (
            [item.name.rstrip("_") for item in parameters],
            [item.name.rstrip("_") for item in parameters if item.default is item.empty],
        )
    assert set(python) == set(database)
    for name, (names, _) in python.items():
        assert names == database[name][0], name
    for made in (Client, AsyncClient):
        methods = {
            name
            for name, item in vars(made).items()
            if not name.startswith("_") and type(item).__name__ == "_Method"
        }
        assert methods == set(database)
        assert all(getattr(made, name).__doc__ for name in methods)


def test_a_job_from_the_first_file_to_the_rollback(client: Client) -> None:
    job = stage(client, ["A", "B", "A"])
    checked = client.check_job(job)
    assert (checked.total_rows, checked.internal_duplicates, checked.clean_count) == (3, 1, 2)
    assert checked.counts.clean_rows == 2
    assert checked.valid is True
    preview = client.preview_job(job, limit=2)
    assert [row["class"] for row in preview.rows] == ["insert", "insert"]
    assert client.insert_job(job, {"dry_run": True}).status == "checked"
    inserted = client.insert_job(job)
    assert (inserted.rows_inserted, inserted.rows_skipped, inserted.status) == (2, 1, "completed")
    verified = client.verify_job(job)
    assert verified.verified is True
    assert verified.expected_count == verified.actual_count == 2
    assert [row.status for row in client.duplicate_report(job)] == ["INTERNAL_DUPLICATE"]
    assert len(client.duplicate_report(job, only_duplicates=False)) == 3
    assert [row.row_class for row in client.row_report(job)] == ["insert", "insert", "skip"]
    assert client.issue_report(job, after=0, limit=5) == []
    planned = client.plan_rollback(job)
    assert (planned.eligible, planned.delete, planned.modified) == (True, 2, 0)
    undone = client.rollback_job(job, reason="a test")
    assert (undone.rows_deleted, undone.status) == (2, "rolled_back")
    events = [event.event for event in client.job_events(job)]
    assert events[0] == "created"
    listed = client.list_jobs({"target": "codes"}, limit=10)
    assert [(row.job_id, row.status, row.rows_deleted) for row in listed] == [
        (job, "rolled_back", 2)
    ]
    known = client.get_job(job)
    assert known.files is not None
    assert known.files[0]["file_name"] == "a.csv"
    assert known.created_at is not None


def test_targets_mapping_and_administration(client: Client) -> None:
    assert [row.name for row in client.list_targets()] == ["codes"]
    client.set_column("codes", "sku", {"aliases": ["Article"]})
    suggested = client.suggest_mapping("codes", ["Article", "CODE", "nonsense"], threshold=0.9)
    assert [getattr(item, "column", item) for item in suggested.mapping] == ["sku", "code", None]
    assert suggested.missing_required == ["merchant_id"]
    described = client.describe_target("codes")
    assert described.key == ["code", "merchant_id"]
    job = client.create_job("codes").job_id
    assert job is not None
    assert client.stage_relation(job, "public.codes").rows_staged == 0
    assert client.clear_target_staging("codes").remaining_rows == 0
    assert client.cancel_job(job, reason="not needed").status == "cancelled"
    assert client.disable_old_rollbacks("1 day").disabled == []
    assert client.version().count(".") >= 1
    assert client.verify_install().success
    assert client.drop_target("codes").success


def test_errors_have_the_class_of_their_code_with_detail_and_hint(client: Client) -> None:
    job = imported(client, ["A"])
    refused: list[tuple[type[PgImportError], str, Any]] = [
        (ArgumentError, "PI002", lambda: client.create_job("codes", {"no_such": 1})),
        (JobStateError, "PI101", lambda: client.get_job(uuid4())),
        (JobStateError, "PI102", lambda: client.cancel_job(job)),
        (TargetError, "PI201", lambda: client.describe_target("none")),
        (StagingError, "PI301", lambda: client.finish_file(stage(client, ["Z"]), 9, 1)),
    ]
    for kind, code, call in refused:
        with pytest.raises(kind) as caught:
            call()
        assert caught.value.code == code
        assert caught.value.hint, code
        assert isinstance(caught.value.__cause__, psycopg.Error)
        assert str(caught.value).startswith(f"{code}: ")


def test_a_refused_act_is_raised_with_its_result(client: Client) -> None:
    job = imported(client, ["A", "B"])
    client.conn.execute("UPDATE public.codes SET sku = 'changed' WHERE code = 'A'")
    with pytest.raises(RollbackRefused) as caught:
        client.rollback_job(job)
    assert caught.value.code == "PI504"
    assert caught.value.hint
    assert isinstance(caught.value.result, models.RollbackResult)
    assert caught.value.result.status == "completed"
    kept = client.rollback_job(job, mode="keep_modified")
    assert (kept.rows_deleted, kept.rows_kept) == (1, 1)


def test_a_failed_insert_is_raised_and_the_job_says_failed(client: Client) -> None:
    # a trigger is what no check foresees
    client.conn.execute(
        "CREATE FUNCTION public.no_b() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no B' USING ERRCODE = 'check_violation', "
        "CONSTRAINT = 'no_b'; END $$"
    )
    client.conn.execute(
        "CREATE TRIGGER no_b BEFORE INSERT ON public.codes FOR EACH ROW "
        "WHEN (new.code = 'B') EXECUTE FUNCTION public.no_b()"
    )
    job = stage(client, ["A", "B"])
    client.check_job(job)
    with pytest.raises(InsertFailed) as caught:
        client.insert_job(job)
    assert caught.value.detail == "SQLSTATE 23514"
    assert client.get_job(job).status == "failed"
    row = client.conn.execute("SELECT count(*) FROM public.codes").fetchone()
    assert row == (0,)


def test_errors_of_postgresql_pass_untouched(client: Client) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        client.register_target("public.none", "none", ["id"])


def test_the_callers_transaction_and_settings_are_the_callers(installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn, prepare_threshold=None, row_factory=dict_row) as conn:
        conn.execute(TABLE)
        set_json_loads(lambda data: "not what the client wants", conn)
        conn.execute("SET search_path = public")
        client = Client(conn)
        client.register_target("codes", "codes", ["code", "merchant_id"])
        job = client.create_job("codes", {"source_info": {"any": ["thing", None]}})
        assert job.raw["status"] == "pending"
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        path = conn.execute("SHOW search_path").fetchone()
        assert path == {"search_path": "public"}
        conn.rollback()
        row = conn.execute("SELECT count(*) AS count FROM pgimport.job").fetchone()
        assert row == {"count": 0}


def test_the_async_client_does_the_same(client: Client, installed_dsn: str) -> None:
    job = stage(client, ["A", "B"])

    async def life() -> tuple[models.InsertResult, list[models.JobRow]]:
        async with await psycopg.AsyncConnection.connect(installed_dsn, autocommit=True) as conn:
            caller = AsyncClient(conn)
            with pytest.raises(JobStateError):
                await caller.get_job(uuid4())
            await caller.check_job(job)
            return await caller.insert_job(job_id=job), await caller.list_jobs()

    inserted, jobs = asyncio.run(life())
    assert inserted.rows_inserted == 2
    assert [row.status for row in jobs] == ["completed"]


def test_a_plan_is_told_by_its_classes_and_a_part_is_rolled_back_by_options(
    client: Client,
) -> None:
    job = imported(client, ["A", "B", "C"])
    client.conn.execute("UPDATE public.codes SET sku = 'S' WHERE code = 'B'")
    client.conn.execute("UPDATE public.codes SET sku = sku WHERE code = 'C'")
    plan = client.plan_rollback(job)
    assert (plan.delete, plan.rewritten, plan.modified, plan.restore) == (2, 1, 1, 0)
    assert (plan.mode, plan.soft, plan.partial) == ("refuse", False, False)
    assert plan.refused_because
    (row,) = client.rollback_rows(job, "modified")
    assert (row.row_class, row.kind, row.columns) == ("modified", "inserted", ["sku"])
    assert row.key == {"code": "B", "merchant_id": MERCHANT}
    assert client.rollback_rows(job, "modified", row.row_no, 10) == []
    some = {"filter": {"code": ["A"]}}
    assert client.plan_rollback(job, "keep_modified", some).delete == 1
    part = client.rollback_job(job, options=some)
    assert (part.rows_deleted, part.partial, part.status) == (1, True, "completed")
    rest = client.rollback_job(job, "keep_modified", "the rest")
    # the numbers of all rollbacks of the job
    assert (rest.rows_deleted, rest.rows_kept, rest.mode) == (2, 1, "keep_modified")
    assert [kept.key for kept in client.rollback_rows(job, "kept")] == [row.key]
    again = client.redo_job(job)
    assert (again.rows_inserted, again.redone) == (2, 1)


def test_plans_of_other_schemas_are_read_with_what_is_known_of_them() -> None:
    newer = models.RollbackPlan.from_json(
        {
            "success": True,
            "delete": 1,
            "colour": "red",
            "dependents": [{"table": "public.a", "count": 2, "by_others": 1, "shape": "round"}],
            "later_jobs": [{"job_id": str(uuid4()), "why": "updated", "taste": "sweet"}],
        }
    )
    assert (newer.dependents[0].table, newer.dependents[0].by_others) == ("public.a", 1)
    assert newer.dependents[0].raw["shape"] == "round"
    assert isinstance(newer.later_jobs[0].job_id, UUID)
    assert newer.raw["colour"] == "red"
    older = models.RollbackPlan.from_json({"success": True, "delete": 1, "modified": 0})
    assert (older.dependents, older.later_jobs, older.soft, older.seconds) == ([], [], None, None)
    bare = models.RollbackResult.from_json({"success": True, "later_jobs": [str(uuid4())]})
    assert isinstance(bare.later_jobs[0].job_id, UUID)


def test_results_cannot_be_changed_and_keep_keys_that_are_new() -> None:
    raw = {"success": True, "job_id": str(uuid4()), "brand_new": 1, "counts": {"more": 2}}
    result = models.InsertResult.from_json(raw)
    assert result.raw["brand_new"] == 1
    assert result.counts.raw == {"more": 2}
    assert isinstance(result.job_id, UUID)
    with pytest.raises(FrozenInstanceError):
        result.status = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("PI001", errors.ArgumentError),
        ("PI103", errors.JobStateError),
        ("PI207", errors.TargetError),
        ("PI303", errors.StagingError),
        ("PI307", errors.FileError),
        ("PI401", errors.InsertFailed),
        ("PI503", errors.RollbackRefused),
        ("PI601", errors.RightsError),
        ("PI901", errors.InstallError),
        ("PI799", errors.PgImportError),
    ],
)
def test_each_class_of_codes_has_its_class(code: str, kind: type[PgImportError]) -> None:
    assert errors.error_class(code) is kind
