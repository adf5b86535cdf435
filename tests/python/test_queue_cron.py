"""The recipe of docs/queue.md for pg_cron, on a server of its own that has the extension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from _sessions import until
from _workers import TABLE, codes_of, standing, submitted
from pgimport import _assemble
from pgimport.embedded import EmbeddedServer

RECIPE = Path(__file__).parents[2] / "docs" / "queue.md"


@pytest.fixture
def cron(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A server with pg_cron; jobs run in background workers, as it listens on no network."""
    if not (Path(server.config("sharedir")) / "extension" / "pg_cron.control").is_file():
        pytest.skip("pg_cron is not installed for this server (apt-get install postgresql-15-cron)")
    with EmbeddedServer.for_tests(server.major) as own:
        with psycopg.connect(own.dsn, autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_cron'")
        own.stop()
        # these are known only once the library is loaded
        with (own.cluster / "postgresql.auto.conf").open("a") as settings:
            settings.write("cron.database_name = 'postgres'\ncron.use_background_workers = on\n")
        yield own.start()


def test_pg_cron_runs_the_queue(cron: EmbeddedServer) -> None:
    recipe = re.search(r"SELECT cron\.schedule\(.*?\);", RECIPE.read_text(encoding="utf-8"), re.S)
    assert recipe is not None
    with psycopg.connect(cron.dsn, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_cron")
        conn.execute(_assemble.assemble())
        conn.execute(TABLE)
        jobs = [submitted(conn, ["A", "B"]), submitted(conn, ["C"])]
        # as documented; and the same at the next start, so that the test need not wait a minute
        conn.execute(recipe.group().encode())
        commands = [row[0] for row in conn.execute("SELECT command FROM cron.job")]
        assert len(commands) == 1
        for number in range(2):
            conn.execute(
                "SELECT cron.schedule(%s, '@reboot', %s)", [f"at start {number}", commands[0]]
            )
    cron.stop()
    cron.start()
    with psycopg.connect(cron.dsn, autocommit=True) as conn:
        until(
            lambda: all(standing(conn, job) == ("done", "completed") for job in jobs),
            "pg_cron has run the jobs",
        )
        assert codes_of(conn) == ["A", "B", "C"]
