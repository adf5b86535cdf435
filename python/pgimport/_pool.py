"""Loading several files at once, on several connections."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, Self

import psycopg

from pgimport._stager import CHECKPOINT_BYTES, FileResult, Loader, Loading, Stopped

_SECONDS_TO_STOP = 30
_SECONDS_BEFORE_CANCEL = 2


class Pool:
    """Loads files on several connections while others are still being opened.

    Of the files that wait the largest is loaded first, so that all end together. Use as a context
    manager; its end waits for the last file and raises what a thread raised. An interruption stops
    the threads; a second one does not wait for them.

    Args:
        connect: makes a connection in autocommit mode. job_id: the job.
        jobs: how many connections at most.
        results: filled in, by name. report: as Loader has it, with done=True at the end of a file.
        checkpoint_bytes: as Loader has it.

    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[psycopg.Connection[Any]]],
        job_id: str,
        jobs: int,
        results: dict[str, FileResult],
        report: Callable[..., None],
        *,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
    ) -> None:
        self._connect = connect
        self._job_id = job_id
        self._jobs = max(1, jobs)
        self._results = results
        self._report = report
        self._piece = checkpoint_bytes
        self._waiting: queue.PriorityQueue[tuple[float, int, Loading | None]] = (
            queue.PriorityQueue()
        )
        self._count = itertools.count()
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._open: list[psycopg.Connection[Any]] = []

    def add(self, loading: Loading) -> None:
        """Have one more file loaded.

        Raises:
            Stopped: a thread met an error; the end of the context raises that error.

        """
        if self._stop.is_set():
            raise Stopped
        self._waiting.put((-loading.head.size, next(self._count), loading))
        if len(self._threads) < self._jobs:
            name = f"pgimport-load-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._halt()
        else:
            try:
                self._no_more()
                for thread in self._threads:
                    while thread.is_alive():
                        thread.join(0.2)
            except BaseException:
                self._halt()
                raise
        if self._errors and (error is None or isinstance(error, Stopped)):
            raise self._errors[0]

    def _no_more(self) -> None:
        for _ in self._threads:
            self._waiting.put((float("inf"), next(self._count), None))

    def _halt(self) -> None:
        """Stop the threads: between two blocks, else what the server does for them is cancelled."""
        self._stop.set()
        self._no_more()
        begun = time.monotonic()
        for thread in self._threads:
            thread.join(max(0.0, _SECONDS_BEFORE_CANCEL - (time.monotonic() - begun)))
        if any(thread.is_alive() for thread in self._threads):
            for conn in list(self._open):
                with suppress(psycopg.Error, OSError):
                    conn.cancel()
            for thread in self._threads:
                thread.join(max(0.0, _SECONDS_TO_STOP - (time.monotonic() - begun)))

    def _work(self) -> None:
        try:
            with self._connect() as conn:
                self._open.append(conn)
                loader = Loader(conn, self._job_id, self._stop, self._report, self._piece)
                while not self._stop.is_set():
                    loading = self._waiting.get()[2]
                    if loading is None:
                        return
                    result = loader.load(loading)
                    self._results[loading.name] = result
                    self._report(loading.name, result.rows_staged, loading.head.size, done=True)
        except Stopped:
            pass
        except BaseException as error:
            self._errors.append(error)
            self._stop.set()
