"""Interrupted staging is gone on with: in the midst of a file, after any kind of death.

What stops at a chosen point is stopped there by a lock or by the progress callback, never by time.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from _command import COMMAND, Ran, environment, run
from _sessions import PATIENCE, Conn, call, scalar, until
from pgimport import (
    Client,
    InsertFailed,
    Interrupted,
    Progress,
    StagingError,
    _assemble,
    _retry,
    import_files,
    stage_files,
)
from pgimport import progress as progress_module
from pgimport.embedded import EmbeddedServer, find_servers
from pgimport.readers import disk

MERCHANT = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
HEADER = "merchant_id,code,sku\n"
TABLE = """
CREATE TABLE public.codes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id uuid NOT NULL,
    code text NOT NULL,
    sku text,
    UNIQUE (code, merchant_id)
)
"""
PIECE = 4096


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLE)
        Client(conn).register_target("public.codes", "codes", ["code", "merchant_id"])
    return installed_dsn


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few lines, every step told, no long waits."""
    monkeypatch.setattr(disk, "BLOCK", 1024)
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_CALLS", 0)
    monkeypatch.setattr(_retry, "_FIRST_WAIT", 0.01)


def lines(count: int, first: int = 0) -> list[str]:
    return [f"{MERCHANT},C{number},S{number % 7}\n" for number in range(first, first + count)]


def write(path: Path, count: int) -> Path:
    path.write_text(HEADER + "".join(lines(count)))
    return path


def file_of(conn: Conn, job: Any, number: int = 1) -> dict[str, Any]:
    return next(f for f in call(conn, "get_job", job)["files"] if f["file_no"] == number)


def staged(conn: Conn, job: Any, number: int = 1) -> list[tuple[Any, ...]]:
    """Return row number, line, code and sku of the rows of a file."""
    query = f"""
        SELECT s.row_no, coalesce(s.line_no, s.row_no + f.line_offset), s.code, s.sku
        FROM pgimport_staging.job_{str(job).replace("-", "")}_f{number} AS s
        INNER JOIN pgimport.file AS f ON f.job_id = '{job}' AND f.file_no = {number}
        ORDER BY 1
    """
    return conn.execute(query.encode()).fetchall()


def issues(conn: Conn, job: Any) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT line_no, code, value FROM pgimport.issue WHERE job_id = %s ORDER BY 1, 2", [job]
    ).fetchall()


def same_rows(count: int) -> list[tuple[Any, ...]]:
    return [(n + 1, n + 2, f"C{n}", f"S{n % 7}") for n in range(count)]


class At:
    """A progress callback that does something once, when so many rows are loaded."""

    def __init__(self, rows: int, act: Callable[[], Any], phase: str = "stage") -> None:
        self.rows, self.act, self.phase = rows, act, phase
        self.done = threading.Event()

    def __call__(self, now: Progress) -> None:
        if now.phase == self.phase and now.rows_done >= self.rows and not self.done.is_set():
            self.done.set()
            self.act()


def interrupt() -> None:
    raise KeyboardInterrupt


def end_loaders(conn: Conn) -> int:
    """Terminate whatever session copies, inserts or checks, and nothing else."""
    return len(
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database() AND state <> 'idle' AND backend_type ="
            " 'client backend'"
        ).fetchall()
    )


# ---------------------------------------------------------------------------------- in one process


def test_an_interrupted_file_is_gone_on_with_where_its_checkpoint_is(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 2000)
    with pytest.raises(Interrupted) as caught:
        stage_files(
            dsn, None, [path], target="codes", checkpoint_bytes=PIECE, progress=At(1000, interrupt)
        )
    job = caught.value.job_id
    half = file_of(conn, job)
    assert half["status"] == "open"
    assert 0 < half["checkpoint_rows"] < 1000
    assert half["checkpoint_bytes"] <= path.stat().st_size
    assert len(staged(conn, job)) == half["checkpoint_rows"]

    # as it is, it is not taken for the whole file
    with pytest.raises(psycopg.Error) as refused:
        call(conn, "check_job", job)
    assert refused.value.sqlstate == "PI309"

    done = stage_files(dsn, job, [path], checkpoint_bytes=PIECE)
    assert done.rows_staged == 2000
    assert any("gone on with" in text for text in done.files[0].warnings)
    assert staged(conn, job) == same_rows(2000)
    assert call(conn, "check_job", job)["clean_count"] == 2000


