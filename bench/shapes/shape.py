"""What a shape is: a table, the rows that are in it, and the rows of the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FILES = 4


@dataclass(frozen=True)
class Shape:
    """One kind of job.

    SQL expressions may use ``k``, the number of a key, and ``n``, the number of a row of the
    files. The table holds the keys 1 to ``existing``.

    Attributes:
        name: in a few words.
        columns: of the table: name → (type and constraints, SQL of the value in row n of key k).
        key: columns of the unique index that guards the table.
        further: SQL of columns that the files do not have.
        indexes: further statements that make the table's indexes.
        rows: of all files together.
        existing: rows of the table before the import.
        key_of: SQL of the key's number in row n.
        bad: SQL condition on n: rows with a value that is none.
        broken: column → SQL of its value in such a row.
        clean: rows that must be inserted.
        files: how many files the rows are spread over.

    """

    name: str
    columns: Mapping[str, tuple[str, str]]
    key: tuple[str, ...]
    rows: int
    clean: int
    existing: int = 0
    key_of: str = "n"
    further: str = ""
    indexes: tuple[str, ...] = ()
    bad: str = "false"
    broken: tuple[str, str] | None = None
    files: int = FILES

    @property
    def table_sql(self) -> str:
        """The table, without an index."""
        columns = [f"{name} {kind}" for name, (kind, _) in self.columns.items()]
        if self.further:
            columns.append(self.further)
        return f"CREATE TABLE public.shape ({', '.join(columns)})"

    @property
    def existing_sql(self) -> str:
        """The INSERT of the rows that are there before."""
        values = ", ".join(value for _, value in self.columns.values())
        return (
            f"INSERT INTO public.shape ({', '.join(self.columns)}) "
            f"SELECT {values} FROM (SELECT k, k AS n FROM generate_series(1, {self.existing}) "
            "AS k) AS q"
        )

    @property
    def index_sql(self) -> tuple[str, ...]:
        """The unique index of the key, and the other indexes."""
        return (
            f"ALTER TABLE public.shape ADD CONSTRAINT shape_key UNIQUE ({', '.join(self.key)})",
            *self.indexes,
        )

    def file_sql(self, number: int) -> str:
        """Return the COPY that gives one of the files, counted from 0, with its header."""
        first = self.rows * number // self.files + 1
        last = self.rows * (number + 1) // self.files
        values = []
        for name, (_, value) in self.columns.items():
            if self.broken is not None and self.broken[0] == name:
                values.append(
                    f"CASE WHEN {self.bad} THEN {self.broken[1]} ELSE ({value})::text END AS {name}"
                )
            else:
                values.append(f"{value} AS {name}")
        return (
            f"COPY (SELECT {', '.join(values)} FROM (SELECT {self.key_of} AS k, n "
            f"FROM generate_series({first}, {last}) AS n) AS q ORDER BY n) "
            "TO STDOUT (FORMAT csv, HEADER)"
        )

    @property
    def clean_sql(self) -> str:
        """The COPY that gives exactly the clean rows, in the order of the files."""
        values = ", ".join(value for _, value in self.columns.values())
        return (
            f"COPY (SELECT {values} FROM (SELECT k, min(n) AS n FROM (SELECT {self.key_of} AS k, n "
            f"FROM generate_series(1, {self.rows}) AS n WHERE NOT ({self.bad})) AS f "
            f"WHERE k > {self.existing} GROUP BY k) AS q ORDER BY n) TO STDOUT (FORMAT csv)"
        )

    @property
    def load_sql(self) -> str:
        """The plain COPY of the clean rows."""
        return f"COPY public.shape ({', '.join(self.columns)}) FROM STDIN (FORMAT csv)"
