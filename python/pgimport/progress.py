"""How far an import is: what a callback is told, and the meter that adds it up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

SECONDS_BETWEEN_CALLS = 0.1
# before this much time has passed, a rate says nothing
_SECONDS_TO_JUDGE = 0.2


@dataclass(frozen=True)
class Progress:
    """How far an import is.

    Attributes:
        phase: headers, stage, check, insert or verify.
        file: name of the file it is about, or None.
        files_done, files_total: files.
        rows_done: rows of all files so far. rows_total: estimated from the bytes until the last
            file is read, then exact; 0 where nothing is known.
        bytes_done, bytes_total: bytes of all files as they lie on disk.
        seconds: since the phase began.
        rows_per_second: mean of the phase. eta_seconds: what is left of it. Both None as long as
            they are not known.

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
