"""What the makers of constraints have in common."""

from __future__ import annotations

from random import Random

from .kinds import Kind
from .partitions import make_partitioning
from .situation import Column, SelfReference, quoted

__all__ = ["Base"]


class Base:
    """A random table while its constraints are made."""

    def __init__(
        self,
        rng: Random,
        features: frozenset[str],
        table: str,
        columns: list[Column],
        kinds: list[Kind],
        pools: list[list[str]],
        key: list[int],
    ) -> None:
        self.rng = rng
        self.features = features
        self.table = table
        self.columns = columns
        self.kinds = kinds
        self.pools = pools
        self.key = key
        self.aside: list[str] = []
        self.references: list[SelfReference] = []
        self._computed: list[str] = []
        self._known = [n for n, column in enumerate(columns) if not column.drawn]
        self._number = 0
        self._partitioning = make_partitioning(rng, table, columns, kinds, pools, key)

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _new_name(self, what: str) -> str:
        self._number += 1
        return f"{what}_{self._number}"

    def _any_place(self) -> int:
        """A column; what is drawn from a sequence nobody can judge beforehand."""
        return self.rng.choice(self._known)

    def _quoted(self, place: int) -> str:
        return quoted(self.columns[place].name)

    def _condition(self, place: int) -> str | None:
        """A condition on one column."""
        checks = self.kinds[place].checks
        if not checks:
            return None
        return self.rng.choice(checks).replace("{c}", self._quoted(place))

    def _predicate(self) -> str:
        """What makes an index or an exclusion partial."""
        place = self._any_place()
        condition = self._condition(place) if self._chance(0.6) else None
        return condition or f"{self._quoted(place)} IS NOT NULL"

    def _timing(self) -> str:
        if self._chance(0.8):
            return ""
        return self.rng.choice(
            (" DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE INITIALLY DEFERRED")
        )

    def _add(self, what: str) -> str:
        return f"ALTER TABLE {self.table} ADD CONSTRAINT {self._new_name(what)}"
