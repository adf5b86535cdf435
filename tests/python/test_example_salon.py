"""examples/salon: related tables, files that come again, rollback in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgimport
from pgimport import Client, RollbackRefused
from pgimport._assemble import assemble

SALON = Path(__file__).parents[2] / "examples" / "salon"
ORG = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
OTHER = "0b7e2c11-52c8-4d6f-9a53-3a6f1d9be6a2"

Connection = psycopg.Connection[Any]


@pytest.fixture
def salon(empty_dsn: str) -> Iterator[Connection]:
    """A database with the example in it."""
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        for text in (
            (SALON / "schema.sql").read_text(encoding="utf-8"),
            assemble(),
            (SALON / "target.sql").read_text(encoding="utf-8"),
        ):
            connection.execute(text.encode())
        yield connection


def load(
    salon: Connection, target: str, name: str, org: str = ORG, force: bool = False, **options: Any
) -> Any:
    """Import a file of the example for an organization."""
    return pgimport.import_files(
        salon.info.dsn,
        target,
        [SALON / "data" / name],
        options={"constants": {"organization_id": org}, **options},
        force=force,
    )


def first(salon: Connection) -> dict[str, Any]:
    """The first three imports."""
    return {
        "clients": load(salon, "clients", "clients.csv", keep="last"),
        "services": load(salon, "services", "services.csv"),
        "appointments": load(salon, "appointments", "appointments.csv"),
    }


def content(salon: Connection) -> dict[str, list[Any]]:
    """What is in the tables, without what the clock or a sequence decides."""
    return {
        table: salon.execute(
            f"SELECT to_jsonb(t) - '{{id,imported_at,import_job_id}}'::text[]"
            f" FROM public.{table} AS t ORDER BY external_id, organization_id"
        ).fetchall()
        for table in ("clients", "services", "appointments")
    }


def client_row(salon: Connection, external_id: str) -> tuple[Any, ...] | None:
    return salon.execute(
        "SELECT name, email, phone, notes FROM public.clients WHERE external_id = %s", [external_id]
    ).fetchone()


def test_the_first_files_fill_three_tables_and_an_unknown_client_is_an_issue(
    salon: Connection,
) -> None:
    done = first(salon)
    assert [done[name].insert.rows_inserted for name in done] == [5, 3, 4]
    assert all(item.verify.verified for item in done.values())
    issues = Client(salon).issue_report(done["appointments"].job_id)
    assert [(issue.code, issue.line_no) for issue in issues] == [
        ("foreign_key:appointments_client_fkey", 6)
    ]
    assert client_row(salon, "C-105") == (
        "Emil Novak",
        "emil@example.org",
        "+420 600 000 005",
        None,
    )


def test_a_file_that_comes_again_updates_by_the_rules_of_each_column(salon: Connection) -> None:
    first(salon)
    again = load(salon, "clients", "clients_next_month.csv")
    counts = (again.insert.rows_inserted, again.insert.rows_updated, again.insert.rows_unchanged)
    assert counts == (1, 2, 1)
    assert client_row(salon, "C-101") == (
        "Ana Costa",
        "ana.costa@example.org",
        "+351 910 000 001",
        "prefers mornings",
    )
    assert client_row(salon, "C-102") == ("Ben Ali", "ben@example.org", "+216 20 000 002", None)


def test_another_organization_has_clients_of_the_same_ids(salon: Connection) -> None:
    first(salon)
    other = load(salon, "clients", "clients.csv", OTHER, force=True, keep="last")
    assert (other.insert.rows_inserted, other.insert.rows_updated) == (5, 0)


def test_the_rollback_of_the_update_leaves_what_people_changed(salon: Connection) -> None:
    first(salon)
    before = content(salon)
    again = load(salon, "clients", "clients_next_month.csv")
    salon.execute("UPDATE public.clients SET email = 'a@c.org' WHERE external_id = 'C-101'")
    client = Client(salon)
    with pytest.raises(RollbackRefused) as refused:
        client.rollback_job(again.job_id)
    assert refused.value.code == "PI504"
    plan = client.plan_rollback(again.job_id)
    assert (plan.delete, plan.restore, plan.modified) == (1, 1, 1)
    assert plan.details["modified_rows"][0]["columns"] == ["email"]
    done = client.rollback_job(again.job_id, "keep_modified")
    assert (done.rows_deleted, done.rows_restored, done.rows_kept) == (1, 1, 1)
    salon.execute("UPDATE public.clients SET email = 'ana@example.org' WHERE external_id = 'C-101'")
    assert content(salon) == before


def test_clients_go_back_after_the_appointments_that_refer_to_them(salon: Connection) -> None:
    done = first(salon)
    client = Client(salon)
    plan = client.plan_rollback(done["clients"].job_id)
    assert [(item.constraint, item.count, item.by_others) for item in plan.dependents] == [
        ("appointments_client_fkey", 4, 0)
    ]
    assert [later.job_id for later in plan.later_jobs] == [done["appointments"].job_id]
    with pytest.raises(RollbackRefused):
        client.rollback_job(done["clients"].job_id)
    undone = client.rollback_job(done["clients"].job_id, options={"with_later_jobs": True})
    assert undone.rows_deleted == 5
    assert [later.job_id for later in undone.later_jobs] == [done["appointments"].job_id]
    counts = {table: len(rows) for table, rows in content(salon).items()}
    assert counts == {"clients": 0, "services": 3, "appointments": 0}
    # and the same files are welcome again
    assert load(salon, "clients", "clients.csv", keep="last").insert.rows_inserted == 5


def test_an_appointment_that_somebody_booked_goes_only_by_force(salon: Connection) -> None:
    done = first(salon)
    salon.execute(
        "INSERT INTO public.appointments"
        " (organization_id, external_id, client_external_id, starts_at)"
        " VALUES (%s, 'by hand', 'C-101', '2026-04-01')",
        [ORG],
    )
    client = Client(salon)
    job = done["clients"].job_id
    assert client.plan_rollback(job).dependents[0].by_others == 1
    for mode, options in (("refuse", {"with_later_jobs": True}), ("cascade", {})):
        with pytest.raises(RollbackRefused):
            client.rollback_job(job, mode, options=options)
        assert len(content(salon)["appointments"]) == 5
    cascaded = client.rollback_job(job, "cascade", options={"force": True})
    assert cascaded.rows_cascaded == 5
    assert content(salon)["appointments"] == []
