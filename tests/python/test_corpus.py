"""Nasty files, each imported into a real server: what must come of them stands beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo, sql

import corpus
from corpus_files import MADE
from pgimport import _assemble

CASES = corpus.read_cases()


@pytest.fixture(scope="module")
def corpus_dsn(postgresql_noproc: Any) -> Iterator[str]:
    """A database for all cases: each leaves its table empty."""
    place = postgresql_noproc
    server = conninfo.make_conninfo("", host=place.host, port=place.port, user=place.user)
    name = f"corpus_{os.urandom(6).hex()}"
    dsn = conninfo.make_conninfo(server, dbname=name)
    with psycopg.connect(server, dbname="postgres", autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            with psycopg.connect(dsn) as made:
                made.execute(_assemble.assemble())
            corpus.make_targets(dsn)
            yield dsn
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.group}/{c.file}") for c in CASES])
def test_a_nasty_file_becomes_these_rows_and_issues(
    corpus_dsn: str, case: corpus.Case, tmp_path: Path
) -> None:
    found = corpus.run(corpus_dsn, case, tmp_path)
    with psycopg.connect(corpus_dsn) as conn:
        version = conn.info.server_version // 10000
    if case.fault is None or version < case.fault_since:
        _compare(case, found)
        return
    with pytest.raises(AssertionError):
        _compare(case, found)
    pytest.xfail(case.fault)


def _compare(case: corpus.Case, found: corpus.Outcome) -> None:
    if case.error is not None:
        code, _, words = case.error.partition(": ")
        assert found.error is not None, found
        assert found.error.startswith(f"{code}: ")
        assert words in found.error
        return
    assert found.error is None
    assert found.issues == case.issues
    assert found.rows == case.wanted
    assert found.verified
    if case.staged is not None:
        assert found.staged == case.staged
    if case.header is not None:
        assert found.header == case.header
    if case.warning is not None:
        assert any(case.warning in warning for warning in found.warnings), found.warnings


def test_every_file_is_used_and_there_are_at_least_150() -> None:
    used = {f"{case.group}/{case.file}" for case in CASES if case.file not in MADE}
    assert used == corpus.stored_files()
    made = {case.file for case in CASES if case.file in MADE}
    assert made == set(MADE)
    assert len(used) + len(made) >= 150


def test_a_case_says_why_it_is_nasty_and_what_must_come_of_it() -> None:
    for case in CASES:
        assert case.why.endswith("."), case
        assert case.error is None or not (case.rows or case.issues), case