def test_a_file_without_interruption_is_the_same_in_pieces_or_in_one(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 1500)
    pieces = stage_files(dsn, None, [path], target="codes", checkpoint_bytes=1)
    whole = stage_files(dsn, None, [path], target="codes", options={"force": True})
    assert staged(conn, pieces.job_id) == staged(conn, whole.job_id) == same_rows(1500)
    assert file_of(conn, pieces.job_id)["checkpoint_rows"] == 1500
    assert file_of(conn, whole.job_id)["checkpoint_rows"] is None
    assert [file.way for file in (*pieces.files, *whole.files)] == ["copy", "copy"]


def test_what_copy_cannot_take_late_in_a_file_keeps_what_is_committed(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        HEADER
        + "".join(lines(1000))
        + f'{MERCHANT},"C\n1000",S\n\nragged\n'
        + "".join(lines(500, 1001))
    )
    result = stage_files(dsn, None, [path], target="codes", checkpoint_bytes=PIECE)
    job = result.job_id
    assert (result.files[0].way, result.rows_staged) == ("rows", 1501)
    assert (result.files[0].rows_refused, result.files[0].blank_rows) == (1, 1)
    rows = staged(conn, job)
    assert rows[:1000] == same_rows(1000)
    assert rows[1000] == (1001, 1002, "C\n1000", "S")
    assert rows[1001] == (1002, 1006, "C1001", "S0")
    assert rows[-1][:2] == (1501, 1505)
    assert issues(conn, job) == [(1005, "ragged_row", "ragged")]
    # rows of the pieces before it were not loaded twice: their line is not written
    query = f"SELECT count(*) FROM pgimport_staging.job_{job.hex}_f1 WHERE line_no IS NULL"
    assert scalar(conn, query) >= 900


def mixed(seed: int, path: Path) -> None:
    """Write a file of everything that makes a reader take another way, or nothing of it."""
    chance = random.Random(seed)
    wild = chance.random() < 0.7
    end = chance.choice(["\n", "\r\n"])
    text = ["\ufeff" * chance.randrange(2), HEADER.replace("\n", end)]
    calm = chance.randrange(400)
    for number in range(chance.randrange(1, 600)):
        kind = chance.random() if wild and number >= calm else 1.0
        if kind < 0.02:
            text.append(f'{MERCHANT},"C{number}{end}x{end}""y""",S{end}')
        elif kind < 0.04:
            text.append(end)
        elif kind < 0.06:
            text.append(f"{MERCHANT},C{number}{end}")
        elif kind < 0.08:
            text.append(f"{MERCHANT},Cé{number},{end}")
        elif kind < 0.09:
            text.append(f'{MERCHANT},C{number},a"b{end}')
        else:
            text.append(f"{MERCHANT},C{number},S{end}")
    text.append(end * chance.randrange(3))
    data = "".join(text).encode(chance.choice(["utf-8", "utf-16"]))
    if path.suffix == ".gz":
        data = gzip.compress(data)
    path.write_bytes(data)


