"""Progress on standard error: a bar on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any

import pgimport.progress
from pgimport._stopped import telling_stops
from pgimport.cli._app import State
from pgimport.cli._output import Output, duration, number
from pgimport.progress import Follower

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def working(out: Output, phase: str) -> Iterator[None]:
    """Show that one long statement runs, and at the end how long it took."""
    begin = time.monotonic()
    if not out.quiet and sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress as Bars
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
            bars.add_task(phase, total=None)
            yield
    else:
        yield
    out.note(f"{phase}: done in {duration(time.monotonic() - begin)}")


@contextmanager
def following(state: State, phase: str, job_id: str) -> Iterator[None]:
    """Show how far the server is with a job while a function of it is waited for.

    Where somebody has stopped the job meanwhile, this says so instead of the statement's error.
    """
    begin = time.monotonic()
    with telling_stops(state.connect(), lambda: job_id):
        if state.out.quiet:
            yield
        else:
            with (
                Progress(state.out, transient=True) as shown,
                Follower(state.conninfo(), job_id, phase, partial(_show, shown)),
            ):
                yield
    state.out.note(f"{phase}: done in {duration(time.monotonic() - begin)}")


def _show(shown: Progress, now: pgimport.progress.Progress) -> None:
    """Show what a follower tells."""
    shown.update(
        now.phase,
        rows=now.rows_done or None,
        rate=now.rows_per_second,
        eta=now.eta_seconds,
        done=now.rows_done if now.rows_total else None,
        total=now.rows_total or None,
        note=what_runs(now.phase, now.step, now.waiting_for),
    )


def what_runs(phase: str, step: str | None, waiting_for: str | None) -> str:
    """Return in words what the server does in a phase."""
    parts = [step if step and step != phase else "", f"waits for {waiting_for}"]
    return " · ".join(part for part in parts[: 2 if waiting_for else 1] if part)


class Progress:
    """Shows how far the phases of a command are. May be called from several threads."""

    def __init__(self, out: Output, transient: bool = False, eager: bool = False) -> None:
        self._out = out
        # the first line of a phase at once
        self._eager = eager
        self._transient = transient
        self._lock = threading.Lock()
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        self._begun: dict[str, float] = {}
        self._shown: dict[str, float] = {}

    def __enter__(self) -> Progress:
        if not self._out.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                TaskProgressColumn,
                TextColumn,
                TimeElapsedColumn,
            )
            from rich.progress import Progress as Bars

            self._bars = Bars(
                TextColumn("{task.description:<9}"),
                BarColumn(bar_width=30),
                TaskProgressColumn(),
                TextColumn("{task.fields[facts]}"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[eta]}"),
                console=Console(stderr=True),
                transient=self._transient,
            )
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pause()

    def pause(self) -> None:
        """Take the bars off the terminal: something is to be asked."""
        with self._lock:
            if self._bars is not None:
                self._bars.stop()
                self._bars = None
                self._tasks.clear()

    def update(
        self,
        phase: str,
        *,
        rows: int | None = None,
        rate: float | None = None,
        eta: float | None = None,
        done: float | None = None,
        total: float | None = None,
        note: str = "",
        finished: bool = False,
    ) -> None:
        """Tell how far a phase is.

        Parameters: ``rows`` handled so far; ``rate`` of rows a second and ``eta`` in seconds
        where they are known; ``done`` of ``total`` in whatever unit (bytes, rows); ``note`` is
        shown as it is.
        """
        if self._out.quiet:
            return
        with self._lock:
            now = time.monotonic()
            begun = self._begun.setdefault(phase, now)
            if rate is None and rows and finished and now - begun > 0.2:
                rate = rows / (now - begun)
            facts = " · ".join(
                part
                for part in (
                    f"{number(rows)} rows" if rows is not None else "",
                    f"{number(int(rate))} rows/s" if rate else "",
                    note,
                )
                if part
            )
            left = f"eta {duration(eta)}" if eta is not None and not finished else ""
            if self._bars is not None:
                if finished:
                    done = total = total or 1.0
                self._bar(phase, facts, left, done, total)
            elif self._due(phase, now, finished):
                parts = [facts] if facts else []
                if finished:
                    parts.append(f"done in {duration(now - begun)}")
                elif done and total:
                    parts.insert(0, f"{100 * done / total:.0f} %")
                self._out.note(f"{phase}: {' · '.join([*parts, left] if left else parts)}")

    def _bar(
        self, phase: str, facts: str, left: str, done: float | None, total: float | None
    ) -> None:
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(phase, total=total, facts=facts, eta=left)
        task = self._tasks[phase]
        self._bars.update(task, completed=done or 0, total=total, facts=facts, eta=left)

    def _due(self, phase: str, now: float, finished: bool) -> bool:
        """Whether it is time for another line."""
        last = self._shown.get(phase, 0.0 if self._eager else self._begun[phase])
        if not finished and now - last < _SECONDS_BETWEEN_LINES:
            return False
        self._shown[phase] = now
        return True
