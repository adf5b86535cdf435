"""examples/crm: five kinds of records of teams, and the history of their imports."""

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

EXAMPLE = Path(__file__).parents[2] / "examples" / "crm"
KINDS = ("companies", "people", "opportunities", "tasks", "notes")

Connection = psycopg.Connection[Any]


@pytest.fixture
def crm(empty_dsn: str) -> Iterator[Connection]:
    """A database with the example in it, and an import of each kind."""
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        for text in (
            (EXAMPLE / "schema.sql").read_text(encoding="utf-8"),
            assemble(),
            (EXAMPLE / "target.sql").read_text(encoding="utf-8"),
        ):
            connection.execute(text.encode())
        for kind in KINDS:
            pgimport.import_files(
                empty_dsn,
                kind,
                [EXAMPLE / "data" / f"{kind}.csv"],
                options={"tenant": "north", "actor": "joao" if kind == "tasks" else "maria"},
            )
        yield connection


def test_each_kind_says_what_was_created_and_what_failed(crm: Connection) -> None:
    found = {
        job.target_name: (job.rows_inserted, job.invalid_rows) for job in Client(crm).list_jobs()
    }
    assert found == {
        "companies": (2, 1), "people": (2, 1), "opportunities": (1, 1), "tasks": (2, 1),
        "notes": (2, 0),
    }  # fmt: skip
    assert list(found) == list(reversed(KINDS)), "newest first"


def test_names_became_ids_and_every_row_is_the_team_s(crm: Connection) -> None:
    assert crm.execute(
        "SELECT p.team, p.name, c.name FROM crm.person AS p"
        " JOIN crm.company AS c ON c.id = p.company_id ORDER BY 2"
    ).fetchall() == [("north", "Ada", "Nord SARL"), ("north", "Bob", "Est et Fils")]


def test_the_history_is_found_by_kind_person_and_file(crm: Connection) -> None:
    client = Client(crm)
    assert [job.target_name for job in client.list_jobs({"target": "people"})] == ["people"]
    assert [job.target_name for job in client.list_jobs({"actor": "joao"})] == ["tasks"]
    assert [job.target_name for job in client.list_jobs({"file_name": "OPPORT"})] == [
        "opportunities"
    ]
    assert client.list_jobs({"tenant": "south"}) == []


def test_failed_rows_are_a_file_with_all_their_columns(crm: Connection, tmp_path: Path) -> None:
    job = str(Client(crm).list_jobs({"target": "people"})[0].job_id)
    out = tmp_path / "failed.csv"
    assert run("report", job, "--issues", "-o", str(out), dsn=crm.info.dsn).code == 0
    raw = out.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "for spreadsheets"
    lines = raw.decode("utf-8-sig").splitlines()
    assert all(name in lines[0] for name in ("email", "name", "company"))
    assert len(lines) == 2
    assert "eve@ouest.example" in lines[1]


def test_the_same_file_is_not_imported_twice_also_where_rows_have_no_key(crm: Connection) -> None:
    with pytest.raises(pgimport.PgImportError) as refused:
        pgimport.import_files(
            crm.info.dsn, "notes", [EXAMPLE / "data" / "notes.csv"], options={"tenant": "north"}
        )
    assert refused.value.code == "PI304"
    again = pgimport.import_files(
        crm.info.dsn, "notes", [EXAMPLE / "data" / "notes.csv"], options={"tenant": "south"}
    )
    assert again.insert is not None
    assert again.insert.rows_inserted == 2, "another team's import is another import"