def records(seed: int, path: Path) -> None:
    """Write JSON, a record a line, some of them wrong."""
    chance = random.Random(seed)
    found = []
    for number in range(chance.randrange(1, 600)):
        record: Any = {"merchant_id": MERCHANT, "code": f"C{number}", "sku": "é\n" * number}
        found.append(json.dumps(record if chance.random() < 0.97 else [number]))
    path.write_text("\n".join(found))


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".ndjson"])
def test_however_often_it_is_interrupted_the_same_rows_and_issues_are_staged(
    dsn: str, conn: Conn, tmp_path: Path, suffix: str
) -> None:
    first = int(os.environ.get("PGIMPORT_TEST_SEED", random.randrange(10**6)))
    print(f"PGIMPORT_TEST_SEED={first}")
    for seed in range(first, first + 4):
        chance = random.Random(seed)
        path = tmp_path / f"{seed}{suffix}"
        (records if suffix == ".ndjson" else mixed)(seed, path)
        options = {"force": True}
        whole = stage_files(dsn, None, [path], target="codes", options=options)
        piece = chance.randrange(1, 8000)
        job: Any = None
        goes = 0
        for _ in range(6):
            stop = At(chance.randrange(700), interrupt)
            try:
                goes += 1
                done = stage_files(
                    dsn,
                    job,
                    [path],
                    target="codes",
                    options=options,
                    checkpoint_bytes=piece,
                    progress=stop,
                )
                break
            except Interrupted as caught:
                job = caught.job_id
        else:
            done = stage_files(dsn, job, [path], checkpoint_bytes=piece)
        told = f"seed {seed}, pieces of {piece}, {goes} goes"
        assert staged(conn, done.job_id) == staged(conn, whole.job_id), told
        assert issues(conn, done.job_id) == issues(conn, whole.job_id), told
        ours, theirs = file_of(conn, done.job_id), file_of(conn, whole.job_id)
        assert ours["rows_refused"] == theirs["rows_refused"], told
        if done.files[0].status == "staged":
            assert done.files[0].blank_rows == whole.files[0].blank_rows, told
        numbers = [row[0] for row in staged(conn, done.job_id)]
        assert numbers == list(range(1, len(numbers) + 1)), told


# --------------------------------------------------------------------- files that are not the same


def half_staged(dsn: str, path: Path, **more: Any) -> str:
    """Stage a file up to some checkpoint and return the job."""
    with pytest.raises(Interrupted) as caught:
        stage_files(
            dsn,
            None,
            [path],
            target="codes",
            checkpoint_bytes=PIECE,
            progress=At(1000, interrupt),
            **more,
        )
    assert caught.value.job_id is not None
    return caught.value.job_id


@pytest.mark.parametrize("change", ["appended", "rewritten", "shorter", "header"])
def test_a_file_that_changed_between_the_runs_is_staged_from_its_start(
    dsn: str, conn: Conn, tmp_path: Path, change: str
) -> None:
    path = write(tmp_path / "a.csv", 2000)
    job = half_staged(dsn, path)
    text = {
        "appended": path.read_text() + "".join(lines(10, 2000)),
        "rewritten": HEADER + "".join(lines(2000, 5)),
        "shorter": HEADER + "".join(lines(100)),
        "header": HEADER.replace("sku", "SKU ") + "".join(lines(2000)),
    }[change]
    path.write_text(text)
    done = stage_files(dsn, job, [path], checkpoint_bytes=PIECE)
    expected = [line.split(",")[1] for line in text.splitlines()[1:]]
    assert [row[2] for row in staged(conn, job)] == expected
    assert [row[0] for row in staged(conn, job)] == list(range(1, len(expected) + 1))
    assert [(file.file_no, file.status) for file in done.files] == [(1, "staged")]
    assert any("from its start" in text for text in done.files[0].warnings)


def test_a_file_that_was_another_one_while_it_was_read_is_staged_from_its_start(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 2000)
    job = half_staged(dsn, path)
    # as if other bytes had stood there while the first part was read
    conn.execute("UPDATE pgimport.file SET checkpoint_sha256 = repeat('0', 64)")
    done = stage_files(dsn, job, [path], checkpoint_bytes=PIECE)
    assert staged(conn, job) == same_rows(2000)
    assert any("it changed" in text for text in done.files[0].warnings)


def test_a_file_read_in_another_way_is_staged_from_its_start(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 2000)
    job = half_staged(dsn, path)
    done = stage_files(dsn, job, [path], encoding="cp1252", checkpoint_bytes=PIECE)
    assert done.rows_staged == 2000
    assert staged(conn, job) == same_rows(2000)


