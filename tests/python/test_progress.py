"""Progress: what the meter tells, how often, and how the command words it."""

from __future__ import annotations

from typing import Any

import pytest

from pgimport import Progress
from pgimport.cli import _progress
from pgimport.cli._output import Output
from pgimport.cli._stage import shown
from pgimport.progress import Meter


class _Clock:
    """Stands for the module time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    made = _Clock()
    monkeypatch.setattr("pgimport.progress.time", made)
    return made


def test_rate_and_time_left_follow_from_rows_and_bytes(clock: _Clock) -> None:
    seen: list[Progress] = []
    meter = Meter(seen.append, "stage", 2, 1000)
    meter.report("a", 10, 100)
    assert (seen[0].rows_per_second, seen[0].eta_seconds, seen[0].rows_total) == (None, None, 100)
    clock.now = 2.0
    meter.report("b", 40, 300)
    now = seen[1]
    assert (now.file, now.rows_done, now.bytes_done, now.seconds) == ("b", 50, 400, 2.0)
    assert (now.rows_per_second, now.eta_seconds, now.rows_total) == (25.0, 3.0, 125)
    clock.now = 4.0
    meter.report("a", 30, 700, done=True)
    meter.report("b", 40, 300, done=True)
    last = seen[-1]
    assert (last.files_done, last.rows_done, last.rows_total) == (2, 70, 70)
    assert (last.eta_seconds, last.bytes_done, last.bytes_total) == (0.0, 1000, 1000)


def test_many_reports_make_few_calls_but_never_without_the_first_and_the_last(
    clock: _Clock,
) -> None:
    seen: list[Progress] = []
    meter = Meter(seen.append, "stage", 1, 100_000)
    for number in range(10_000):
        clock.now = number / 10_000
        meter.report("a", number, number * 10)
    meter.report("a", 10_000, 100_000, done=True)
    assert 10 <= len(seen) <= 12
    assert (seen[0].rows_done, seen[-1].rows_done) == (0, 10_000)


def test_files_that_are_left_out_do_not_count(clock: _Clock) -> None:
    seen: list[Progress] = []
    meter = Meter(seen.append, "stage", 3, 300)
    meter.leave_out(100)
    meter.leave_out(100)
    meter.report("a", 5, 100, done=True)
    assert (seen[-1].files_total, seen[-1].bytes_total, seen[-1].eta_seconds) == (1, 100, 0.0)


def test_lines_of_the_command_tell_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", 0)
    common: dict[str, Any] = {"files_total": 2, "bytes_total": 1000}
    with _progress.Progress(Output()) as progress:
        show = shown(progress)
        show(Progress("headers", "a", bytes_done=500, eta_seconds=1.5, **common))
        show(
            Progress(
                "stage", "a", 1, rows_done=5000, bytes_done=250,
                rows_per_second=2500.0, eta_seconds=75.0, **common,
            )
        )  # fmt: skip
    assert capsys.readouterr().err.splitlines() == [
        "read: 50 % · 0/2 files · eta 1.5 s",
        "read: 2 files · done in 0.0 s",
        "stage: 25 % · 5,000 rows · 2,500 rows/s · 1/2 files · eta 1 min 15 s",
    ]
