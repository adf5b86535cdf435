"""One measured figure, with the target it is held against."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure of a run of the benchmark.

    Attributes:
        part: targets, phases, others, shapes, readers, files, rollback or operations: the
            table it belongs to.
        name: what was measured, in a few words.
        values: one value a run.
        unit: s, rows/s, MB, ratio (× of something), ms or rows.
        at_most, at_least: the target, or None where there is none.
        note: what the reader has to know, e.g. what the compared tool does not do.

    """

    part: str
    name: str
    values: Sequence[float]
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle one of the values."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return min(self.values), max(self.values)

    @property
    def passed(self) -> bool | None:
        """Whether the median meets the target; None where there is no target."""
        if self.at_most is not None:
            return self.median <= self.at_most
        if self.at_least is not None:
            return self.median >= self.at_least
        return None
