"""Random keys, unique indexes and exclusion constraints."""

from __future__ import annotations

from .references import References
from .rows import enlarge
from .situation import Statement

__all__ = ["Uniqueness"]


class Uniqueness(References):
    """Makes what forbids two rows beside each other."""

    def key_clause(self) -> str:
        """The statement that makes the key of the target."""
        columns = ", ".join(self._quoted(place) for place in self.key)
        if self._chance(0.1):
            columns += f") INCLUDE ({self._quoted(self._any_place())}"
            return f"CREATE UNIQUE INDEX the_key ON {self.table} ({columns})"
        nulls = " NULLS NOT DISTINCT" if self._chance(0.15) else ""
        choice = self.rng.random()
        if choice < 0.3:
            return f"CREATE UNIQUE INDEX the_key ON {self.table} ({columns}){nulls}"
        added = f"ALTER TABLE {self.table} ADD CONSTRAINT the_key"
        if choice < 0.8:
            return f"{added} UNIQUE{nulls} ({columns}){self._timing()}"
        return f"{added} UNIQUE ({columns})"

    def _element(self, place: int) -> tuple[str, str]:
        """An element of an index, and what it is."""
        exprs = self.kinds[place].exprs
        if exprs and self._chance(0.35):
            return self.rng.choice(exprs).replace("{c}", self._quoted(place)), "unique expression"
        return self._quoted(place), "unique"

    def _unique(self) -> Statement | None:
        # of columns with many values mostly: else nearly every row would be refused
        places = list(self._known)
        places.sort(key=lambda place: (self.kinds[place].fresh == "") + self.rng.random() * 1.3)
        del places[self.rng.choice((1, 1, 2)) :]
        if self._partitioning is not None and self.key[0] not in places and self._chance(0.8):
            places.append(self.key[0])
        enlarge(self.rng, self.kinds[places[0]], self.pools[places[0]])
        elements = [self._element(place) for place in places]
        feature = max(what for _, what in elements)
        if feature == "unique" and set(places) == set(self.key):
            # which of two indexes is the key's would be anybody's guess
            return None
        listed = ", ".join(sql for sql, _ in elements)
        nulls = " NULLS NOT DISTINCT" if self._chance(0.25) else ""
        include = f" INCLUDE ({self._quoted(self._any_place())})" if self._chance(0.1) else ""
        if feature == "unique" and self._chance(0.5):
            timing = self._timing()
            sql = f"{self._add('unique')} UNIQUE{nulls} ({listed}){include}{timing}"
            return Statement(f"unique{nulls.lower()}{' deferrable' if timing else ''}", sql)
        where = f" WHERE {self._predicate()}" if self._chance(0.4) else ""
        name = self._new_name("unique")
        sql = f"CREATE UNIQUE INDEX {name} ON {self.table} ({listed}){include}{nulls}{where}"
        return Statement(f"{'partial ' if where else ''}{feature}", sql)

    def _without_overlaps(self) -> Statement | None:
        """A key over time, or a reference to one."""
        ranges = [n for n in self._known if self.kinds[n].sql.endswith("range")]
        others = [n for n in self._known if self.kinds[n].keyable and not self.kinds[n].overlap]
        if not ranges or not others or not {"virtual", "btree_gist"} <= self.features:
            return None
        scalar, period = self.rng.choice(others), self.rng.choice(ranges)
        names = f"{self._quoted(scalar)}", f"{self._quoted(period)}"
        if self._chance(0.6):
            sql = f"{self._add('unique')} UNIQUE ({names[0]}, {names[1]} WITHOUT OVERLAPS)"
            return Statement("without overlaps", sql)
        types = [self.kinds[scalar].sql, self.kinds[period].sql]
        parent, made = self._parent([scalar, period], types, " WITHOUT OVERLAPS")
        added = f"{self._add('fk')} FOREIGN KEY ({names[0]}, PERIOD {names[1]})"
        return Statement(
            "foreign key period", f"{made}; {added} REFERENCES {parent} (p0, PERIOD p1)"
        )

    def _exclusion(self) -> Statement | None:
        overlapping = [place for place in self._known if self.kinds[place].overlap]
        where = f" WHERE ({self._predicate()})" if self._chance(0.3) else ""
        if overlapping:
            place = self.rng.choice(overlapping)
            parts = [f"{self._quoted(place)} WITH {self.kinds[place].overlap}"]
            others = [n for n in self._known if self.kinds[n].keyable and n != place]
            if "btree_gist" in self.features and others and self._chance(0.5):
                parts.insert(0, f"{self._quoted(self.rng.choice(others))} WITH =")
            method = "gist"
        else:
            whole = ("integer", "positive")
            numbers = [n for n in self._known if self.kinds[n].sql in whole]
            if len(numbers) > 1 and self._chance(0.7):
                one, other = self.rng.sample(numbers, 2)
                parts = [f"int4range({self._quoted(one)}, {self._quoted(other)}) WITH &&"]
                method = "gist"
            else:
                element, _ = self._element(self._any_place())
                parts = [f"{element} WITH ="]
                method = self.rng.choice(("btree", "hash"))
        sql = f"{self._add('exclude')} EXCLUDE USING {method} ({', '.join(parts)}){where}"
        return Statement("exclude", sql + self._timing())

    def _raising_index(self) -> Statement | None:
        """An index that is not unique can refuse a row, too: when its expression raises."""
        places = [place for place in self._known if self.kinds[place].exprs]
        if not places:
            return None
        place = self.rng.choice(places)
        expression = self.rng.choice(self.kinds[place].exprs).replace("{c}", self._quoted(place))
        return Statement(
            "index expression", f"CREATE INDEX {self._new_name('i')} ON {self.table} ({expression})"
        )
