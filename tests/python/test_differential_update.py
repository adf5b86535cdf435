"""A job that updates refuses exactly the rows that UPDATE or INSERT refuse: random tables and rows.

The tables of test_differential.py, with some of the rows there already, rules of columns and files
that lack some of them. Every table is judged twice, inside a transaction that is rolled back: row
by row, and by pgimport (see ``differential.upsert``, also for what differs on purpose); where they
agree the job is inserted, and the tables must be the same afterwards.

PGIMPORT_TEST_TABLES and PGIMPORT_TEST_SEED as there; a sixth of its tables is made.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from differential import tables, upsert
from differential.compare import Result
from differential.product import Verdict
from differential.upsert import Plan
from test_differential import SEED, SERVERS, Place, major, places

__all__ = ["major", "places"]

TABLES = max(1, int(os.environ.get("PGIMPORT_TEST_TABLES", "300")) // 6)
SHOWN = 3


@pytest.fixture(scope="module")
def upserted(places: dict[int, Place]) -> dict[int, list[tuple[Plan, Result]]]:
    """The comparisons of this run: the servers work side by side."""
    seeds = [SEED] if ":" in SEED else [f"{SEED}:{number}" for number in range(TABLES)]

    def judge(place: Place) -> list[tuple[Plan, Result]]:
        made = (tables.make_situation(seed, place.features) for seed in seeds)
        return [upsert.compare_upserts(place.conn, upsert.with_more_existing(s)) for s in made]

    with ThreadPoolExecutor(max_workers=len(SERVERS)) as executor:
        return dict(zip(places, executor.map(judge, places.values()), strict=True))


def test_a_job_that_updates_refuses_the_rows_that_update_and_insert_refuse(
    upserted: dict[int, list[tuple[Plan, Result]]], major: int
) -> None:
    deviating = [(plan, result) for plan, result in upserted[major] if result.deviations]
    causes = Counter(cause for _, r in deviating for cause in {d.cause for d in r.deviations})
    assert not deviating, "\n".join(
        [
            f"{len(deviating)} of {len(upserted[major])} tables, PGIMPORT_TEST_SEED={SEED}",
            *(f"{n} x {cause}" for cause, n in causes.most_common()),
            *(upsert.report(plan, result) for plan, result in deviating[:SHOWN]),
        ]
    )


@pytest.mark.skipif(TABLES < 40 or ":" in SEED, reason="too few tables for all of it")
def test_the_tables_have_rows_of_all_classes_and_few_are_let_through_unseen(
    upserted: dict[int, list[tuple[Plan, Result]]], major: int
) -> None:
    results = [result for _, result in upserted[major]]
    classes = Counter(class_ for r in results for class_ in r.verdict.classes.values())
    rows = sum(classes.values())
    assert all(classes[c] > 0.05 * rows for c in ("insert", "update", "skip", "invalid"))
    codes = Counter(r.code for result in results for r in result.truth.refused.values())
    assert {"22001", "22P02", "23502", "23503", "23505", "23514", "23P01"} <= codes.keys()
    careful = sum(upsert.is_careful(result.truth, result.verdict) for result in results)
    assert careful < 0.25 * len(results), f"PGIMPORT_TEST_SEED={SEED}"


@pytest.mark.skipif(TABLES < 40 or ":" in SEED, reason="too few tables for all of it")
@pytest.mark.parametrize("code", ["required", "check", "unique", "foreign_key"])
def test_a_check_that_overlooks_one_kind_of_issue_is_found_out(
    upserted: dict[int, list[tuple[Plan, Result]]], major: int, code: str
) -> None:
    def blind(verdict: Verdict) -> Verdict:
        issues = {
            row: [i for i in found if not i.code.startswith(code)]
            for row, found in verdict.issues.items()
        }
        classes = {
            row: "update" if class_ == "invalid" and not issues.get(row) else class_
            for row, class_ in verdict.classes.items()
        }
        return Verdict(classes, issues, content=verdict.content)

    assert any(
        deviation.sort == "missed"
        for _, result in upserted[major]
        for deviation in upsert.differences_of(result.truth, blind(result.verdict))
    ), f"PGIMPORT_TEST_SEED={SEED}"