def test_rows_that_somebody_else_wrote_into_the_staging_are_not_gone_on_with(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 2000)
    job = half_staged(dsn, path)
    conn.execute(
        f"INSERT INTO pgimport_staging.job_{job.replace('-', '')}_f1 (code) VALUES ('X')".encode()
    )
    done = stage_files(dsn, job, [path], checkpoint_bytes=PIECE)
    assert staged(conn, job) == same_rows(2000)
    assert any("from its start" in text for text in done.files[0].warnings)


def test_a_gzip_file_that_breaks_off_leaves_nothing_of_its_pieces(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv.gz"
    whole = gzip.compress((HEADER + "".join(lines(20000))).encode())
    path.write_bytes(whole)
    job = half_staged(dsn, path)
    path.write_bytes(whole[:-4000])
    other = write(tmp_path / "b.csv", 10)
    done = stage_files(dsn, job, [path, other], checkpoint_bytes=PIECE, force=True)
    assert [(file.status, file.code) for file in done.files] == [
        ("failed", "PI307"),
        ("staged", None),
    ]
    table = f"pgimport_staging.job_{job.replace('-', '')}_f1"
    assert scalar(conn, "SELECT to_regclass(%s)", table) is None
    # the file as it should be takes the place of the one that failed
    path.write_bytes(whole)
    stage_files(dsn, job, [path, other], checkpoint_bytes=PIECE)
    assert staged(conn, job) == same_rows(20000)


# -------------------------------------------------------------------------------- several sessions


def test_of_two_sessions_that_load_a_file_the_second_takes_it_over(
    dsn: str, conn: Conn, tmp_path: Path, background: ThreadPoolExecutor
) -> None:
    path = write(tmp_path / "a.csv", 3000)
    paused, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        paused.set()
        go_on.wait(PATIENCE)

    jobs: list[Any] = []
    slow = background.submit(
        stage_files,
        dsn,
        None,
        [path],
        target="codes",
        checkpoint_bytes=PIECE,
        progress=At(1000, pause),
        begun=jobs.append,
    )
    assert paused.wait(PATIENCE)
    # the first one is in the midst of a piece: the second waits for that piece
    quick = background.submit(
        stage_files, conninfo.make_conninfo(dsn, application_name="quick"), jobs[0], [path],
        checkpoint_bytes=PIECE,
    )  # fmt: skip
    until(
        lambda: (
            scalar(
                conn,
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name = 'quick' AND wait_event_type = 'Lock'",
            )
            == 1
        ),
        "the second session waits",
    )
    go_on.set()
    with pytest.raises(StagingError) as refused:
        slow.result(PATIENCE)
    assert refused.value.code == "PI309"
    assert quick.result(PATIENCE).rows_staged == 3000
    assert any("gone on with" in text for text in quick.result().files[0].warnings)
    assert staged(conn, jobs[0]) == same_rows(3000)


def test_a_session_that_does_not_let_go_of_a_file_is_named(
    dsn: str, conn: Conn, first: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 2000)
    job = half_staged(dsn, path)
    call(first, "checkpoint_file", job, 1)
    impatient = conninfo.make_conninfo(dsn, options="-c lock_timeout=50ms")
    with pytest.raises(StagingError, match="is being loaded by another session") as refused:
        stage_files(impatient, job, [path])
    assert refused.value.code == "PI309"
    assert str(first.info.backend_pid) in str(refused.value.hint)
    first.rollback()
    assert stage_files(impatient, job, [path]).rows_staged == 2000


def test_another_member_of_the_owning_role_goes_on(
    dsn: str, conn: Conn, plain_role: str, tmp_path: Path
) -> None:
    for command in (
        "CREATE ROLE {0}_team",
        "ALTER TABLE public.codes OWNER TO {0}_team",
        "CREATE ROLE {0}_b LOGIN IN ROLE {0}_team",
        "GRANT {0}_team TO {0}",
        "GRANT CREATE ON SCHEMA public TO {0}_team",
        "SELECT pgimport.grant_usage('{0}_team', 'importer')",
    ):
        conn.execute(command.format(plain_role).encode())
    path = write(tmp_path / "a.csv", 2000)
    # a job of the team itself: one member begins, another one goes on
    team = conninfo.make_conninfo(dsn, user=plain_role, options=f"-c role={plain_role}_team")
    job = half_staged(team, path)
    other = conninfo.make_conninfo(dsn, user=f"{plain_role}_b")
    done = stage_files(other, job, [path], checkpoint_bytes=PIECE)
    assert any("gone on with" in text for text in done.files[0].warnings)
    assert staged(conn, job) == same_rows(2000)
    assert call(conn, "get_job", job)["owner_role"] == f"{plain_role}_team"


# ------------------------------------------------------------------------------ deaths and crashes


@pytest.mark.parametrize("phase", ["stage", "check", "insert", "verify"])
def test_an_import_goes_on_by_itself_when_its_sessions_are_terminated(
    dsn: str, conn: Conn, tmp_path: Path, phase: str
) -> None:
    path = write(tmp_path / "a.csv", 3000)
    ended = At(1500 if phase == "stage" else 0, lambda: None, phase)
    last = [0]

    def end() -> None:
        # all of this database but the test's own, idle ones included
        last[0] = len(
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <>"
                " pg_backend_pid() AND datname = current_database()"
                " AND backend_type = 'client backend'"
            ).fetchall()
        )

    ended.act = end
    done = import_files(dsn, "codes", [path], checkpoint_bytes=PIECE, progress=ended)
    assert last[0] > 0
    assert done.verify is not None
    assert done.verify.verified
    assert done.insert is not None
    assert done.insert.rows_inserted == 3000
    assert done.check.clean_count == 3000
    assert scalar(conn, "SELECT count(*) FROM public.codes") == 3000
    assert scalar(conn, "SELECT count(*) FROM pgimport.job") == 1


