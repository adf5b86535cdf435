"""What test_kills.py kills with: a server of its own, clients in processes, moments to wait for.

Clients are forked off a server process that has the command imported already: a hundred of them
would need a minute to import it. They run the command as it is, its output goes to a file.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from _sessions import Conn, call, scalar
from pgimport import _assemble, _retry, import_files
from pgimport.cli._main import run
from pgimport.embedded import EmbeddedServer, ServerError

PATIENCE = 60.0
# the rows of the table that a rollback must leave as they were, and an import as it should be
CHECKSUM = (
    "SELECT count(*) || ' ' || coalesce(sum(hashtextextended("
    "concat_ws('|', code, size, name, price, day, note, import_job_id IS NULL), 0)::numeric), 0)"
    " FROM public.parts"
)

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["_kills", "pgimport.worker"])


def _client(work: dict[str, Any] | list[str], dsn: str, log: str) -> None:
    """Run a command line in this process, as ``pgimport`` would; or import_files()."""
    # a server that crashed is back in a moment
    _retry._FIRST_WAIT = 0.1
    with Path(log).open("ab", buffering=0) as file:
        file.write(f"\n$ {work}\n".encode())
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # sys.stdout may be one that pytest put there
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    if isinstance(work, list):
        sys.exit(run(["--dsn", dsn, *work]))
    done = import_files(dsn, **work)
    sys.exit(0 if done.verify is not None and done.verify.verified else 1)


class Child:
    """A client in a process of its own: a command, or a call of import_files()."""

    def __init__(self, work: dict[str, Any] | list[str], dsn: str, log: Path) -> None:
        self.words = str(work) if isinstance(work, dict) else " ".join(work)
        self._process = _forks.Process(target=_client, args=(work, dsn, str(log)), daemon=True)
        self._process.start()

    @property
    def ended(self) -> bool:
        return self._process.exitcode is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def code(self, seconds: float = PATIENCE) -> int:
        """Wait for the end and return the exit code.

        Raises:
            TimeoutError: it does not end; it was killed.

        """
        self._process.join(seconds)
        if self._process.exitcode is None:
            self.kill()
            raise TimeoutError(f"it does not end: {self.words}")
        return self._process.exitcode


@dataclass(frozen=True)
class Moment:
    """When to kill: a moment after something is seen to happen, or at a time, if that comes first.

    Attributes:
        event: what is waited for, one of EVENTS. after: so many seconds after it.
        at: seconds since the client was begun, or was left alone.

    """

    event: str
    after: float
    at: float

    def reached(self, watcher: Conn, child: Child) -> bool:
        """Wait for it; False where the client ended before."""
        query = EVENTS[self.event]
        end = time.monotonic() + self.at
        seen = False
        while not child.ended:
            if not seen and scalar(watcher, query):
                seen, end = True, min(end, time.monotonic() + self.after)
            if time.monotonic() >= end:
                return not child.ended
            time.sleep(0.002)
        return False

    def __str__(self) -> str:
        return f"{1000 * self.after:.0f} ms after {self.event}, or at {self.at:.1f} s"


_JOB = "SELECT EXISTS (SELECT FROM pgimport.job WHERE finished_at IS NULL AND {})"
_LOCK = "SELECT EXISTS (SELECT FROM pg_locks WHERE granted AND {})"
# what can be seen from outside while a job lives
EVENTS = {
    "a job is there": _JOB.format("true"),
    "a file is staged": "SELECT EXISTS (SELECT FROM pgimport.file AS f"
    " INNER JOIN pgimport.job AS j USING (job_id)"
    " WHERE j.finished_at IS NULL AND f.status = 'staged')",
    "rows are copied": "SELECT EXISTS (SELECT FROM pg_stat_progress_copy"
    " WHERE tuples_processed > 5000)",
    "it is staged": _JOB.format("status = 'staged'"),
    "it is checked": _JOB.format("status = 'checked'"),
    "it runs": _LOCK.format("locktype = 'advisory' AND mode = 'ExclusiveLock'"),
    "the target is written": _LOCK.format(
        "relation = 'public.parts'::regclass AND mode = 'RowExclusiveLock'"
    ),
    "a batch is committed": _JOB.format("status = 'inserting'"),
    "it is completed": "SELECT EXISTS (SELECT FROM pgimport.job WHERE status = 'completed')",
}


class Rig:
    """A server that may crash, with a table of parts and pgimport."""

    def __init__(self, server: EmbeddedServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.log = folder / "clients.log"
        self._watcher: Conn | None = None

    @property
    def watcher(self) -> Conn:
        """A connection that looks; a new one after a crash."""
        if self._watcher is None or self._watcher.closed or self._watcher.broken:
            self._watcher = psycopg.connect(self.server.dsn, autocommit=True)
        return self._watcher

    def start(self, work: dict[str, Any] | list[str]) -> Child:
        """Start a client of this server."""
        return Child(work, self.server.dsn, self.log)

    def said(self) -> str:
        """What the clients and the server said last."""
        server = self.server.cluster.parent / "server.log"
        return "\n".join(
            path.read_text(encoding="utf-8", errors="replace")[-3000:]
            for path in (self.log, server)
        )

    # -- ways to kill -------------------------------------------------------------------------

    def kill(self, who: str, child: Child, dice: random.Random) -> bool:
        """Kill somebody, if there is anybody; afterwards the server runs."""
        if who == "client":
            child.kill()
        elif who == "server":
            self._kill_server()
        else:
            backends = self._backends()
            if not backends:
                return False
            pid = dice.choice(backends)
            if who == "backend":
                self.watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
            else:
                self._crash(pid)
        self._wait_for_server()
        return True

    def _crash(self, pid: int) -> None:
        """Kill a process of the server: the server ends all others and recovers by itself."""
        with contextlib.suppress(psycopg.OperationalError):
            os.kill(pid, signal.SIGKILL)
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                scalar(self.watcher, "SELECT 1")
                time.sleep(0.002)
            raise AssertionError("the server did not notice that a process of it was killed")

    def _backends(self) -> list[int]:
        rows = self.watcher.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid() ORDER BY pid"
        ).fetchall()
        return [row[0] for row in rows]

    def _kill_server(self) -> None:
        postmaster = int((self.server.cluster / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)
        children = _children(postmaster)
        for pid in (postmaster, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._watcher is not None:
            self._watcher.close()

    def _wait_for_server(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.server.start()
                scalar(self.watcher, "SELECT 1")
                return
            # PostgreSQL's recovery stops at the file of an unlogged table that was given up just
            # before the crash, and clears it away at the next start
            except (psycopg.Error, ServerError):
                assert time.monotonic() < end, "the server does not come back"
                time.sleep(0.02)


def _children(parent: int) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = place.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(place.parent.name))
    return found


@contextlib.contextmanager
def rigged(version: int, folder: Path, rows_before: str) -> Iterator[Rig]:
    """A server of that version with the table and its target."""
    with EmbeddedServer.for_tests(version) as server:
        rig = Rig(server, folder)
        conn = rig.watcher
        conn.execute(_assemble.assemble())
        conn.execute(
            "CREATE TABLE public.parts (code text PRIMARY KEY, size integer NOT NULL,"
            " name text, price numeric(10, 2), day date, note text)"
        )
        conn.execute("SELECT pgimport.register_target('public.parts', 'parts', '{code}', '{}')")
        conn.execute(f"INSERT INTO public.parts (code, size, name) {rows_before}".encode())
        conn.execute("VACUUM ANALYZE public.parts")
        yield rig


def envelope(conn: Conn, function: str, *arguments: Any) -> dict[str, Any]:
    """Call a function that must say that it succeeded."""
    answer = call(conn, function, *arguments)
    assert answer["success"], answer
    return answer
