"""Plans must not collapse on other shapes: each is one row of this part of the benchmark.

A shape is a table, the rows that are in it and the files of a job, made in SQL from numbers. Plain
COPY of exactly the clean rows goes into a copy of the same database as the import does.
"""

from __future__ import annotations

from bench.result import Figure
from bench.server import BenchServer
from bench.shapes import catalogue, measure, small
from bench.shapes.shape import Shape

# our own bar: nobody promised more than that no plan collapses
AT_MOST = 1.5
# below this a job's fixed cost is more than that of its rows, and the bar says nothing
_MEANT = 1_000_000


def run(server: BenchServer, rows: int) -> list[Figure]:
    """Measure all shapes, each with a tenth of ``rows``; a wrong number raises WrongResultError."""
    server.fresh(measure.TEMPLATE)
    server.install(measure.TEMPLATE)
    linguistic = _linguistic_collation(server)
    figures: list[Figure] = []
    whole = 0.0
    for shape in catalogue.all_shapes(max(rows // 10, 1000), linguistic):
        measured = measure.measure(server, shape)
        whole = whole or measured.plain
        bar = AT_MOST if rows >= _MEANT else None
        figures.append(_figure(shape, measured, whole, bar, linguistic))
    figures.extend(small.figures(server, _huge(rows)))
    server.drop(measure.TEMPLATE)
    return figures


def _figure(
    shape: Shape,
    measured: measure.Measured,
    whole: float,
    bar: float | None,
    linguistic: str | None,
) -> Figure:
    """Return the row of a shape. whole: seconds of plain COPY of the first shape."""
    few = shape.clean * 10 < shape.rows
    plain = whole if few else measured.plain
    notes = [
        f"{measured.pipeline / shape.rows * 1e6:.1f} µs a row "
        f"({shape.rows:,} rows, {shape.clean:,} clean)",
        f"P {plain:.2f} s" + (f", that of {shape.rows:,} clean rows" if few else ""),
        measure.words(measured.phases),
    ]
    if shape.name == "text key" and linguistic is None:
        notes.append("this server has no linguistic collation to compare with")
    return Figure(
        "shapes",
        shape.name,
        [measured.pipeline / plain],
        "ratio",
        bar,
        note="; ".join(notes),
    )


def _huge(rows: int) -> int:
    """Rows of the table that ten rows are imported into."""
    if rows >= 10_000_000:
        return 100_000_000
    return 5_000_000 if rows >= _MEANT else 1_000_000


def _linguistic_collation(server: BenchServer) -> str | None:
    """Name of a collation that sorts as a dictionary of English does, None where there is none."""
    with server.connect(measure.TEMPLATE) as conn:
        row = conn.execute(
            "SELECT c.collname FROM pg_collation AS c WHERE c.collisdeterministic "
            "AND c.collencoding IN (-1, (SELECT d.encoding FROM pg_database AS d "
            "WHERE d.datname = current_database())) "
            "AND c.collname IN ('en-x-icu', 'en_US.utf8', 'en_US', 'und-x-icu') "
            "ORDER BY c.collname LIMIT 1"
        ).fetchone()
    return str(row[0]) if row else None
