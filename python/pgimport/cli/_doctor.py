"""What ``pgimport doctor`` looks at."""

from __future__ import annotations

from typing import Any

import psycopg

from pgimport import __version__
from pgimport.cli._app import State, StopCommand, installed_version, shown_command
from pgimport.errors import PgImportError

_MB = 1024 * 1024

# setting, smallest value that does not slow imports (bytes, seconds or a number), why, value to set
_SETTINGS = (
    (
        "max_wal_size",
        4096 * _MB,
        "a smaller one makes a checkpoint every few seconds of a large import",
        "ALTER SYSTEM SET max_wal_size = '8GB'; SELECT pg_reload_conf();",
    ),
    (
        "checkpoint_timeout",
        15 * 60,
        "after each checkpoint every page is written to the log as a whole",
        "ALTER SYSTEM SET checkpoint_timeout = '15min'; SELECT pg_reload_conf();",
    ),
    (
        "shared_buffers",
        256 * _MB,
        "the indexes of the target should fit; a quarter of the memory is usual",
        "ALTER SYSTEM SET shared_buffers = '1GB';   -- then restart the server",
    ),
    (
        "work_mem",
        32 * _MB,
        "finding duplicates sorts or hashes all keys; below this it spills to disk",
        "ALTER ROLE CURRENT_USER SET work_mem = '256MB';",
    ),
    (
        "maintenance_work_mem",
        256 * _MB,
        "used when indexes are made",
        "ALTER ROLE CURRENT_USER SET maintenance_work_mem = '1GB';",
    ),
    (
        "max_parallel_workers_per_gather",
        2,
        "with 0 the check for duplicates runs on one core",
        "ALTER ROLE CURRENT_USER SET max_parallel_workers_per_gather = 2;",
    ),
)
_UNITS = {"8kB": 8192, "kB": 1024, "MB": _MB, "s": 1, "min": 60, "ms": 0.001, "B": 1}


def _finding(
    what: str, status: str, found: str, why: str | None = None, mend: str | None = None
) -> dict[str, Any]:
    return {"what": what, "status": status, "found": found, "why": why, "mend": mend}


def examine(state: State, deep: bool = False) -> list[dict[str, Any]]:
    """Everything found, in the order in which it should be mended."""
    try:
        connection = state.connect()
    except StopCommand as stop:
        return [
            _finding("connection", "problem", stop.message, stop.detail or stop.message, stop.hint)
        ]
    where = "the embedded server" if state.uses_embedded else "the server named"
    findings = [_finding("connection", "ok", where)]
    findings += _server(connection)
    findings += _install(state, connection, deep)
    findings += _rights(connection)
    findings += _settings(connection)
    return findings


