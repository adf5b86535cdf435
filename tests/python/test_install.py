"""Installing: fresh, again, from an older version, as extension; dump and restore."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo, sql

from pgimport import Client, _assemble
from pgimport.embedded import EmbeddedServer

ROOT = Path(__file__).parents[2]
MERCHANT = "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11"
OLDER = "0.0.1"
NEWER = "9.0.0"
TABLE = """
CREATE SCHEMA shop
CREATE TABLE shop.codes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id uuid NOT NULL,
    code text NOT NULL,
    UNIQUE (code, merchant_id)
)
"""
# everything that an install makes, by identity and by content
OBJECTS = """
SELECT 'function', p.oid::bigint, p.oid::regprocedure::text, p.proacl::text
FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace('pgimport')
UNION ALL
SELECT 'relation', c.oid::bigint, c.oid::regclass::text, c.relacl::text
FROM pg_class AS c WHERE c.relnamespace = to_regnamespace('pgimport')
UNION ALL
SELECT 'constraint', c.oid::bigint, pg_get_constraintdef(c.oid), NULL
FROM pg_constraint AS c WHERE c.connamespace = to_regnamespace('pgimport')
UNION ALL
SELECT 'trigger', t.oid::bigint, pg_get_triggerdef(t.oid), NULL
FROM pg_trigger AS t INNER JOIN pg_class AS c ON t.tgrelid = c.oid
WHERE c.relnamespace = to_regnamespace('pgimport')
UNION ALL
SELECT 'policy', p.oid::bigint, p.polname, NULL
FROM pg_policy AS p INNER JOIN pg_class AS c ON p.polrelid = c.oid
WHERE c.relnamespace = to_regnamespace('pgimport')
UNION ALL
SELECT 'schema', n.oid::bigint, n.nspname, n.nspacl::text
FROM pg_namespace AS n WHERE n.nspname IN ('pgimport', 'pgimport_staging')
ORDER BY 1, 2
"""
LEDGER = "SELECT * FROM pgimport.schema_step ORDER BY name"
Rows = list[tuple[Any, ...]]
Connect = Callable[..., psycopg.Connection[Any]]


def install(dsn: str, version: str | None = None, **place: Any) -> None:
    with psycopg.connect(dsn, **place) as conn:
        conn.execute(_assemble.assemble(version=version))


def rows(dsn: str, query: str, *values: Any) -> Rows:
    with psycopg.connect(dsn) as conn:
        return conn.execute(query, values or None).fetchall()


def one(dsn: str, query: str, *values: Any) -> Any:
    return rows(dsn, query, *values)[0][0]


def do(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement)


def stage(conn: psycopg.Connection[Any], *codes: str) -> Any:
    """Make a job with one file of these codes, checked."""
    client = Client(conn)
    job_id = client.create_job("codes").job_id
    assert job_id is not None
    opened = client.stage_file(job_id, "a.csv", ["merchant_id", "code"])
    with conn.cursor().copy(opened.copy_sql) as copy:
        copy.write("merchant_id,code\n" + "".join(f"{MERCHANT},{code}\n" for code in codes))
    broken = {"line_no": 9, "code": "ragged_row", "message": "two fields", "value": "x;y"}
    client.add_issues(job_id, opened.file_no, [broken])
    client.finish_file(job_id, opened.file_no, len(codes))
    client.check_job(job_id)
    return job_id


def imported(conn: psycopg.Connection[Any], *codes: str) -> Any:
    job_id = stage(conn, *codes)
    assert Client(conn).insert_job(job_id).rows_inserted == len(codes)
    assert Client(conn).verify_job(job_id).verified
    return job_id


def shop(dsn: str) -> None:
    """A table that is a target."""
    with psycopg.connect(dsn) as conn:
        conn.execute(TABLE)
        Client(conn).register_target("shop.codes", "codes", ["code", "merchant_id"])


@pytest.fixture
def plain_dsn(server: EmbeddedServer, empty_dsn: str, plain_role: str) -> str:
    """The empty database, for a role that has CREATE on it and nothing else."""
    name = conninfo.conninfo_to_dict(empty_dsn)["dbname"]
    do(server.dsn, f'GRANT CREATE ON DATABASE "{name}" TO "{plain_role}"')
    return conninfo.make_conninfo(empty_dsn, user=plain_role)


# plain SQL


def test_a_fresh_install_fills_the_ledger_and_says_its_version(empty_dsn: str) -> None:
    install(empty_dsn)
    assert one(empty_dsn, "SELECT pgimport.version()") == _assemble.package_version()
    steps = [path.stem for path in _assemble.schema_files(_assemble.sql_root())]
    ledger = rows(empty_dsn, "SELECT name, version, sha256 FROM pgimport.schema_step")
    assert sorted(name for name, _, _ in ledger) == sorted([*steps, "functions"])
    assert {version for _, version, _ in ledger} == {_assemble.package_version()}
    for path in _assemble.schema_files(_assemble.sql_root()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert (path.stem, _assemble.package_version(), digest) in ledger


def test_an_install_leaves_the_settings_of_the_session(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn) as conn:
        conn.execute("SET LOCAL search_path = pg_temp, public")
        conn.execute(_assemble.assemble())
        path, mode = conn.execute(
            "SELECT current_setting('search_path'),"
            " coalesce(current_setting('pgimport.install_mode', true), '')"
        ).fetchone() or ("", "")
        assert (path, mode) == ("pg_temp, public", "")


def test_a_second_install_is_a_no_op(empty_dsn: str) -> None:
    install(empty_dsn)
    shop(empty_dsn)
    with psycopg.connect(empty_dsn) as conn:
        job_id = imported(conn, "A", "B")
    before = rows(empty_dsn, OBJECTS), rows(empty_dsn, LEDGER)
    install(empty_dsn)
    assert (rows(empty_dsn, OBJECTS), rows(empty_dsn, LEDGER)) == before
    with psycopg.connect(empty_dsn) as conn:
        assert Client(conn).rollback_job(job_id).rows_deleted == 2


def test_an_older_version_is_upgraded_and_its_jobs_go_on(empty_dsn: str) -> None:
    install(empty_dsn, version=OLDER)
    assert one(empty_dsn, "SELECT version FROM pgimport.schema_step WHERE name = 'functions'") == (
        OLDER
    )
    shop(empty_dsn)
    with psycopg.connect(empty_dsn) as conn:
        done, checked = imported(conn, "A", "B"), stage(conn, "C")
    install(empty_dsn)
    version = one(empty_dsn, "SELECT version FROM pgimport.schema_step WHERE name = 'functions'")
    assert version == _assemble.package_version()
    # steps that ran keep the version that ran them
    assert one(
        empty_dsn, "SELECT version FROM pgimport.schema_step WHERE name = '0001_target'"
    ) == (OLDER)
    with psycopg.connect(empty_dsn) as conn:
        client = Client(conn)
        assert client.insert_job(checked).rows_inserted == 1
        assert client.rollback_job(done).rows_deleted == 2
        assert client.verify_job(checked).verified


def test_a_plain_role_installs_imports_verifies_and_rolls_back(plain_dsn: str) -> None:
    """The role has CREATE on the database and nothing else; its search_path is empty."""
    settings = {"options": "-c search_path="}
    install(plain_dsn, **settings)
    with psycopg.connect(plain_dsn, **settings) as conn:  # type: ignore[arg-type]
        role = conn.execute(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
            " FROM pg_catalog.pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert role == (False,)
        conn.execute(TABLE)
        client = Client(conn)
        client.register_target("shop.codes", "codes", ["code", "merchant_id"])
        conn.execute("INSERT INTO shop.codes (merchant_id, code) VALUES (%s, 'OLD')", [MERCHANT])
        conn.commit()
        job_id = stage(conn, "A", "B", "B", "OLD")
        conn.commit()
        inserted = client.insert_job(job_id)
        assert (inserted.rows_inserted, inserted.rows_skipped) == (2, 2)
        conn.commit()
        assert client.verify_job(job_id).verified
        plan = client.plan_rollback(job_id)
        assert (plan.eligible, plan.delete) == (True, 2)
        assert client.rollback_job(job_id, reason="wrong merchant").rows_deleted == 2
        left = conn.execute("SELECT code FROM shop.codes").fetchall()
        assert left == [("OLD",)]


def test_nothing_is_granted_to_public(empty_dsn: str, plain_role: str) -> None:
    install(empty_dsn)
    public = """
    SELECT what, name, a.privilege_type
    FROM (
        SELECT 'function' AS what, p.oid::regprocedure::text AS name,
            coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
        FROM pg_proc AS p WHERE p.pronamespace = 'pgimport'::regnamespace
        UNION ALL
        SELECT 'relation', c.oid::regclass::text, c.relacl
        FROM pg_class AS c
        WHERE c.relnamespace IN ('pgimport'::regnamespace, 'pgimport_staging'::regnamespace)
        UNION ALL
        SELECT 'schema', n.nspname, n.nspacl
        FROM pg_namespace AS n WHERE n.nspname IN ('pgimport', 'pgimport_staging')
    ) AS o
    CROSS JOIN LATERAL aclexplode(o.acl) AS a
    WHERE a.grantee = 0
    """
    assert rows(empty_dsn, public) == []
    theirs = conninfo.make_conninfo(empty_dsn, user=plain_role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        one(theirs, "SELECT pgimport.version()")


@pytest.mark.parametrize("level", ["viewer", "importer", "admin"])
def test_granted_rights_survive_an_upgrade(empty_dsn: str, plain_role: str, level: str) -> None:
    install(empty_dsn, version=OLDER)
    rows(empty_dsn, "SELECT pgimport.grant_usage(%s, %s)", plain_role, level)
    before = [row[3] for row in rows(empty_dsn, OBJECTS)]
    install(empty_dsn)
    assert [row[3] for row in rows(empty_dsn, OBJECTS)] == before
    theirs = conninfo.make_conninfo(empty_dsn, user=plain_role)
    assert one(theirs, "SELECT pgimport.version()") == _assemble.package_version()
    if level != "admin":
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(theirs, "SELECT pgimport.disable_old_rollbacks()")


def test_a_level_for_the_owner_takes_nothing_from_it(plain_dsn: str, plain_role: str) -> None:
    install(plain_dsn)
    rows(plain_dsn, "SELECT pgimport.grant_usage(%s, 'viewer')", plain_role)
    install(plain_dsn)
    shop(plain_dsn)
    with psycopg.connect(plain_dsn) as conn:
        imported(conn, "A")


# what an install refuses


def refused(dsn: str, code: str, script: str | None = None) -> str:
    """Expect an install to be refused with a code and a hint, and to change nothing."""
    before = rows(dsn, OBJECTS)
    with pytest.raises(psycopg.Error) as caught, psycopg.connect(dsn) as conn:
        # as psql does: the bytes of the file, whatever the client's encoding is said to be
        conn.execute((script or _assemble.assemble()).encode("utf-8"))
    assert caught.value.sqlstate == code, caught.value
    assert caught.value.diag.message_hint
    assert rows(dsn, OBJECTS) == before
    return str(caught.value.diag.message_primary)


@pytest.mark.parametrize("schema", ["pgimport", "pgimport_staging"])
def test_a_schema_of_somebody_else_is_refused(
    server: EmbeddedServer, plain_dsn: str, schema: str
) -> None:
    do(conninfo.make_conninfo(plain_dsn, user="postgres"), f"CREATE SCHEMA {schema}")
    assert f'schema "{schema}" belongs to' in refused(plain_dsn, "PI902")


def test_a_schema_prepared_by_a_plain_role_is_refused_to_the_superuser(
    empty_dsn: str, plain_dsn: str
) -> None:
    do(plain_dsn, "CREATE SCHEMA pgimport")
    assert "belongs to role" in refused(empty_dsn, "PI902")
    assert rows(empty_dsn, "SELECT to_regnamespace('pgimport_staging')") == [(None,)]


@pytest.mark.parametrize(
    "prepared",
    [
        "CREATE FUNCTION pgimport.version() RETURNS text LANGUAGE sql RETURN 'mine'::text",
        "CREATE TABLE pgimport.job (job_id uuid)",
        "CREATE TYPE pgimport.level AS ENUM ('a')",
        "CREATE VIEW pgimport.file AS SELECT 1 AS file_no",
        "CREATE SEQUENCE pgimport.job_seq",
        "CREATE DOMAIN pgimport.code AS text",
    ],
)
def test_an_object_of_somebody_else_inside_the_schema_is_refused(
    empty_dsn: str, plain_dsn: str, plain_role: str, prepared: str
) -> None:
    do(empty_dsn, "CREATE SCHEMA pgimport", f'GRANT ALL ON SCHEMA pgimport TO "{plain_role}"')
    do(plain_dsn, prepared)
    assert f'belongs to role "{plain_role}"' in refused(empty_dsn, "PI902")


def test_a_step_that_ran_from_another_text_is_refused(empty_dsn: str) -> None:
    install(empty_dsn)
    do(
        empty_dsn,
        "UPDATE pgimport.schema_step SET sha256 = repeat('0', 64) WHERE name = '0002_job'",
    )
    assert '"0002_job"' in refused(empty_dsn, "PI903")


@pytest.mark.parametrize("newer", [NEWER, "0.10.0"])
def test_a_newer_database_is_refused(empty_dsn: str, newer: str) -> None:
    install(empty_dsn, version=newer)
    assert newer in refused(empty_dsn, "PI904")


def test_a_database_that_is_not_in_utf8_is_refused(server: EmbeddedServer) -> None:
    """LATIN1 and its like cannot hold the text at all: PostgreSQL itself refuses it (22P05)."""
    name = f"other_{os.urandom(6).hex()}"
    made = f'CREATE DATABASE "{name}" TEMPLATE template0 LOCALE "C" ENCODING \'SQL_ASCII\''
    do(server.dsn, made)
    try:
        dsn = conninfo.make_conninfo(server.dsn, dbname=name, client_encoding="UTF8")
        refused(dsn, "PI906")
    finally:
        do(server.dsn, f'DROP DATABASE "{name}"')


def test_a_client_that_does_not_speak_utf8_is_refused(empty_dsn: str) -> None:
    """The text would arrive in other characters than it was written in."""
    refused(conninfo.make_conninfo(empty_dsn, client_encoding="LATIN9"), "PI906")


def test_a_failed_install_leaves_nothing(empty_dsn: str) -> None:
    text = _assemble.assemble()
    broken = text.replace("INSERT INTO pgimport.schema_step AS s", "SELECT 1 / 0;\n\\0", 1)
    with psycopg.connect(empty_dsn, autocommit=True) as conn, pytest.raises(psycopg.Error):
        conn.execute(broken)
    assert rows(empty_dsn, OBJECTS) == []
    install(empty_dsn)


def test_a_failed_upgrade_leaves_the_older_version(empty_dsn: str) -> None:
    install(empty_dsn, version=OLDER)
    before = rows(empty_dsn, OBJECTS), rows(empty_dsn, LEDGER)
    broken = _assemble.assemble().replace("VALUES ('functions'", "VALUES (1 / 0, 'functions'", 1)
    with psycopg.connect(empty_dsn, autocommit=True) as conn, pytest.raises(psycopg.Error):
        conn.execute(broken)
    assert (rows(empty_dsn, OBJECTS), rows(empty_dsn, LEDGER)) == before


def test_two_installs_at_once_both_succeed(empty_dsn: str) -> None:
    failed: list[BaseException] = []

    def second() -> None:
        try:
            install(empty_dsn, application_name="second install")
        except psycopg.Error as error:
            failed.append(error)

    thread = threading.Thread(target=second)
    with psycopg.connect(empty_dsn) as first:
        first.execute(_assemble.assemble())
        thread.start()
        wait_for_lock(empty_dsn, "second install")
    thread.join(30)
    assert not thread.is_alive()
    assert failed == []
    steps = len(_assemble.schema_files(_assemble.sql_root()))
    assert one(empty_dsn, "SELECT count(*) FROM pgimport.schema_step") == steps + 1


def wait_for_lock(dsn: str, application_name: str) -> None:
    """Wait until a session waits for a lock of another."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        for _ in range(2000):
            waiting = conn.execute(
                "SELECT pg_sleep(0.005), count(*) FILTER (WHERE wait_event_type = 'Lock')"
                " FROM pg_stat_activity WHERE application_name = %s",
                [application_name],
            ).fetchone()
            if waiting and waiting[1]:
                return
    raise AssertionError(f"{application_name} does not wait")


