"""The frame of the command: global options, connection, exit codes, errors."""

from __future__ import annotations

import itertools
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgimport._retry import RETRIES, is_temporary, waiting_time
from pgimport.cli._output import Output

if TYPE_CHECKING:
    from pgimport.client import Client

T = TypeVar("T")

DONE = 0
REFUSED = 1
USAGE = 2
UNCONFIRMED = 3
UNREACHABLE = 4
INTERRUPTED = 5

# variables of libpq that name a server or a database
_LIBPQ_PLACES = ("PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE")


class StopCommand(Exception):  # noqa: N818 - not every end is an error
    """Ends the command with an exit code, a message and the next thing to type."""

    def __init__(
        self,
        exit_code: int,
        message: str,
        *,
        hint: str | None = None,
        detail: str | None = None,
        code: str | None = None,
        envelope: Mapping[str, Any] | None = None,
        command: str | None = None,
        shown: bool = False,
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.hint = hint
        self.detail = detail
        self.code = code
        self.envelope = envelope
        # what to type, where it is known better than by the code of the error
        self.command = command
        # the result said it already: nothing is to be printed any more
        self.shown = shown


@dataclass
class State:
    """What the global options said, and what is known when something goes wrong."""

    dsn: str | None = None
    embedded: bool = False
    out: Output = field(default_factory=Output)
    job_id: str | None = None
    # command that goes on with an interrupted job
    resume: str | None = None
    _connection: psycopg.Connection[Any] | None = None
    client: Client | None = None

    @property
    def uses_embedded(self) -> bool:
        """Whether this call works on the embedded server."""
        if self.dsn is not None:
            return False
        return self.embedded or not any(os.environ.get(name) for name in _LIBPQ_PLACES)

    def conninfo(self) -> str:
        """Return the connection string; start the embedded server where no other is named."""
        if self.uses_embedded:
            return str(embedded_server(self).dsn)
        return self.dsn or ""

    def connection_words(self) -> list[str]:
        """How the next command reaches the same place, without telling the connection string."""
        if self.dsn is not None:
            return ["--dsn", "URI"]
        return ["--embedded"] if self.embedded else []

    def connect(self) -> psycopg.Connection[Any]:
        """Return the connection of this call: every function is a transaction of its own."""
        if self._connection is None or self._connection.closed:
            self._connection = open_connection(self.conninfo())
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def open_connection(conninfo: str) -> psycopg.Connection[Any]:
    """Connect, or stop with exit code 4 and a message without the connection string."""
    try:
        return psycopg.connect(
            make_conninfo(conninfo, application_name="pgimport"),
            autocommit=True,
            prepare_threshold=None,
        )
    except psycopg.OperationalError as error:
        raise StopCommand(
            UNREACHABLE,
            "cannot connect to the server",
            detail=without_secrets(str(error), conninfo),
            hint="check --dsn or the PG* variables, or use the server of pgimport: --embedded",
        ) from None
    except psycopg.ProgrammingError:
        raise StopCommand(
            UNREACHABLE,
            "the connection string is not valid",
            hint="--dsn postgresql://user@host:5432/database",
        ) from None


def without_secrets(text: str, conninfo: str | None) -> str:
    """Take the connection string and any password out of a message."""
    secrets = [os.environ.get("PGPASSWORD", "")]
    if conninfo:
        secrets.append(conninfo)
        try:
            given = conninfo_to_dict(conninfo)
        except psycopg.ProgrammingError:
            given = {}
        secrets += [str(given.get(name) or "") for name in ("password", "sslpassword")]
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text.strip()


def embedded_server(state: State, start: bool = True) -> Any:
    """Return the server of pgimport's own, with its data in the user's data folder."""
    from pgimport.embedded import EmbeddedServer, default_data_dir

    server = EmbeddedServer(default_data_dir())
    if start:
        try:
            server.start()
        except Exception as error:
            raise StopCommand(
                UNREACHABLE,
                "the embedded server does not start",
                detail=str(error),
                hint="pip install 'pgimport[embedded]', or name a server with --dsn",
            ) from error
    return server


def _remember(context: click.Context, option: click.Parameter, value: Any) -> Any:
    state: State = context.ensure_object(State)
    if value:
        if option.name == "dsn":
            state.dsn = value
        elif option.name == "embedded":
            state.embedded = True
        elif option.name == "json":
            state.out.as_json = True
        elif option.name == "quiet":
            state.out.quiet = True
    return value


def _global_options() -> list[click.Parameter]:
    def option(*names: str, **settings: Any) -> click.Option:
        return click.Option(list(names), expose_value=False, callback=_remember, **settings)

    return [
        option("--dsn", metavar="URI", help="Server and database; else the PG* variables."),
        option("--embedded", is_flag=True, help="Use the server of pgimport's own."),
        option("--json", is_flag=True, help="Exactly one JSON object on standard output."),
        option("--quiet", is_flag=True, help="No progress and no hints."),
    ]


class Command(click.Command):
    """A command that takes the global options before and after its name."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params = [*self.params, *_global_options()]


class Group(click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params = [*self.params, *_global_options()]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are needed, not of the alphabet."""
        return list(self.commands)


pass_state = click.make_pass_decorator(State)


def shown_command(*words: str) -> str:
    """Return a command line of pgimport to type, in the words of a shell."""
    return shlex.join(["pgimport", *words])


def confirm(state: State, word: str, question: str, yes: bool, again: str) -> None:
    """Let somebody type ``word``; without a terminal only --yes confirms."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise StopCommand(
            UNCONFIRMED,
            f"this needs a confirmation: somebody to type {word}, or --yes",
            hint=again,
        )
    print(f"{question}\nType {word} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != word:
        raise StopCommand(UNCONFIRMED, "not confirmed: nothing was changed", hint=again)


@contextmanager
def resumable(state: State, *words: str) -> Iterator[None]:
    """Within this block an interruption prints the command that goes on."""
    before, state.resume = state.resume, shown_command(*words)
    yield
    state.resume = before


def client(state: State) -> Client:
    """Return the client of this call; stop where pgimport is not installed."""
    from pgimport.client import Client

    connection = state.connect()
    if installed_version(connection) is None:
        raise StopCommand(
            UNREACHABLE,
            "pgimport is not installed in this database, or this role may not use it",
            hint=shown_command(*state.connection_words(), "install"),
        )
    if state.client is None:
        state.client = Client(connection)
    state.client.conn = connection
    return state.client


def persist(state: State, call: Callable[[], T]) -> T:
    """Make a call that may be repeated, again on a new connection where the old one was lost."""
    for attempt in itertools.count(1):
        try:
            return call()
        except psycopg.Error as error:
            if attempt > RETRIES or not is_temporary(error):
                raise
            _reconnect(state, attempt)
    raise AssertionError  # count() does not end


def _reconnect(state: State, attempt: int) -> None:
    """Connect anew, now or a little later; the client of this call goes on with it."""
    time.sleep(waiting_time(attempt))
    state.close()
    with suppress(StopCommand):  # then the next call fails, too
        connection = state.connect()
        if state.client is not None:
            state.client.conn = connection


def installed_version(connection: psycopg.Connection[Any]) -> str | None:
    """Version of the functions in the database; None where they are not, or not for this role."""
    row = connection.execute(
        "SELECT p.oid FROM pg_catalog.pg_proc AS p"
        " INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'pgimport' AND p.proname = 'version'"
        " AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
        " AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')"
    ).fetchone()
    if row is None:
        return None
    found = connection.execute("SELECT pgimport.version()").fetchone()
    return str(found[0]) if found else None


def emit_result(state: State, raw: Mapping[str, Any]) -> None:
    """Show the message and the warnings of a function; with --json its whole envelope."""
    if raw.get("job_id"):
        state.job_id = str(raw["job_id"])
    state.out.emit(raw)
    state.out.warnings(raw.get("warnings") or [])
    state.out.line(str(raw.get("message") or ""))


def find_job(state: State, given: str) -> str:
    """Find the job by its whole id, six or more of its first or last characters, or ``last``."""
    try:
        job_id = str(UUID(given))
    except ValueError:
        pass
    else:
        state.job_id = job_id
        return job_id
    if given == "last":
        newest = next(_job_ids(state), None)
        if newest is None:
            raise StopCommand(USAGE, "there is no job yet", hint="pgimport import TARGET FOLDER")
        state.job_id = newest
        return newest
    part = given.lower().replace("-", "")
    if len(part) < 6 or not set(part) <= set("0123456789abcdef"):
        raise StopCommand(
            USAGE,
            f'"{given}" names no job',
            detail="a job is named by its id, six or more of its first or last characters, or last",
            hint="pgimport history",
        )
    found = [
        job_id
        for job_id in _job_ids(state)
        if (bare := job_id.replace("-", "")).startswith(part) or bare.endswith(part)
    ]
    if len(found) != 1:
        raise StopCommand(
            USAGE,
            f'"{given}" names {len(found) or "no"} job{"s" if len(found) > 1 else ""}',
            detail=", ".join(found[:5]) or None,
            hint="pgimport history",
        )
    state.job_id = found[0]
    return found[0]


def _job_ids(state: State, page: int = 1000) -> Iterator[str]:
    """Ids of all jobs one may see, the newest first."""
    caller = client(state)
    after: UUID | None = None
    while True:
        rows = caller.list_jobs({}, after, page)
        for row in rows:
            after = row.job_id
            yield str(row.job_id)
        if len(rows) < page:
            return
