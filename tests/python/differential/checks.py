"""Random conditions on one row, and columns that are computed from others."""

from __future__ import annotations

from .base import Base
from .situation import Statement

__all__ = ["Checks"]

_PAIR_CHECKS = (
    "num_nonnulls({c}, {d}) > 0",
    "({c} IS NULL) = ({d} IS NULL)",
    "{c} IS NOT NULL OR {d} IS NOT NULL",
    "NOT ({c} IS NULL AND {d} IS NULL)",
    "length(concat({c}, {d})) < 14",
    "coalesce({c}::text, {d}::text) <> 'zzz'",
)
_SAME_KIND_CHECKS = (
    "{c} < {d}",
    "{c} <> {d}",
    "{c} IS DISTINCT FROM {d}",
    "CASE WHEN {c} > {d} THEN {d} IS NOT NULL END",
)
_NUMBER_PAIR_CHECKS = ("{c} + {d} < 60", "{c} / {d} >= 0", "{c} * {d} <> 40")


class Checks(Base):
    """Makes what forbids one row alone."""

    def computed_columns(self) -> list[str]:
        """Definitions of columns that the database fills."""
        made: list[str] = []
        if self._chance(0.2):
            made.append("id bigint GENERATED ALWAYS AS IDENTITY")
            self.aside.append("id")
        if self._chance(0.1):
            made.append("serial_no integer NOT NULL DEFAULT nextval('differential.numbers')")
            self.aside.append("serial_no")
        if self._chance(0.1):
            made.append("created_at timestamptz NOT NULL DEFAULT now()")
        return made

    def generated_columns(self) -> list[Statement]:
        """Columns computed from others; not every expression can be one."""
        places = [self._any_place() for _ in range(self.rng.choice((0, 0, 0, 1, 2)))]
        return [self._generated(place) for place in places if self.kinds[place].exprs]

    def _generated(self, place: int) -> Statement:
        name = self._new_name("computed")
        kind = self.kinds[place]
        expression = self.rng.choice(kind.exprs).replace("{c}", self._quoted(place))
        words = [name]
        if "::text" in expression or (kind.is_text and "length" not in expression):
            words.append(self.rng.choice(["text", "text", "varchar(3)", *self._domain("word")]))
            if "::integer" in expression:
                words[-1] = "integer"
        elif kind.family == "number":
            types = ["numeric", "smallint", "numeric(4,1)", *self._domain("positive")]
            words.append(self.rng.choice(types))
        elif "extract" in expression or "length" in expression:
            words.append("numeric")
        else:
            words.append("text")
            expression = f"({expression}::text)"
        stored = "virtual" not in self.features or self._chance(0.6)
        words.append(f"GENERATED ALWAYS AS {expression} {'STORED' if stored else 'VIRTUAL'}")
        if not stored and words[1] in ("word", "positive"):
            words[1] = "text" if words[1] == "word" else "numeric"
        if self._chance(0.2):
            words.append("NOT NULL")
        self._computed.append(name)
        return Statement(
            f"generated {'stored' if stored else 'virtual'}",
            f"ALTER TABLE {self.table} ADD COLUMN {' '.join(words)}",
        )

    def _domain(self, name: str) -> list[str]:
        """A domain for a computed column; in partitions PostgreSQL 15 itself is wrong about it."""
        return [name] if self._partitioning is None else []

    def _check_of_drawn(self) -> Statement | None:
        """What holds for every number that a sequence gives."""
        drawn = [n for n, column in enumerate(self.columns) if column.drawn]
        if not drawn:
            return None
        column = self._quoted(self.rng.choice(drawn))
        condition = self.rng.choice((f"{column} IS NOT NULL", f"{column} <> -3"))
        return Statement("check of drawn", f"{self._add('check')} CHECK ({condition})")

    def _check(self) -> Statement | None:
        condition = self._condition(self._any_place())
        if condition is None:
            return None
        if self._chance(0.2):
            other = self._condition(self._any_place())
            if other:
                condition = f"({condition}) {self.rng.choice(('OR', 'AND'))} ({other})"
        return Statement("check", f"{self._add('check')} CHECK ({condition})")

    def _pair_check(self) -> Statement | None:
        if len(self._known) < 2:
            return None
        one, other = self.rng.sample(self._known, 2)
        choices: tuple[str, ...] = _PAIR_CHECKS
        if self.kinds[one] is self.kinds[other]:
            choices = _SAME_KIND_CHECKS
        if self.kinds[one].family == self.kinds[other].family == "number":
            choices = _NUMBER_PAIR_CHECKS + _SAME_KIND_CHECKS
        condition = self.rng.choice(choices)
        condition = condition.replace("{c}", self._quoted(one)).replace("{d}", self._quoted(other))
        return Statement("check of columns", f"{self._add('check')} CHECK ({condition})")

    def _check_of_computed(self) -> Statement | None:
        if not self._computed:
            return None
        name = self.rng.choice(self._computed)
        if self._chance(0.3):
            index = self._new_name("unique")
            sql = f"CREATE UNIQUE INDEX {index} ON {self.table} ({name})"
            return Statement("unique computed", sql)
        condition = self.rng.choice(("{c}::text < '5'", "length({c}::text) < 3", "{c} IS NOT NULL"))
        return Statement(
            "check of computed", f"{self._add('check')} CHECK ({condition.replace('{c}', name)})"
        )
