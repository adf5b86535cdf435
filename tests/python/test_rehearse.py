"""Preview, dry run and rehearsal: what they show, and that other sessions notice nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from _command import Ran, run
from pgimport import Client

Conn = psycopg.Connection[Any]
Command = Callable[..., Ran]
SCHEMA = """
CREATE TABLE public.things (
    id bigint GENERATED ALWAYS AS IDENTITY, code text PRIMARY KEY, amount integer, secret text
);
CREATE FUNCTION public.judge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('things', new.code);
    IF new.code LIKE 'bad%' THEN
        RAISE EXCEPTION '% is bad', new.code USING ERRCODE = 'P7777', COLUMN = 'code';
    END IF;
    RETURN new;
END;
$$;
CREATE TRIGGER judge BEFORE INSERT ON public.things
FOR EACH ROW EXECUTE FUNCTION public.judge();
INSERT INTO public.things (code, amount, secret) VALUES ('OLD', 1, 'hidden');
SELECT pgimport.register_target('public.things', 'things', '{code}');
SELECT pgimport.set_column('things', 'secret', '{"sensitive": true}');
"""


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    """A database with pgimport, and a table whose trigger refuses some rows."""
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
    return installed_dsn


@pytest.fixture
def conn(dsn: str) -> Iterator[Conn]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def pgimport(dsn: str) -> Command:
    """The command on that database."""

    def call(*words: str, **settings: Any) -> Ran:
        return run(*words, dsn=dsn, **settings)

    return call


def write(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def checked(pgimport: Command, tmp_path: Path, *lines: str, options: tuple[str, ...] = ()) -> str:
    """Stage and check a file; return the job's id."""
    path = write(tmp_path / "a.csv", "code,amount,secret,colour", *lines)
    staged = pgimport("--json", "stage", "things", path, *options)
    assert staged.code == 0, staged.err
    job = str(staged.json["job_id"])
    assert pgimport("check", job).code == 0
    return job


def value(conn: Conn, statement: str) -> Any:
    row = conn.execute(statement).fetchone()
    assert row is not None
    return row[0]


# other sessions


def test_a_rehearsal_leaves_no_lock_and_no_row_to_the_rest_of_its_transaction(
    pgimport: Command, dsn: str, conn: Conn, tmp_path: Path
) -> None:
    job = checked(pgimport, tmp_path, "A,1,,", "bad,2,,", "C,3,,")
    with psycopg.connect(dsn) as rehearsing:
        result = Client(rehearsing).rehearse_job(job)
        assert (result.would_insert, result.failed) == (2, 1)
        # its transaction is still open: everything a rehearsal locked is free
        conn.execute("SET lock_timeout = '2s'")
        conn.execute("INSERT INTO public.things (code) VALUES ('A')")
        conn.execute("ALTER TABLE public.things ADD COLUMN more text")
        assert (
            value(
                conn,
                "SELECT count(*) FROM pg_locks AS l INNER JOIN pg_class AS c ON c.oid = l.relation"
                " WHERE c.relname IN ('things', 'things_pkey')",
            )
            == 0
        )


def test_a_rehearsal_waits_no_longer_than_lock_timeout_for_a_row_of_somebody_else(
    pgimport: Command, dsn: str, conn: Conn, tmp_path: Path
) -> None:
    job = checked(pgimport, tmp_path, "A,1,,", "B,2,,")
    with psycopg.connect(dsn) as other:
        other.execute("INSERT INTO public.things (code) VALUES ('B')")
        conn.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            Client(conn).rehearse_job(job)
        other.rollback()
    assert Client(conn).rehearse_job(job).passed is True


