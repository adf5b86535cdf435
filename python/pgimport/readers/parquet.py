"""The rows of a Parquet file, by pyarrow (the extra pgimport[parquet]). Runs in the child."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Iterator
from typing import IO, Any

from pgimport.readers.cell_text import NULL, escape, number_text
from pgimport.readers.rows_out import CellProblem, Record
from pgimport.readers.xlsx_parts import Sheet, Unreadable

_ROWS_AT_ONCE = 4096
_EPOCH = datetime.date(1970, 1, 1).toordinal()


class ParquetBook:
    """An open Parquet file; the same methods as XlsxBook, with one nameless sheet.

    Attributes:
        header: names of the columns.

    Raises:
        Unreadable: damaged, or pyarrow is not installed.

    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise Unreadable(
                "is a Parquet file, and pyarrow is not installed",
                "pip install 'pgimport[parquet]'",
            ) from None
        pyarrow.set_cpu_count(1)
        pyarrow.set_io_thread_count(1)
        self._arrow: Any = pyarrow
        try:
            self._file = parquet.ParquetFile(file, pre_buffer=False)
            self._schema: Any = self._file.schema_arrow
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise Unreadable("is damaged: it cannot be read", detail=str(error)) from None
        self.sheets = [Sheet("", False)]
        self.notes: list[str] = []
        self.header = list(self._schema.names)
        self.done = 0
        self._size = size

    def has_data(self, sheet: Sheet) -> bool:
        """Whether there are columns."""
        del sheet
        return bool(self.header)

    def rows(self, sheet: Sheet, width: int, whole: bool) -> Iterator[Record | CellProblem]:
        """Yield the rows, numbered from 1."""
        del sheet, width, whole
        total = max(1, self._file.metadata.num_rows)
        line_no = 0
        makers = [_maker(self._arrow, field.type) for field in self._schema]
        try:
            for batch in self._file.iter_batches(_ROWS_AT_ONCE, use_threads=False):
                columns = [
                    _fields(column, make)
                    for column, make in zip(batch.columns, makers, strict=True)
                ]
                for fields in zip(*columns, strict=True):
                    line_no += 1
                    yield line_no, list(fields)
                self.done = self._size * line_no // total
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            raise Unreadable("is damaged: it cannot be read", detail=str(error)) from None


Maker = tuple[str, Callable[[Any], str]]


def _fields(column: Any, maker: Maker) -> list[str]:
    way, make = maker
    if way == "cast":
        column = column.cast("string")
    elif way == "int":
        column = column.cast("int64")
    return [NULL if value is None else make(value) for value in column.to_pylist()]


def _maker(arrow: Any, kind: Any) -> Maker:
    """Return how values of a type become text, as COPY wants it."""
    types = arrow.types
    if types.is_dictionary(kind):
        return _maker(arrow, kind.value_type)
    if types.is_integer(kind):
        return "", str
    if types.is_boolean(kind):
        return "", lambda value: "true" if value else "false"
    if types.is_floating(kind):
        return "", _float
    if types.is_decimal(kind):
        return "", lambda value: format(value, "f")
    if types.is_date(kind):
        return "", lambda value: str(value.isoformat())
    if types.is_timestamp(kind):
        zone = "+00:00" if kind.tz else ""
        return "int", lambda value: _timestamp(value, kind.unit, zone)
    if types.is_time(kind):
        return "int", lambda value: _clock(*_parts(value, kind.unit))
    if types.is_duration(kind):
        return "int", lambda value: _interval(value, kind.unit)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        # the empty text is a value here: there are nulls
        return "", lambda value: escape(value) if value else ""
    if types.is_null(kind):
        return "", str
    if types.is_nested(kind):
        return "", lambda value: escape(json.dumps(_jsonable(value), ensure_ascii=False))
    # binary of all kinds
    return "", lambda value: escape("\\x" + bytes(value).hex())


def _float(value: float) -> str:
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return number_text(value)


_PER_SECOND = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}


def _parts(value: int, unit: str) -> tuple[int, int, int]:
    """Return seconds, fraction and digits of the fraction."""
    per_second = _PER_SECOND[unit]
    seconds, fraction = divmod(value, per_second)
    return seconds, fraction, len(str(per_second)) - 1


def _clock(seconds: int, fraction: int, digits: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours:02}:{minute:02}:{second:02}"
    return f"{text}.{fraction:0{digits}}".rstrip("0") if fraction else text


def _timestamp(value: int, unit: str, zone: str) -> str:
    seconds, fraction, digits = _parts(value, unit)
    days, rest = divmod(seconds, 86_400)
    try:
        date = datetime.date.fromordinal(_EPOCH + days).isoformat()
    except (ValueError, OverflowError):
        return f"{value} {unit} since 1970"
    return f"{date} {_clock(rest, fraction, digits)}{zone}"


def _interval(value: int, unit: str) -> str:
    return ("-" if value < 0 else "") + _clock(*_parts(abs(value), unit))


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _float(value)
    return str(value)
