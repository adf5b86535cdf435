"""One measured number of rows: its files, its table, and what a tool left in the table."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from bench.data import (
    EXISTING_COLUMNS,
    TARGET,
    TEMPLATE,
    Reference,
    copy_file,
    create_table,
    example,
    header_of,
)
from bench.measure import ROOT, MemoryWatch, run_module, timed
from bench.proof import same
from bench.result import Figure
from bench.server import BenchServer

# a tool that takes longer is ended, and has no figure
_TIME_LIMIT = 600
_SCRIPTS = Path(__file__).parent / "scripts"


class UnavailableError(RuntimeError):
    """A tool cannot be measured here; the message says which and why."""


@dataclass(frozen=True)
class Left:
    """What a tool left in the table.

    Attributes:
        rows: all of them. before: those of them that were there before, not touched.
        last_id: the greatest id; ids are given by a sequence.

    """

    rows: int
    before: int
    last_id: int


@dataclass(frozen=True)
class Run:
    """One run of a program.

    Attributes:
        seconds: from its start to its end. memory_mb: the most that was resident.
        answer: the JSON object that it wrote last, or nothing.

    """

    seconds: float
    memory_mb: float
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """The files of one number of rows, and a database with the rows that are there before."""

    server: BenchServer
    reference: Reference
    template: str

    @classmethod
    @contextlib.contextmanager
    def of(cls, server: BenchServer, reference: Reference, rows: int) -> Iterator[Case]:
        """Make the case of a number of rows; that of the whole reference is there already."""
        if rows == reference.shape.rows:
            yield cls(server, reference, TEMPLATE)
            return
        part = Reference.make(reference.folder.parent / str(rows), rows)
        template = f"bench_others_{rows}"
        server.fresh(template)
        create_table(server, template)
        server.install(template)
        with server.connect(template) as conn:
            copy_file(conn, "codes", EXISTING_COLUMNS, part.existing)
            conn.execute("VACUUM (FREEZE, ANALYZE) codes")
            conn.execute(example("target.sql"))
        try:
            yield cls(server, part, template)
        finally:
            server.drop(template)

    @property
    def rows(self) -> int:
        """How many records the files hold."""
        return self.reference.shape.rows

    @contextlib.contextmanager
    def database(self, tool: str) -> Iterator[str]:
        """Make a fresh database for a tool; dropped at the end."""
        name = f"bench_others_{tool}"
        self.server.fresh(name, self.template)
        try:
            yield name
        finally:
            self.server.drop(name)

    def connection(self, database: str) -> dict[str, str]:
        """Return host, port, user, password (may be empty) and name of a database."""
        given = {
            key: str(value) for key, value in conninfo_to_dict(self.server.dsn(database)).items()
        }
        return {
            "host": given.get("host", "localhost"),
            "port": given.get("port", "5432"),
            "user": given.get("user", "postgres"),
            "password": given.get("password", os.environ.get("PGPASSWORD", "")),
            "dbname": database,
        }

    def files(self) -> list[dict[str, Any]]:
        """Return path, delimiter and columns, by the table's names, of each file."""
        found = []
        for path in self.reference.files:
            delimiter, columns = header_of(path)
            found.append({"path": str(path), "delimiter": delimiter, "columns": columns})
        return found

    def left(self, database: str) -> Left:
        """Look at the table."""
        with self.server.connect(database) as conn:
            row = conn.execute(
                "SELECT count(*), count(*) FILTER (WHERE source = 'before'), max(id) FROM codes"
            ).fetchone()
        return Left(*(row or (0, 0, 0)))

    def figure(self, name: str, seconds: Sequence[float], left: Left, *notes: str) -> Figure:
        """Return rows a second, with the notes, and what is wrong with the rows in the table."""
        shape, clean = self.reference.shape, self.reference.expected.clean_rows
        should = shape.existing + clean
        remarks = list(notes)
        if left.rows != should:
            remarks.append(f"the table holds {left.rows:,} rows afterwards instead of {should:,}")
        if left.before != shape.existing:
            replaced = shape.existing - left.before
            remarks.append(f"{replaced:,} of {shape.existing:,} rows in the table were replaced")
        if len(seconds) == 1:
            remarks.append("one run")
        return Figure(
            "others",
            f"{name}, {self.rows:,} rows",
            [self.rows / value for value in seconds],
            "rows/s",
            note="; ".join(remarks),
        )


def by_pgimport(case: Case) -> Figure:
    """Import the same files with pgimport: headers, staging, check, insert, verify."""
    with case.database("pgimport") as database:
        answer, memory = run_module(
            "bench.client",
            {
                "do": "import",
                "dsn": case.server.dsn(database),
                "target": TARGET,
                "paths": [str(case.reference.data)],
                "jobs": 2,
            },
        )
        expected = case.reference.expected
        same(
            f"pgimport, {case.rows} rows",
            {"inserted": answer["rows_inserted"], "verified": answer["verified"]},
            {"inserted": expected.clean_rows, "verified": True},
        )
        left = case.left(database)
    seconds = sum(answer["phases"].values())
    return case.figure("pgimport", [seconds], left, f"peak memory {memory.peak_mb:,.0f} MB")


def run_program(tool: str, command: Sequence[str], given: Mapping[str, Any] | None = None) -> Run:
    """Run a program, give it a JSON object on standard input, and watch its memory.

    Raises:
        UnavailableError: it failed, or took too long; the message holds the end of what it wrote.

    """
    with (
        tempfile.TemporaryFile("w+") as errors,
        timed() as taken,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=tempfile.gettempdir(),
        ) as process,
        MemoryWatch(process.pid) as watch,
    ):
        try:
            output, _ = process.communicate(json.dumps(given or {}), timeout=_TIME_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise UnavailableError(f"{tool}: took more than {_TIME_LIMIT} s") from None
        if process.returncode != 0:
            errors.seek(0)
            said = (errors.read().strip() or output.strip()).splitlines()[-5:]
            raise UnavailableError(f"{tool}: failed: {' / '.join(said)}")
    lines = output.strip().splitlines()
    answer = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Run(taken.value, watch.memory.peak_mb, answer)


def run_script(tool: str, packages: Sequence[str], given: Mapping[str, Any]) -> Run:
    """Run ``scripts/TOOL_load.py`` with the Python of the tool's own virtual environment."""
    python = _environment(tool, packages)
    return run_program(tool, [str(python), str(_SCRIPTS / f"{tool}_load.py")], given)


def _environment(tool: str, packages: Sequence[str]) -> Path:
    """Return the Python that has the packages; made in .cache unless it is there already."""
    folder = ROOT / ".cache" / "bench" / f"venv-{tool}"
    python, done = folder / "bin" / "python", folder / "packages.json"
    if done.is_file() and json.loads(done.read_text()) == list(packages):
        return python
    print(f"others: installing {', '.join(packages)}", file=sys.stderr, flush=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], [*pip, *packages]):
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            said = (made.stderr or made.stdout).strip().splitlines()[-1:]
            raise UnavailableError(f"{tool}: cannot be installed: {' '.join(said)}")
    done.write_text(json.dumps(list(packages)))
    return python