def test_psql_installs_in_one_transaction_and_without(
    server: EmbeddedServer, empty_dsn: str, tmp_path: Path
) -> None:
    text = _assemble.assemble()
    for words in (["-1"], []):
        done = psql(server, empty_dsn, text, *words)
        assert done.returncode == 0, done.stderr
        assert "ERROR" not in done.stderr


def psql(
    server: EmbeddedServer, dsn: str, text: str, *words: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(server.binary("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, *words],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


# as an extension


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """The server of this run, with the files of an older and of the current extension."""
    from conftest import _servers  # noqa: PLC0415

    server = _servers[0]
    current = _assemble.package_version()
    files = {
        "pgimport.control": (ROOT / "pgimport.control").read_text(encoding="utf-8"),
        f"pgimport--{OLDER}.sql": _assemble.assemble(extension=True, version=OLDER),
        f"pgimport--{current}.sql": _assemble.assemble(extension=True),
        f"pgimport--{OLDER}--{current}.sql": _assemble.assemble(extension=True),
    }
    share = Path(server.config("sharedir")) / "extension"
    with contextlib.ExitStack() as stack:
        if server.major >= 18:
            base = tmp_path_factory.mktemp("share")
            folder = base / "extension"
            folder.mkdir()
            for path in (folder, base, base.parent, base.parent.parent):
                path.chmod(0o755)
            place = sql.Literal(f"{base}:$system").as_string()
            do(server.dsn, f"ALTER SYSTEM SET extension_control_path = {place}")
            do(server.dsn, "SELECT pg_reload_conf()")
            stack.callback(do, server.dsn, "ALTER SYSTEM RESET extension_control_path")
        elif os.access(share, os.W_OK):
            folder = share
        else:
            pytest.skip(f"{share} cannot be written")
        for name, text in files.items():
            # what is installed there is put back afterwards
            if (folder / name).exists():
                stack.callback((folder / name).write_bytes, (folder / name).read_bytes())
            else:
                stack.callback((folder / name).unlink, missing_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o644)
        yield server


EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'pgimport'"


def test_the_extension_is_created_upgraded_and_dropped(
    extension: EmbeddedServer, empty_dsn: str
) -> None:
    do(empty_dsn, f"CREATE EXTENSION pgimport VERSION '{OLDER}'")
    shop(empty_dsn)
    with psycopg.connect(empty_dsn) as conn:
        done, checked = imported(conn, "A", "B"), stage(conn, "C")
    do(empty_dsn, "ALTER EXTENSION pgimport UPDATE")
    assert one(empty_dsn, EXTENSION) == _assemble.package_version()
    with psycopg.connect(empty_dsn) as conn:
        client = Client(conn)
        assert client.insert_job(checked).rows_inserted == 1
        assert client.rollback_job(done).rows_deleted == 2
    do(empty_dsn, "DROP EXTENSION pgimport CASCADE")
    assert rows(empty_dsn, OBJECTS) == []
    # the table and its rows are the user's
    assert rows(empty_dsn, "SELECT code FROM shop.codes") == [("C",)]
    do(empty_dsn, "CREATE EXTENSION pgimport")


def test_everything_of_the_extension_belongs_to_it(
    extension: EmbeddedServer, empty_dsn: str
) -> None:
    do(empty_dsn, f"CREATE EXTENSION pgimport VERSION '{OLDER}'")
    do(empty_dsn, "ALTER EXTENSION pgimport UPDATE")
    strays = """
    SELECT p.oid::regprocedure::text FROM pg_proc AS p
    WHERE p.pronamespace = 'pgimport'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT c.oid::regclass::text FROM pg_class AS c
    WHERE c.relnamespace = 'pgimport'::regnamespace AND c.relkind = 'r' AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    """
    assert rows(empty_dsn, strays) == []


def test_the_plain_script_over_the_extension_is_refused(
    extension: EmbeddedServer, empty_dsn: str
) -> None:
    do(empty_dsn, "CREATE EXTENSION pgimport")
    assert "as an extension" in refused(empty_dsn, "PI901")


def test_the_extension_over_a_plain_install_is_refused(
    extension: EmbeddedServer, empty_dsn: str
) -> None:
    install(empty_dsn)
    refused(empty_dsn, "PI902", "CREATE EXTENSION pgimport")
    assert rows(empty_dsn, EXTENSION) == []


@pytest.mark.parametrize("schema", ["pgimport", "pgimport_staging"])
def test_the_extension_over_a_prepared_schema_is_refused(
    extension: EmbeddedServer, empty_dsn: str, plain_dsn: str, schema: str
) -> None:
    do(plain_dsn, f"CREATE SCHEMA {schema}")
    refused(empty_dsn, "PI902", "CREATE EXTENSION pgimport")
    do(empty_dsn, f"ALTER SCHEMA {schema} OWNER TO postgres")
    assert "does not belong to the extension" in refused(
        empty_dsn, "PI902", "CREATE EXTENSION pgimport"
    )


def test_a_plain_role_makes_the_extension_and_imports(
    extension: EmbeddedServer, plain_dsn: str
) -> None:
    do(plain_dsn, "CREATE EXTENSION pgimport")
    shop(plain_dsn)
    with psycopg.connect(plain_dsn) as conn:
        assert Client(conn).rollback_job(imported(conn, "A")).rows_deleted == 1


# dump and restore


@pytest.mark.parametrize("mode", ["plain", "upgraded plain", "extension", "upgraded extension"])
def test_a_dump_holds_everything_and_goes_on(
    request: pytest.FixtureRequest,
    server: EmbeddedServer,
    empty_dsn: str,
    plain_role: str,
    tmp_path: Path,
    mode: str,
) -> None:
    version = OLDER if "upgraded" in mode else _assemble.package_version()
    if "extension" in mode:
        request.getfixturevalue("extension")
        do(empty_dsn, f"CREATE EXTENSION pgimport VERSION '{version}'")
    else:
        install(empty_dsn, version=version)
    shop(empty_dsn)
    with psycopg.connect(empty_dsn) as conn:
        client = Client(conn)
        client.set_column("codes", "code", {"required": True})
        client.grant_usage(plain_role, "importer")
        done, checked = imported(conn, "A", "B"), stage(conn, "C", "D")
        if "upgraded" not in mode:
            # from now on there are partitions that the install did not make
            client.enable_retention({"engine": "own"})
    if mode == "upgraded extension":
        do(empty_dsn, "ALTER EXTENSION pgimport UPDATE")
    elif mode == "upgraded plain":
        install(empty_dsn)

    theirs = conninfo.make_conninfo(empty_dsn, user=plain_role)
    assert one(theirs, "SELECT pgimport.version()") == _assemble.package_version()

    restored = restore(server, empty_dsn, tmp_path)
    try:
        compare = (
            "SELECT * FROM pgimport.job ORDER BY job_id",
            "SELECT * FROM pgimport.target ORDER BY target_id",
            "SELECT * FROM pgimport.target_column ORDER BY target_id",
            "SELECT * FROM pgimport.file ORDER BY job_id, file_no",
            "SELECT * FROM pgimport.issue ORDER BY issue_id",
            "SELECT * FROM pgimport.job_event ORDER BY event_id",
            "SELECT * FROM pgimport.job_write ORDER BY job_id",
            "SELECT * FROM pgimport.role_grant ORDER BY role_name",
            "SELECT name, sha256 FROM pgimport.schema_step ORDER BY name",
            f"SELECT * FROM pgimport_staging.job_{checked.hex}_f1 ORDER BY row_no",
        )
        for query in compare:
            there = rows(restored, query)
            assert there, query
            assert there == rows(empty_dsn, query), query
        goes_on(restored, done, checked)
        if "upgraded" not in mode:
            assert one(restored, "SELECT pgimport.run_maintenance() ->> 'success'") == "true"
            assert one(restored, "SELECT pgimport.verify_install() ->> 'success'") == "true"
        theirs = conninfo.make_conninfo(restored, user=plain_role)
        assert one(theirs, "SELECT pgimport.version()") == _assemble.package_version()
        if "extension" in mode:
            assert one(restored, EXTENSION) == _assemble.package_version()
            do(restored, "ALTER EXTENSION pgimport UPDATE")
        else:
            install(restored)
    finally:
        name = conninfo.conninfo_to_dict(restored)["dbname"]
        do(server.dsn, f'DROP DATABASE "{name}" WITH (FORCE)')


def goes_on(dsn: str, done: Any, checked: Any) -> None:
    """Expect the restored jobs to be used, and new ones to be made."""
    with psycopg.connect(dsn) as conn:
        client = Client(conn)
        plan = client.plan_rollback(done)
        # no transaction id means anything here: the rows are known by their fingerprints
        assert (plan.delete, plan.rewritten, plan.modified, plan.already_gone) == (2, 2, 0, 0)
        assert plan.warnings
        assert client.rollback_job(done).rows_deleted == 2
        # identity columns go on behind what was restored
        new = imported(conn, "X", "Y", "Z")
        assert client.rollback_job(new).rows_deleted == 3
        assert len(client.check_job(checked).raw["counts"]) > 0
        assert client.insert_job(checked).rows_inserted == 2


def restore(server: EmbeddedServer, dsn: str, folder: Path) -> str:
    """Dump a database and restore it into a new one of the same server."""
    dump = subprocess.run(
        [str(server.binary("pg_dump")), "-d", dsn, "-Fc", "-f", str(folder / "dump")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert dump.returncode == 0, dump.stderr
    name = f"restored_{os.urandom(6).hex()}"
    do(server.dsn, f'CREATE DATABASE "{name}"')
    target = conninfo.make_conninfo(dsn, dbname=name)
    done = subprocess.run(
        [
            str(server.binary("pg_restore")),
            "--exit-on-error",
            "-d",
            target,
            str(folder / "dump"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


# files


def test_schema_files_of_a_release_are_never_changed() -> None:
    listed = {}
    for line in (ROOT / "schema" / "frozen.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") and line.strip():
            digest, name = line.split()
            listed[name] = digest
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (ROOT / "schema").glob("*.sql")
        if path.name in listed
    }
    assert there == listed
    names = [path.name for path in _assemble.schema_files(ROOT)]
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]


def test_the_wheel_carries_the_sql_that_a_checkout_has(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    built = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("pgimport-*.whl")
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    for room in ("schema", "functions"):
        there = {
            path.relative_to(unpacked / "pgimport" / "sql"): path.read_bytes()
            for path in (unpacked / "pgimport" / "sql" / room).rglob("*.sql")
        }
        here = {path.relative_to(ROOT): path.read_bytes() for path in (ROOT / room).rglob("*.sql")}
        assert there == here
    assert (unpacked / "pgimport" / "py.typed").is_file()
    # away from the checkout, and before it on the path
    path = [str(unpacked), *filter(None, [os.environ.get("PYTHONPATH")])]
    for words in ([], ["--extension"]):
        printed = subprocess.run(
            [sys.executable, "-P", "-m", "pgimport.cli", "sql", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            capture_output=True,
            check=True,
        ).stdout.decode("utf-8")
        assert printed == _assemble.assemble(extension=bool(words))
    shutil.rmtree(unpacked)


def test_the_assembler_runs_without_the_package(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "python/pgimport/_assemble.py"), "--from", OLDER],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout.decode("utf-8")
    assert printed == _assemble.assemble(extension=True)
    assert re.match(r'\\echo Use "CREATE EXTENSION pgimport" to load this file\. \\quit', printed)
