"""Readers beside an import: whether they are blocked, and how much slower they become.

``pgbench`` reads rows by their key with four clients while a job is staged, checked, inserted,
verified and rolled back. It does so twice:

* at a steady rate that leaves most of the machine idle, as an application does. This is what the
  target is about: clients at full speed fill two cores by themselves, and whatever runs beside
  them takes a share of the processors, be it an import or another reader;
* at full speed, for comparison.

pgbench's log of single transactions is laid beside the times of the import's phases. Latency counts
from the moment at which a transaction was due. Meanwhile pg_stat_activity is looked at: no reader
may ever wait for a lock.
"""

from __future__ import annotations

import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import conninfo

import pgimport
from bench.data import EXISTING_COLUMNS, TARGET, Reference, copy_file, create_table, example
from bench.result import Figure
from bench.server import BenchServer
from pgimport import ImportResult, Progress
from pgimport.client import Client

RATE = 500
CLIENTS = 4
AT_MOST = 2.0
_DATABASE = "readers"
_READER = "pgimport_reader"
_KEYS = 50_000
# rows of the job: every phase lasts long enough for some hundred reads
_ENOUGH = 400_000
_IDLE_SECONDS = 3.0
_BETWEEN_LOOKS = 0.02
_PHASES = ("headers", "stage", "check", "insert", "verify", "rollback")

# a random key of those that exist, then the row of that key, as an application asks for it
_SCRIPT = f"""\\set n random(1, {_KEYS})
SELECT c.* FROM reader_key AS r INNER JOIN codes AS c
ON c.code = r.code AND c.merchant_id = r.merchant_id WHERE r.n = :n;
"""


@dataclass
class _Life:
    """Times of the phases, and what readers were seen to wait for.

    Attributes:
        spans: (phase, begin, end) in seconds since 1970.
        looks: how often pg_stat_activity was looked at. readers: most that were seen at once.
        waits: readers seen waiting for a lock.

    """

    spans: list[tuple[str, float, float]] = field(default_factory=list)
    looks: int = 0
    readers: int = 0
    waits: int = 0


@dataclass(frozen=True)
class _Read:
    """One transaction of a reader: when it ended, in seconds since 1970, and its milliseconds."""

    end: float
    latency: float


