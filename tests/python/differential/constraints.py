"""Random constraints on a random table: everything by which PostgreSQL refuses a row."""

from __future__ import annotations

import itertools
from random import Random

from .kinds import Kind
from .partitions import make_partitioning, make_partitions
from .rows import enlarge
from .situation import Column, SelfReference, Statement, literal, quoted

__all__ = ["Maker"]

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


class Maker:
    """Makes the constraints of one table, in the order in which they are asked for."""

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

    # -- columns that no file fills ---------------------------------------------------------------

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
            words.append(self.rng.choice(("text", "text", "varchar(3)", "word")))
            if "::integer" in expression:
                words[-1] = "integer"
        elif kind.family == "number":
            types = ["numeric", "smallint", "numeric(4,1)"]
            # of a domain it is wrong in partitions, for PostgreSQL 15 itself
            if self._partitioning is None:
                types.append("positive")
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

    # -- partitions -------------------------------------------------------------------------------

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

    # -- constraints ------------------------------------------------------------------------------

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

    def _add(self, what: str) -> str:
        return f"ALTER TABLE {self.table} ADD CONSTRAINT {self._new_name(what)}"

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
        if self._partitioning is None and self._chance(0.05):
            condition = f"length(({self.table}.*)::text) < 90"
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

    def _element(self, place: int) -> tuple[str, str]:
        """An element of an index, and what it is."""
        exprs = self.kinds[place].exprs
        if exprs and self._chance(0.35):
            return self.rng.choice(exprs).replace("{c}", self._quoted(place)), "unique expression"
        return self._quoted(place), "unique"

    def _unique(self) -> Statement:
        # of columns with many values mostly: else nearly every row would be refused
        places = list(self._known)
        places.sort(key=lambda place: (self.kinds[place].fresh == "") + self.rng.random() * 1.3)
        del places[self.rng.choice((1, 1, 2)) :]
        if self._partitioning is not None and self.key[0] not in places and self._chance(0.8):
            places.append(self.key[0])
        enlarge(self.rng, self.kinds[places[0]], self.pools[places[0]])
        elements = [self._element(place) for place in places]
        feature = max(what for _, what in elements)
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
