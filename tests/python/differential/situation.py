"""What one comparison is about: a table, the rows in it, the rows to import. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Column", "Row", "Situation", "Statement", "literal", "quoted"]

Row = tuple[str | None, ...]


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """A text in SQL, of unknown type: what becomes of it is the column's affair."""
    if text is None:
        return "NULL"
    escaped = text.replace("'", "''")
    if "\\" in escaped:
        return "E'" + escaped.replace("\\", "\\\\") + "'"
    return f"'{escaped}'"


class Statement(NamedTuple):
    """A statement, or several that belong together, and what it is there for."""

    feature: str
    sql: str


@dataclass(frozen=True)
class Column:
    """A column that the file fills.

    Args:
        name: its name.
        sql: its type.
        is_text: an empty text is a value of it.
        family: which texts mean something else to pgimport, see ``differences``.
        not_null: it takes no null, as the table says when it is made.
        defaulted: it takes its default in place of a null, as the table says.
        trim: the rule ``trim``.
        drawn: its default is drawn from a sequence.
    """

    name: str
    sql: str
    is_text: bool = False
    family: str = ""
    not_null: bool = False
    defaulted: bool = False
    trim: bool = True
    drawn: bool = False

    @property
    def required(self) -> bool:
        """Whether a file must give a value."""
        return self.not_null and not self.defaulted


@dataclass
class SelfReference:
    """A foreign key of the table to itself."""

    name: str
    columns: tuple[str, ...]
    referenced: tuple[str, ...]
    full: bool


@dataclass
class Situation:
    """A table with everything on it, the rows that are there, the rows of the file.

    Args:
        seed: what it was made from.
        table: its name, in schema differential.
        columns: those that the file fills, in the order of the file.
        key: the key of the target.
        base: statements that must work.
        extras: statements that may fail, each alone: a constraint that the type does not allow.
        existing: rows that INSERT puts into the table before, as far as it takes them.
        late: like extras, when those rows are there.
        rows: the rows of the file.
        aside: columns whose values are not compared.
        references: foreign keys of the table to itself.
        first: how many of the rows are in the first file; the others are in a second one.
        settings: parameters of the importing session.
        harsh: it is kept though nearly every row is refused.
    """

    seed: str
    table: str
    columns: list[Column]
    key: list[str]
    base: list[Statement]
    extras: list[Statement]
    existing: list[Row]
    late: list[Statement]
    rows: list[Row]
    aside: list[str] = field(default_factory=list)
    references: list[SelfReference] = field(default_factory=list)
    first: int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    harsh: bool = False
