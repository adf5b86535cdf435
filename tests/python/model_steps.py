"""The steps of the model test and how hypothesis draws them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from model import BAD, Cells, Column, Mode, OnDuplicate, Table, Value
from model_kinds import Kind

#: the columns of a file and its rows
File = tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]


@dataclass(frozen=True)
class Load:
    """A job up to its check, its dry run or its insert; a file is its columns and its rows."""

    table: str
    on_duplicate: OnDuplicate
    keep: Literal["first", "last"]
    files: tuple[File, ...]
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

#: which of the jobs that come into question: the first, the last …
JOBS = st.sampled_from((0, -1, 1, -2))
ROWS = st.sampled_from((0, 1, 2, 3, 4, 5))
WAYS: tuple[OnDuplicate, ...] = ("skip", "update", "update", "error")
MODES: tuple[Mode, ...] = ("refuse", "keep_modified", "force", "cascade")
#: how often a file says what the table takes: three times of four where it may say else
GOOD = (True, True, True, False)


def values(column: Column, *, said: bool, good: bool) -> st.SearchStrategy[Value]:
    """Draw what a file says of a column, or what people write there."""
    pool = [one if said else other for one, other in column.pool if not good or other != BAD]
    choices: list[Value] = list(dict.fromkeys(pool))
    if not good or not column.not_null:
        choices.append(None)
    return st.sampled_from(choices)


@st.composite
def files(draw: st.DrawFn, table: Table, *, good: bool) -> File:
    """Draw a file: the key, most of the other columns, rows with different keys or not."""
    columns = [table.column(name) for name in table.key]
    for column in table.columns:
        needed = column.not_null and column.default is None
        if column.name not in table.key and (needed or draw(st.sampled_from(GOOD))):
            columns.append(column)
    first = columns[0]
    different = draw(st.permutations([said for said, _ in first.pool]))[: draw(st.integers(2, 4))]
    keys: list[Value] = list(different)
    if not good:
        keys.append(draw(st.sampled_from([*keys, None])))
    rows = tuple(
        (
            said,
            *(
                draw(values(c, said=True, good=good or draw(st.sampled_from(GOOD))))
                for c in columns[1:]
            ),
        )
        for said in keys
    )
    return tuple(column.name for column in columns), rows


@st.composite
def loads(draw: st.DrawFn, table: Table) -> Load:
    """Draw an import."""
    good = draw(st.booleans())
    return Load(
        table.name,
        draw(st.sampled_from(WAYS)),
        draw(st.sampled_from(("first", "last"))),
        tuple(draw(st.lists(files(table, good=good), min_size=1, max_size=2))),
        draw(st.sampled_from(("insert", "insert", "insert", "insert", "check", "dry run"))),
    )


@st.composite
def first_loads(draw: st.DrawFn, table: Table) -> Load:
    """Draw an import that puts rows into an empty table."""
    return Load(table.name, "skip", "first", (draw(files(table, good=True)),))


@st.composite
def changes(draw: st.DrawFn, table: Table) -> Change:
    """Draw a change that people make."""
    column = draw(st.sampled_from(table.columns))
    value = draw(values(column, said=False, good=True))
    return Change(table.name, draw(ROWS), column.name, value, draw(st.booleans()))


@st.composite
def added(draw: st.DrawFn, table: Table) -> Add:
    """Draw a row that people insert."""
    cells: Cells = {c.name: draw(values(c, said=False, good=True)) for c in table.columns}
    return Add(table.name, tuple(cells.items()))


WHICH = st.lists(st.sampled_from((0, 1, 2, 3, 4)), min_size=1, max_size=3).map(tuple)


def rollbacks(*, soft: bool) -> st.SearchStrategy[Rollback]:
    """Draw a rollback, as often as not without options."""
    mode = st.sampled_from(MODES)
    plain = st.builds(Rollback, JOBS, mode)
    return st.one_of(
        plain,
        plain,
        st.builds(Rollback, JOBS, mode, with_later=st.just(True)),
        st.builds(Rollback, JOBS, mode, which=WHICH),
        st.builds(Rollback, JOBS, st.just("cascade"), force=st.just(True)),
        *([st.builds(Rollback, JOBS, mode, hard=st.just(True))] if soft else []),
    )  # fmt: skip


def steps(kind: Kind) -> st.SearchStrategy[list[Step]]:
    """Draw what happens to the tables of a kind: first two loads, at last a rollback."""
    soft = any(table.soft for table in kind.tables)
    rollback = rollbacks(soft=soft)
    redo = st.builds(Redo, JOBS)
    load = st.one_of([loads(table) for table in kind.tables])
    people = st.one_of(
        [
            step
            for table in kind.tables
            for step in (
                changes(table), changes(table), added(table),
                st.builds(Remove, st.just(table.name), ROWS),
            )
        ]
    )  # fmt: skip
    either = st.one_of(people, load)
    keeping = st.builds(Rollback, JOBS, st.sampled_from(MODES))
    rest = st.one_of(
        st.tuples(people, people),
        st.tuples(either),
        st.tuples(either, rollback),
        st.tuples(people, keeping),
        st.tuples(loads(kind.tables[0]), changes(kind.tables[0]), keeping),
        st.tuples(keeping, st.builds(Clear, JOBS), redo),
        st.tuples(keeping, either, redo),
        st.tuples(keeping, redo),
        st.tuples(st.one_of(st.builds(Insert, JOBS), st.builds(Clear, JOBS)), either),
    )
    return st.tuples(
        first_loads(kind.tables[0]),
        loads(kind.tables[-1]),
        st.lists(rest, min_size=1, max_size=3),
        rollback,
    ).map(lambda drawn: [drawn[0], drawn[1], *itertools.chain(*drawn[2]), drawn[3]])
