"""Saved mappings, transforms and assignment, from the client and the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from _command import run
from pgimport import ArgumentError, Client, TargetError, import_files

TABLE = """
CREATE TABLE public.people (
    ext text PRIMARY KEY, first_name text, last_name text, address text, owner text
)
"""
HEADER = ["Ext", "Full name", "Street", "City"]
MAPPING: dict[str, Any] = {
    "Full name": {"split": " ", "columns": ["first_name", "last_name"]},
    "Street": {"column": "address", "part": 1},
    "City": {"column": "address", "part": 2, "separator": ", "},
}
LINES = "Ext,Full name,Street,City\n1,Ann Lee,1 High Street,York\n2,Bob Day,,Hull\n"


@pytest.fixture
def conn(installed_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(TABLE)
        Client(connection).register_target("public.people", "people", ["ext"])
        yield connection


@pytest.fixture
def client(conn: psycopg.Connection[Any]) -> Client:
    return Client(conn)


def people(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT ext, first_name, last_name, address, owner FROM public.people ORDER BY ext"
    ).fetchall()


def test_a_mapping_is_saved_listed_and_dropped(client: Client) -> None:
    saved = client.save_mapping("people", HEADER, MAPPING, {"name": "shop"})
    assert (saved.name, saved.version, saved.existing) == ("shop", 1, False)
    assert client.save_mapping("people", HEADER, MAPPING).existing
    (row,) = client.list_mappings("people")
    assert (row.mapping_id, row.header, row.mapping) == (saved.mapping_id, HEADER, MAPPING)
    assert row.is_used
    assert row.saved_at is not None
    assert row.saved_at.tzinfo is not None
    assert saved.mapping_id is not None
    assert client.drop_mapping(saved.mapping_id).version == 1
    assert client.list_mappings() == []
    with pytest.raises(TargetError) as missing:
        client.drop_mapping(saved.mapping_id)
    assert missing.value.code == "PI210"


def test_set_mapping_answers_with_the_mapping_and_the_files(client: Client) -> None:
    job = client.create_job("people").job_id
    assert job is not None
    client.stage_file(job, "a.csv", HEADER)
    result = client.set_mapping(job, MAPPING)
    assert result.mapping == MAPPING
    assert result.files[0]["file_no"] == 1
    assert result.warnings == []


def test_a_suggestion_says_how_a_field_is_split(client: Client) -> None:
    client.save_mapping("people", HEADER, MAPPING)
    suggested = client.suggest_mapping("people", HEADER).mapping
    assert isinstance(suggested, list)
    assert [(field.column, field.how) for field in suggested] == [
        ("ext", "normalised"), (None, "saved"), (None, "saved"), (None, "saved"),
    ]  # fmt: skip
    assert suggested[1].transform == MAPPING["Full name"]


def test_a_file_follows_the_saved_mapping_and_rows_are_assigned_in_turn(
    conn: psycopg.Connection[Any], client: Client, installed_dsn: str, tmp_path: Path
) -> None:
    client.save_mapping("people", HEADER, MAPPING)
    (tmp_path / "a.csv").write_text(LINES, encoding="utf-8")
    result = import_files(
        installed_dsn,
        "people",
        [tmp_path / "a.csv"],
        options={
            "assignment": {"mode": "round_robin", "column": "owner", "values": ["pat", "kim"]}
        },
    )
    assert result.insert is not None
    assert result.insert.rows_inserted == 2
    assert people(conn) == [
        ("1", "Ann", "Lee", "1 High Street, York", "pat"),
        ("2", "Bob", "Day", "Hull", "kim"),
    ]


def test_a_wrong_assignment_is_refused(client: Client) -> None:
    with pytest.raises(ArgumentError) as wrong:
        client.create_job("people", {"assignment": {"mode": "round_robin", "column": "owner"}})
    assert wrong.value.code == "PI003"


def test_the_command_keeps_lists_and_drops_mappings(
    conn: psycopg.Connection[Any], installed_dsn: str, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(LINES, encoding="utf-8")
    second.write_text(LINES.replace("\n1,", "\n3,").replace("\n2,", "\n4,"), encoding="utf-8")
    nothing = run("mapping", "list", dsn=installed_dsn)
    assert nothing.code == 0
    assert "no mapping is saved" in nothing.out

    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        '{"Full name": {"split": " ", "columns": ["first_name", "last_name"]}, '
        '"Street": {"column": "address"}, "City": {"column": "address"}}',
        encoding="utf-8",
    )
    staged = run("stage", "people", str(first), "--mapping", f"@{mapping}", dsn=installed_dsn)
    assert staged.code == 0, staged.err
    kept = run("--json", "mapping", "save", "last", "--name", "shop", dsn=installed_dsn).json
    assert [saved["version"] for saved in kept["saved"]] == [1]
    again = run("mapping", "save", "last", dsn=installed_dsn)
    assert "shop, version 1, as before" in again.out

    done = run("import", "people", str(second), "--yes", dsn=installed_dsn)
    assert done.code == 0, done.err
    assert people(conn)[0][:4] == ("3", "Ann", "Lee", "1 High Street York")

    listed = run("mapping", "list", "people", dsn=installed_dsn)
    assert "shop" in listed.out
    number = run("--json", "mapping", "list", dsn=installed_dsn).json["mappings"][0]["mapping_id"]
    assert run("mapping", "drop", str(number), dsn=installed_dsn).code == 0
    missing = run("mapping", "drop", str(number), dsn=installed_dsn)
    assert missing.code == 2
    assert "PI210" in missing.err
