"""Servers and databases of the tests.

One server of our own launcher for the whole run, of the version that PGIMPORT_TEST_SERVER names (15
where it is found, else the newest). pytest-postgresql clones a template database, with pgimport
installed, for each test.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import conninfo, sql
from pytest_postgresql import factories

from pgimport import _assemble
from pgimport.embedded import EmbeddedServer, find_servers

_stack = contextlib.ExitStack()
_servers: list[EmbeddedServer] = []


def _install(**place: Any) -> None:
    """Install pgimport into the template from which the tests' databases are cloned."""
    with psycopg.connect(**place) as conn:
        conn.execute(_assemble.assemble())


def pytest_configure(config: pytest.Config) -> None:
    """Start the server of this run and tell pytest-postgresql where it is."""
    # a shell makes what it starts in the background ignore interrupts; some tests send them
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    found = find_servers()
    named = os.environ.get("PGIMPORT_TEST_SERVER")
    version = int(named) if named else 15 if 15 in found else max(found)
    server = _stack.enter_context(EmbeddedServer.for_tests(version))
    _servers.append(server)
    place = conninfo.conninfo_to_dict(server.dsn)
    config.option.postgresql_host = place["host"]
    config.option.postgresql_port = place["port"]
    config.option.postgresql_user = place["user"]


def pytest_unconfigure() -> None:
    """Stop the server of this run."""
    _stack.close()


def pytest_report_header() -> str:
    """Say which server the tests run on."""
    return f"server: PostgreSQL {_servers[0].major}"


postgresql_noproc = factories.postgresql_noproc(load=[_install])
postgresql = factories.postgresql("postgresql_noproc")


@pytest.fixture
def server() -> EmbeddedServer:
    """The server of this run; not to be stopped."""
    return _servers[0]


@pytest.fixture
def installed_dsn(postgresql: psycopg.Connection[Any]) -> str:
    """A database of this test's own, with pgimport installed by the server's superuser."""
    return postgresql.info.dsn


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    """The same; a module may put its own tables into it by a fixture of this name."""
    return installed_dsn


@pytest.fixture
def conn(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The session that prepares and looks: each statement its own transaction."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def first(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The session that holds something: a transaction until it commits."""
    with psycopg.connect(dsn) as connection:
        yield connection


@pytest.fixture
def second(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """The session that waits: each statement its own transaction."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    """What lets a session wait while the test goes on."""
    with ThreadPoolExecutor(max_workers=2) as executor:
        yield executor


@pytest.fixture
def empty_dsn(server: EmbeddedServer) -> Iterator[str]:
    """A database of this test's own, without pgimport."""
    name = f"empty_{os.urandom(6).hex()}"
    with psycopg.connect(server.dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield conninfo.make_conninfo(server.dsn, dbname=name)
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def plain_role(server: EmbeddedServer) -> str:
    """A role that may log in and nothing else."""
    name = f"plain_{os.urandom(6).hex()}"
    with psycopg.connect(server.dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    return name
