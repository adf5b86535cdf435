"""A hundred kills: whatever dies, and whenever, the job ends as if nothing had happened.

A job of 200,000 rows, again and again: its client, the server's process behind it, or the whole
server is killed at random moments of its life, several times, and gone on with by what the
documentation says: the same command with --job, insert, or the next worker. Each time the table is
in the end exactly what it is after an import that nobody disturbed, and after the rollback exactly
what it was before; nothing is left over.

The seed is printed; ``PGIMPORT_TEST_SEED`` replays it (the moments are those of a clock, so what is
hit may differ). ``PGIMPORT_TEST_KILLS`` says how many; ``make soak`` kills more.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from _kills import CHECKSUM, EVENTS, Child, Moment, Rig, envelope, rigged
from _sessions import scalar
from pgimport.embedded import EmbeddedServer

KILLS = int(os.environ.get("PGIMPORT_TEST_KILLS", "100"))
SEED = int(os.environ.get("PGIMPORT_TEST_SEED", "0").split(":")[0]) or random.randrange(10**6)
ROWS = 200_000
THERE = 10_000
KILLS_A_LIFE = 12
# of a client, of its server process, of one that takes all others along, of the server
WAYS = {"client": 5, "backend": 2, "crash": 1, "server": 2}
OPEN = "SELECT max(job_id::text) FROM pgimport.job WHERE status NOT IN ('rolled_back', 'cancelled')"


@dataclass(frozen=True)
class Scenario:
    """How a job is imported: by the command, by import_files(), or by workers."""

    on_duplicate: str
    durable: bool = False
    batch_rows: int | None = None
    by_rows: bool = False
    how: str = "command"

    def __str__(self) -> str:
        words = [
            self.how,
            self.on_duplicate,
            "durable" if self.durable else "",
            f"batches of {self.batch_rows}" if self.batch_rows else "",
            "row by row" if self.by_rows else "",
        ]
        return ", ".join(word for word in words if word)

    def next(self, rig: Rig, job: str | None) -> dict[str, Any] | list[str]:
        """What begins the import, or goes on with it."""
        path = str(rig.folder / ("rows" if self.by_rows else "raw"))
        if self.how == "import_files":
            return {
                "target": "parts",
                "paths": [path],
                "on_duplicate": self.on_duplicate,
                "options": {"durable": self.durable},
                "job_id": job,
                "checkpoint_bytes": 1_500_000,
            }
        status = scalar(rig.watcher, STATUS, job)
        batch = ["--batch-rows", str(self.batch_rows)] if self.batch_rows else []
        on = ["--job", job] if job else []
        given = [
            path,
            "--on-duplicate",
            self.on_duplicate,
            *(["--durable"] if self.durable else []),
        ]
        if status == "completed":
            return ["verify", str(job)]
        if self.how == "command":
            return ["import", "parts", *given, *batch, *on, "--yes"]
        if scalar(rig.watcher, QUEUED, job):
            return ["worker", "--once", "--poll", "0.1", "--lease", "1"]
        if status in ("staged", "checked", "inserting"):
            return ["submit", str(job), *batch]
        return ["stage", "parts", *given, *on]


STATUS = "SELECT max(status) FROM pgimport.job WHERE job_id = %s"
QUEUED = (
    "SELECT EXISTS (SELECT FROM pgimport.job_queue"
    " WHERE job_id = %s AND state IN ('waiting', 'running'))"
)
SCENARIOS = (
    Scenario("skip"),
    Scenario("update", how="import_files"),
    Scenario("update", durable=True, batch_rows=60_000),
    Scenario("update", by_rows=True),
    Scenario("skip", durable=True, by_rows=True, how="import_files"),
    Scenario("skip", batch_rows=50_000),
    Scenario("skip", durable=True, how="worker"),
    Scenario("update", durable=True, how="import_files"),
    Scenario("update", batch_rows=70_000, how="worker"),
)


def write_files(folder: Path) -> None:
    """Two files of 200,000 records together, once as they are and once so that COPY refuses one.

    Every 50th repeats a key, every 1,000th is invalid, and THERE of the keys are in the table.
    """
    for name, ragged in (("raw", False), ("rows", True)):
        (folder / name).mkdir()
        for number, (first, end) in enumerate(((0, 130_000), (130_000, ROWS))):
            with (folder / name / f"{number}.csv").open("w", encoding="utf-8") as file:
                file.write("code,size,name,price,day,note\n")
                for row in range(first, end):
                    key = row - 7 if row % 50 == 49 else row
                    size = "many" if row % 1000 == 500 else str(row % 97)
                    file.write(
                        f"P{key:06d},{size},part {row},{row % 1000}.{row % 100:02d},"
                        f"2026-0{row % 9 + 1}-1{row % 10},{'x' * (row % 23)}\n"
                    )
                if ragged and number == 1:
                    file.write("P999999,1,one,2.00,2026-01-01,,too many\n")


@pytest.fixture
def rig(server: EmbeddedServer, tmp_path: Path) -> Iterator[Rig]:
    write_files(tmp_path)
    there = (
        "SELECT format('P%s', lpad((i * 13)::text, 6, '0')), i, 'old'"
        f" FROM generate_series(1, {THERE}) AS i"
    )
    with rigged(server.major, tmp_path, there) as made:
        yield made


def open_job(rig: Rig) -> str | None:
    """The one job that is not over."""
    found: str | None = scalar(rig.watcher, OPEN)
    return found


def live(rig: Rig, scenario: Scenario, kills: list[tuple[str, Moment]], dice: random.Random) -> int:
    """Import once, killing meanwhile; return how often somebody was killed.

    A moment that does not come any more is left out.
    """
    killed = 0
    child: Child | None = None
    hit = False
    while True:
        if child is None:
            child, hit = rig.start(scenario.next(rig, open_job(rig))), False
        if kills:
            who, moment = kills.pop(0)
            if moment.reached(rig.watcher, child) and rig.kill(who, child, dice):
                print(f"  {who} {moment}: {child.words[:70]}", flush=True)
                killed, hit = killed + 1, True
                look(rig)
            # a client goes on by itself when the server is back
            if not child.ended:
                continue
        code = child.code()
        # whoever was not disturbed must succeed
        assert code == 0 or hit, f"{child.words}\n{rig.said()}"
        child = None
        if code == 0 and scalar(rig.watcher, STATUS, open_job(rig)) == "completed":
            return killed


def look(rig: Rig) -> None:
    """A job's rows are in the table as often as the job says, at any time: in one snapshot."""
    row = rig.watcher.execute(
        "SELECT j.status, coalesce(j.rows_inserted, 0), (SELECT count(*) FROM public.parts AS p"
        " WHERE p.import_job_id = j.job_id) FROM pgimport.job AS j"
        " WHERE j.status NOT IN ('rolled_back', 'cancelled')"
    ).fetchone()
    if row is not None:
        status, said, there = row
        assert there == (said if status in ("inserting", "completed") else 0), row


