"""Run the pgTAP suites on a server of their own, in each way pgimport can be installed.

For every server version asked for (default: 15 where it is found, and 18):

- ``superuser``: plain SQL installed by a superuser, tests with the default search_path;
- ``plain role``: installed by a role that only has CREATE on the database, tests as that role with
  nothing but pgTAP on the search_path;
- ``extension``: ``CREATE EXTENSION pgimport``, where the server's folders can be given the files.

Suites are run by pg_prove; each file is one transaction that is rolled back. What failed is said
once more at the end, way by way, so that the last lines of a long log name it. Arguments name files
or folders under tests/sql::

    python tools/run_pgtap.py [--server 15] [--way superuser] [tests/sql/70_rollback …]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from pgimport import _assemble
from pgimport.embedded import EmbeddedServer, find_servers

ROOT = Path(__file__).resolve().parents[1]
SUITES = ROOT / "tests" / "sql"
WAYS = ("superuser", "plain role", "extension")
# as psql sets it: schema tap holds pgTAP and nothing else
PATHS = {
    "superuser": '"$user", public, tap',
    "plain role": "tap",
    "extension": '"$user", public, tap',
}
# what says nothing about a failure: a file that passed, and with PGTAP_VERBOSE a test that did
_PASSED = re.compile(r"\.\. ok$|^\s*ok(?: \d+\b.*)?$|^\s*1\.\.\d+$|^All tests successful\.$")
# more than so many lines of a way are not said again
_LINES_AGAIN = 150


@dataclass(frozen=True)
class Failure:
    """A way that failed: its name, pg_prove's exit status, and its lines but those of passes."""

    way: str
    status: int
    lines: Sequence[str]

    def again(self) -> list[str]:
        """Return the lines, the last ones where they are many: the summary stands at the end."""
        left_out = len(self.lines) - _LINES_AGAIN
        if left_out <= 0:
            return list(self.lines)
        return [f"# … {left_out} lines left out", *self.lines[left_out:]]

    def in_short(self) -> str:
        """Return one line: the way, and each file with what pg_prove says of it."""
        files: list[str] = []
        summary = False
        for line in self.lines:
            summary = summary or line == "Test Summary Report"
            if summary and " (Wstat: " in line:
                name = line.partition(" (Wstat: ")[0].strip()
                files.append(name.removeprefix(f"{SUITES}/"))
            elif summary and files and line.startswith("  "):
                files[-1] += f" [{' '.join(line.split())}]"
        said = ", ".join(files) or f"pg_prove ended with exit status {self.status}"
        return f"# FAILED: {self.way}: {said}"


def pgtap_sql() -> str:
    """Return the SQL of pgTAP, wherever its package put it."""
    places = [
        Path(os.environ["PGTAP_SQL"]) if "PGTAP_SQL" in os.environ else None,
        *sorted(Path("/usr/share/postgresql").glob("*/extension/pgtap--?.?.?.sql")),
        *sorted((ROOT / ".cache").glob("**/extension/pgtap--?.?.?.sql")),
    ]
    for place in places:
        if place is not None and place.is_file():
            text = place.read_text(encoding="utf-8")
            return "\n".join(line for line in text.splitlines() if not line.startswith("\\"))
    raise SystemExit("pgTAP is missing: apt-get install postgresql-15-pgtap (make setup does it)")


def pg_prove() -> list[str]:
    """Return the command that starts pg_prove, installed or unpacked into .cache."""
    found = shutil.which("pg_prove")
    if found:
        return [found]
    for place in (ROOT / ".cache").glob("**/bin/pg_prove"):
        return ["perl", f"-I{place.parents[1] / 'share' / 'perl5'}", str(place)]
    raise SystemExit(
        "pg_prove is missing: apt-get install libtap-parser-sourcehandler-pgtap-perl "
        "(make setup does it)"
    )


def prepare(server: EmbeddedServer, way: str, dbname: str) -> str:
    """Make a database with pgTAP in schema tap and pgimport in it; return the tests' role."""
    role = "pgimport_plain" if way == "plain role" else "postgres"
    with psycopg.connect(server.dsn, autocommit=True) as conn:
        if way == "plain role":
            conn.execute("CREATE ROLE pgimport_plain LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB")
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(dbname)))
        conn.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO PUBLIC").format(sql.Identifier(dbname))
        )
    dsn = psycopg.conninfo.make_conninfo(server.dsn, dbname=dbname)
    with psycopg.connect(dsn) as conn:
        conn.execute("CREATE SCHEMA tap")
        conn.execute("GRANT USAGE ON SCHEMA tap TO PUBLIC")
        conn.execute("SET LOCAL search_path = tap")
        conn.execute(pgtap_sql())
    with psycopg.connect(dsn) as conn:
        if way == "extension":
            conn.execute("CREATE EXTENSION pgimport")
        else:
            conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
            conn.execute(_assemble.assemble())
    return role


