"""Looking back, deleting and finding records by the command, against a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from _command import Ran, run

SCHEMA = """
CREATE TABLE public.people (email text PRIMARY KEY, name text NOT NULL, age integer);
SELECT pgimport.register_target('public.people', 'people', '{email}', '{"row_history": true}');
"""
Command = Callable[..., Ran]


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
    return installed_dsn


@pytest.fixture
def pgimport(dsn: str) -> Command:
    """The command on that database."""

    def call(*words: str, **settings: Any) -> Ran:
        return run(*words, dsn=dsn, **settings)

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, lines in {
        "spring.csv": ["email,name,age", "a@x,Ann,30", "b@x,Bob,x", "c@x,Cem,40"],
        "summer.csv": ["email,name,age", "a@x,Anna,31"],
    }.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return tmp_path


def imported(pgimport: Command, path: Path, *words: str) -> str:
    done = pgimport(
        "--json", "import", "people", str(path), "--yes", "--on-duplicate", "update", *words
    )
    assert done.code == 0, done.err
    return str(done.json["job_id"])


@pytest.fixture
def jobs(pgimport: Command, folder: Path) -> tuple[str, str]:
    """Two jobs: one that inserted two people, one that updated one of them."""
    spring = imported(pgimport, folder / "spring.csv", "--source", "shop", "--actor", "ann")
    summer = imported(pgimport, folder / "summer.csv", "--source", "web", "--actor", "bob")
    return spring, summer


def listed(pgimport: Command, *words: str) -> list[str]:
    done = pgimport("--json", "history", *words)
    assert done.code == 0, done.err
    return [row["job_id"] for row in done.json["jobs"]]


def test_history_filters_counts_and_pages(pgimport: Command, jobs: tuple[str, str]) -> None:
    spring, summer = jobs
    for words, wanted in (
        (("--source", "shop", "--actor", "ann", "--until", "2100-01-01"), [spring]),
        (("--role", "nobody", "--deleted"), []),
        (("--file", "SUMMER"), [summer]),
        (("--status", "completed", "--target", "people"), [summer, spring]),
        (("--not-deleted",), [summer, spring]),
    ):
        assert listed(pgimport, *words) == wanted, words

    first = pgimport("--json", "history", "--limit", "1").json
    assert first["next_after"] == summer
    assert first["jobs"][0] | {"rows_updated": 1, "rows_inserted": 0} == first["jobs"][0]
    assert listed(pgimport, "--limit", "1", "--after", summer) == [spring]
    shown = pgimport("history", "--limit", "1", "--file", "csv", "--not-deleted")
    assert f"pgimport history --file csv --not-deleted --after {summer}" in shown.out + shown.err
    assert "failed" in shown.out


def test_show_tells_the_story_of_a_job(pgimport: Command, jobs: tuple[str, str]) -> None:
    spring, _ = jobs
    shown = pgimport("show", spring)
    assert shown.code == 0, shown.err
    for word in ("completed", "public.people", "shop", "ann", "spring.csv", "rolled back until"):
        assert word in shown.out, word
    told = pgimport("--json", "show", spring).json
    assert told["counts"] | {"rows_inserted": 2, "rows_rejected": 1} == told["counts"]
    assert told["events"][0]["event"] == "created"


def test_delete_asks_for_the_word_and_keeps_the_record(
    pgimport: Command, jobs: tuple[str, str], dsn: str, folder: Path
) -> None:
    _, summer = jobs
    refused = pgimport("--json", "delete", summer, "--yes")
    assert (refused.code, refused.json["code"]) == (1, "PI108")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pgimport.disable_rollback(%s)", [summer])
    asked = pgimport("delete", summer, typed="yes")
    assert asked.code == 3
    assert "DELETE" in asked.out + asked.err

    done = pgimport("delete", summer, "--reason", "old", typed="DELETE")
    assert done.code == 0, done.err
    assert listed(pgimport, "--deleted") == [summer]
    shown = pgimport("show", summer)
    assert "completed, deleted" in shown.out
    assert "this record, its log and what it imported are left" in shown.out
    assert "pgimport plan" not in shown.out + shown.err
    assert pgimport("--json", "delete", summer, "--yes").json["message"].endswith("before")
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT email, name FROM people ORDER BY email").fetchall()
    assert rows == [("a@x", "Anna"), ("c@x", "Cem")]
    # its file may come again
    again = pgimport("--json", "import", "people", str(folder / "summer.csv"), "--yes")
    assert again.code == 0, again.err


def test_record_tells_which_imports_wrote_it(pgimport: Command, jobs: tuple[str, str]) -> None:
    spring, summer = jobs
    told = pgimport("--json", "record", "people", "a@x").json
    assert [(row["action"], row["job_id"], row["line_no"]) for row in told["rows"]] == [
        ("update", summer, 2),
        ("insert", spring, 2),
    ]
    page = pgimport("--json", "record", "people", "a@x", "--limit", "1").json
    rest = pgimport("--json", "record", "people", "a@x", "--after", str(page["next_after"])).json
    assert [row["job_id"] for row in rest["rows"]] == [spring]
    shown = pgimport("record", "people", "c@x")
    assert "spring.csv" in shown.out
    assert "ann" in shown.out
    assert "no import is known" in pgimport("record", "people", "b@x").out
    wrong = pgimport("--json", "record", "people", "a@x", "more")
    assert (wrong.code, wrong.json["code"]) == (2, "PI003")


def test_a_key_that_begins_with_a_dash_or_is_hostile_is_only_a_key(
    pgimport: Command, jobs: tuple[str, str]
) -> None:
    for key in ("-x", "'; DROP TABLE people; --{a,b}\\ü"):
        found = pgimport("--json", "record", "people", "--", key)
        assert (found.code, found.json["rows"]) == (0, []), found.err
