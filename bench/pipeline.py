"""The whole life of an import through the client, by phase; and its rollback."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data import TARGET, TEMPLATE, Reference
from bench.measure import Memory, run_module, timed
from bench.proof import Content, count_rows, imported, same
from bench.server import BenchServer
from pgimport import Client

_DATABASE = "bench_pipeline"


@dataclass(frozen=True)
class Life:
    """One import and its rollback.

    Attributes:
        phases: seconds of headers, stage, check, insert and verify.
        rollback: seconds of the rollback of the whole job.
        memory: of the client's process. content: what the table held, when asked for.

    """

    phases: dict[str, float]
    rollback: float
    memory: Memory
    content: Content | None

    @property
    def seconds(self) -> float:
        """Seconds of the whole, without the rollback."""
        return sum(self.phases.values())


def run(server: BenchServer, reference: Reference, with_content: bool) -> Life:
    """Import the files, verify, roll back.

    Raises:
        WrongResultError: counts are not as the generator says, or it is not verified, or the
        rollback leaves another number of rows than there were before.

    """
    dsn = server.fresh(_DATABASE, TEMPLATE)
    answer, memory = run_module(
        "bench.client",
        {
            "do": "import",
            "dsn": dsn,
            "target": TARGET,
            "paths": [str(reference.data)],
            "jobs": 2,
        },
    )
    expected = reference.expected
    same(
        "pipeline",
        {**answer["counts"], **{name: answer[name] for name in answer if name != "counts"}},
        {
            "files": expected.files,
            "total_rows": expected.total_rows,
            "invalid_rows": expected.invalid_rows,
            "internal_duplicates": expected.internal_duplicates,
            "database_duplicates": expected.database_duplicates,
            "both_duplicates": expected.both_duplicates,
            "clean_rows": expected.clean_rows,
            "rows_inserted": expected.clean_rows,
            "verified": True,
            "failed": [],
        },
    )
    with server.connect(_DATABASE) as conn:
        content = imported(conn) if with_content else None
        with timed() as taken:
            undone = Client(conn).rollback_job(answer["job_id"], "refuse", "benchmark")
        same(
            "rollback",
            {"rows_deleted": undone.rows_deleted, "rows": count_rows(conn)},
            {"rows_deleted": expected.clean_rows, "rows": reference.shape.existing},
        )
    server.drop(_DATABASE)
    return Life(answer["phases"], taken.value, memory, content)
