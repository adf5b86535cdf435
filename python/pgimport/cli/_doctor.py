"""What ``pgimport doctor`` looks at.

What the connection and the versions tell is looked at here; all else is the function doctor().
"""

from __future__ import annotations

from typing import Any

import psycopg

from pgimport import __version__
from pgimport.cli._app import State, StopCommand, installed_version, shown_command
from pgimport.errors import PgImportError


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
    return findings + _of_database(connection)


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


def _of_database(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Return what the database itself finds: rights, settings, targets, jobs, staging."""
    from pgimport.client import Client

    try:
        found = Client(connection).doctor()
    except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName):
        return []  # not installed, or an older version: a finding says so already
    except psycopg.Error as error:
        message = error.diag.message_primary or str(error)
        return [_finding("doctor", "problem", message, "the database could not look at itself")]
    return [
        _finding(row.what or "", row.status or "ok", row.found or "", row.why, row.mend)
        for row in found
    ]
