"""The check refuses exactly the rows that INSERT refuses: random tables, random rows.

Every table is judged twice, inside a transaction that is rolled back: by INSERT, row by row, and
by pgimport (see the package ``differential``; what differs on purpose stands in its module
``differences``). Both servers, 15 and 18, are tried in one run, unless PGIMPORT_TEST_SERVER names
one.

PGIMPORT_TEST_TABLES: how many tables a server, 300 by default. PGIMPORT_TEST_SEED: another seed
than the usual one (make soak draws one); a failure prints it, and seed:number is one of its tables.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from differential import compare, harness, product, tables
from differential.compare import Result
from differential.database import Refusal
from differential.oracle import Truth
from differential.product import Issue, Verdict
from pgimport import _assemble
from pgimport.embedded import EmbeddedServer, find_servers

NAMED = os.environ.get("PGIMPORT_TEST_SERVER")
SERVERS = [int(NAMED)] if NAMED else [15, 18]
TABLES = int(os.environ.get("PGIMPORT_TEST_TABLES", "300"))
SEED = os.environ.get("PGIMPORT_TEST_SEED") or "1"
SHOWN = 3
CODES: tuple[str, ...] = (
    "required",
    "bad_",
    "too_long",
    "out_of_range",
    "not_allowed",
    "check",
    "foreign_key",
)
CODES += ("unique", "exclusion", "generated", "no_partition")


@dataclass(frozen=True)
class Place:
    """A database with pgimport and the types of the random tables."""

    conn: psycopg.Connection[Any]
    features: frozenset[str]

    def compare(self, seed: str) -> Result:
        return compare.compare(self.conn, tables.make_situation(seed, self.features))


@contextlib.contextmanager
def prepared(major: int) -> Iterator[Place]:
    """A server with all that the random tables need."""
    with (
        EmbeddedServer.for_tests(major) as server,
        psycopg.connect(server.dsn, autocommit=True) as conn,
    ):
        conn.execute(_assemble.assemble())
        yield Place(conn, harness.prepare(conn))


@pytest.fixture(scope="module")
def places() -> Iterator[dict[int, Place]]:
    """Each server that is here."""
    with contextlib.ExitStack() as stack:
        yield {
            major: stack.enter_context(prepared(major))
            for major in SERVERS
            if major in find_servers()
        }


@pytest.fixture(scope="module")
def judged(places: dict[int, Place]) -> dict[int, list[Result]]:
    """The comparisons of this run: the servers work side by side."""
    seeds = [SEED] if ":" in SEED else [f"{SEED}:{number}" for number in range(TABLES)]

    def judge(place: Place) -> list[Result]:
        return [place.compare(seed) for seed in seeds]

    with ThreadPoolExecutor(max_workers=len(SERVERS)) as executor:
        return dict(zip(places, executor.map(judge, places.values()), strict=True))


@pytest.fixture(params=SERVERS, ids="PostgreSQL {}".format)
def major(request: pytest.FixtureRequest) -> int:
    if request.param not in find_servers():
        pytest.skip(f"PostgreSQL {request.param} is not on this machine")
    return int(request.param)


@pytest.fixture
def place(places: dict[int, Place], major: int) -> Place:
    return places[major]


@pytest.fixture
def results(judged: dict[int, list[Result]], major: int) -> list[Result]:
    return judged[major]


def test_the_check_refuses_the_rows_that_insert_refuses(
    place: Place, results: list[Result]
) -> None:
    deviating = [result for result in results if result.deviations]
    causes = Counter(cause for r in deviating for cause in {d.cause for d in r.deviations})
    first = {d.cause: r.situation.seed for r in reversed(deviating) for d in r.deviations}
    shown = [compare.report(compare.shrink(place.conn, result)) for result in deviating[:SHOWN]]
    assert not deviating, "\n".join(
        [
            f"{len(deviating)} of {len(results)} tables, PGIMPORT_TEST_SEED={SEED}",
            *(f"{n} x {cause} (seed {first[cause]})" for cause, n in causes.most_common()),
            *shown,
        ]
    )


@pytest.mark.skipif(TABLES < 200 or ":" in SEED, reason="too few tables for all of it")
def test_the_tables_have_all_that_can_refuse_a_row(results: list[Result]) -> None:
    made = Counter(feature for result in results for feature in result.made)
    assert {
        "check", "check of columns", "check NOT VALID", "check of computed", "generated stored",
        "unique", "unique deferrable", "unique nulls not distinct", "unique expression",
        "partial unique", "exclude", "foreign key", "foreign key deferrable",
        "composite foreign key", "composite foreign key MATCH FULL", "self reference", "partition",
        "attached partition",
    } <= made.keys(), f"PGIMPORT_TEST_SEED={SEED}"  # fmt: skip
    codes = Counter(r.code for result in results for r in result.truth.refused.values())
    assert {"22001", "22003", "22007", "22012", "22P02", "23502", "23503", "23505", "23514"} | {
        "23P01"
    } <= codes.keys(), f"PGIMPORT_TEST_SEED={SEED}"
    rows = sum(len(result.situation.rows) for result in results)
    assert 0.2 < sum(codes.values()) / rows < 0.8, f"PGIMPORT_TEST_SEED={SEED}"


# the comparison itself can fail


def blind(result: Result, code: str) -> Result:
    """The same with issues of one code overlooked."""
    verdict = replace(
        result.verdict, classes=dict(result.verdict.classes), issues=dict(result.verdict.issues)
    )
    for row, issues in result.verdict.issues.items():
        verdict.issues[row] = [i for i in issues if not i.code.startswith(code)]
        if not verdict.issues[row] and verdict.classes.get(row) == "invalid":
            verdict.classes[row] = "insert"
    return replace(
        result, verdict=verdict, deviations=compare.differences_of(result.truth, verdict)
    )


@pytest.mark.skipif(TABLES < 200 or ":" in SEED, reason="too few tables for all of it")
@pytest.mark.parametrize("code", CODES)
def test_a_check_that_overlooks_one_kind_of_issue_is_found_out(
    results: list[Result], code: str
) -> None:
    equal = [result for result in results if not result.deviations]
    assert any(
        deviation.sort == "missed"
        for result in equal
        for deviation in blind(result, code).deviations
    ), f"PGIMPORT_TEST_SEED={SEED}"


def verdict_of(**classes: str) -> Verdict:
    """Classes by rows r1, r2 …"""
    return Verdict({int(name[1:]): class_ for name, class_ in classes.items()})


def refusal(code: str, *, by_key: bool = False, otherwise: bool = False) -> Refusal:
    return Refusal(code, "message", "t", "c", by_key, otherwise)


@pytest.mark.parametrize(
    ("truth", "verdict", "sort"),
    [
        (Truth({1: refusal("23514")}), verdict_of(r1="insert"), "missed"),
        (Truth({1: refusal("23505", by_key=True)}), verdict_of(r1="insert"), "missed"),
        (Truth(), verdict_of(r1="invalid"), "refused though INSERT takes it"),
        (Truth(), verdict_of(r1="skip"), "refused though INSERT takes it"),
        (Truth({1: refusal("23505", by_key=True)}), verdict_of(r1="invalid"), "a duplicate, not"),
        (Truth({1: refusal("23514")}), verdict_of(r1="skip"), "invalid, not"),
        (Truth(), Verdict(trouble="check: XX000"), "raised"),
        (Truth(), Verdict({1: "insert"}, trouble="insert: 23505"), "trouble"),
        (Truth(content=Counter("a")), verdict_of(r1="insert"), "not in the table"),
        (Truth(), Verdict({1: "insert"}, content=Counter("a")), "in the table instead"),
        (Truth({1: refusal("23514")}), verdict_of(r1="invalid"), None),
        (Truth({1: refusal("23505", by_key=True)}), verdict_of(r1="skip"), None),
        (
            Truth({1: refusal("23505", by_key=True, otherwise=True)}),
            Verdict({1: "invalid"}, {1: [Issue("a", "check:c", "message")]}),
            None,
        ),
    ],
)
def test_the_comparison_names_each_sort_of_deviation(
    truth: Truth, verdict: Verdict, sort: str | None
) -> None:
    found = [deviation.sort for deviation in compare.differences_of(truth, verdict)]
    assert found == ([sort] if sort else [])


def test_a_deviation_is_made_small(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a check that overlooks missing values, one row is left, and no constraint."""
    checked = product.check

    def overlooking(*arguments: Any) -> tuple[str, Verdict]:
        job, verdict = checked(*arguments)
        return job, blind(Result(arguments[1], Truth(), verdict, []), "required").verdict

    monkeypatch.setattr(product, "check", overlooking)
    for number in range(100):
        result = place.compare(f"missing:{number}")
        if any(d.sort == "missed" and "null value" in d.why for d in result.deviations):
            break
    small = compare.shrink(place.conn, result)
    assert len(small.situation.rows) <= 2
    assert "==> missed" in compare.report(small)


def test_the_same_seed_makes_the_same_table_and_rows(place: Place) -> None:
    assert tables.make_situation("1:1", place.features) == tables.make_situation(
        "1:1", place.features
    )
