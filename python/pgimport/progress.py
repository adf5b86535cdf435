"""How far an import is: what a callback is told, and who adds it up or asks the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID

import psycopg

from pgimport import _sql
from pgimport.client import Client
from pgimport.errors import PgImportError
from pgimport.models import ProgressResult

SECONDS_BETWEEN_CALLS = 0.1
# a statement that is over before costs no second connection
SECONDS_BEFORE_ASKING = 0.5
SECONDS_BETWEEN_ASKING = 0.5
_SECONDS_TO_CONNECT = 5
# before this much time has passed, a rate says nothing
_SECONDS_TO_JUDGE = 0.2


@dataclass(frozen=True)
class Progress:
    """How far an import is.

    Attributes:
        phase: headers, stage, check, insert or verify.
        step: what the server does in it at this moment, as job_progress() names it, or None.
        file: name of the file it is about, or None.
        files_done, files_total: files.
        rows_done: rows of all files so far. rows_total: estimated from the bytes until the last
            file is read, then exact; 0 where nothing is known.
        bytes_done, bytes_total: bytes of all files as they lie on disk.
        seconds: since the phase began.
        rows_per_second: mean of the phase, or of its step. eta_seconds: what is left of it. Both
            None as long as they are not known.
        waiting_for: the sessions for which the server waits, or None.

    """

    phase: str
    file: str | None = None
    files_done: int = 0
    files_total: int = 0
    rows_done: int = 0
    rows_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    seconds: float = 0.0
    rows_per_second: float | None = None
    eta_seconds: float | None = None
    step: str | None = None
    waiting_for: str | None = None


ProgressCallback = Callable[[Progress], None]


class Meter:
    """Adds up what several threads report of one phase and hands it on, one call at a time.

    The first report is handed on, then at most ten a second, and the one of the last file.

    Args:
        callback: called with a Progress, or None. phase: its name.
        files, size: how many files, and their bytes on disk together.

    """

    def __init__(
        self, callback: ProgressCallback | None, phase: str, files: int, size: int
    ) -> None:
        self._callback = callback
        self._phase = phase
        self._files_total, self._bytes_total = files, size
        self._lock = threading.Lock()
        self._rows: dict[str, int] = {}
        self._bytes: dict[str, int] = {}
        self._files = 0
        self._begun = time.monotonic()
        self._next = 0.0

    def report(self, name: str, rows: int, size: int, done: bool = False) -> None:
        """Note how far one file is: its rows and its bytes on disk read so far."""
        if self._callback is None:
            return
        with self._lock:
            self._rows[name], self._bytes[name] = rows, size
            self._files += done
            now = time.monotonic()
            if now >= self._next or (done and self._files == self._files_total):
                self._next = now + SECONDS_BETWEEN_CALLS
                self._callback(self._progress(name, now - self._begun))

    def leave_out(self, size: int) -> None:
        """Note that a file of so many bytes is not going to be worked on."""
        with self._lock:
            self._files_total -= 1
            self._bytes_total -= size

    def _progress(self, name: str, seconds: float) -> Progress:
        rows, read = sum(self._rows.values()), sum(self._bytes.values())
        # a file that grew while it was read
        total = max(self._bytes_total, read)
        ended = self._files == self._files_total
        judged = seconds >= _SECONDS_TO_JUDGE
        return Progress(
            phase=self._phase,
            file=name,
            files_done=self._files,
            files_total=self._files_total,
            rows_done=rows,
            rows_total=rows if ended or not read else rows * total // read,
            bytes_done=read,
            bytes_total=total,
            seconds=seconds,
            rows_per_second=rows / seconds if judged and rows else None,
            eta_seconds=0.0
            if ended
            else seconds * (total - read) / read
            if judged and read
            else None,
        )


class Follower:
    """Tells a callback how far a job is while the caller waits for a function of its own.

    It asks job_progress() twice a second on a connection and in a thread of its own, and only where
    the function takes longer than half a second. It never disturbs the caller: where it cannot
    connect, or ask, the callback hears nothing more. Use as a context manager; after its end the
    callback is not called any more.

    Args:
        conninfo: connection string. job_id: the job. phase: what the caller does.
        callback: called with a Progress, at once and then from the thread; or None.

    """

    def __init__(
        self, conninfo: str, job_id: UUID | str, phase: str, callback: ProgressCallback | None
    ) -> None:
        self._conninfo, self._job_id, self._phase = conninfo, job_id, phase
        self._callback = callback
        self._ended = threading.Event()
        self._telling = threading.Lock()
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        if self._callback is not None:
            self._begun = time.monotonic()
            self._callback(Progress(self._phase))
            threading.Thread(
                target=self._work, name=f"pgimport-{self._phase}-progress", daemon=True
            ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # the thread is not waited for: it may be connecting; what it hears is not told any more
        self._ended.set()
        with self._telling:
            self._callback = None

    def _work(self) -> None:
        if self._ended.wait(SECONDS_BEFORE_ASKING):
            return
        # whatever goes wrong here is no matter of the caller's
        with (
            suppress(psycopg.Error, PgImportError, OSError),
            psycopg.connect(
                self._conninfo,
                autocommit=True,
                prepare_threshold=None,
                client_encoding="utf8",
                connect_timeout=_SECONDS_TO_CONNECT,
            ) as conn,
        ):
            client = Client(conn)
            while not self._ended.is_set():
                self._tell(client.run(_sql.job_progress(self._job_id)))
                self._ended.wait(SECONDS_BETWEEN_ASKING)

    def _tell(self, now: ProgressResult) -> None:
        with self._telling:
            if self._callback is not None:
                self._callback(self._progress(now))

    def _progress(self, now: ProgressResult) -> Progress:
        seconds = time.monotonic() - self._begun
        if not now.running:
            return Progress(self._phase, seconds=seconds)
        return Progress(
            self._phase,
            rows_done=now.rows_done or 0,
            rows_total=now.rows_total or 0 if now.rows_done is not None else 0,
            seconds=seconds,
            rows_per_second=now.rows_per_second,
            eta_seconds=now.eta_seconds,
            step=now.phase,
            waiting_for=now.waiting_for,
        )
