"""Random foreign keys, with the tables that they refer to."""

from __future__ import annotations

import itertools

from .base import Base
from .situation import SelfReference, Statement, literal

__all__ = ["References"]

# what may refer to what: by an operator of the index's own family, or by a cast
_REFERRED: dict[str, tuple[str, ...]] = {
    "integer": ("integer", "bigint", "smallint", "numeric"),
    "smallint": ("integer", "bigint", "smallint", "numeric"),
    "bigint": ("bigint", "integer", "numeric"),
    "text": ("text", "varchar(20)"),
    "varchar(4)": ("text", "varchar(10)", "varchar(4)"),
    "date": ("date", "timestamp"),
    "timestamp": ("timestamp", "date"),
}


class References(Base):
    """Makes what wants a row elsewhere."""

    def _parent(self, places: list[int], types: list[str], tail: str = "") -> tuple[str, str]:
        """A table to refer to, which holds most of the values of some columns."""
        name = self._new_name("parent")
        columns = ", ".join(f"p{n} {sql}" for n, sql in enumerate(types))
        keys = ", ".join(f"p{n}" for n in range(len(types)))
        by = " PARTITION BY LIST (p0)" if not tail and self._chance(0.15) else ""
        made = [f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({keys}{tail})){by}"]
        if by:
            made.append(f"CREATE TABLE {name}_1 PARTITION OF {name} DEFAULT")
        share = self.rng.choice((0.6, 0.9, 0.9))
        tuples = [
            ", ".join(map(literal, texts))
            for texts in itertools.product(*(self.pools[place] for place in places))
            if self._chance(share)
        ]
        inserts = [literal(f"INSERT INTO {name} VALUES ({values})") for values in tuples[:200]]
        made.append(f"SELECT * FROM attempt(ARRAY[{', '.join(inserts)}]::text[])")
        return name, "; ".join(made)

    def _referring(self) -> list[int]:
        """Columns that can refer; of arrays of varchar PostgreSQL itself cannot compare them."""
        return [
            n for n in self._known if self.kinds[n].keyable and not self.kinds[n].sql.endswith("[]")
        ]

    def _foreign_key(self, tail: str = "") -> Statement | None:
        usable = self._referring()
        if not usable:
            return None
        place = self.rng.choice(usable)
        sql = self.kinds[place].sql
        parent, made = self._parent([place], [self.rng.choice(_REFERRED.get(sql, (sql,)))])
        timing = self._timing()
        added = f"{self._add('fk')} FOREIGN KEY ({self._quoted(place)})"
        feature = f"foreign key{' deferrable' if timing else ''}{tail}"
        return Statement(feature, f"{made}; {added} REFERENCES {parent}{timing}{tail}")

    def _composite_foreign_key(self) -> Statement | None:
        usable = self._referring()
        if len(usable) < 2:
            return None
        places = self.rng.sample(usable, 2)
        types = [
            self.rng.choice(_REFERRED.get(self.kinds[n].sql, (self.kinds[n].sql,))) for n in places
        ]
        parent, made = self._parent(places, types)
        match = self.rng.choice(("", " MATCH FULL"))
        columns = ", ".join(self._quoted(place) for place in places)
        added = f"{self._add('fk')} FOREIGN KEY ({columns})"
        return Statement(
            f"composite foreign key{match}",
            f"{made}; {added} REFERENCES {parent}{match}{self._timing()}",
        )

    def _self_reference(self) -> Statement | None:
        """A reference of some columns to the key, of the same types."""
        others = [place for place in self._known if place not in self.key]
        places: list[int] = []
        for wanted in self.key:
            fitting = [n for n in others if self.kinds[n].sql == self.kinds[wanted].sql]
            if not fitting:
                return None
            places.append(self.rng.choice(fitting))
            others.remove(places[-1])
            self.pools[places[-1]][:] = self.pools[wanted]
        name = self._new_name("self")
        full = self._chance(0.3)
        reference = SelfReference(
            name,
            tuple(self.columns[place].name for place in places),
            tuple(self.columns[place].name for place in self.key),
            full,
        )
        self.references.append(reference)
        columns = ", ".join(self._quoted(place) for place in places)
        keys = ", ".join(self._quoted(place) for place in self.key)
        return Statement(
            "self reference",
            f"ALTER TABLE {self.table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) "
            f"REFERENCES {self.table} ({keys}){' MATCH FULL' if full else ''}{self._timing()}",
        )
