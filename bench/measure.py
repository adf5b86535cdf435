"""Seconds, and the memory of a process over its life."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
_BETWEEN_SAMPLES = 0.05


@dataclass
class Seconds:
    """How long something took; set at its end."""

    value: float = 0.0


@contextlib.contextmanager
def timed() -> Iterator[Seconds]:
    """Time what is done inside; afterwards ``value`` of what is yielded holds the seconds."""
    taken = Seconds()
    begin = time.perf_counter()
    try:
        yield taken
    finally:
        taken.value = time.perf_counter() - begin


def seconds_of(call: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    with timed() as taken:
        call()
    return taken.value


@dataclass(frozen=True)
class Memory:
    """Resident memory of a process over its life.

    Attributes:
        peak_mb: the most it ever had, as the kernel kept it (in units of 1,000,000 bytes).
        samples_mb: what it had, every 50 ms.
        early_mb: what it had when a tenth of its work was done, where it said so.
        child_mb: the most that a process started by it was seen to have; 0 where there was none.

    """

    peak_mb: float
    samples_mb: tuple[float, ...] = ()
    early_mb: float | None = None
    child_mb: float = 0.0

    @property
    def growth_mb(self) -> float | None:
        """How much the peak exceeds what a tenth of the work had needed: 0 is flat."""
        return None if self.early_mb is None else max(0.0, self.peak_mb - self.early_mb)


@dataclass
class MemoryWatch:
    """Watches a process from outside: ``with MemoryWatch(pid) as watch: …`` then ``memory``.

    Where there is no /proc nothing is seen, and the memory is 0.
    """

    pid: int
    _samples: list[float] = field(default_factory=list)
    _peak: float = 0.0
    _child_peak: float = 0.0
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def memory(self) -> Memory:
        """What was seen so far."""
        return Memory(self._peak, tuple(self._samples), child_mb=self._child_peak)

    def __enter__(self) -> Self:
        self._sample()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(_BETWEEN_SAMPLES):
            self._sample()

    def _sample(self) -> None:
        with contextlib.suppress(OSError):
            found = _status(self.pid)
            if "VmRSS" in found:
                self._samples.append(_megabytes(found["VmRSS"]))
                self._peak = max(self._peak, _megabytes(found["VmHWM"]))
            for child in _children(self.pid):
                with contextlib.suppress(OSError):
                    peak = _status(child).get("VmHWM", "0")
                    self._child_peak = max(self._child_peak, _megabytes(peak))


def _status(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _children(pid: int) -> list[int]:
    """Return the processes that a process, by any thread, has started and that run their own."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    found = [int(word) for one in threads for word in (one / "children").read_text().split()]
    # until exec a child is a copy of its parent
    own = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [child for child in found if Path(f"/proc/{child}/cmdline").read_bytes() != own]


def _megabytes(kilobytes: str) -> float:
    return int(kilobytes.split(maxsplit=1)[0]) * 1024 / 1e6


def _own_status(name: str) -> str:
    text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return text.partition(f"{name}:")[2].partition("\n")[0]


def run_module(module: str, argument: Mapping[str, Any]) -> tuple[dict[str, Any], Memory]:
    """Run a module of the bench in a process of its own, and watch its memory.

    The module reads one JSON object on standard input and writes one on standard output.

    Raises:
        RuntimeError: it failed; the message holds what it wrote on standard error.

    """
    command = [sys.executable, "-m", module]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        with MemoryWatch(process.pid) as watch:
            output, errors = process.communicate(json.dumps(argument))
        if process.returncode != 0:
            raise RuntimeError(f"{module} failed:\n{errors}")
    answer = dict(json.loads(output))
    memory = watch.memory
    peak = max(memory.peak_mb, answer.pop("peak_mb", 0.0))
    early = answer.pop("early_mb", None)
    return answer, Memory(peak, memory.samples_mb, early, memory.child_mb)


def own_memory_mb() -> float | None:
    """Return the resident memory of this process, or None where there is no /proc."""
    with contextlib.suppress(OSError):
        return _megabytes(_own_status("VmRSS"))
    return None


def own_peak_mb() -> float:
    """Return the most resident memory this process ever had."""
    with contextlib.suppress(OSError):
        return _megabytes(_own_status("VmHWM"))
    # may count what the parent had when it forked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6
