"""bench/: the smallest run end to end; figures, their words, and what becomes of wrong counts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import chart, plain, report
from bench.data import TEMPLATE, Reference, create_table, example
from bench.files import checking
from bench.files import table as table_of_files
from bench.measure import Memory, MemoryWatch
from bench.pipeline import Life
from bench.proof import WrongResultError, same
from bench.report import Results
from bench.result import Figure
from bench.rollback import table as rollback_table
from bench.server import BenchServer, bench_server
from bench.staging import Staging
from bench.targets import FULL_SIZE, Runs, phases, table
from pgimport.client import Client
from pgimport.embedded import EmbeddedServer

ROOT = Path(__file__).parents[2]

# what issue and documentation promise, one row each
TABLE = [
    "whole pipeline / P",
    "whole pipeline / R",
    "staging speed, one connection / COPY by the server itself",
    "staging speed, two connections / one",
    "marking both kinds of duplicates / P",
    "race re-check when nothing changed / whole pipeline",
    "rollback of the whole job / insert",
    "report of the duplicates to a file",
    "resident memory of the client, peak",
    "resident memory of the client, growth after a tenth of the rows",
    "headers of 100 files of 0.004 GB together",
    "job of 100 rows, whole life, empty table",
    "job of 100 rows, whole life, filled table",
    "progress, cost",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference.make(tmp_path_factory.mktemp("bench") / "5000", 5_000)


@pytest.fixture
def given_server(server: EmbeddedServer) -> Iterator[BenchServer]:
    with bench_server(server.dsn) as given:
        yield given
        for name in (
            *(TEMPLATE, "bench_plain", "bench_files_check", table_of_files.TEMPLATE),
            *(rollback_table.TEMPLATE, "bench_rollback_check"),
        ):
            given.drop(name)


def _run_bench(
    part: str, data: Reference, folder: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "bench", "--rows", "5000", "--runs", "1"),
            *("--only", part, "--data", str(data.folder.parent)),
            *("--results", str(folder), *more),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_smallest_run_has_all_rows_of_the_table(data: Reference, tmp_path: Path) -> None:
    done = _run_bench("targets", data, tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "5000.json").read_text())
    figures = found["parts"]["targets"]["figures"]
    assert [one["name"] for one in figures if one["part"] == "targets"] == TABLE
    assert all(one["passed"] in (True, False) for one in figures if one["part"] == "targets")
    assert all(one["values"] and one["min"] <= one["median"] <= one["max"] for one in figures)
    assert found["machine"]["cores"] >= 1
    assert found["versions"]["PostgreSQL"]
    assert found["settings"]["fsync"] == "on"
    assert "--rows 5000" in found["parts"]["targets"]["command"]
    assert "targets pass" in done.stdout
    assert "<svg" in (tmp_path / "time-5000.svg").read_text()


# what the issue demands, and what stands beside it
FILES = {
    "check, clean": "≥ 100,000 rows/s",
    "check, a bad cell in 5 % of the rows": "≥ 100,000 rows/s",
    "check, 5 % of all cells bad": "≥ 100,000 rows/s",
    "check, 5 % of all cells bad / clean": "",
    "report of the issues as CSV, a line a row": "",
    "report of the issues as CSV, a line a row: memory of the client": "≤ 120 MB",
    "XLSX into staging": "≥ 40,000 rows/s",
    "JSON into staging": "",
    "NDJSON into staging": "",
    "CSV into staging": "",
    "XLSX: memory of the client, peak": "≤ 200 MB",
    "XLSX: memory of the process that reads the file, peak": "",
    "reject loop: report as CSV, speed": "",
    "reject loop: report as XLSX, speed": "",
    "reject loop: first upload, CSV": "",
    "reject loop: second upload, XLSX": "",
    "reject loop: good rows whose staged row was touched": "≤ 0 rows",
}


def test_files_bad_cells_and_their_repair_are_measured(
    given_server: BenchServer, data: Reference, tmp_path: Path
) -> None:
    done = _run_bench("files", data, tmp_path, "--dsn", given_server.conninfo)
    found = json.loads((tmp_path / "5000.json").read_text())
    part = found["parts"]["files"]
    assert (done.returncode, part["notes"]) == (0, []), done.stderr
    figures = {figure["name"]: report._from_json(figure) for figure in part["figures"]}
    assert {name: report.target(figures[name]) for name in FILES} == FILES
    assert all(figure.part == "files" and figure.values for figure in figures.values())
    assert all(min(figure.values) > 0 for figure in figures.values() if figure.unit != "rows")
    assert figures["reject loop: good rows whose staged row was touched"].passed
    assert "XLSX into staging" in done.stdout


# what the issue demands, and what stands beside it
ROLLBACK = {
    "update of rows that are there, with images": "≥ 25,000 rows/s",
    "update of rows that are there, with images / plain UPDATE": "",
    "check of rows that are there": "",
    "rollback of updated rows": "≥ 20,000 rows/s",
    "plan of updated rows": "≤ 5 s",
    "rollback of inserted rows / insert": "≤ 0.1",
    "rollback of inserted rows, all rewritten since / insert": "",
    "rollback of inserted rows, after a dump and restore / insert": "",
    "rollback of inserted rows, where as many refer to others / insert": "",
    "rollback of inserted rows": "",
    "rollback of inserted rows, all rewritten since": "",
    "rollback of inserted rows, after a dump and restore": "",
    "rollback of inserted rows, where as many refer to others": "",
    "plan of inserted rows": "≤ 5 s",
    "plan of inserted rows, all rewritten since": "≤ 5 s",
    "plan of inserted rows, after a dump and restore": "≤ 5 s",
    "plan of inserted rows, where as many refer to others": "≤ 5 s",
    "plan of inserted rows, where as many refer to them": "≤ 5 s",
    "insert with fingerprints / without": "",
    "cascade: rollback of inserted rows and of those that refer to them": "",
    "cascade: plan": "",
}


def test_updates_plans_and_rollbacks_are_measured(
    given_server: BenchServer, data: Reference, tmp_path: Path
) -> None:
    done = _run_bench("rollback", data, tmp_path, "--dsn", given_server.conninfo)
    found = json.loads((tmp_path / "5000.json").read_text())
    part = found["parts"]["rollback"]
    assert (done.returncode, part["notes"]) == (0, []), done.stderr
    figures = {figure["name"]: report._from_json(figure) for figure in part["figures"]}
    assert {name: report.target(figure) for name, figure in figures.items()} == ROLLBACK
    assert all(figure.part == "rollback" for figure in figures.values())
    assert all(figure.values and min(figure.values) > 0 for figure in figures.values())
    assert "rollback of updated rows" in done.stdout


def test_a_rollback_that_comes_to_other_numbers_is_wrong(given_server: BenchServer) -> None:
    given_server.fresh(TEMPLATE)
    create_table(given_server, TEMPLATE)
    given_server.install(TEMPLATE)
    with given_server.connect(TEMPLATE) as conn:
        conn.execute(example("target.sql"))
    rollback_table.prepare(given_server, 20)
    given_server.fresh("bench_rollback_check", rollback_table.TEMPLATE)
    with pytest.raises(WrongResultError, match="check: database_duplicates is 20, not 40"):
        rollback_table.checked_job(given_server, "bench_rollback_check", 40, rollback_table.THERE)
    job_id, _ = rollback_table.checked_job(
        given_server, "bench_rollback_check", 20, rollback_table.NEW
    )
    with given_server.connect("bench_rollback_check") as conn:
        client = Client(conn)
        with pytest.raises(WrongResultError, match="insert: rows_updated is 0, not 20"):
            rollback_table.insert(client, job_id, 20, 20)
        with pytest.raises(WrongResultError, match="plan: delete is 20, not 19"):
            rollback_table.plan(client, job_id, {"delete": 19})
        conn.execute("UPDATE codes SET points = -1 WHERE code LIKE 'N%' AND code LIKE '%20'")
        with pytest.raises(WrongResultError, match="plan: modified is 1, not 0"):
            rollback_table.plan(client, job_id, {})
        with pytest.raises(WrongResultError, match=r"rollback: PI504: .* 1 row modified since"):
            rollback_table.undo(client, job_id, {})


def test_a_check_that_finds_other_issues_than_there_are_is_wrong(
    given_server: BenchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table_of_files.prepare(given_server)
    monkeypatch.setattr(checking, "count_bad", lambda *_: (7, 8))
    with pytest.raises(WrongResultError, match=r"check, clean: clean_rows is 400, not 393"):
        checking.figures(given_server, tmp_path, 400, 1)


def test_the_memory_of_a_process_started_by_a_process_is_seen() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = "held = b'x' * 100_000_000; import time; time.sleep(0.5)"
    with (
        subprocess.Popen([sys.executable, "-c", code, child]) as process,
        MemoryWatch(process.pid) as watch,
    ):
        process.wait()
    assert watch.memory.child_mb > 100 > watch.memory.peak_mb


def test_wrong_data_fail(data: Reference, given_server: BenchServer) -> None:
    data.load(given_server)
    expected = replace(data.expected, clean_rows=data.expected.clean_rows + 1)
    with pytest.raises(WrongResultError, match=r"rows is \d+, not \d+"):
        plain.run(given_server, replace(data, expected=expected), False)


def test_every_count_is_compared_and_named() -> None:
    same("import", {"total": 3, "clean": 2, "more": 1}, {"total": 3, "clean": 2})
    with pytest.raises(WrongResultError, match="import: clean is 2, not 4; bad is None, not 0"):
        same("import", {"total": 3, "clean": 2}, {"total": 3, "clean": 4, "bad": 0})


def test_the_data_are_made_once_and_clean_rows_are_in_the_order_of_the_files(
    data: Reference,
) -> None:
    before = data.clean.stat().st_mtime_ns
    again = Reference.make(data.folder, 5_000)
    assert again == data
    assert again.clean.stat().st_mtime_ns == before
    lines = data.clean.read_text().splitlines()
    assert len(lines) == data.expected.clean_rows == len(set(lines))
    first = data.files[0].read_text().splitlines()[1:]
    assert [line for line in first if line in set(lines)] == lines[: len(set(first) & set(lines))]


def _figure(
    values: list[float], at_most: float | None = None, at_least: float | None = None
) -> Figure:
    return Figure("targets", "x", values, "ratio", at_most, at_least)


@pytest.mark.parametrize(
    ("figure", "passed", "words"),
    [
        (_figure([0.9, 1.0, 5.0], at_most=1.0), True, "pass"),
        (_figure([1.1, 0.1, 1.2], at_most=1.0), False, "falls short by 10 %"),
        (_figure([1.001], at_most=1.0), False, "falls short by less than 1 %"),
        (_figure([0.8], at_least=0.8), True, "pass"),
        (_figure([0.6], at_least=0.8), False, "falls short by 25 %"),
        (_figure([0.6]), None, ""),
    ],
)
def test_the_median_is_held_against_the_target(
    figure: Figure, passed: bool | None, words: str
) -> None:
    assert figure.passed is passed
    assert report.verdict(figure) == words


def _runs() -> Runs:
    steps = {"headers": 1.0, "stage": 2.0, "check": 3.0, "insert": 4.0, "verify": 0.5}
    memory = Memory(50.0, (30.0, 40.0, 45.0), 35.0)
    staging = Staging(2.0, 2.5, 1.5, 1.0, 3.5, 0.1, 0.5, 200_000)
    return Runs(
        plain=[10.0, 12.0],
        lives=[Life(steps, 0.2, memory, None), Life({**steps, "insert": 5.5}, 0.2, memory, None)],
        stagings=[staging, staging],
        reference=[{"stage": 20.0, "insert": 22.0}],
        small=[100.0] * 20,
        big=[200.0] * 20,
    )


def _by_name(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures}


def test_ratios_are_taken_run_by_run() -> None:
    found = _by_name(table(_runs(), 2_000_000))
    assert found["whole pipeline / P"].values == [1.05, 1.0]
    assert found["whole pipeline / R"].values == [0.25]
    assert found["staging speed, one connection / COPY by the server itself"].median == 0.8
    assert found["marking both kinds of duplicates / P"].values == [0.25, 2.5 / 12]
    assert found["rollback of the whole job / insert"].values == [0.05, 0.2 / 5.5]
    assert found["report of the duplicates to a file"].median == 400_000
    growth = found["resident memory of the client, growth after a tenth of the rows"]
    assert growth.values == [15.0, 15.0]
    assert not found["job of 100 rows, whole life, filled table"].passed


def test_the_full_size_has_its_own_targets_and_a_cost_of_a_row() -> None:
    assert _by_name(table(_runs(), 2_000_000))["whole pipeline / R"].at_most == 0.4
    found = _by_name(table(_runs(), FULL_SIZE, 1e-6))
    assert found["whole pipeline / R"].at_most == 0.33
    assert found["cost of a row / cost of a row at 2 M rows"].values == pytest.approx([1.05, 1.2])


class _Server:
    version = "18.0"
    settings: dict[str, str] = {"fsync": "on"}  # noqa: RUF012


def _results(folder: Path) -> Results:
    server: Any = _Server()
    results = Results.begin(folder, 2_000_000, 2, server, "python -m bench")
    results.add("targets", [*table(_runs(), 2_000_000), *phases(_runs())], ["a note"], 65.0)
    return results


def test_parts_that_were_not_run_again_are_kept(tmp_path: Path) -> None:
    report.write(_results(tmp_path), None)
    server: Any = _Server()
    again = Results.begin(tmp_path, 2_000_000, 1, server, "python -m bench --only others")
    again.add("others", [Figure("others", "psql", [3.0], "s")], [], 3.0)
    assert set(again.parts) == {"targets", "others"}
    server.version = "17.0"
    assert Results.begin(tmp_path, 2_000_000, 1, server, "").parts == {}


def test_tables_and_chart_go_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- bench:2000000 -->\nold\n<!-- /bench:2000000 -->\nafter\n")
    for _ in range(2):
        report.write(_results(tmp_path / "results"), tmp_path)
    text = page.read_text()
    assert text.startswith("before\n<!-- bench:2000000 -->\n")
    assert text.endswith("\n<!-- /bench:2000000 -->\nafter\n")
    assert "old" not in text
    assert "| whole pipeline / P | 1.02 | 1.00 to 1.05 | ≤ 1 | falls short by 2 % |" in text
    assert "Not measured: a note." in text
    assert "](img/time-2000000.svg)" in text
    assert (tmp_path / "img" / "time-2000000.svg").is_file()
    assert report.seconds_per_row(tmp_path / "results", 2_000_000) == 11.25 / 2_000_000


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("nothing to fill in\n")
    report.write(_results(tmp_path / "results"), tmp_path)
    assert page.read_text() == "nothing to fill in\n"


def test_the_chart_has_a_bar_for_each_and_names_every_step() -> None:
    picture = chart.draw(phases(_runs()), 2_000_000)
    assert picture is not None
    for word in ("pgimport", "P: plain COPY", "R: reference", "11.2 s", "42.0 s", "verify"):
        assert word in picture
    assert chart.draw([], 2_000_000) is None
