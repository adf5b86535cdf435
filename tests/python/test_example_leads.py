"""examples/leads: files that people upload, workers that import them, and what stays known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgimport
from _command import run
from pgimport import Client
from pgimport._assemble import assemble

EXAMPLE = Path(__file__).parents[2] / "examples" / "leads"
IN_TURN = {"mode": "round_robin", "column": "owner_id", "values": ["1", "2", "3"]}

Connection = psycopg.Connection[Any]


@pytest.fixture
def crm(empty_dsn: str) -> Iterator[Connection]:
    """A database with the example in it."""
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        for text in (
            (EXAMPLE / "schema.sql").read_text(encoding="utf-8"),
            assemble(),
            (EXAMPLE / "target.sql").read_text(encoding="utf-8"),
        ):
            connection.execute(text.encode())
        yield connection


def queued(crm: Connection, name: str, **options: Any) -> str:
    """Stage a file and hand it to the workers."""
    client = Client(crm)
    staged = pgimport.stage_files(
        crm.info.dsn, None, [EXAMPLE / "data" / name], target="leads", options=options
    )
    client.submit_job(staged.job_id)
    return str(staged.job_id)


def leads(crm: Connection) -> list[tuple[Any, ...]]:
    return crm.execute(
        "SELECT first_name, city, budget, owner_id FROM public.leads ORDER BY first_name"
    ).fetchall()


def test_a_worker_imports_what_was_queued_and_keeps_the_wrong_rows(crm: Connection) -> None:
    job = queued(crm, "leads_fr.csv", assignment=IN_TURN)
    client = Client(crm)
    assert client.get_job(job).status == "queued"
    done = run("worker", "--once", dsn=crm.info.dsn)
    assert done.code == 0, done.err
    found = client.get_job(job)
    assert (found.status, found.counts.rows_inserted, found.counts.invalid_rows) == (
        "completed", 3, 2,
    )  # fmt: skip
    assert [(name, owner) for name, _, _, owner in leads(crm)] == [
        ("Hugo", 2), ("Jules", 3), ("Léa", 1),
    ]  # fmt: skip
    wrong = {(i.line_no, i.column_name, i.code) for i in client.issue_report(job)}
    assert wrong == {(5, "email", "pattern"), (6, "budget", "bad_numeric")}


def test_each_lead_knows_the_imports_that_touched_it(crm: Connection) -> None:
    queued(crm, "leads_fr.csv")
    run("worker", "--once", dsn=crm.info.dsn)
    second = pgimport.import_files(crm.info.dsn, "leads", [EXAMPLE / "data" / "leads_update.csv"])
    assert second.insert is not None
    assert (second.insert.rows_inserted, second.insert.rows_updated) == (1, 2)
    assert ("Léa", "Lyon", 1500, None) in leads(crm), "a city that is there stays"
    assert ("Hugo", "Bordeaux", 300, None) in leads(crm), "a blank one is filled"
    client = Client(crm)
    touched = [
        (row.action, row.file_name) for row in client.row_history("leads", ["lea@example.com"])
    ]
    assert touched == [("update", "leads_update.csv"), ("insert", "leads_fr.csv")]
    client.rollback_job(second.job_id)
    assert client.row_history("leads", ["lea@example.com"])[0].action == "restore"


def test_a_file_is_free_again_when_its_import_is_deleted(crm: Connection) -> None:
    first = queued(crm, "leads_fr.csv")
    client = Client(crm)
    with pytest.raises(pgimport.PgImportError) as refused:
        queued(crm, "leads_fr.csv")
    assert refused.value.code == "PI304"
    client.cancel_job(first, "wrong file")
    client.delete_job(first)
    second = queued(crm, "leads_fr.csv")
    run("worker", "--once", dsn=crm.info.dsn)
    assert client.get_job(second).status == "completed"


def test_the_lines_of_the_readme_are_commands_that_there_are() -> None:
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    names = {
        line.split()[1]
        for line in text.split("```sh")[1].split("```")[0].splitlines()
        if line.startswith("pgimport ")
    }
    for name in sorted(names):
        assert run(name, "--help").code == 0, name