@contextlib.contextmanager
def offer_extension(server: EmbeddedServer, folder: Path) -> Iterator[bool]:
    """Give the server the extension's files; False where its folders cannot be written.

    From 18 on the files lie in a folder of ours; before, the server knows only its own, and what
    was there is put back at the end.
    """
    share = Path(server.config("sharedir")) / "extension"
    target = folder / "extension" if server.major >= 18 else share
    if server.major < 18 and not os.access(share, os.W_OK):
        yield False
        return
    files = {
        f"pgimport--{_assemble.package_version()}.sql": _assemble.assemble(extension=True),
        "pgimport.control": (ROOT / "pgimport.control").read_text(encoding="utf-8"),
    }
    target.mkdir(parents=True, exist_ok=True)
    before = {
        name: (target / name).read_text(encoding="utf-8")
        for name in files
        if (target / name).is_file()
    }
    try:
        for name, text in files.items():
            (target / name).write_text(text, encoding="utf-8")
            (target / name).chmod(0o644)
        if server.major >= 18:
            target.chmod(0o755)
            with psycopg.connect(server.dsn, autocommit=True) as conn:
                conn.execute(
                    sql.SQL("ALTER SYSTEM SET extension_control_path = {}").format(
                        sql.Literal(f"{folder}:$system")
                    )
                )
                conn.execute("SELECT pg_reload_conf()")
        yield True
    finally:
        for name in files:
            if name in before:
                (target / name).write_text(before[name], encoding="utf-8")
            else:
                (target / name).unlink(missing_ok=True)


def offered(
    server: EmbeddedServer, way: str, folder: Path
) -> contextlib.AbstractContextManager[bool]:
    """Offer the extension where the way needs it; say whether the way is possible here."""
    return offer_extension(server, folder) if way == "extension" else contextlib.nullcontext(True)


def run(
    server: EmbeddedServer, way: str, suites: list[Path], say: Callable[[str], None]
) -> Failure | None:
    """Run the suites one way, and show what pg_prove says; return it when something failed."""
    dbname = f"pgtap_{way.replace(' ', '_')}"
    role = prepare(server, way, dbname)
    info = psycopg.conninfo.conninfo_to_dict(server.dsn)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "PGHOST": str(info["host"]),
        "PGPORT": str(info.get("port", 5432)),
        "PGOPTIONS": f"-c search_path={PATHS[way].replace(' ', '')}",
        "PGTZ": "UTC",
    }
    kept: list[str] = []
    with subprocess.Popen(
        [
            *pg_prove(),
            "--psql-bin", str(server.binary("psql")),
            "--username", role,
            "--dbname", dbname,
            "--recurse", "--ext", ".sql",
            *(["--verbose"] if os.environ.get("PGTAP_VERBOSE") else []),
            *map(str, suites),
        ],
        cwd=SUITES,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            say(line)
            if not _PASSED.search(line.rstrip()):
                kept.append(line.rstrip())
    if process.returncode == 0:
        return None
    return Failure(f"PostgreSQL {server.major}, {way}", process.returncode, kept)


def report(failures: Sequence[Failure]) -> None:
    """Say once more what failed: all lines of each way, then a line each."""
    for failure in failures:
        print(f"\n# What failed: {failure.way}", *failure.again(), sep="\n")
    print(*(failure.in_short() for failure in failures), sep="\n", flush=True)


def run_server(
    major: int, ways: Sequence[str], suites: list[Path], *, at_once: bool
) -> list[Failure]:
    """Run the suites on a server of that version, one way after the other.

    With ``at_once`` each line is shown as it comes; else a way is shown when it is over, so that
    what two servers say does not mix.
    """
    failures = []
    with (
        tempfile.TemporaryDirectory(prefix="pgimport-tap-") as folder,
        EmbeddedServer.for_tests(version=major) as server,
    ):
        Path(folder).chmod(0o755)
        for way in ways:
            said = [f"# PostgreSQL {major}, {way}\n"]
            say = _show if at_once else said.append
            if at_once:
                _show(said.pop())
            with offered(server, way, Path(folder)) as possible:
                if not possible:
                    say("# left out: the server's extension folder cannot be written here\n")
                elif (failure := run(server, way, suites, say)) is not None:
                    failures.append(failure)
            _show("".join(said))
    return failures


def _show(text: str) -> None:
    print(text, end="", flush=True)


def main() -> int:
    """Run what the arguments ask for; exit status 1 when any suite failed."""
    parser = argparse.ArgumentParser(description="Run the pgTAP suites.")
    parser.add_argument("--server", type=int, action="append", help="major version; may repeat")
    parser.add_argument("--way", choices=WAYS, action="append", help="may repeat; default: all")
    parser.add_argument("suites", nargs="*", type=Path)
    options = parser.parse_args()
    suites = [path.resolve() for path in options.suites]
    suites = suites or sorted(path for path in SUITES.iterdir() if path.is_dir())
    found = find_servers()
    wanted = options.server or [major for major in (15, 18) if major in found]
    missing = [major for major in wanted if major not in found]
    for major in missing:
        print(f"PostgreSQL {major} is not on this machine", file=sys.stderr)
    there = [major for major in wanted if major in found]
    # a server keeps one processor busy
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = [
            pool.submit(run_server, major, options.way or WAYS, suites, at_once=len(there) == 1)
            for major in there
        ]
        failures = [failure for run in runs for failure in run.result()]
    if failures:
        report(failures)
    return 1 if failures or missing else 0


if __name__ == "__main__":
    sys.exit(main())