def run(server: BenchServer, data: Reference, rows: int) -> list[Figure]:
    """Measure readers beside an import of the reference job, of ``rows`` rows or what is enough."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="pgimport-readers-") as place:
        folder = Path(place)
        reference = data if rows <= _ENOUGH else Reference.make(folder / "data", _ENOUGH)
        _prepare(server, reference)
        for name, rate in ((f"{RATE} reads/s", RATE), ("reads at full speed", None)):
            life, reads = _measure(server, reference, folder, rate)
            figures.extend(_figures(name, life, reads, held=rate is not None))
        server.drop(_DATABASE)
        server.drop(f"{_DATABASE}_template")
    return figures


def _prepare(server: BenchServer, reference: Reference) -> None:
    """Make the template database: the reference table with its rows, and keys to read by."""
    template = f"{_DATABASE}_template"
    server.fresh(template)
    create_table(server, template)
    server.install(template)
    with server.connect(template) as conn:
        copy_file(conn, "codes", EXISTING_COLUMNS, reference.existing)
        conn.execute(
            "CREATE TABLE reader_key AS SELECT row_number() OVER () AS n, q.* FROM ("
            "SELECT merchant_id, code FROM codes ORDER BY hashtext(code)) AS q"
        )
        # few rows exist: their keys are used again
        conn.execute(
            "INSERT INTO reader_key SELECT r.n + s.step * (SELECT max(n) FROM reader_key), "
            "r.merchant_id, r.code FROM reader_key AS r, "
            "generate_series(1, %s / (SELECT count(*) FROM reader_key)) AS s (step)",
            [_KEYS],
        )
        conn.execute("ALTER TABLE reader_key ADD PRIMARY KEY (n)")
        conn.execute(example("target.sql"))
        conn.execute("VACUUM (FREEZE, ANALYZE) reader_key")
        conn.execute("VACUUM (FREEZE, ANALYZE) codes")


def _measure(
    server: BenchServer, reference: Reference, folder: Path, rate: int | None
) -> tuple[_Life, list[_Read]]:
    """Let readers read, first alone, then beside an import and its rollback."""
    server.fresh(_DATABASE, f"{_DATABASE}_template")
    life = _Life()
    logs = folder / f"log_{rate}"
    with _readers(server, folder, logs, rate), _watch(server, life):
        # connections and caches become warm
        time.sleep(1)
        begin = time.time()
        time.sleep(_IDLE_SECONDS)
        life.spans.append(("idle", begin, time.time()))
        _import(server, reference, life)
    if life.readers != CLIENTS:
        raise AssertionError(f"{life.readers} readers were seen, not {CLIENTS}")
    return life, list(_log(logs))


def _import(server: BenchServer, reference: Reference, life: _Life) -> None:
    starts: list[tuple[str, float]] = []

    def progress(now: Progress) -> None:
        if not starts or starts[-1][0] != now.phase:
            starts.append((now.phase, time.time()))

    result: ImportResult = pgimport.import_files(
        server.dsn(_DATABASE), TARGET, reference.files, progress=progress
    )
    starts.append(("rollback", time.time()))
    with server.connect(_DATABASE) as conn:
        undone = Client(conn).rollback_job(result.job_id, reason="measured")
    ends = [*(start for _, start in starts[1:]), time.time()]
    life.spans.extend((name, start, end) for (name, start), end in zip(starts, ends, strict=True))

    clean = reference.expected.clean_rows
    found = (result.insert and result.insert.rows_inserted, undone.rows_deleted)
    if found != (clean, clean):
        raise AssertionError(f"expected {clean} rows inserted and deleted, found {found}")


@contextmanager
def _readers(server: BenchServer, folder: Path, logs: Path, rate: int | None) -> Iterator[None]:
    """Run pgbench inside; its log is complete afterwards."""
    script = folder / "select_by_code.sql"
    script.write_text(_SCRIPT, encoding="utf-8")
    logs.mkdir()
    command = [
        str(server.bin / "pgbench"),
        *("-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T", "3600"),
        *("-f", str(script), "-l", f"--log-prefix={logs / 'reads'}"),
        *(["-R", str(rate)] if rate is not None else []),
        conninfo.make_conninfo(server.dsn(_DATABASE), application_name=_READER),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield
            if process.poll() is not None:
                raise RuntimeError("pgbench ended early")
        finally:
            # what its own timer sends it when the time is over: it ends as usual
            process.send_signal(signal.SIGALRM)
            _, errors = process.communicate(timeout=30)
        if process.returncode != 0:
            raise RuntimeError(f"pgbench failed: {errors}")


@contextmanager
def _watch(server: BenchServer, life: _Life) -> Iterator[None]:
    """Look at what the readers wait for, all the time."""
    end = threading.Event()

    def look() -> None:
        with server.connect(_DATABASE) as conn:
            while not end.wait(_BETWEEN_LOOKS):
                readers, waiting = _look(conn)
                life.readers = max(life.readers, readers)
                life.waits += waiting
                life.looks += 1

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _look(conn: psycopg.Connection[tuple[int, int]]) -> tuple[int, int]:
    """Return how many readers there are, and how many of them wait for a lock."""
    row = conn.execute(
        "SELECT count(*), count(*) FILTER (WHERE a.wait_event_type = 'Lock' "
        "OR EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted)) "
        "FROM pg_stat_activity AS a WHERE a.application_name = %s",
        [_READER],
    ).fetchone()
    return row or (0, 0)


def _log(logs: Path) -> Iterator[_Read]:
    """Read pgbench's log: client, number, microseconds, script, seconds, microseconds, …."""
    for path in logs.iterdir():
        with path.open(encoding="ascii") as file:
            for line in file:
                words = line.split()
                # a transaction that was skipped or failed has a word there
                if words[2].isdigit():
                    end = int(words[4]) + int(words[5]) / 1e6
                    yield _Read(end, int(words[2]) / 1000)


def _figures(name: str, life: _Life, reads: list[_Read], held: bool) -> list[Figure]:
    """Return the latencies of each phase, and what is held against the target if ``held``."""
    found: dict[str, list[float]] = {}
    for phase, begin, end in life.spans:
        found.setdefault(phase, []).extend(
            read.latency for read in reads if begin <= read.end - read.latency / 1000 <= end
        )
    idle = statistics.median(found["idle"])
    figures = [Figure("readers", f"{name}: idle", [idle], "ms", note=_spread(found["idle"]))]
    every: list[float] = []
    for phase in _PHASES:
        if latencies := found.get(phase):
            every.extend(latencies)
            figures.append(
                Figure(
                    "readers",
                    f"{name}: during {phase} / idle",
                    [statistics.median(latencies) / idle],
                    "ratio",
                    AT_MOST if held else None,
                    note=_spread(latencies),
                )
            )
    figures.insert(
        1,
        Figure(
            "readers",
            f"{name}: during the import and its rollback / idle",
            [statistics.median(every) / idle],
            "ratio",
            AT_MOST if held else None,
            note=_spread(every),
        ),
    )
    figures.append(
        Figure(
            "readers",
            f"{name}: longest read beside the import",
            [max(every)],
            "ms",
            note=f"longest when idle {max(found['idle']):.1f} ms",
        )
    )
    figures.append(
        Figure(
            "readers",
            f"{name}: readers seen waiting for a lock",
            [life.waits],
            "rows",
            0,
            note=f"pg_stat_activity and pg_locks, looked at {life.looks} times",
        )
    )
    return figures


def _spread(latencies: list[float]) -> str:
    ordered = sorted(latencies)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return (
        f"{at(0.5):.2f} ms median, {at(0.95):.2f} ms 95 %, {at(0.99):.2f} ms 99 %, "
        f"{ordered[-1]:.1f} ms longest of {len(ordered):,}"
    )
