"""Random constraints on a random table: everything by which PostgreSQL refuses a row."""

from __future__ import annotations

from .checks import Checks
from .partitions import make_partitions
from .situation import Statement
from .uniqueness import Uniqueness

__all__ = ["Maker"]


class Maker(Checks, Uniqueness):
    """Makes the constraints of one table, in the order in which they are asked for."""

    def partitioning(self) -> str:
        """The clause of CREATE TABLE, empty for an ordinary table."""
        return self._partitioning.clause if self._partitioning else ""

    def partitions(self) -> list[Statement]:
        """The partitions, some of them with a constraint of their own."""
        if self._partitioning is None:
            return []
        made = make_partitions(self.rng, self.table, self._partitioning)
        if self._chance(0.3):
            condition = self._condition(self._any_place())
            if condition:
                sql = f"ALTER TABLE part_1 ADD CONSTRAINT own CHECK ({condition})"
                made.append(Statement("check of a partition", sql))
        if self._chance(0.1):
            statement = self._foreign_key()
            if statement:
                sql = statement.sql.replace(f"ALTER TABLE {self.table}", "ALTER TABLE part_1")
                made.append(Statement("foreign key of a partition", sql))
        if self._chance(0.2):
            column = self._quoted(self._any_place())
            made.append(
                Statement("unique in a partition", f"CREATE UNIQUE INDEX ON part_1 ({column})")
            )
        return made

    def constraints(self) -> list[Statement]:
        """Some constraints of every sort."""
        made: list[Statement] = []
        sorts = (
            (self._check, (0, 0, 0, 1, 1, 2)),
            (self._pair_check, (0, 0, 0, 1)),
            (self._check_of_computed, (0, 1, 1)),
            (self._check_of_drawn, (0, 1)),
            (self._unique, (0, 0, 1, 1, 2)),
            (self._exclusion, (0, 0, 1)),
            (self._without_overlaps, (0, 1)),
            (self._foreign_key, (0, 0, 0, 1, 1)),
            (self._composite_foreign_key, (0, 0, 0, 0, 1)),
            (self._self_reference, (0, 0, 0, 0, 1)),
            (self._raising_index, (0,) * 11 + (1,)),
        )
        for make, counts in sorts:
            for _ in range(self.rng.choice(counts)):
                statement = make()
                if statement is not None:
                    made.append(statement)
        return made

    def late_constraints(self) -> list[Statement]:
        """Constraints that hold for new rows only."""
        made: list[Statement] = []
        if self._chance(0.15):
            place = self._any_place()
            condition = self._condition(place)
            if condition:
                tail = "NOT VALID"
                if "virtual" in self.features and self._chance(0.3):
                    tail = "NOT ENFORCED"
                made.append(
                    Statement(f"check {tail}", f"{self._add('check')} CHECK ({condition}) {tail}")
                )
        if self._chance(0.1):
            statement = self._foreign_key(" NOT VALID")
            if statement:
                made.append(statement)
        if "virtual" in self.features and self._chance(0.1):
            column = self._quoted(self._any_place())
            made.append(
                Statement("not null NOT VALID", f"{self._add('nn')} NOT NULL {column} NOT VALID")
            )
        return made