def test_after_so_many_retries_it_gives_up_with_a_job_to_go_on_with(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 3000)
    times = []

    def end(now: Progress) -> None:
        if now.phase == "stage" and now.rows_done > 2000:
            times.append(end_loaders(conn))

    with pytest.raises(Interrupted) as caught:
        import_files(dsn, "codes", [path], progress=end, retries=2)
    assert len(times) >= 3
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    done = import_files(dsn, "codes", [path], job_id=caught.value.job_id)
    assert done.insert is not None
    assert done.insert.rows_inserted == 3000


class Crashing:
    """A database on a server that may crash."""

    def __init__(self, server: EmbeddedServer, name: str) -> None:
        self.server = server
        self.dsn = conninfo.make_conninfo(server.dsn, dbname=name)

    def crash(self) -> None:
        self.server.stop("immediate")
        self.server.start()


@pytest.fixture(scope="module")
def mortal() -> Iterator[EmbeddedServer]:
    found = find_servers()
    version = int(os.environ.get("PGIMPORT_TEST_SERVER") or (15 if 15 in found else max(found)))
    with EmbeddedServer.for_tests(version) as own:
        with psycopg.connect(own.dsn, autocommit=True) as conn:
            conn.execute("CREATE DATABASE ready")
        ready = conninfo.make_conninfo(own.dsn, dbname="ready")
        with psycopg.connect(ready, autocommit=True) as conn:
            conn.execute(_assemble.assemble())
            conn.execute(TABLE)
            Client(conn).register_target("public.codes", "codes", ["code", "merchant_id"])
        yield own


