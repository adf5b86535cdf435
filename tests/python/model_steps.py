"""The steps of the model test and how hypothesis draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from model import BAD, Cells, Column, Mode, OnDuplicate, Table, Value
from model_kinds import Kind


@dataclass(frozen=True)
class Load:
    """A job up to its check, its dry run or its insert; a file is its columns and its rows."""

    table: str
    on_duplicate: OnDuplicate
    keep: Literal["first", "last"]
    files: tuple[tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]], ...]
    until: Literal["check", "dry run", "insert"] = "insert"


@dataclass(frozen=True)
class Insert:
    """The insert of a job that was only checked."""

    job: int


@dataclass(frozen=True)
class Add:
    """People insert a row."""

    table: str
    cells: tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Change:
    """People change a column of a row; and back again at once."""

    table: str
    row: int
    column: str
    value: Value
    back: bool = False


@dataclass(frozen=True)
class Remove:
    """People delete a row."""

    table: str
    row: int


@dataclass(frozen=True)
class Rollback:
    """A job is rolled back."""

    job: int
    mode: Mode
    #: only rows with these keys: which of the values of the key's first column
    which: tuple[int, ...] | None = None
    with_later: bool = False
    hard: bool = False
    #: mode cascade: what people wrote goes, too
    force: bool = False


@dataclass(frozen=True)
class Redo:
    """A job that was rolled back is imported once more."""

    job: int


@dataclass(frozen=True)
class Clear:
    """The staging of a job is cleared."""

    job: int


Step = Load | Insert | Add | Change | Remove | Rollback | Redo | Clear

JOBS = st.integers(0, 3)
ROWS = st.integers(0, 5)


def values(column: Column, *, said: bool) -> st.SearchStrategy[Value]:
    """Draw what a file says of a column, or what people write there."""
    pool = [one if said else other for one, other in column.pool if said or other != BAD]
    choices: list[Value] = list(dict.fromkeys(pool))
    if said or not column.not_null:
        choices.append(None)
    return st.sampled_from(choices)


def key_values(column: Column) -> st.SearchStrategy[Value]:
    """Draw a part of a key: rarely one that is missing."""
    choices: list[Value] = [said for said, _ in column.pool] * 3
    return st.sampled_from([*choices, None])


@st.composite
def files(draw: st.DrawFn, table: Table) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
    """Draw a file: the key, some of the other columns, and rows."""
    others = [column for column in table.columns if column.name not in table.key]
    wanted = [c for c in others if (c.not_null and c.default is None) or draw(st.booleans())]
    columns = [table.column(name) for name in table.key] + wanted
    cells = [key_values(c) if c.name in table.key else values(c, said=True) for c in columns]
    rows = draw(st.lists(st.tuples(*cells), min_size=1, max_size=4))
    return tuple(column.name for column in columns), tuple(rows)


@st.composite
def loads(draw: st.DrawFn, table: Table, ways: tuple[OnDuplicate, ...]) -> Load:
    """Draw an import."""
    return Load(
        table.name,
        draw(st.sampled_from(ways)),
        draw(st.sampled_from(("first", "last"))),
        tuple(draw(st.lists(files(table), min_size=1, max_size=2))),
        draw(st.sampled_from(("insert", "insert", "insert", "insert", "check", "dry run"))),
    )


@st.composite
def changes(draw: st.DrawFn, table: Table) -> Change:
    """Draw a change that people make."""
    column = draw(st.sampled_from(table.columns))
    value = draw(values(column, said=False))
    return Change(table.name, draw(ROWS), column.name, value, draw(st.booleans()))


@st.composite
def added(draw: st.DrawFn, table: Table) -> Add:
    """Draw a row that people insert."""
    cells: Cells = {c.name: draw(values(c, said=False)) for c in table.columns}
    return Add(table.name, tuple(cells.items()))


WHICH = st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple)


def rollbacks(modes: tuple[Mode, ...], *, soft: bool) -> st.SearchStrategy[Rollback]:
    """Draw a rollback, as often as not without options."""
    mode = st.sampled_from(modes)
    plain = st.builds(Rollback, JOBS, mode)
    return st.one_of(
        plain,
        plain,
        st.builds(Rollback, JOBS, mode, with_later=st.just(True)),
        st.builds(Rollback, JOBS, mode, which=WHICH),
        st.builds(Rollback, JOBS, mode, force=st.just(True)),
        *([st.builds(Rollback, JOBS, mode, hard=st.just(True))] if soft else []),
    )


def steps(
    kind: Kind, ways: tuple[OnDuplicate, ...], modes: tuple[Mode, ...]
) -> st.SearchStrategy[list[Step]]:
    """Draw what happens to the tables of a kind: first a load, then anything."""
    each: Callable[[Table], st.SearchStrategy[Step]] = lambda table: st.one_of(  # noqa: E731
        loads(table, ways), changes(table), added(table),
        st.builds(Remove, st.just(table.name), ROWS),
    )  # fmt: skip
    rollback = rollbacks(modes, soft=any(table.soft for table in kind.tables))
    rest = st.one_of(
        *(each(table) for table in kind.tables),
        rollback,
        rollback,
        st.builds(Redo, JOBS),
        st.builds(Insert, JOBS),
        st.builds(Clear, JOBS),
    )
    return st.tuples(loads(kind.tables[0], ways), st.lists(rest, min_size=1, max_size=7)).map(
        lambda drawn: [drawn[0], *drawn[1]]
    )
