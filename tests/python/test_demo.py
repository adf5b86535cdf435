"""The demo and the server of pgimport's own, in a data folder of the test's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from _command import environment, run
from pgimport import cli
from pgimport.cli._output import Output
from pgimport.demo import Proof


@pytest.fixture
def home() -> Iterator[dict[str, str]]:
    """An environment whose data folder is empty, and no server named."""
    folder = Path(tempfile.mkdtemp(prefix="pgimport-home-"))
    # a server that root starts runs as somebody else, who has to get there
    folder.chmod(0o755)
    env = environment(XDG_DATA_HOME=str(folder))
    yield env
    run("--embedded", "reset", "--yes", env=env)
    shutil.rmtree(folder)


def test_the_demo_proves_every_number_and_leaves_other_databases_alone(
    home: dict[str, str],
) -> None:
    started = run("--embedded", "--json", "start", env=home)
    assert started.code == 0, started.err
    with psycopg.connect(started.json["dsn"], autocommit=True) as connection:
        connection.execute("CREATE DATABASE mine")

    for _ in range(2):
        done = run("--json", "demo", "codes", "--rows", "20000", env=home)
        assert done.code == 0, done.err
        answer = done.json
        assert answer["success"] is True
        assert [fact["what"] for fact in answer["proofs"] if not fact["ok"]] == []
        facts = {fact["what"]: fact["found"] for fact in answer["proofs"]}
        assert facts["total rows"] == 19_995
        assert facts["rows kept"] == 3
        assert facts["refused, because rows were modified"] == "PI504"
        assert facts["issues by kind"]["ragged_row"] == 3
        assert len(set(answer["jobs"])) == 2

    with psycopg.connect(answer["dsn"]) as connection:
        row = connection.execute("SELECT count(*) FROM pg_database WHERE datname = 'mine'")
        assert row.fetchone() == (1,)
        row = connection.execute("SELECT count(*) FROM public.codes WHERE claimed")
        assert row.fetchone() == (3,)
    shown = run("--json", "show", "last", dsn=answer["dsn"])
    assert shown.json["status"] == "completed"


def test_the_demo_for_people_ends_with_the_lines_to_go_on(home: dict[str, str]) -> None:
    done = run("demo", "codes", "--rows", "5000", env=home)
    assert done.code == 0, done.err
    assert "FAILED" not in done.out
    assert "Type YES to go on: YES" in done.out
    assert "Changed by somebody else since" in done.out
    assert "rows/s" in done.out
    assert 'psql "host=' in done.out
    assert "pgimport.Client(connection)" in done.out


def test_a_proof_that_fails_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = Proof(Output())
    proof.equal("one", 1, 1)
    assert proof.holds
    proof.equal("two", 2, 3)
    assert not proof.holds
    assert "FAILED  two: 2, expected 3" in capsys.readouterr().out

    def failing(*_: Any) -> dict[str, Any]:
        return {"success": False, "job_id": None, "message": "1 of 2 proofs failed"}

    monkeypatch.setattr("pgimport.demo.run_codes", failing)
    assert cli.run(["demo", "codes"]) == 1


def test_the_embedded_server_is_started_stopped_and_reset(home: dict[str, str]) -> None:
    def said(*words: str) -> dict[str, Any]:
        done = run("--embedded", "--json", *words, env=home)
        assert done.code == 0, done.err
        return done.json

    assert said("status")["running"] is False
    assert said("stop")["was_running"] is False
    dsn = said("start")["dsn"]
    assert said("start")["dsn"] == dsn
    assert said("status")["dsn"] == dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.kept (id integer)")
    assert said("stop")["was_running"] is True
    assert said("status")["running"] is False
    said("start")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT to_regclass('public.kept') IS NULL").fetchone() == (
            False,
        )
    refused = run("--embedded", "--json", "reset", env=home)
    assert refused.code == 3
    assert said("status")["running"] is True
    assert run("--embedded", "reset", env=home, typed="RESET").code == 0
    said("start")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT to_regclass('public.kept') IS NULL").fetchone() == (True,)


def test_without_a_server_named_the_embedded_one_is_used_and_started(
    home: dict[str, str],
) -> None:
    not_yet = run("--json", "target", "list", env=home)
    assert not_yet.code == 4
    assert "install" in not_yet.json["hint"]
    assert run("install", env=home).code == 0
    assert run("--json", "target", "list", env=home).json["targets"] == []

    # a server named by PG* variables comes before it, --embedded before them
    elsewhere = {**home, "PGHOST": "/nowhere"}
    assert run("target", "list", env=elsewhere).code == 4
    assert run("--embedded", "target", "list", env=elsewhere).code == 0
    # DATABASE_URL is other programs' business
    assert run("target", "list", env={**home, "DATABASE_URL": "postgresql:///x"}).code == 0


def test_data_folders_are_private(home: dict[str, str]) -> None:
    answer = run("--embedded", "--json", "start", env=home).json
    socket = Path(str(conninfo_to_dict(answer["dsn"])["host"]))
    assert oct(socket.stat().st_mode & 0o777) == "0o700"
