"""What telling the progress costs: the CPU time spent for it against that of the whole staging.

Two wall times with and without progress differ by less than two runs of the same differ among
themselves. Instead the CPU time of the thread is taken around every call of the meter, which adds
up, throttles and calls back, and around the callback of the command, which words a line; the sum
is set against the CPU time of the client alone for the same staging. Reading the clock is part of
the sum, so that it errs on the side of too much.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from bench.data import TARGET, TEMPLATE, Reference
from bench.proof import same
from bench.result import Figure
from bench.server import BenchServer
from pgimport import Progress, stage_files
from pgimport.cli._output import Output
from pgimport.cli._progress import Progress as Shown
from pgimport.cli._stage import shown
from pgimport.progress import Meter

_DATABASE = "bench_progress"
_RUNS = 3


def run(server: BenchServer, reference: Reference, rows: int) -> list[Figure]:
    """Stage the reference data with the progress of the command.

    Raises:
        WrongResultError: other counts than expected.

    """
    ratios = [_ratio(server, reference) for _ in range(_RUNS)]
    return [
        Figure(
            "targets",
            "progress, cost",
            ratios,
            "ratio",
            at_most=1.01,
            note=f"CPU time of the client staging {rows:,} rows, with the calls of the progress"
            " over without",
        )
    ]


def _ratio(server: BenchServer, reference: Reference) -> float:
    dsn = server.fresh(_DATABASE, TEMPLATE)
    seen: list[Progress] = []
    out = Output()
    begin = time.process_time()
    with redirect_stderr(io.StringIO()), Shown(out) as bars, _metered() as spent:
        show = shown(bars)

        def tell(now: Progress) -> None:
            seen.append(now)
            show(now)

        staged = stage_files(
            dsn, None, [reference.data], target=TARGET, force=True, progress=tell
        )  # fmt: skip
    total = time.process_time() - begin
    server.drop(_DATABASE)
    same("staging", {"rows": staged.rows_staged}, {"rows": reference.expected.total_rows})
    same("progress", {"rows": seen[-1].rows_done}, {"rows": reference.expected.total_rows})
    return total / (total - sum(spent))


@contextmanager
def _metered() -> Iterator[list[float]]:
    """Take the CPU time of every call of the meter; yields the list of them."""
    spent: list[float] = []
    lock = threading.Lock()
    plain: Callable[..., None] = Meter.report

    def report(*args: Any, **kwargs: Any) -> None:
        begin = time.thread_time()
        try:
            plain(*args, **kwargs)
        finally:
            with lock:
                spent.append(time.thread_time() - begin)

    Meter.report = report  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        Meter.report = plain  # type: ignore[method-assign]
