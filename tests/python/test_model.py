"""pgimport does what a model of it in plain Python does: random imports, people, rollbacks.

An example is a list of steps on the tables of one kind (module ``model_kinds``): jobs that insert
or update, rows that people add, change and delete, rollbacks in every mode, redos. After each step
the tables, all counts, the plans with their lists and the proofs are what ``model`` says. Half of
the examples run in one transaction, half commit each step.

PGIMPORT_TEST_EXAMPLES: how many examples over all kinds, 500 by default. PGIMPORT_TEST_SEED:
another seed than the usual one (make soak draws one); a failure prints it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import hypothesis
import psycopg
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

import model
from model_kinds import KINDS, PLAIN, SOFT, Kind
from model_machine import IMPORTER, Machine, prepare, unguard
from model_steps import Step, steps
from pgimport import _assemble
from pgimport.embedded import EmbeddedServer, find_servers

NAMED = os.environ.get("PGIMPORT_TEST_SERVER")
EXAMPLES = int(os.environ.get("PGIMPORT_TEST_EXAMPLES", "500"))
# another test's seed may have a number behind it
SEED = int((os.environ.get("PGIMPORT_TEST_SEED") or "1").partition(":")[0])

#: what must have happened in some example or other
HAPPENED = (
    "insert skip: done", "insert skip: rows_rejected", "insert skip: PI404", "insert error: done",
    "insert error: PI405", "insert update: rows_updated", "insert update: rows_unchanged",
    "rollback refuse: PI504, modified", "rollback refuse: PI504, later",
    "rollback refuse: done, delete", "rollback refuse: done, restore",
    "rollback refuse: done, gone", "rollback refuse: done, soft",
    "rollback refuse: done, option where", "rollback refuse: done, partial",
    "rollback refuse: done, option with_later", "rollback refuse: done, redone",
    "rollback keep_modified: done, modified", "rollback keep_modified: done, mixed",
    "rollback force: done, modified", "rollback force: done, mixed", "rollback force: done, later",
    "rollback cascade: done, dependents", "rollback cascade: done, option forced",
    "redo: done", "redo: PI315", "redo soft: done",
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A server of this test's own, with pgimport."""
    found = find_servers()
    version = int(NAMED) if NAMED else 15 if 15 in found else max(found)
    with EmbeddedServer.for_tests(version) as server:
        with psycopg.connect(server.dsn, autocommit=True) as conn:
            conn.execute(_assemble.assemble())
            conn.execute(f"CREATE ROLE {IMPORTER}")
            unguard(conn)
        yield server


def explore(server: Any, kind: Kind, examples: int, *, shrink: bool = True) -> Counter[str]:
    """Try examples on one kind of tables; tell what happened in them."""
    seen: Counter[str] = Counter()
    with psycopg.connect(server.dsn, autocommit=True, prepare_threshold=None) as conn:
        prepare(conn, kind)

        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(steps(kind), st.booleans())
        def holds(program: list[Step], one_transaction: bool) -> None:
            machine = Machine(conn, kind, seen)
            with machine.example(one_transaction=one_transaction):
                for step in program:
                    machine.apply(step)
                machine.finish()
            seen["examples"] += 1

        holds()
    return seen


@pytest.fixture(scope="module")
def outcomes(server: EmbeddedServer) -> dict[str, Future[Counter[str]]]:
    """Try all kinds, two side by side."""
    share = -(-EXAMPLES // len(KINDS))
    with ThreadPoolExecutor(max_workers=2) as executor:
        return {kind.name: executor.submit(explore, server, kind, share) for kind in KINDS}


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_imports_and_rollbacks_do_what_the_model_does(
    outcomes: dict[str, Future[Counter[str]]], kind: str
) -> None:
    failure = outcomes[kind].exception()
    if failure is not None:
        failure.add_note(f"PGIMPORT_TEST_SEED={SEED}")
        raise failure


@pytest.mark.skipif(EXAMPLES < 500, reason="too few examples for all of it")
def test_everything_that_the_model_knows_happens(
    outcomes: dict[str, Future[Counter[str]]],
) -> None:
    if any(outcome.exception() for outcome in outcomes.values()):
        pytest.skip("not all examples were tried: one of them failed")
    seen: Counter[str] = Counter()
    for outcome in outcomes.values():
        seen.update(outcome.result())
    assert seen["examples"] >= EXAMPLES, f"PGIMPORT_TEST_SEED={SEED}"
    missing = [name for name in HAPPENED if not seen[name]]
    assert not missing, f"PGIMPORT_TEST_SEED={SEED}: {sorted(seen.items())}"


# the comparison itself can fail


def blind_to_changes(table: model.Table, row: model.Row) -> tuple[model.Value, ...]:
    """Remember the key of a row alone."""
    return table.alike(row.cells)


def never_later(*_: object) -> bool:
    """Overlook jobs that stand on others."""
    return False


@pytest.mark.parametrize(
    ("kind", "name", "wrong"),
    [
        (PLAIN, "print_of", staticmethod(blind_to_changes)),
        (PLAIN, "_is_later", never_later),
        (PLAIN, "verified", lambda *_: True),
        (SOFT, "alive", lambda self, table: self.rows[table.name]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_model_that_is_wrong_is_found_out(
    server: EmbeddedServer,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: dict[str, Future[Counter[str]]],
    kind: Kind,
    name: str,
    wrong: Callable[..., Any],
) -> None:
    assert outcomes
    monkeypatch.setattr(model.Model, name, wrong)
    with pytest.raises((AssertionError, psycopg.Error)):
        explore(server, kind, 200, shrink=False)