def test_a_rehearsal_that_is_cancelled_is_over(
    pgimport: Command, conn: Conn, tmp_path: Path
) -> None:
    job = checked(pgimport, tmp_path, "A,1,,", "B,2,,")
    conn.execute(
        "CREATE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(60); RETURN new; END'"
    )
    conn.execute(
        "CREATE TRIGGER dawdle BEFORE INSERT ON public.things"
        " FOR EACH ROW EXECUTE FUNCTION public.dawdle()"
    )
    conn.execute("SET statement_timeout = '200ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        Client(conn).rehearse_job(job)


def test_what_triggers_notify_in_a_rehearsal_is_never_heard(
    pgimport: Command, dsn: str, conn: Conn, tmp_path: Path
) -> None:
    job = checked(pgimport, tmp_path, "A,1,,")
    conn.execute("LISTEN things")
    with psycopg.connect(dsn, autocommit=True) as rehearsing:
        assert Client(rehearsing).rehearse_job(job).passed is True
        rehearsing.execute("NOTIFY things, 'the end'")
    heard = [notice.payload for notice in conn.notifies(timeout=5, stop_after=1)]
    assert heard == ["the end"]


# the command


def test_the_command_shows_the_rows_that_would_fail_and_ends_with_1(
    pgimport: Command, conn: Conn, tmp_path: Path
) -> None:
    job = checked(pgimport, tmp_path, "A,1,,", "bad1,2,,", "C,3,,", "bad2,4,,")
    shown = pgimport("rehearse", job)
    assert shown.code == 1
    lines = shown.out.splitlines()
    assert lines[0] == "rehearsed 4 clean rows: 2 would be inserted, 2 fail; nothing was written", (
        shown.out
    )
    assert lines[1].split() == ["line", "sqlstate", "constraint", "column", "message"]
    assert lines[3].split() == ["3", "P7777", "code", "bad1", "is", "bad"]
    assert lines[4].split() == ["5", "P7777", "code", "bad2", "is", "bad"]
    assert "things_id_seq" in shown.err
    done = pgimport("--json", "rehearse", job, "--all")
    assert done.code == 1
    assert done.json["passed"] is False
    assert [failure["line_no"] for failure in done.json["failures"]] == [3, 5]
    assert done.json["sample"] is None
    assert value(conn, "SELECT count(*) FROM public.things") == 1


def test_a_rehearsal_that_passes_ends_with_0(pgimport: Command, tmp_path: Path) -> None:
    job = checked(pgimport, tmp_path, *(f"A{number},1,," for number in range(30)))
    shown = pgimport("rehearse", job, "--sample", "10")
    assert shown.code == 0, shown.err
    assert "rehearsed 10 of 30 clean rows: 10 would be inserted, none fails" in shown.out
    assert f"next: pgimport insert {job}" in shown.out
    assert pgimport("rehearse", job, "--sample", "0").code == 2


def test_all_rows_of_a_large_job_are_announced_with_their_time(
    pgimport: Command, tmp_path: Path
) -> None:
    job = checked(pgimport, tmp_path, *(f"A{number},1,," for number in range(10_001)))
    shown = pgimport("rehearse", job, "--all")
    assert shown.code == 0, shown.err
    assert "all 10,001 rows will take about" in shown.err
    assert "rehearsed 10001 clean rows: 10001 would be inserted" in shown.out
    done = pgimport("--json", "rehearse", job, "--all")
    assert done.json["rehearsed"] == 10_001


def test_the_preview_reads_as_a_table(pgimport: Command, tmp_path: Path) -> None:
    job = checked(pgimport, tmp_path, "A,1,Rosebud,red", "OLD,2,Rosebud,", "C,many,,", "A,4,,")
    shown = pgimport("preview", job)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0] == "the first 4 of 4 rows"
    assert lines[1].split() == ["class", "line", "code", "amount", "secret", "issues"]
    assert lines[3].split() == ["insert", "2", "A", "1", "***"]
    assert lines[4].split() == ["skip", "3", "OLD", "2", "***"]
    assert lines[5].split() == ["invalid", "4", "C", "many", "amount", "bad_integer"]
    assert lines[6].split() == ["skip", "5", "A", "4"]
    assert "whole job: 1 insert, 0 update, 2 skip, 1 invalid" in lines
    assert (
        "not shown: id (numbered by the table); import_job_id (the id of the job); "
        "colour (goes to no column)" in lines
    )
    assert "Rosebud" not in shown.out
    assert "--changes" in lines[-1]
    changes = pgimport("preview", job, "--changes").out.splitlines()
    assert changes[1].split() == ["class", "line", "code", "changes"]
    assert changes[3] == "skip      3  OLD   amount: 1 → 2; secret: *** → ***"
    assert changes[4] == ""
    assert pgimport("--json", "preview", job).json["classes"]["skip"] == 2


def test_rows_of_several_files_tell_their_file(pgimport: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    one = write(tmp_path / "in" / "a.csv", "code", "A", "bad1")
    two = write(tmp_path / "in" / "b.csv", "code", "bad2", "D")
    job = str(pgimport("--json", "stage", "things", one, two).json["job_id"])
    pgimport("check", job)
    assert [line.split()[:4] for line in pgimport("preview", job).out.splitlines()[3:7]] == [
        ["insert", "a.csv", "2", "A"],
        ["insert", "a.csv", "3", "bad1"],
        ["insert", "b.csv", "2", "bad2"],
        ["insert", "b.csv", "3", "D"],
    ]
    failing = pgimport("rehearse", job).out.splitlines()
    assert [line.split()[:2] for line in failing[3:5]] == [["a.csv", "3"], ["b.csv", "2"]]


# dry run


def test_a_dry_run_tells_everything_and_writes_nothing(
    pgimport: Command, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "code,amount", "A,1", "OLD,2", "C,many", "A,4")
    shown = pgimport("import", "things", path, "--dry-run")
    assert shown.code == 0, shown.err
    for line in ("invalid                  1", "bad_integer  amount", "1 row would be inserted"):
        assert line in shown.out, shown.out
    job = next(line.split()[-1] for line in shown.out.splitlines() if line.startswith("next: "))
    again = pgimport("insert", job, "--dry-run")
    assert again.code == 0
    for line in ("duplicates in the table  1", "clean, to be inserted    1"):
        assert line in again.out, again.out
    assert pgimport("--json", "insert", job, "--dry-run").json["would_insert"] == 1
    assert value(conn, "SELECT count(*) FROM public.things") == 1
    assert value(conn, "SELECT last_value FROM public.things_id_seq") == 1


def test_a_dry_run_of_what_the_limits_refuse_ends_with_1_and_tells_all_issues(
    pgimport: Command, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "code,amount", "A,1", "B,many", "C,more")
    refused = pgimport("import", "things", path, "--dry-run", "--on-issue", "abort")
    assert refused.code == 1
    assert "bad_integer  amount     2" in refused.out, refused.out
    assert "nothing will be inserted: 2 issues, and the job is all-or-nothing" in refused.out
    told = pgimport(
        "--json", "import", "things", path, "--dry-run", "--on-issue", "abort", "--force"
    )
    assert told.code == 1
    assert told.json["refused_because"]["code"] == "PI402"
    assert told.json["details"]["check"]["validation_errors"] == 2
    # without --dry-run nobody is asked to type YES for nothing
    real = pgimport("--json", "import", "things", path, "--on-issue", "abort", "--force")
    assert real.code == 1
    assert real.json["details"]["check"]["errors"][0]["count"] == 2
    job = real.json["job_id"]
    again = pgimport("insert", job, "--dry-run")
    assert again.code == 1
    assert "nothing will be inserted: 2 issues" in again.out
    assert value(conn, "SELECT count(*) FROM public.things") == 1
