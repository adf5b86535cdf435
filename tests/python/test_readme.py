"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from _command import environment, run
from pgimport.embedded import EmbeddedServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = """
CREATE TABLE public.codes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id uuid NOT NULL,
    code text NOT NULL,
    sku text,
    UNIQUE (code, merchant_id)
)
"""


def block(language: str) -> str:
    """The first block of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_psql_tour_runs_as_it_is_written(server: EmbeddedServer, installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn) as conn:
        conn.execute(TABLE)
    tour = block("sql")
    # the insert, before the tour takes it back
    before, last, _ = tour.partition("select jsonb_pretty(pgimport.rollback_job")
    assert last
    shown = before + "select code from public.codes order by code;\n" + tour[len(before) :]
    # a connection string of psycopg's may hold what an older psql does not know
    name = conninfo.conninfo_to_dict(installed_dsn)["dbname"]
    place = conninfo.make_conninfo(server.dsn, dbname=name)
    done = subprocess.run(
        [str(server.binary("psql")), "-X", "-q", "-A", "-t", "-d", place],
        input=shown,
        env={**environment(), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "SUMMER-1\nSUMMER-2\n" in done.stdout
    assert '"rows_deleted": 2' in done.stdout
    assert '"success": false' not in done.stdout
    with psycopg.connect(installed_dsn) as conn:
        assert conn.execute("SELECT count(*) FROM public.codes").fetchone() == (0,)
        job = conn.execute(
            "SELECT status, source, total_rows, internal_duplicates, rows_deleted,"
            " rollback_reason FROM pgimport.job"
        ).fetchall()
    assert job == [("rolled_back", "psql", 3, 1, 2, "wrong merchant")]


def test_the_python_block_runs_as_it_is_written(
    installed_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    merchant = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
    (incoming / "a.csv").write_text(f"merchant_id,code,sku\n{merchant},A,S\n{merchant},B,S\n")
    with psycopg.connect(installed_dsn) as conn:
        conn.execute(TABLE)
        conn.execute(
            "SELECT pgimport.register_target('public.codes', 'codes', '{code,merchant_id}')"
        )
    code = block("python").replace('"dbname=shop"', repr(installed_dsn))
    code = code.replace('"incoming/"', repr(str(incoming)))
    exec(compile(code, "README.md", "exec"), {})
    assert "2 True\n2\n" in capsys.readouterr().out
    with psycopg.connect(installed_dsn) as conn:
        assert conn.execute("SELECT count(*) FROM public.codes").fetchone() == (0,)


def commands() -> list[str]:
    """Every line that begins with the command, without its comment."""
    lines = re.findall(r"^\$ (pgimport .*)$", block("console"), re.MULTILINE)
    return [line.partition("#")[0].strip() for line in lines]


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_readme_is_one(line: str) -> None:
    words = shlex.split(line)[1:]
    options = {word for word in words if word.startswith("--")}
    names = words[: 2 if words[0] == "target" else 1]
    done = run(*names, "--help", env={**environment(), "COLUMNS": "100"})
    assert done.code == 0, done.err
    for option in options:
        assert option in done.out


def test_the_commands_without_a_server_run() -> None:
    assert run("sql").out.startswith("-- pgimport ")
    assert run("sql", "--extension").out.startswith("\\echo Use ")
    assert run("--embedded", "stop", "--help").code == 0
    assert run("--embedded", "reset", "--help").code == 0


def documented_rollbacks() -> list[str]:
    """Every command that docs/rollback.md shows."""
    text = (ROOT / "docs" / "rollback.md").read_text(encoding="utf-8")
    return re.findall(r"^\s*(?:\$ )?(pgimport (?:plan|rollback|redo) .*)$", text, re.MULTILINE)


def test_every_command_of_the_document_on_rollback_is_one() -> None:
    lines = documented_rollbacks()
    assert len(lines) >= 5
    for line in lines:
        words = shlex.split(line)[1:]
        done = run(words[0], "--help", env={**environment(), "COLUMNS": "100"})
        assert done.code == 0, done.err
        for option in (word for word in words if word.startswith("--")):
            assert option in done.out, line


@pytest.mark.parametrize("name", ["README.md", "docs/rollback.md", "docs/errors.md"])
def test_every_file_that_a_document_names_is_there(name: str) -> None:
    path = ROOT / name
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []
