"""The server that is measured: one of its own in a temporary folder, or a given one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo, sql

from pgimport._assemble import assemble
from pgimport.embedded import EmbeddedServer, ServerError, find_servers

_QUARTER_GB = 256 * 1024**2

# shown with every result: what the measured server was set to
SHOWN = (
    "shared_buffers", "work_mem", "maintenance_work_mem", "hash_mem_multiplier", "max_wal_size",
    "checkpoint_timeout", "fsync", "synchronous_commit", "full_page_writes", "wal_compression",
    "wal_level", "max_worker_processes", "max_parallel_workers", "max_parallel_workers_per_gather",
    "jit", "io_method", "autovacuum",
)  # fmt: skip


def memory_bytes() -> int:
    """Return the memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def default_settings() -> dict[str, str]:
    """Return what the bench's own server is set to; everything else stays at its default."""
    shared = min(8 * _QUARTER_GB, memory_bytes() // 4)
    return {
        "shared_buffers": f"{shared // 1024**2}MB",
        "max_wal_size": "16GB",
        "checkpoint_timeout": "15min",
    }


@dataclass(frozen=True)
class BenchServer:
    """A running server, and what the bench does with it.

    Attributes:
        conninfo: of the database from which others are made; for a role that may create some.
        bin: the folder with this server's psql and pgbench.
        version: as the server says it. settings: the settings of ``SHOWN`` that it has.
        own: the server is the bench's own; then ``folder`` is one that the server can read.

    """

    conninfo: str
    bin: Path
    version: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    own: bool = False
    folder: Path | None = None

    def dsn(self, database: str) -> str:
        """Return the connection string of a database of this server."""
        return conninfo.make_conninfo(self.conninfo, dbname=database)

    @contextlib.contextmanager
    def connect(self, database: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """Connect in autocommit mode; closed at the end."""
        place = self.conninfo if database is None else self.dsn(database)
        with contextlib.closing(psycopg.connect(place, autocommit=True)) as conn:
            yield conn

    def fresh(self, name: str, template: str | None = None) -> str:
        """Drop and make a database, flush everything to disk, and return its conninfo.

        Each measurement so begins at the same state. Made from a template, its files are copied
        as they are.
        """
        with self.connect() as conn:
            _drop(conn, name)
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
                sql.Identifier(name),
                sql.Identifier(template or "template0"),
                sql.Literal("file_copy" if template else "wal_log"),
            )
            conn.execute(statement)
        self.checkpoint()
        return self.dsn(name)

    def drop(self, name: str) -> None:
        """Drop a database, if it is there."""
        with self.connect() as conn:
            _drop(conn, name)

    def checkpoint(self) -> None:
        """Write everything to disk, so that it is not done while the next thing is timed."""
        with self.connect() as conn:
            conn.execute("CHECKPOINT")

    def install(self, database: str) -> None:
        """Install pgimport in a database."""
        with self.connect(database) as conn:
            conn.execute(assemble().encode())


def _drop(conn: psycopg.Connection[Any], name: str) -> None:
    conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def bench_server(dsn: str | None = None, version: int | None = None) -> Iterator[BenchServer]:
    """Run a server of the bench's own, and remove it; or use the given one as it is set.

    Args:
        dsn: of a server to be used: a superuser's, since CHECKPOINT and COPY from a path are.
        version: major version of the own server; default: the wheel's, else the newest found.

    Raises:
        ServerError: no server binaries, or not of that version.

    """
    if dsn is not None:
        yield _described(dsn, _programs(dsn), own=False, folder=None)
        return
    with _own_folder() as folder:
        server = EmbeddedServer(folder / "server", version)
        try:
            server.start()
            with psycopg.connect(server.dsn, autocommit=True) as conn:
                for name, value in default_settings().items():
                    conn.execute(
                        sql.SQL("ALTER SYSTEM SET {} = {}").format(
                            sql.Identifier(name), sql.Literal(value)
                        )
                    )
            server.stop()
            server.start()
            programs = server.binary("psql").parent
            yield _described(server.dsn, programs, own=True, folder=folder)
        finally:
            server.reset()


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """Make a folder that the user of the server can enter, also when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="pgimport-bench-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _described(dsn: str, programs: Path, own: bool, folder: Path | None) -> BenchServer:
    with psycopg.connect(dsn, autocommit=True) as conn:
        version = conn.execute("SHOW server_version").fetchone()
        rows = conn.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY (%s)",
            [list(SHOWN)],
        ).fetchall()
    found: dict[str, str] = dict(rows)
    return BenchServer(
        dsn,
        programs,
        str(version[0] if version else ""),
        {name: found[name] for name in SHOWN if name in found},
        own,
        folder,
    )


def _programs(dsn: str) -> Path:
    """Return a folder with psql and pgbench, best those of the given server's version."""
    with psycopg.connect(dsn) as conn:
        major = conn.info.server_version // 10000
    found = find_servers()
    for folder in (found.get(major), *reversed(found.values())):
        if folder is not None and (folder / "pgbench").is_file():
            return folder
    on_path = shutil.which("pgbench") or shutil.which("psql")
    if on_path is None:
        raise ServerError("psql and pgbench are not on this machine")
    return Path(on_path).parent
