"""Random partitioning: by list, range or hash of columns of the key, with gaps."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .kinds import Kind
from .situation import Column, Statement, literal, quoted

__all__ = ["Partitioning", "make_partitioning", "make_partitions"]


@dataclass(frozen=True)
class Partitioning:
    """How a table is partitioned: the clause, and the values by which it is."""

    method: str
    column: str
    clause: str
    pools: tuple[tuple[str, ...], ...]


def make_partitioning(
    rng: Random,
    table: str,
    columns: list[Column],
    kinds: list[Kind],
    pools: list[list[str]],
    key: list[int],
) -> Partitioning | None:
    """Choose columns and a method; None for an ordinary table."""
    if rng.random() > 0.17:
        return None
    method = rng.choice(("LIST", "RANGE", "RANGE", "HASH"))
    places = key if method == "HASH" or (method == "RANGE" and rng.random() < 0.5) else key[:1]
    if not all(kinds[place].partition for place in places):
        return None
    listed = ", ".join(quoted(columns[place].name) for place in places)
    return Partitioning(
        method,
        quoted(columns[places[0]].name),
        f" PARTITION BY {method} ({listed})",
        tuple(tuple(pools[place]) for place in places),
    )


def _create(rng: Random, table: str, column: str, name: str, bounds: str) -> Statement:
    """A partition, made in place or attached with its columns at other places."""
    if rng.random() < 0.7:
        return Statement("partition", f"CREATE TABLE {name} PARTITION OF {table} {bounds}")
    if rng.random() < 0.2:
        return Statement(
            "partitioned partition",
            f"CREATE TABLE {name} PARTITION OF {table} {bounds} PARTITION BY HASH ({column}); "
            f"CREATE TABLE {name}_0 PARTITION OF {name} FOR VALUES WITH (MODULUS 2, REMAINDER 0); "
            f"CREATE TABLE {name}_1 PARTITION OF {name} FOR VALUES WITH (MODULUS 4, REMAINDER 1)",
        )
    return Statement(
        "attached partition",
        f"CREATE TABLE {name} (gone integer, LIKE {table} INCLUDING ALL EXCLUDING IDENTITY); "
        f"ALTER TABLE {name} DROP COLUMN gone; "
        f"ALTER TABLE {table} ATTACH PARTITION {name} {bounds}",
    )


def make_partitions(rng: Random, table: str, by: Partitioning) -> list[Statement]:
    """Partitions for some of the values."""
    bounds: list[str] = []
    if by.method == "HASH":
        modulus = rng.choice((2, 3))
        bounds = [
            f"FOR VALUES WITH (MODULUS {modulus}, REMAINDER {remainder})"
            for remainder in range(modulus)
            if rng.random() < 0.85
        ]
    elif by.method == "LIST":
        # a text that means a value of another partition spoils one partition only
        for _ in range(3):
            values = [literal(text) for text in rng.sample(by.pools[0], min(len(by.pools[0]), 3))]
            if rng.random() < 0.3:
                values.append("NULL")
            bounds.append(f"FOR VALUES IN ({', '.join(values)})")
        bounds += [f"FOR VALUES IN ({literal(text)})" for text in by.pools[0]]
    else:
        edges = sorted(by.pools[0], key=lambda text: (len(text), text))
        for low, high in zip(["MINVALUE", *edges[::3]], [*edges[::3], "MAXVALUE"], strict=True):
            if rng.random() < 0.9:
                bounds.append(f"FOR VALUES FROM ({_edge(by, low)}) TO ({_edge(by, high)})")
    if rng.random() < 0.15 and by.method != "HASH":
        bounds.append("DEFAULT")
    return [
        _create(rng, table, by.column, f"part_{number}", bound)
        for number, bound in enumerate(bounds, start=1)
        if rng.random() < 0.95
    ]


def _edge(by: Partitioning, first: str) -> str:
    word = first if first in ("MINVALUE", "MAXVALUE") else literal(first)
    return ", ".join([word] + ["MINVALUE" if word != "MAXVALUE" else word] * (len(by.pools) - 1))
