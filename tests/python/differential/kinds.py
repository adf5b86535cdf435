"""The types of random columns: texts they take, texts they may refuse, conditions on them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["JUNK", "KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """One type of a column; in conditions and expressions {c} is the column.

    Args:
        sql: the type as it is declared.
        good: texts that are values of it.
        bad: texts that are not, or hardly are.
        family: what it can be compared with; which texts mean something else to pgimport.
        checks: conditions, some of which raise.
        exprs: expressions, some of which raise: for unique indexes and generated columns.
        overlap: the operator of an exclusion constraint by GiST.
        default: a DEFAULT.
        is_text: an empty text is a value.
        keyable: it has an order, so it can be in a unique index.
        needs: an extension, or a feature of the server.
        weight: how often it is taken.
        partition: tables can be partitioned by it, in all three ways.
        fresh: how more values of it are made, for columns that need many.
    """

    sql: str
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    family: str = ""
    checks: tuple[str, ...] = ()
    exprs: tuple[str, ...] = ()
    overlap: str = ""
    default: str = ""
    is_text: bool = False
    keyable: bool = True
    needs: str = ""
    weight: float = 1.0
    partition: bool = False
    fresh: str = ""


def _read() -> tuple[tuple[str, ...], tuple[Kind, ...]]:
    """Read kinds.toml: texts of any column, and the kinds."""
    data = tomllib.loads(Path(__file__).with_name("kinds.toml").read_text("utf-8"))
    said: dict[str, dict[str, Any]] = {}
    for entry in data["kind"]:
        whole = {**said.get(entry.pop("like", ""), {}), **entry}
        for name in ("good", "bad"):
            whole[name] = whole.get(name, []) + whole.pop(f"add_{name}", [])
        said[whole["sql"]] = whole
    return tuple(data["junk"]), tuple(_kind(whole) for whole in said.values())


def _kind(said: dict[str, Any]) -> Kind:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in said.items()
    }
    return Kind(**values)


JUNK, KINDS = _read()
