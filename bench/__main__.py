"""``python -m bench``: everything docs/performance.md says about speed, measured anew.

Exit code 0 also when targets are missed: they are printed; 1 when something came to wrong counts.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import progress_cost, report, targets
from bench.data import Reference
from bench.measure import ROOT
from bench.report import Results
from bench.result import Figure
from bench.server import BenchServer, bench_server

PARTS = ("targets", "others", "shapes", "readers", "files", "rollback", "operations")
# parts with data of their own
OWN_DATA = ("shapes", "files")
COMPARED_ROWS = 2_000_000


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, help="records in the files (2,000,000)")
    parser.add_argument("--runs", type=int, help="runs of the pipeline and of P (3)")
    parser.add_argument(
        "--reference-runs", type=int, help="runs of R, the slowest of all (as many as --runs)"
    )
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--dsn", help="a server to measure instead of the bench's own (superuser)")
    parser.add_argument("--server", type=int, help="major version of the own server")
    parser.add_argument("--quick", action="store_true", help="100,000 rows, one run")
    parser.add_argument("--data", type=Path, default=ROOT / ".cache" / "bench",
                        help="where generated files are kept")  # fmt: skip
    parser.add_argument("--results", type=Path,
                        help="write here only, and leave the documentation alone")  # fmt: skip
    given = parser.parse_args(argv)
    given.rows = given.rows or (100_000 if given.quick else COMPARED_ROWS)
    given.runs = given.runs or (1 if given.quick else 3)
    if given.reference_runs is None:
        given.reference_runs = given.runs
    given.only = given.only.split(",")
    unknown = set(given.only) - set(PARTS)
    if unknown or given.runs < 1 or given.reference_runs < 0:
        parser.error(f"no such part: {', '.join(unknown)}" if unknown else "runs: 1 or more")
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for, and write and print what they came to."""
    given = _arguments(argv)
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - begin:5.0f} s] {text}", file=sys.stderr, flush=True)

    data = Reference.make(given.data / str(given.rows), given.rows)
    say(f"{given.rows:,} rows in {len(data.files)} files, {data.bytes / 1e6:,.0f} MB")
    command = " ".join(["python -m bench", *(sys.argv[1:] if argv is None else argv)])
    folder = given.results or ROOT / "bench" / "results"
    with bench_server(given.dsn, given.server) as server:
        results = Results.begin(folder, given.rows, given.runs, server, command)
        data.load(server)
        say(f"PostgreSQL {server.version}, {data.shape.existing:,} rows in the table")
        try:
            for part in PARTS:
                if part in given.only:
                    started = time.monotonic()
                    figures, notes = _run(part, server, data, given, say)
                    seconds = time.monotonic() - started
                    results.add(part, figures, notes, seconds)
                    say(f"{part}: {seconds:.0f} s")
        except AssertionError as error:
            say(f"WRONG: {error}")
            return 1
    report.write(results, None if given.results else ROOT / "docs")
    report.show(results, [part for part in (*PARTS, "phases") if part in given.only])
    return 0


def _run(
    part: str, server: BenchServer, data: Reference, given: argparse.Namespace, say: targets.Say
) -> tuple[list[Figure], list[str]]:
    """Run one part; one that cannot run here leaves a note, and the others go on."""
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        say(text)

    if part == "targets":
        runs = targets.measure(server, data, given.runs, given.reference_runs, say)
        for text in runs.notes:
            note(text)
        before = report.seconds_per_row(given.results or ROOT / "bench" / "results", COMPARED_ROWS)
        if given.rows >= targets.FULL_SIZE and before is None:
            note("cost of a row: not compared, there is no result of 2,000,000 rows")
        return [
            *targets.table(runs, given.rows, before),
            *progress_cost.run(server, data, given.rows),
            *targets.phases(runs),
        ], notes
    try:
        module = importlib.import_module(f"bench.{part}")
        found = (
            module.run(server, given.rows) if part in OWN_DATA
            else module.run(server, data, given.rows)
        )  # fmt: skip
        return list(found), notes
    except AssertionError:
        raise
    except Exception as error:
        note(f"{part}: could not be measured here: {type(error).__name__}: {error}")
        return [], notes


if __name__ == "__main__":
    sys.exit(main())
