"""Random rows: mostly values that the columns take, then what goes wrong in files."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .differences import is_excluded
from .kinds import JUNK, Kind
from .situation import Column, Row

__all__ = ["Dirt", "enlarge", "make_pool", "make_rows"]

_TRIES = 20


@dataclass(frozen=True)
class Dirt:
    """How much of what is wrong, as shares of the values (repeated: of the rows)."""

    null: float
    junk: float
    bad: float
    blank: float
    repeated: float


def make_dirt(rng: Random) -> Dirt:
    """Some files are clean, some are not."""
    level = rng.choice((0, 0, 0.5, 1, 1, 3))
    return Dirt(
        null=rng.choice((0.0, 0.03, 0.15)),
        junk=0.01 * level,
        bad=0.02 * level,
        blank=0.02 * level,
        repeated=rng.choice((0.0, 0.05, 0.2)),
    )


def make_pool(rng: Random, kind: Kind) -> list[str]:
    """The texts of one column: few enough that values meet again."""
    good = [text for text in kind.good if not is_excluded(kind.family, text)]
    return rng.sample(good, min(len(good), rng.choice((4, 8, 30))))


def enlarge(rng: Random, kind: Kind, pool: list[str]) -> None:
    """Put more values into a pool, for a column whose values should not meet too often."""
    pool += [text for text in (*kind.good, *_fresh(rng, kind)) if text not in pool]
    pool[:] = [text for text in pool if not is_excluded(kind.family, text)]


def _fresh(rng: Random, kind: Kind) -> list[str]:
    pattern = {
        "number": "{0}",
        "word": "k{0}",
        "uuid": "{0:08d}-0000-4000-8000-000000000000",
        "day": "20{1:02d}-{2:02d}-{3:02d}",
    }.get(kind.fresh)
    if pattern is None:
        return []
    numbers = [rng.randint(20, 400) for _ in range(25)]
    return [pattern.format(n, n % 30, n % 12 + 1, n % 28 + 1) for n in numbers]


def _value(rng: Random, kind: Kind, pool: list[str], dirt: Dirt) -> str | None:
    chance = rng.random()
    if chance < dirt.null:
        return None
    chance -= dirt.null
    if chance < dirt.junk:
        return rng.choice(JUNK)
    chance -= dirt.junk
    if chance < dirt.bad:
        return rng.choice(kind.bad or JUNK)
    chance -= dirt.bad
    text = rng.choice(pool)
    if chance < dirt.blank:
        return rng.choice((" ", "\t", "  ", "\n", "\u00a0")) + text + rng.choice(("", " ", "\r\n"))
    return text


def _allowed_value(rng: Random, kind: Kind, pool: list[str], dirt: Dirt) -> str | None:
    for _ in range(_TRIES):
        text = _value(rng, kind, pool, dirt)
        if text is None or not is_excluded(kind.family, text):
            return text
    return None


def make_rows(
    rng: Random, columns: list[Column], kinds: list[Kind], pools: list[list[str]], count: int
) -> list[Row]:
    """Make rows; a nullable column has more nulls, some rows repeat others in part or whole."""
    dirt = make_dirt(rng)
    null_shares = [
        rng.choice((0.0, dirt.null / 4)) if column.required else rng.choice((dirt.null, 0.2))
        for column in columns
    ]
    rows: list[Row] = []
    for _ in range(count):
        row = [
            _allowed_value(
                rng, kind, pool, Dirt(share, dirt.junk, dirt.bad, dirt.blank, dirt.repeated)
            )
            for kind, pool, share in zip(kinds, pools, null_shares, strict=True)
        ]
        if rows and rng.random() < dirt.repeated:
            other = rng.choice(rows)
            whole = rng.random() < 0.4
            row = [
                old if whole or rng.random() < 0.5 else new
                for old, new in zip(other, row, strict=True)
            ]
        rows.append(tuple(row))
    return rows
