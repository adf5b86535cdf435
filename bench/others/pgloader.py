"""pgloader, as Debian has it: straight into the table, and by way of a staging table."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.data import CLEAN_COLUMNS
from bench.others.case import Case, Run, UnavailableError, run_program
from bench.result import Figure

_STAGING = "bench_staging"


def direct(case: Case) -> list[Figure]:
    """Load into the table; pgloader's own way with rows that the table refuses, its default.

    A batch that fails is tried again in parts, until each refused row stands alone.
    """
    with case.database("pgloader") as database, tempfile.TemporaryDirectory() as folder:
        done = _load(case, database, Path(folder), "codes")
        left = case.left(database)
        kept = _rejected(Path(folder))
    refused = case.rows - case.reference.expected.clean_rows
    return [
        case.figure(
            "pgloader into the table, on error resume next",
            [done.seconds],
            left,
            f"not atomic: a transaction a batch; each of {refused:,} duplicates is an error of its "
            f"own in the log, and the reject files of the last two LOAD commands hold {kept:,} of "
            f"them; the retries took ids up to {left.last_id:,}; inside and outside duplicates "
            "are not told apart; no preview, no provenance, no undo; "
            f"peak memory {done.memory_mb:,.0f} MB",
        )
    ]


def staged(case: Case) -> list[Figure]:
    """Load into an unlogged table without indexes, then INSERT … ON CONFLICT DO NOTHING."""
    columns = ", ".join(CLEAN_COLUMNS)
    with case.database("pgloader") as database, tempfile.TemporaryDirectory() as folder:
        before = (
            f"CREATE UNLOGGED TABLE public.{_STAGING} AS SELECT {columns} FROM public.codes"
            " WITH NO DATA"
        )
        after = (
            f"INSERT INTO public.codes ({columns}) SELECT {columns} FROM public.{_STAGING}"
            " ON CONFLICT (code, merchant_id) DO NOTHING"
        )
        done = _load(case, database, Path(folder), _STAGING, before, after)
        left = case.left(database)
    return [
        case.figure(
            "pgloader into staging, AFTER LOAD DO INSERT … ON CONFLICT DO NOTHING",
            [done.seconds],
            left,
            "layouts and both statements written by hand; only the insert is atomic; bad values go "
            "to a reject file and the import goes on without them; duplicates are dropped without "
            "a word about which; no preview, no provenance, no undo; "
            f"peak memory {done.memory_mb:,.0f} MB",
        )
    ]


def _load(case: Case, database: str, folder: Path, table: str, *statements: str) -> Run:
    """Run one LOAD command a layout; the statements are run before the first and after the last."""
    program = _program()
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for file in case.files():
        groups.setdefault((file["delimiter"], tuple(file["columns"])), []).append(file["path"])
    address = _address(case.connection(database))
    commands = [
        _command(address, table, paths, delimiter, columns)
        for (delimiter, columns), paths in groups.items()
    ]
    if statements:
        commands[0] += f"\nBEFORE LOAD DO $$ {statements[0]}; $$"
        commands[-1] += f"\nAFTER LOAD DO $$ {statements[-1]}; $$"
    script = folder / "import.load"
    script.write_text("".join(f"{command};\n\n" for command in commands), encoding="utf-8")
    logs = folder / "root"
    return run_program(
        "pgloader",
        [program, "--quiet", "-D", str(logs), "-L", str(folder / "pgloader.log"), str(script)],
    )


def _command(
    address: str, table: str, paths: list[str], delimiter: str, columns: tuple[str, ...]
) -> str:
    names = "|".join(re.escape(Path(path).name) for path in paths)
    wanted = [name for name in columns if name in CLEAN_COLUMNS]
    return (
        f"LOAD CSV FROM ALL FILENAMES MATCHING ~/{names}/ IN DIRECTORY '{Path(paths[0]).parent}'\n"
        f"WITH ENCODING UTF-8 HAVING FIELDS ({', '.join(columns)})\n"
        f"INTO {address} TARGET TABLE public.{table} TARGET COLUMNS ({', '.join(wanted)})\n"
        f"WITH skip header = 1, fields optionally enclosed by '\"', fields escaped by double-quote,"
        f" fields terminated by '{delimiter}', on error resume next"
    )


def _address(to: Mapping[str, Any]) -> str:
    host = to["host"]
    place = f"unix:{host.replace(':', '::')}" if host.startswith("/") else host
    password = f":{quote(to['password'], safe='')}" if to["password"] else ""
    return f"postgresql://{quote(to['user'])}{password}@{place}:{to['port']}/{to['dbname']}"


def _rejected(folder: Path) -> int:
    """Count the rows of the reject files that are left."""
    found = 0
    for path in (folder / "root").rglob("*.dat*"):
        with path.open("rb") as file:
            found += sum(1 for _ in file)
    return found


def _program() -> str:
    """Return the path of pgloader; as root it is installed from Debian."""
    found = shutil.which("pgloader")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("others: installing pgloader", file=sys.stderr, flush=True)
        for words in (["update"], ["install", "--no-install-recommends", "--yes", "pgloader"]):
            subprocess.run(
                ["apt-get", "--quiet", "--quiet", *words],  # noqa: S607
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                check=False,
            )
        found = shutil.which("pgloader")
    if found is None:
        raise UnavailableError("pgloader: not here; as root: apt-get install pgloader")
    return found
