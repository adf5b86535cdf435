"""Runs jobs of the queue: claims one after another, step by step, until it is told to stop.

Several workers may run side by side, on any number of machines. All that decides who may do what is
in the database (docs/queue.md); a worker that dies at any point, or freezes, does no harm.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from pgimport.client import Client
from pgimport.errors import PgImportError
from pgimport.models import QueueResult

LOST = "PI105"
# class 08: what happened to a statement when its connection ended without a word
_NO_ANSWER = "08006"
_LONGEST_PAUSE = 30.0
# a heartbeat also hears that the step is to be cancelled
_LONGEST_SILENCE = 2.0


@dataclass(frozen=True)
class WorkerEvent:
    """Something that happened to a worker.

    Attributes:
        what: ``claimed``, ``step`` (a step is done, there are more), ``completed``, ``waiting`` (to
            be tried again), ``dead`` (given up), ``released`` (given back as the worker stops),
            ``lost`` (another has the job, or it was cancelled), ``disconnected``, ``error`` (no
            job could be claimed; it is tried again).
        message: the same in words.
        job_id: the job, where it is about one.
        result: what run_job() answered, where it did.

    """

    what: str
    message: str
    job_id: UUID | None = None
    result: QueueResult | None = None


class Worker:
    """Works on the queue of one database.

    Args:
        conninfo: connection string; the role must be a member of the owners of the jobs. A second
            connection sends the heartbeats of long steps.
        name: what the queue shows; default: host and process.
        lease: seconds after which others may take a job of a worker that is not heard of.
        poll: seconds between two looks into an empty queue.
        on_event: called with each WorkerEvent, in the thread of ``run``.

    """

    def __init__(
        self,
        conninfo: str,
        *,
        name: str | None = None,
        lease: float = 60.0,
        poll: float = 5.0,
        on_event: Callable[[WorkerEvent], None] | None = None,
    ) -> None:
        if not 1 <= lease <= 86_400:
            raise ValueError("a lease lasts from 1 second to 1 day")
        if not poll > 0:
            raise ValueError("poll is a number of seconds")
        self.name = name or f"{socket.gethostname()}:{os.getpid()}"
        self.lease = lease
        self.poll = poll
        self._conninfo = make_conninfo(conninfo, application_name=f"pgimport worker {self.name}")
        self._on_event = on_event
        self._stopping = threading.Event()
        self._aborted = False
        self._conn: psycopg.Connection[Any] | None = None

    def run(self, *, once: bool = False) -> dict[str, int]:
        """Work until stop() is called, or with ``once`` until no job is waiting.

        Returns:
            How often each event happened.

        Raises:
            psycopg.OperationalError: the first connection fails; later ones are tried again.

        """
        counts: dict[str, int] = {}
        failures = 0
        self._connect()
        try:
            while not self._stopping.is_set():
                try:
                    claim = self._client().claim_job(self.name, f"{self.lease} seconds")
                    failures = 0
                except psycopg.OperationalError as error:
                    what = "disconnected" if self._is_broken() else "error"
                    self._tell(counts, WorkerEvent(what, str(error).strip()))
                    failures += 1
                    self._stopping.wait(min(2.0**failures / 2, _LONGEST_PAUSE))
                    continue
                if claim.job_id is not None:
                    self._tell(counts, WorkerEvent("claimed", claim.message, claim.job_id, claim))
                    for event in self._work(claim):
                        self._tell(counts, event)
                    self._clean()
                elif once:
                    break
                else:
                    self._stopping.wait(self.poll)
        finally:
            self._close()
        return counts

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End after the step that runs, and give its job back; from any thread or a signal."""
        self._stopping.set()

    def abort(self) -> None:
        """End at once: the step that runs is cancelled and undone, its job given back."""
        self._aborted = True
        self._stopping.set()
        self._cancel_step()

    def _cancel_step(self) -> None:
        conn = self._conn
        if conn is not None:
            with contextlib.suppress(psycopg.Error):
                conn.cancel()

    # -- one job ------------------------------------------------------------------------------

    def _work(self, claim: QueueResult) -> Iterator[WorkerEvent]:
        job_id, fence = cast(UUID, claim.job_id), cast(int, claim.fence)
        with _Pulse(self._conninfo, job_id, fence, self.lease, self._cancel_step):
            while True:
                if self._stopping.is_set():
                    yield self._release(job_id, fence, None, None)
                    return
                try:
                    result = self._client().run_job(job_id, fence)
                except PgImportError as error:
                    if not isinstance(error.result, QueueResult):
                        # raised: undone, and nobody was told yet
                        yield self._release(job_id, fence, error.code, error.message)
                        return
                    result = error.result
                except psycopg.Error as error:
                    message = error.diag.message_primary or str(error).strip()
                    yield self._release(job_id, fence, error.sqlstate or _NO_ANSWER, message)
                    return
                if result.done:
                    what = "completed" if result.state == "done" else str(result.state)
                    yield WorkerEvent(what, result.message, job_id, result)
                    return
                yield WorkerEvent("step", result.message, job_id, result)

    def _release(
        self, job_id: UUID, fence: int, sqlstate: str | None, message: str | None
    ) -> WorkerEvent:
        """Give a job back; try as long as the lease lasts where there is no connection."""
        if sqlstate == LOST:
            return WorkerEvent("lost", message or "the claim is lost", job_id)
        if self._aborted:
            sqlstate = message = None
        until = time.monotonic() + self.lease
        while True:
            try:
                given = self._client().release_job(job_id, fence, sqlstate, message)
            except PgImportError as error:
                # somebody else has it, or the step was done although no answer came
                return WorkerEvent("lost", error.message, job_id)
            except psycopg.OperationalError as error:
                if self._aborted or time.monotonic() > until:
                    return WorkerEvent("lost", str(error).strip(), job_id)
                time.sleep(0.2)
                continue
            what = "released" if sqlstate is None else str(given.state)
            return WorkerEvent(what, given.message, job_id, given)

    # -- its connection -----------------------------------------------------------------------

    def _connect(self) -> psycopg.Connection[Any]:
        self._conn = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None)
        return self._conn

    def _client(self) -> Client:
        conn = self._conn
        if conn is None or self._is_broken():
            self._close()
            conn = self._connect()
        return Client(conn)

    def _is_broken(self) -> bool:
        return self._conn is None or self._conn.closed or self._conn.broken

    def _clean(self) -> None:
        """Leave nothing behind in the session that code of a job's table may have set."""
        if self._conn is not None and not self._is_broken():
            try:
                self._conn.execute("DISCARD ALL")
            except psycopg.Error:
                self._close()

    def _close(self) -> None:
        if self._conn is not None:
            with contextlib.suppress(psycopg.Error):
                self._conn.close()
            self._conn = None

    def _tell(self, counts: dict[str, int], event: WorkerEvent) -> None:
        counts[event.what] = counts.get(event.what, 0) + 1
        if self._on_event is not None:
            self._on_event(event)


class _Pulse:
    """Sends heartbeats for a claim from a thread and a connection of its own, while it lasts."""

    def __init__(
        self,
        conninfo: str,
        job_id: UUID,
        fence: int,
        lease: float,
        cancel: Callable[[], None],
    ) -> None:
        self._conninfo = conninfo
        self._cancel = cancel
        self._claim = (job_id, fence)
        self._lease = lease
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pgimport heartbeat", daemon=True)

    def __enter__(self) -> _Pulse:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()

    def _beat(self) -> None:
        conn: psycopg.Connection[Any] | None = None
        usual = min(self._lease / 3, _LONGEST_SILENCE)
        pause = usual
        # a step that is shorter needs no second connection
        while not self._ended.wait(pause):
            try:
                if conn is None:
                    conn = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None)
                beat = Client(conn).heartbeat(*self._claim, f"{self._lease} seconds")
                if beat.cancel and not self._ended.is_set():
                    self._cancel()
                pause = usual
            except PgImportError:
                # the step that runs will be told, too
                break
            except psycopg.Error:
                if conn is not None:
                    conn.close()
                conn = None
                pause = self._lease / 10
        if conn is not None:
            with contextlib.suppress(psycopg.Error):
                conn.close()
