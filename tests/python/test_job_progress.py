"""job_progress(): what others see of a job while a function of it runs, compared with the truth."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from _command import run
from _sessions import PATIENCE, Conn, call, scalar, until, until_waiting
from _standing import GATE, checked, staged, standing, standing_dsn, until_progress
from pgimport import Client, Progress, import_files
from pgimport import progress as progress_module
from pgimport.progress import Follower

__all__ = ["standing_dsn"]


@pytest.fixture
def dsn(standing_dsn: str) -> str:
    return standing_dsn


def test_rows_are_within_a_thousand_of_the_row_at_which_an_insert_stands(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, 5000)
    with standing(conn, first, second, background, "INSERT", 3456, "insert_job", job) as future:
        now = call(conn, "job_progress", job)
        assert 3456 - 1000 < now["rows_done"] <= 3456
        assert (now["running"], now["pid"]) == (True, second.info.backend_pid)
        assert (now["phase"], now["rows_total"], now["status"]) == ("insert", 5000, "checked")
        assert f"pid {first.info.backend_pid}" in now["waiting_for"]
        # the same again after some time: it counts rows, not looks at it
        until(lambda: call(conn, "job_progress", job)["rows_per_second"] is not None, "a rate")
        later = call(conn, "job_progress", job)
        assert later["rows_done"] == now["rows_done"]
        assert later["eta_seconds"] == pytest.approx(
            (5000 - later["rows_done"]) / later["rows_per_second"], abs=0.1
        )
    assert future.result(PATIENCE)["rows_inserted"] == 5000
    after = call(conn, "job_progress", job)
    assert (after["running"], after["phase"], after["status"]) == (False, None, "completed")
    assert (after["rows_done"], after["rows_total"], after["pid"]) == (5000, 5000, None)


def test_of_many_rows_one_of_16_is_counted_and_that_is_near_enough(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, 200_000)
    with standing(conn, first, second, background, "INSERT", 150_000, "insert_job", job):
        now = call(conn, "job_progress", job)
        assert 150_000 - 16_000 <= now["rows_done"] <= 150_000
        assert (now["phase"], now["rows_total"]) == ("insert", 200_000)


def test_rows_of_an_update_a_rollback_and_a_restore_are_counted(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    conn.execute("INSERT INTO public.item SELECT g, 'old' FROM generate_series(1, 3000) AS g")
    conn.execute("ANALYZE public.item")
    job = checked(conn, 5000, '{"on_duplicate": "update"}')
    seen = {}
    for act, function, phase, at, total in (
        ("UPDATE", "insert_job", "update", 2500, 3000),
        ("DELETE", "rollback_job", "rollback", 4700, 2000),
        ("UPDATE", "rollback_job", "restore", 2500, 3000),
    ):
        # the order in which rows are changed is the server's: no row is changed after the last
        conn.execute("SELECT 1")
        with standing(conn, first, second, background, act, at, function, job) as future:
            seen[phase] = until_progress(conn, job, phase=phase, rows_total=total)
            second_pid = second.info.backend_pid
            conn.execute("SELECT pg_cancel_backend(%s)", [second_pid])
            if function == "insert_job":
                with pytest.raises(psycopg.errors.QueryCanceled):
                    future.result(PATIENCE)
        if function == "insert_job":
            assert call(conn, "insert_job", job)["success"]
        else:
            with pytest.raises(psycopg.errors.QueryCanceled):
                future.result(PATIENCE)
    for phase, now in seen.items():
        assert 0 < now["rows_done"] <= now["rows_total"], phase


def test_a_check_says_its_phase_and_whom_it_waits_for(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = staged(conn, 50)
    with standing(conn, first, second, background, "CHECK", 20, "check_job", job) as future:
        now = call(conn, "job_progress", job)
        assert (now["phase"], now["running"], now["rows_total"]) == ("constraints", True, 50)
        assert now["rows_done"] is None, "a phase that counts no rows says none"
        assert f"pid {first.info.backend_pid}" in now["waiting_for"]
    assert future.result(PATIENCE)["valid"]
    assert call(conn, "job_progress", job)["phase"] is None


def test_who_waits_for_another_job_is_told_which(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, dsn: str
) -> None:
    job = checked(conn, 50)
    other = checked(conn, 50, first=1000)
    with (
        psycopg.connect(dsn, autocommit=True) as third,
        standing(conn, first, second, background, "INSERT", 20, "insert_job", job) as future,
    ):
        waiting = background.submit(call, third, "insert_job", other)
        until_waiting(conn, third, waiting)
        now = call(conn, "job_progress", other)
        assert now["running"]
        assert now["waiting_for"].endswith(f"job {job}")
        assert f"pid {second.info.backend_pid}" in now["waiting_for"]
        conn.execute("SELECT pg_cancel_backend(%s)", [third.info.backend_pid])
        with pytest.raises(psycopg.errors.QueryCanceled):
            waiting.result(PATIENCE)
    assert future.result(PATIENCE)["success"]


def test_rows_of_a_copy_are_seen_while_it_runs(conn: Conn, second: Conn) -> None:
    job = str(call(conn, "create_job", "item")["job_id"])
    opened = call(conn, "stage_file", job, "a.csv", ["id", "body"])
    with second.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("id,body\n" + "".join(f"{n},x\n" for n in range(100_000)))
        # the client keeps back what the server has not taken yet
        until(lambda: second.pgconn.flush() == 0, "the rows to be sent")
        until(lambda: call(conn, "job_progress", job)["rows_done"] > 99_900, "rows of COPY")
        now = call(conn, "job_progress", job)
        assert (now["phase"], now["pid"]) == ("stage", second.info.backend_pid)
        assert now["rows_done"] <= 100_000
        assert (now["rows_total"], now["eta_seconds"]) == (None, None)
    assert call(conn, "job_progress", job)["running"] is False
    call(conn, "finish_file", job, 1, 100_000)


def test_a_job_inside_a_transaction_that_made_it_is_not_seen(conn: Conn, first: Conn) -> None:
    job = str(call(first, "create_job", "item")["job_id"])
    with pytest.raises(psycopg.Error) as caught:
        call(conn, "job_progress", job)
    assert caught.value.sqlstate == "PI101"


def test_asking_does_not_wait_where_the_counter_is_being_dropped(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = checked(conn, 5)
    call(first, "cancel_job", job)
    second.execute("SET statement_timeout = '5s'")
    now = call(second, "job_progress", job)
    assert (now["running"], now["pid"], now["phase"]) == (True, first.info.backend_pid, None)
    first.rollback()


def test_others_see_a_job_as_far_as_they_may(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, dsn: str
) -> None:
    names = {level: f"{level}_{threading.get_ident()}" for level in ("owner", "other", "admin")}
    for level, name in names.items():
        conn.execute(f"CREATE ROLE {name} LOGIN".encode())
        right = "admin" if level == "admin" else "importer"
        conn.execute("SELECT pgimport.grant_usage(%s, %s)", [name, right])
    conn.execute(f"GRANT ALL ON public.item, public.stand TO {names['owner']}".encode())
    try:
        with psycopg.connect(
            conninfo.make_conninfo(dsn, user=names["owner"]), autocommit=True
        ) as owner:
            job = checked(owner, 3000)
            with standing(
                conn, first, owner, background, "INSERT", 2500, "insert_job", job
            ) as future:
                seen: dict[str, Any] = {}
                for level in ("other", "admin"):
                    with psycopg.connect(
                        conninfo.make_conninfo(dsn, user=names[level]), autocommit=True
                    ) as asking:
                        try:
                            seen[level] = call(asking, "job_progress", job)
                        except psycopg.Error as error:
                            seen[level] = error.sqlstate
                assert seen["other"] == "PI101"
                assert 1500 < seen["admin"]["rows_done"] <= 2500
                assert seen["admin"]["phase"] == "insert"
            assert future.result(PATIENCE)["success"]
    finally:
        for name in names.values():
            conn.execute(f"DROP OWNED BY {name} CASCADE".encode())
            conn.execute("DELETE FROM pgimport.role_grant WHERE role_name = %s", [name])
            conn.execute(f"DROP ROLE {name}".encode())


def files(folder: Path, rows: int) -> Path:
    path = folder / "items.csv"
    path.write_text("id,body\n" + "".join(f"{n},x\n" for n in range(1, rows + 1)))
    return path


def test_import_files_tells_the_steps_and_rows_of_the_server(
    conn: Conn, first: Conn, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    background: ThreadPoolExecutor,
) -> None:  # fmt: skip
    monkeypatch.setattr(progress_module, "SECONDS_BEFORE_ASKING", 0.01)
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_ASKING", 0.01)
    conn.execute("INSERT INTO public.stand VALUES (2500, 'INSERT')")
    first.execute("SELECT pg_advisory_lock(%s)", [GATE])
    first.commit()
    told: list[Progress] = []
    future = background.submit(
        import_files, dsn, "item", [files(tmp_path, 3000)], progress=told.append
    )
    try:
        until(lambda: bool(told and told[-1].waiting_for), "whom it waits for")
        standing_at = told[-1]
    finally:
        first.execute("SELECT pg_advisory_unlock(%s)", [GATE])
        first.commit()
    result = future.result(PATIENCE)
    assert 1500 < standing_at.rows_done <= 2500
    assert standing_at.rows_total == 3000
    assert (standing_at.phase, standing_at.step) == ("insert", "insert")
    assert result.insert is not None
    assert result.insert.rows_inserted == 3000
    assert {now.phase for now in told} == {"headers", "stage", "check", "insert", "verify"}
    # nothing is told after the end, and the thread and its connection end, too
    count = len(told)
    until(
        lambda: not [thread for thread in threading.enumerate() if "-progress" in thread.name],
        "the threads to end",
    )
    assert len(told) == count


def test_a_follower_that_cannot_connect_disturbs_nobody(conn: Conn) -> None:
    told: list[Progress] = []
    with Follower("host=/nowhere dbname=none", "no job", "check", told.append):
        assert Client(conn).version()
        until(
            lambda: not [t for t in threading.enumerate() if t.name == "pgimport-check-progress"],
            "the thread to end",
        )
    assert [now.phase for now in told] == ["check"]


def test_a_follower_asks_nothing_where_the_statement_is_short(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(psycopg, "connect", lambda *_, **__: asked.append("connected"))
    with Follower("", "no job", "check", lambda _: None):
        pass
    until(
        lambda: not [t for t in threading.enumerate() if t.name == "pgimport-check-progress"],
        "the thread to end",
    )
    assert asked == []


def test_watch_shows_a_job_until_it_ends(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, dsn: str
) -> None:
    job = checked(conn, 3000)
    with standing(conn, first, second, background, "INSERT", 2500, "insert_job", job) as future:
        once = run("watch", job, "--once", "--json", dsn=dsn).json
        assert once["running"] is True
        assert once["phase"] == "insert"
        assert 1500 < once["rows_done"] <= 2500
        people = run("watch", job, "--once", dsn=dsn)
        assert "phase            insert" in people.out, people.out
        with ThreadPoolExecutor(1) as watching:
            seen = watching.submit(run, "watch", job, "--every", "0.1", dsn=dsn)
            until(
                lambda: scalar(
                    conn,
                    "SELECT EXISTS (SELECT FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE '%%job_progress%%'"
                    " AND application_name = 'pgimport')",
                ),
                "the command to watch",
            )
            first.execute("SELECT pg_advisory_unlock(%s)", [GATE])
            assert future.result(PATIENCE)["success"]
            done = seen.result(PATIENCE)
    assert done.code == 0
    assert "checked: insert: 83 %" in done.err or "checked: insert: 67 %" in done.err, done.err
    assert "is completed" in done.out
    call(conn, "rollback_job", job)
    assert run("watch", job, dsn=dsn).code == 0
    cancelled = checked(conn, 5)
    call(conn, "cancel_job", cancelled)
    gone = run("watch", cancelled, "--json", dsn=dsn)
    assert (gone.code, gone.json["status"], gone.json["success"]) == (1, "cancelled", False)
