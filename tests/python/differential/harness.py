"""Prepares a database for comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

__all__ = ["prepare"]

_OPTIONAL = {
    "citext": "CREATE EXTENSION citext SCHEMA public",
    "hstore": "CREATE EXTENSION hstore SCHEMA public",
    "ltree": "CREATE EXTENSION ltree SCHEMA public",
    "btree_gist": "CREATE EXTENSION btree_gist SCHEMA public",
    "xml": "SELECT '<a/>'::xml",
    "ci": "CREATE COLLATION differential.ci (provider = icu, locale = 'und-u-ks-level2', "
    "deterministic = false)",
    # virtual columns, NOT ENFORCED, NOT NULL … NOT VALID, WITHOUT OVERLAPS
    "virtual": "CREATE TEMP TABLE v (a integer, b integer GENERATED ALWAYS AS (a) VIRTUAL)",
}


def prepare(conn: psycopg.Connection[Any]) -> frozenset[str]:
    """Make the types of the random tables; say what this server has of what not each has."""
    conn.execute(Path(__file__).with_name("prelude.sql").read_bytes())
    conn.execute("CREATE SEQUENCE differential.numbers")
    features = set()
    for feature, statement in _OPTIONAL.items():
        try:
            conn.execute(statement.encode())
        except psycopg.Error:
            continue
        features.add(feature)
    return frozenset(features)
