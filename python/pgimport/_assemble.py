#!/usr/bin/env python3
"""Assemble schema/ and functions/ into the one SQL text that installs and upgrades pgimport.

The text is a single ``DO`` statement. It therefore either happens as a whole or not at all, however
it is run: by psql with or without ``-1``, by psycopg inside the caller's transaction, by CREATE
EXTENSION. Files of schema/ run once, as the ledger ``pgimport.schema_step`` tells; everything else
runs every time.

Needs nothing but the standard library, so that a checkout can be assembled without installing:
``python python/pgimport/_assemble.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_OUTER_TAG = "$pgimport_install$"
_FILE_TAG = "$pgimport_file$"
_STEP = re.compile(r"^[0-9]{4}_[a-z0-9_]+\.sql$")


def sql_root() -> Path:
    """Return the folder that holds ``schema/`` and ``functions/``.

    In an installed package this is its ``sql`` folder, in a checkout the repository.
    """
    for root in (_HERE / "sql", _HERE.parent.parent):
        if (root / "schema" / "begin.sql").is_file():
            return root
    raise FileNotFoundError(f"the SQL of pgimport is neither in {_HERE} nor around it")


def package_version() -> str:
    """Return the version of this package, read without importing it."""
    text = (_HERE / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([0-9]+\.[0-9]+\.[0-9]+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError(f"no __version__ in {_HERE / '__init__.py'}")
    return found.group(1)


def schema_files(root: Path) -> list[Path]:
    """Return the files of schema/ that run once each, in order."""
    return sorted(path for path in (root / "schema").iterdir() if _STEP.match(path.name))


def function_files(root: Path) -> list[Path]:
    """Return the files of functions/, folder by folder; private ones (``_``) come first."""
    folders = sorted(path for path in (root / "functions").iterdir() if path.is_dir())
    return [path for folder in folders for path in sorted(folder.glob("*.sql"))]


def assemble(*, extension: bool = False, version: str | None = None) -> str:
    """Return the text that installs pgimport, or upgrades it from any earlier version.

    Args:
        extension: the text of an extension script (for CREATE and ALTER EXTENSION alike).
        version: what to install as; tests use it to make upgrades. Default: this package's.

    Raises:
        FileNotFoundError: the SQL files are not there.
        ValueError: a file cannot be quoted because it holds the quoting tag itself.
    """
    root = sql_root()
    version = version or package_version()
    functions = function_files(root)
    digest = hashlib.sha256()
    for path in functions:
        digest.update(_read(path).encode("utf-8"))

    head = [
        f"-- pgimport {version}: installs or upgrades as one statement; run it as the role that is",
        "-- to own pgimport. It needs CREATE on the database, nothing else.",
    ]
    if extension:
        head.insert(0, '\\echo Use "CREATE EXTENSION pgimport" to load this file. \\quit')
    body = [
        "DECLARE",
        "    v_search_path CONSTANT text := pg_catalog.current_setting('search_path');",
        "    v_body text;",
        "    v_sha256 text;",
        "    v_known text;",
        "BEGIN",
        "PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);",
        f"PERFORM pg_catalog.set_config('pgimport.install_version', '{version}', true);",
        "PERFORM pg_catalog.set_config('pgimport.install_mode', "
        f"'{'extension' if extension else 'plain'}', true);",
        _run(root, root / "schema" / "begin.sql"),
        *(_step(root, path, version) for path in schema_files(root)),
        *(_run(root, path) for path in functions),
        _run(root, root / "schema" / "end.sql"),
        "INSERT INTO pgimport.schema_step AS s (name, version, sha256)",
        f"VALUES ('functions', '{version}', '{digest.hexdigest()}')",
        "ON CONFLICT (name) DO UPDATE",
        "SET version = excluded.version, sha256 = excluded.sha256,",
        "    applied_at = excluded.applied_at, applied_by = excluded.applied_by",
        "WHERE (s.version, s.sha256) IS DISTINCT FROM (excluded.version, excluded.sha256);",
        "PERFORM pg_catalog.set_config('pgimport.install_version', '', true);",
        "PERFORM pg_catalog.set_config('pgimport.install_mode', '', true);",
        "PERFORM pg_catalog.set_config('search_path', v_search_path, true);",
        "END;",
    ]
    return "\n".join([*head, f"DO {_OUTER_TAG}", *body, f"{_OUTER_TAG};", ""])


def _read(path: Path) -> str:
    text = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    for tag in (_OUTER_TAG, _FILE_TAG):
        if tag in text:
            raise ValueError(f"{path.name} holds {tag}, by which files are quoted")
    return text


def _run(root: Path, path: Path) -> str:
    name = path.relative_to(root).as_posix()
    return f"\n-- {name}\nEXECUTE {_FILE_TAG}{_read(path)}{_FILE_TAG};"


def _step(root: Path, path: Path, version: str) -> str:
    name = path.relative_to(root).as_posix()
    return f"""
-- {name}
v_body := {_FILE_TAG}{_read(path)}{_FILE_TAG};
v_sha256 := encode(sha256(convert_to(v_body, 'UTF8')), 'hex');
SELECT s.sha256 INTO v_known FROM pgimport.schema_step AS s WHERE s.name = '{path.stem}';
IF NOT FOUND THEN
    EXECUTE v_body;
    INSERT INTO pgimport.schema_step (name, version, sha256)
    VALUES ('{path.stem}', '{version}', v_sha256);
ELSIF v_known <> v_sha256 THEN
    RAISE EXCEPTION USING
        ERRCODE = 'PI903',
        MESSAGE = 'step "{path.stem}" was applied here from another text',
        DETAIL = format('Applied: sha256 %s. In this script: %s.', v_known, v_sha256),
        HINT = 'Install with an unchanged release of pgimport: applied steps are never edited.';
END IF;"""


def main(arguments: list[str] | None = None) -> int:
    """Write the assembled text to standard output."""
    parser = argparse.ArgumentParser(description="Write the SQL that installs pgimport.")
    parser.add_argument("--extension", action="store_true", help="as an extension script")
    parser.add_argument(
        "--from",
        dest="from_version",
        metavar="VERSION",
        help="as the update script from VERSION (the same text; implies --extension)",
    )
    options = parser.parse_args(arguments)
    text = assemble(extension=options.extension or options.from_version is not None)
    sys.stdout.buffer.write(text.encode("utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
