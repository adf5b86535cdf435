"""pgimport does what a model of it in plain Python does: random imports, people, rollbacks.

An example is a list of steps on the tables of one kind (model_kinds): jobs that insert or update,
rows that people add, change and delete, rollbacks, redos. After every step the tables, all counts,
plans and proofs are what the model (module ``model``) says.

PGIMPORT_TEST_EXAMPLES: how many examples, over all kinds. PGIMPORT_TEST_SEED: another seed than the
usual one (make soak draws one); a failure prints it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import hypothesis
import psycopg
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from model_kinds import KINDS, Kind
from model_machine import IMPORTER, Machine, prepare
from model_steps import Step, steps
from pgimport import _assemble
from pgimport.embedded import EmbeddedServer, find_servers

NAMED = os.environ.get("PGIMPORT_TEST_SERVER")
EXAMPLES = int(os.environ.get("PGIMPORT_TEST_EXAMPLES", "500"))
SEED = int(os.environ.get("PGIMPORT_TEST_SEED") or "1")
PHASES = (Phase.generate,) if os.environ.get("MODEL_NO_SHRINK") else (Phase.generate, Phase.shrink)
#: ways with duplicates and modes of rollbacks that take part
WAYS = os.environ.get("MODEL_WAYS", "skip,update,update,error").split(",")
MODES = os.environ.get("MODEL_MODES", "refuse,keep_modified,force,cascade").split(",")


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A server of this test's own, with pgimport."""
    found = find_servers()
    version = int(NAMED) if NAMED else 15 if 15 in found else max(found)
    with EmbeddedServer.for_tests(version) as server:
        with psycopg.connect(server.dsn, autocommit=True) as conn:
            conn.execute(_assemble.assemble())
            conn.execute(f"CREATE ROLE {IMPORTER}")
        yield server


def explore(server: EmbeddedServer, kind: Kind, examples: int) -> None:
    """Try examples on one kind of tables."""
    with psycopg.connect(server.dsn, autocommit=True, prepare_threshold=None) as conn:
        prepare(conn, kind)

        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=False,
            report_multiple_bugs=False,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(steps(kind, WAYS, MODES), st.booleans())
        def holds(program: list[Step], one_transaction: bool) -> None:
            machine = Machine(conn, kind)
            with machine.example(one_transaction=one_transaction):
                for step in program:
                    machine.apply(step)

        holds()


@pytest.fixture(scope="module")
def outcomes(server: EmbeddedServer) -> dict[str, Future[None]]:
    """Try all kinds, two side by side."""
    share = -(-EXAMPLES // len(KINDS))
    with ThreadPoolExecutor(max_workers=2) as executor:
        return {kind.name: executor.submit(explore, server, kind, share) for kind in KINDS}


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_imports_and_rollbacks_do_what_the_model_does(
    outcomes: dict[str, Future[None]], kind: str
) -> None:
    try:
        outcomes[kind].result()
    except BaseException:
        print(f"PGIMPORT_TEST_SEED={SEED}")
        raise