def _server(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    version = connection.info.server_version
    found = connection.info.parameter_status("server_version") or str(version)
    if version < 150000:
        return [
            _finding(
                "server version",
                "problem",
                found,
                "pgimport needs PostgreSQL 15 or newer",
                "upgrade the server",
            )
        ]
    return [_finding("server version", "ok", found)]


def _install(state: State, connection: psycopg.Connection[Any], deep: bool) -> list[dict[str, Any]]:
    version = installed_version(connection)
    words = state.connection_words()
    if version is None:
        return [
            _finding(
                "pgimport",
                "problem",
                "not installed, or not for this role",
                "nothing works before it is there",
                shown_command(*words, "install"),
            )
        ]
    findings = []
    if version != __version__:
        findings.append(
            _finding(
                "pgimport",
                "problem",
                f"{version} in the database, {__version__} here",
                "command and functions belong together",
                shown_command(*words, "upgrade")
                if _older(version, __version__)
                else f"pip install 'pgimport=={version}'",
            )
        )
    else:
        findings.append(_finding("pgimport", "ok", version))
    return findings + _verify_install(connection, deep)


def _older(left: str, right: str) -> bool:
    def parts(text: str) -> list[int]:
        return [int(part) for part in text.split(".") if part.isdigit()]

    return parts(left) < parts(right)


def _verify_install(connection: psycopg.Connection[Any], deep: bool) -> list[dict[str, Any]]:
    from pgimport.client import Client

    try:
        raw = Client(connection).verify_install(deep or None).raw
    except psycopg.errors.InsufficientPrivilege:
        return [_finding("self-check", "ok", "not for this role: an administrator may run it")]
    except PgImportError as error:
        if error.result is None:
            return [_finding("self-check", "problem", error.message, error.detail, error.hint)]
        raw = getattr(error.result, "raw", error.result)
    findings = [
        _finding(
            f"self-check {check['invariant']}",
            "problem",
            "; ".join(map(str, check["found"][:3])),
            f"does not hold: {check['message']}",
            check["hint"],
        )
        for check in raw["checks"]
        if not check["ok"]
    ]
    return findings or [_finding("self-check", "ok", raw["message"])]


def _rights(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    row = connection.execute(
        "SELECT current_user, r.rolsuper OR r.rolbypassrls,"
        " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"
        " FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user"
    ).fetchone()
    role, above_policies, may_create = row or ("?", False, False)
    findings = []
    if above_policies:
        findings.append(
            _finding(
                "role",
                "ok",
                f'"{role}" is above row-level security: fine for a server of your own',
            )
        )
    else:
        findings.append(_finding("role", "ok", f'"{role}", an ordinary role'))
    found = "this role may install and upgrade" if may_create else "this role may not install"
    findings.append(_finding("right to install", "ok", found))
    targets = connection.execute(
        "SELECT pg_catalog.to_regclass('pgimport.target') IS NOT NULL"
        " AND pg_catalog.has_table_privilege('pgimport.target', 'SELECT')"
    ).fetchone()
    if not (targets and targets[0]):
        return findings
    rows = connection.execute(
        "SELECT t.name, c.oid::pg_catalog.regclass::pg_catalog.text,"
        " pg_catalog.has_table_privilege(c.oid, 'SELECT')"
        " AND pg_catalog.has_table_privilege(c.oid, 'INSERT'),"
        " pg_catalog.has_table_privilege(c.oid, 'DELETE')"
        " FROM pgimport.target AS t"
        " INNER JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schema_name"
        " INNER JOIN pg_catalog.pg_class AS c"
        " ON c.relnamespace = n.oid AND c.relname = t.table_name"
        " WHERE t.dropped_at IS NULL ORDER BY t.name"
    ).fetchall()
    for name, table, may_insert, may_delete in rows:
        missing = [
            right
            for right, held in (("SELECT, INSERT", may_insert), ("DELETE", may_delete))
            if not held
        ]
        if missing:
            findings.append(
                _finding(
                    f"rights on target {name}",
                    "problem",
                    f"{', '.join(missing)} missing",
                    "an import inserts, a rollback deletes, with the rights of whoever calls",
                    f'GRANT {", ".join(missing)} ON {table} TO "{role}";',
                )
            )
    if rows and not any(finding["status"] == "problem" for finding in findings):
        findings.append(_finding("rights on targets", "ok", f"{len(rows)} targets"))
    return findings


def _settings(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    names = [name for name, *_ in _SETTINGS] + ["wal_compression"]
    rows = connection.execute(
        "SELECT name, setting, unit, pg_catalog.current_setting(name)"
        " FROM pg_catalog.pg_settings WHERE name = ANY (%s)",
        [names],
    ).fetchall()
    found = {name: (setting, unit, shown) for name, setting, unit, shown in rows}
    findings = []
    for name, least, why, mend in _SETTINGS:
        if name not in found:
            continue
        setting, unit, shown = found[name]
        value = float(setting) * _UNITS.get(unit or "B", 1)
        good = value >= least
        findings.append(
            _finding(
                name,
                "ok" if good else "advice",
                shown,
                None if good else why,
                None if good else mend,
            )
        )
    if "wal_compression" in found:
        shown = found["wal_compression"][2]
        good = shown != "off"
        findings.append(
            _finding(
                "wal_compression",
                "ok" if good else "advice",
                shown,
                None if good else "page images in the log shrink to a third for little work",
                None if good else "ALTER SYSTEM SET wal_compression = on; SELECT pg_reload_conf();",
            )
        )
    return findings