def outcome(rig: Rig) -> dict[str, Any]:
    """All that must be the same, however often somebody was killed."""
    conn, job = rig.watcher, open_job(rig)
    staged = f"pgimport_staging.job_{str(job).replace('-', '')}"
    return {
        "table": scalar(conn, CHECKSUM),
        "job": scalar(conn, COUNTS, job),
        "issues": scalar(conn, ISSUES, job),
        "staged": scalar(
            conn,
            "SELECT string_agg(format('%%s: %%s %%s %%s', file_no, count, max, sum), ', '"
            " ORDER BY file_no) FROM (SELECT file_no, count(*), max(row_no),"
            f" sum(hashtextextended(concat_ws('|', row_no, code, note), 0)) FROM {staged}"
            " GROUP BY file_no) AS f",
        ),
        "verified": envelope(conn, "verify_job", job)["verified"],
    }


COUNTS = (
    "SELECT jsonb_build_object('total', total_rows, 'invalid', invalid_rows,"
    " 'inserted', rows_inserted, 'updated', rows_updated, 'rejected', rows_rejected)"
    " FROM pgimport.job WHERE job_id = %s"
)
ISSUES = (
    "SELECT jsonb_object_agg(code, rows) FROM (SELECT code, count(*) AS rows FROM pgimport.issue"
    " WHERE job_id = %s GROUP BY code) AS i"
)


def clear_up(rig: Rig, before: str) -> None:
    """Roll back; the table is as it was, and nothing is left over."""
    conn, job = rig.watcher, open_job(rig)
    envelope(conn, "rollback_job", job)
    assert scalar(conn, CHECKSUM) == before
    envelope(conn, "clear_staging", job)
    left = scalar(
        conn,
        "SELECT string_agg(relname, ', ') FROM pg_class"
        " WHERE relnamespace = 'pgimport_staging'::regnamespace AND relkind IN ('r', 'p', 'v')"
        r" AND relname NOT LIKE '%%\_print' AND relname NOT LIKE '%%\_image'",
    )
    assert left is None, left
    assert scalar(conn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    envelope(conn, "verify_install")
    conn.execute("VACUUM public.parts")
    conn.execute("CHECKPOINT")


def test_a_job_ends_as_if_nobody_had_been_killed(rig: Rig) -> None:
    print(f"PGIMPORT_TEST_SEED={SEED}")
    dice = random.Random(SEED)
    before = scalar(rig.watcher, CHECKSUM)
    lasts: dict[tuple[str, bool], float] = {}
    undisturbed: dict[tuple[str, bool], dict[str, Any]] = {}
    killed = life = 0
    while killed < KILLS:
        scenario = SCENARIOS[life % len(SCENARIOS)]
        kind = scenario.on_duplicate, scenario.by_rows
        if kind not in undisturbed:
            begun = time.monotonic()
            assert live(rig, scenario, [], dice) == 0
            lasts[kind] = time.monotonic() - begun
            undisturbed[kind] = outcome(rig)
            assert undisturbed[kind]["verified"]
            clear_up(rig, before)
        kills = [
            draw(dice, scenario, lasts[kind]) for _ in range(min(KILLS_A_LIFE, KILLS - killed))
        ]
        print(f"{scenario}:", flush=True)
        begun = time.monotonic()
        killed += live(rig, scenario, kills, dice)
        print(f"  ended after {time.monotonic() - begun:.1f} s")
        ended = outcome(rig)
        # a crash empties the staging that is not durable, also of a job that is done with it
        if ended["staged"] is None and not scenario.durable:
            ended["staged"] = undisturbed[kind]["staged"]
        assert ended == undisturbed[kind], scenario
        clear_up(rig, before)
        life += 1
    print(f"{killed} kills in {life} lives")


def draw(dice: random.Random, scenario: Scenario, lasts: float) -> tuple[str, Moment]:
    """Who is killed, and when: at any time of a life, or soon after something happened."""
    who = dice.choices(list(WAYS), list(WAYS.values()))[0]
    events = [name for name in EVENTS if scenario.batch_rows or name != "a batch is committed"]
    after = dice.choice((0, 0, 0.02, 0.05, 0.1, 0.2))
    return who, Moment(dice.choice(events), after, dice.uniform(0.1, 0.9) * lasts)