@pytest.fixture
def crashing(mortal: EmbeddedServer) -> Crashing:
    name = f"of_{os.urandom(6).hex()}"
    with psycopg.connect(mortal.dsn, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE ready".encode())
    return Crashing(mortal, name)


@pytest.mark.parametrize("durable", [True, False])
def test_an_import_goes_on_by_itself_after_a_crash_of_the_server(
    crashing: Crashing, tmp_path: Path, durable: bool
) -> None:
    small = write(tmp_path / "1.csv", 50)
    large = tmp_path / "2.csv"
    large.write_text(HEADER + "".join(lines(3000, 50)))
    done = import_files(
        crashing.dsn,
        "codes",
        [small, large],
        options={"durable": durable},
        checkpoint_bytes=PIECE,
        jobs=1,
        progress=At(2000, crashing.crash),
    )
    assert done.insert is not None
    assert done.insert.rows_inserted == 3050
    assert done.verify is not None
    assert done.verify.verified
    goes_on = [any("gone on with" in text for text in file.warnings) for file in done.files]
    assert goes_on == [False, durable]
    with psycopg.connect(crashing.dsn, autocommit=True) as conn:
        states = [
            row[0]
            for row in conn.execute(
                "SELECT to_status FROM pgimport.job_event WHERE event = 'status' ORDER BY event_id"
            )
        ]
        assert states.count("staging_lost") == (not durable)
        assert states[-1] == "completed"


STOP = """
CREATE FUNCTION public.stop_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.checkpoint_rows > 1000 THEN
        PERFORM pg_advisory_xact_lock(4711);
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER stop_at BEFORE UPDATE ON pgimport.file
FOR EACH ROW EXECUTE FUNCTION public.stop_at();
"""
SMALL = """
import sys
from pgimport.readers import disk
from pgimport import _stager, importer
disk.BLOCK = 1024
importer.stage_files.__kwdefaults__["checkpoint_bytes"] = 4096
from pgimport.cli._main import main
main()
"""


def begun(dsn: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SMALL, "--dsn", dsn, "--json", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def stopped(conn: Conn) -> bool:
    return bool(
        scalar(
            conn,
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"
            " AND NOT granted",
        )
    )


@pytest.mark.parametrize("how", ["kill", "interrupt"])
def test_the_command_goes_on_after_the_death_of_its_client(
    dsn: str, conn: Conn, first: Conn, tmp_path: Path, how: str
) -> None:
    path = write(tmp_path / "a.csv", 3000)
    conn.execute(STOP)
    first.execute("SELECT pg_advisory_lock(4711)")
    process = begun(dsn, "import", "codes", str(path), "--yes")
    try:
        until(lambda: stopped(conn), "the checkpoint waits")
        if how == "kill":
            process.kill()
            process.communicate(timeout=PATIENCE)
        else:
            # the server is busy: it is cancelled, also without a second interruption
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
            assert process.returncode == 5, err
            answer = json.loads(out)
            assert answer["hint"].startswith(f"pgimport import codes {path}")
            assert answer["hint"].endswith(f"--job {answer['job_id']}")
    finally:
        process.kill()
        process.wait()
    first.execute("SELECT pg_advisory_unlock(4711)")
    conn.execute("DROP TRIGGER stop_at ON pgimport.file")
    job = scalar(conn, "SELECT job_id FROM pgimport.job")
    until(
        lambda: (
            not scalar(
                conn,
                "SELECT count(*) FROM pg_locks WHERE relation = to_regclass(%s) AND pid <> %s",
                f"pgimport_staging.job_{job.hex}_f1",
                conn.info.backend_pid,
            )
        ),
        "the dead client's session ends",
    )
    half = file_of(conn, job)["checkpoint_rows"]
    assert half is not None
    assert half > 0
    done = subprocess.run(
        [*COMMAND, "--dsn", dsn, "--json", "import", "codes", str(path), "--job", str(job),
         "--yes"],
        capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["rows_inserted"] == 3000
    assert "gone on with" in str(answer["details"]["stage"]["warnings"])
    assert scalar(conn, "SELECT count(*) FROM public.codes") == 3000


def test_a_second_interruption_does_not_wait(
    dsn: str, conn: Conn, first: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 3000)
    conn.execute(STOP)
    first.execute("SELECT pg_advisory_lock(4711)")
    process = begun(dsn, "stage", "codes", str(path))
    until(lambda: stopped(conn), "the checkpoint waits")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 5, err
    assert json.loads(out)["hint"].endswith(f"--job {json.loads(out)['job_id']}")


# ------------------------------------------------------------------------------- the command retry


def retried(dsn: str, *words: str, typed: str | None = None) -> Ran:
    return run("--json", "retry", *words, dsn=dsn, typed=typed)


def test_retry_stages_what_is_missing_and_leaves_other_files_alone(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 2000)
    job = half_staged(dsn, path)
    (tmp_path / "not_of_this_job.csv").write_text(HEADER + "".join(lines(5, 9000)))

    # nobody is there to be asked
    done = retried(dsn, job)
    assert done.code == 3, done.err
    assert done.json["hint"] == f"pgimport retry {job} FOLDER"
    assert "a.csv" in done.json["message"]

    done = retried(dsn, job, str(tmp_path), "--yes")
    assert done.code == 0, done.err
    assert done.json["rows_inserted"] == 2000
    assert [file["status"] for file in done.json["details"]["stage"]["details"]["files"]] == [
        "staged",
        "left out",
    ]
    assert scalar(conn, "SELECT max(code) FROM public.codes") == "C999"
    assert retried(dsn, job).json["message"].startswith(f"job {job} was completed before")


def test_retry_asks_for_the_folder_and_for_a_confirmation(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 2000)
    job = half_staged(dsn, path)
    done = retried(dsn, job, typed=f"{tmp_path}\nYES")
    assert done.code == 0, done.err
    assert scalar(conn, "SELECT count(*) FROM public.codes") == 2000


def test_retry_of_a_job_that_failed_checks_and_inserts_it(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    conn.execute(
        "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'no'; END$$"
    )
    conn.execute(
        "CREATE TRIGGER no BEFORE INSERT ON public.codes FOR EACH ROW EXECUTE FUNCTION public.no()"
    )
    job = import_failed(dsn, write(tmp_path / "a.csv", 20))
    assert call(conn, "get_job", job)["status"] == "failed"
    conn.execute("DROP TRIGGER no ON public.codes")
    done = retried(dsn, job, "--yes")
    assert done.code == 0, done.err
    assert done.json["rows_inserted"] == 20
    assert done.json["details"]["verify"]["verified"]


def import_failed(dsn: str, path: Path) -> str:
    jobs: list[Any] = []
    with pytest.raises(InsertFailed):
        import_files(dsn, "codes", [path], begun=jobs.append)
    return str(jobs[0])


def test_retry_stages_again_what_a_crash_has_emptied(crashing: Crashing, tmp_path: Path) -> None:
    write(tmp_path / "1.csv", 50)
    (tmp_path / "2.csv").write_text(HEADER + "".join(lines(50, 50)))
    staged_job = str(stage_files(crashing.dsn, None, [tmp_path], target="codes").job_id)
    crashing.crash()
    done = retried(crashing.dsn, staged_job, "--yes")
    assert done.code == 3
    assert "1.csv, 2.csv" in done.json["message"]
    done = retried(crashing.dsn, staged_job, str(tmp_path), "--yes")
    assert done.code == 0, done.err
    assert done.json["rows_inserted"] == 100


def test_retry_of_a_job_that_is_over_says_what_to_do_instead(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    job = half_staged(dsn, write(tmp_path / "a.csv", 2000))
    call(conn, "cancel_job", job)
    done = retried(dsn, job, "--yes")
    assert (done.code, done.json["code"]) == (1, "PI109")


def test_a_server_that_goes_away_is_exit_code_5_with_the_command_that_goes_on(
    crashing: Crashing, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", 3000)
    first = psycopg.connect(crashing.dsn)
    first.execute("LOCK TABLE public.codes IN ACCESS EXCLUSIVE MODE")
    process = begun(crashing.dsn, "import", "codes", str(path), "--yes")
    with psycopg.connect(crashing.dsn, autocommit=True) as conn:
        until(
            lambda: bool(
                scalar(conn, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            ),
            "the check or the insert waits",
        )
    crashing.server.stop("immediate")
    first.close()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 5, err
    answer = json.loads(out)
    assert answer["hint"].startswith("pgimport ")
    assert answer["job_id"] in answer["hint"]
    crashing.server.start()
    done = run("--json", "retry", answer["job_id"], str(path), "--yes", dsn=crashing.dsn)
    assert done.code == 0, done.err
    assert done.json["rows_inserted"] == 3000
