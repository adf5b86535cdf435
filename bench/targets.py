"""The table of targets: each row a figure, measured beside its baselines in the same run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench import fixed, pipeline, plain, reference, staging
from bench.client import PHASES
from bench.data import TEMPLATE, Reference
from bench.pipeline import Life
from bench.proof import Content, WrongResultError
from bench.result import Figure
from bench.server import BenchServer
from bench.staging import Staging

# from so many rows on the targets of the full size hold
FULL_SIZE = 10_000_000
# with fewer rows it is a trial
TRIAL = 100_000
# how much the client's memory may still grow after a tenth of the rows, to be "flat"
FLAT_MB = 20

Say = Callable[[str], None]


@dataclass
class Runs:
    """What was measured: one item a run in each list; ``small`` and ``big`` in milliseconds."""

    plain: list[float] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    stagings: list[Staging] = field(default_factory=list)
    reference: list[dict[str, float]] = field(default_factory=list)
    headers: list[float] = field(default_factory=list)
    small: list[float] = field(default_factory=list)
    big: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def measure(
    server: BenchServer, data: Reference, runs: int, reference_runs: int, say: Say
) -> Runs:  # fmt: skip
    """Run everything, and prove that P, R and the pipeline leave the same rows in the table.

    Raises:
        WrongResultError: some count or content is not as expected.

    """
    out = Runs()
    contents: dict[str, Content | None] = {}
    for number in range(1, runs + 1):
        first = number == 1

        def run_plain(first: bool = first) -> None:
            seconds, content = plain.run(server, data, first)
            out.plain.append(seconds)
            if first:
                contents["P"] = content

        def run_pipeline(first: bool = first) -> None:
            life = pipeline.run(server, data, first)
            out.lives.append(life)
            if first:
                contents["pipeline"] = life.content

        # now the one first, now the other: neither always finds the warmer machine
        for step in (run_plain, run_pipeline)[:: 1 if number % 2 else -1]:
            step()
        say(
            f"run {number} of {runs}: pipeline {out.lives[-1].seconds:.1f} s, "
            f"P {out.plain[-1]:.1f} s"
        )
        if number <= reference_runs:
            seconds, content = reference.run(server, data, first)
            out.reference.append(seconds)
            if first:
                contents["R"] = content
            say(f"run {number} of {runs}: R {sum(seconds.values()):.1f} s")
        out.stagings.append(staging.run(server, data))
    if any(one.server_copy is None for one in out.stagings):
        out.notes.append("staging: no COPY by the server, it cannot read the files")
    if len(set(contents.values())) != 1:
        raise WrongResultError(f"not the same rows in the table: {contents}")
    # a trial with few rows is to be over soon
    times = fixed.SMALL_JOBS if data.shape.rows >= TRIAL else 3
    out.small = fixed.small_jobs(server, None, times)
    out.big = fixed.small_jobs(server, TEMPLATE, times)
    if data.shape.rows < FULL_SIZE:
        taken = fixed.headers(server, data, data.shape.rows)
        if taken is None:
            out.notes.append("headers: not measured, the disk is too full for 100 files")
        else:
            out.headers.append(taken)
    return out


def table(runs: Runs, rows: int, per_row_before: float | None = None) -> list[Figure]:
    """Return the rows of the table of targets.

    Args:
        runs: what was measured.
        rows: records in the files.
        per_row_before: seconds a row that the pipeline took at 2 M rows, on the same machine.

    """
    lives, plains, stagings = runs.lives, runs.plain, runs.stagings
    full = rows >= FULL_SIZE
    figures = [
        _ratio(
            "whole pipeline / P",
            [life.seconds for life in lives],
            plains,
            at_most=1.0,
            note="P: plain COPY of exactly the clean rows into the same indexed table",
        ),
        _ratio(
            "whole pipeline / R",
            [life.seconds for life in lives],
            [sum(steps.values()) for steps in runs.reference],
            at_most=0.33 if full else 0.4,
            note="R: staging with flags, UPDATEs, INSERT … NOT EXISTS (bench/reference.sql)",
        ),
        _ratio(
            "staging speed, one connection / COPY by the server itself",
            [one.server_copy for one in stagings if one.server_copy is not None],
            [one.one for one in stagings],
            at_least=0.8,
            note="the same files into the same unlogged tables",
        ),
        _ratio(
            "staging speed, two connections / one",
            [one.one for one in stagings],
            [one.two for one in stagings],
            at_least=1.4,
        ),
        _ratio(
            "marking both kinds of duplicates / P",
            [one.marking for one in stagings],
            plains,
            at_most=0.25,
            note="check_job less validate_job, of two jobs staged alike",
        ),
        _ratio(
            "race re-check when nothing changed / whole pipeline",
            [one.recheck for one in stagings],
            [life.seconds for life in lives],
            at_most=0.02,
            note="insert_job as a dry run",
        ),
        _ratio(
            "rollback of the whole job / insert",
            [life.rollback for life in lives],
            [life.phases["insert"] for life in lives],
            at_most=0.10,
        ),
        Figure(
            "targets",
            "report of the duplicates to a file",
            [one.report_rows / one.report for one in stagings],
            "rows/s",
            at_least=300_000,
        ),
        Figure(
            "targets",
            "resident memory of the client, peak",
            [life.memory.peak_mb for life in lives],
            "MB",
            at_most=120,
        ),
        Figure(
            "targets",
            "resident memory of the client, growth after a tenth of the rows",
            [growth for life in lives if (growth := life.memory.growth_mb) is not None],
            "MB",
            at_most=FLAT_MB,
            note=f"flat: no more than {FLAT_MB} MB",
        ),
        *_headers(runs, rows),
        Figure(
            "targets", "job of 100 rows, whole life, empty table", runs.small, "ms", at_most=150
        ),
        Figure(
            "targets", "job of 100 rows, whole life, filled table", runs.big, "ms", at_most=150
        ),
    ]  # fmt: skip
    if full and per_row_before is not None:
        per_row = [life.seconds / rows for life in lives]
        figures.append(
            _ratio(
                "cost of a row / cost of a row at 2 M rows",
                per_row,
                [per_row_before] * len(per_row),
                at_most=1.4,
            )
        )
    return [figure for figure in figures if figure.values]


def phases(runs: Runs) -> list[Figure]:
    """Return the seconds behind the table: of the pipeline and of both baselines, by step."""
    lives, stagings = runs.lives, runs.stagings

    def seconds(name: str, values: Sequence[float], note: str = "") -> Figure:
        return Figure("phases", name, list(values), "s", note=note)

    figures = [
        seconds("pipeline", [life.seconds for life in lives]),
        *(
            seconds(f"pipeline: {phase}", [life.phases[phase] for life in lives])
            for phase in PHASES
        ),
        seconds("rollback", [life.rollback for life in lives]),
        seconds("P", runs.plain),
        seconds("R", [sum(steps.values()) for steps in runs.reference]),
        *(
            seconds(f"R: {step}", [steps[step] for steps in runs.reference])
            for step in (runs.reference[0] if runs.reference else {})
        ),
        seconds(
            "staging: COPY by the server, one connection",
            [one.server_copy for one in stagings if one.server_copy is not None],
        ),
        seconds("staging: client, one connection", [one.one for one in stagings]),
        seconds("staging: client, two connections", [one.two for one in stagings]),
        seconds("validation of a staged job", [one.validate for one in stagings]),
        seconds("check of a staged job: validation and marking", [one.check for one in stagings]),
        seconds("race re-check, nothing changed", [one.recheck for one in stagings]),
        seconds("report of the duplicates to a file", [one.report for one in stagings]),
    ]  # fmt: skip
    return [figure for figure in figures if figure.values]


def _headers(runs: Runs, rows: int) -> list[Figure]:
    size = fixed.header_bytes(rows)
    return [
        Figure(
            "targets",
            f"headers of 100 files of {size / 1e9:.3g} GB together",
            runs.headers,
            "s",
            at_most=5 * size / fixed.HEADER_BYTES,
        )
    ]


def _ratio(
    name: str,
    above: Sequence[float],
    below: Sequence[float],
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    note: str = "",
) -> Figure:
    """Divide run by run; a baseline that was run less often leaves as many values."""
    values = [one / other for one, other in zip(above, below, strict=False)]
    return Figure("targets", name, values, "ratio", at_most, at_least, note)
