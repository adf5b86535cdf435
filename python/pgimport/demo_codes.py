"""Generated files of promotional codes: the data of ``pgimport demo codes`` and of examples/codes.

The proportions are those of a real import of 15,520,410 rows in 63 files into a table of
5,356,971 rows, scaled to any number of rows. The same number of rows gives the same bytes.

Two ways lead to the expected numbers, and the demo compares both with what the database says:
``generate`` knows them because it wrote the files, ``recount`` reads the files again with nothing
but the standard library.

    python -m pgimport.demo_codes FOLDER --rows 20000
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

REFERENCE_ROWS = 15_520_410
REFERENCE_EXISTING = 5_356_971
REFERENCE_INTERNAL = 310_312
REFERENCE_DATABASE = 4_302_241
REFERENCE_BOTH = 37
FILES = 63
MIN_ROWS = 5_000
SEED = 20_240_611

MERCHANTS = (
    "6f1f64a0-6f0e-4a58-9d3c-0f2b8a1c7e11",
    "a3c9d2be-1b77-4c1e-8f5d-52e90d6a4b22",
    "d84b7f19-93f2-4e0a-b6c8-7e135fa09c33",
)

# value as it stands in the file: quoted where it has to be
_PRODUCTS = (
    ("SKU-1001", "Ground coffee"),
    ("SKU-1002", '"Coffee, whole beans"'),
    ("SKU-1003", "Café crème"),
    ("SKU-1004", '"Tea ""Earl Grey"""'),
    ("SKU-1005", "Oat drink"),
    ("SKU-1006", "Thé à la menthe"),
    ("SKU-1007", '"Sugar, brown"'),
    ("SKU-1008", "Mug 300 ml"),
)
_WINDOWS = (
    ("2026-01-01", "2026-03-31"),
    ("2026-04-01", "2026-06-30"),
    ("2026-07-01", "2026-09-30"),
    ("2026-10-01", "2026-12-31"),
)

# kind of damage -> how many records have it
_DIRTY = {
    "ragged_row": 3,
    "bad_encoding": 2,
    "bad_date": 4,
    "bad_integer": 4,
    "required": 3,
}
_REFUSED = ("ragged_row", "bad_encoding")


@dataclass(frozen=True)
class Shape:
    """How many rows of which kind a run has.

    Attributes:
        rows: records in the files. existing: rows in the table before.
        internal, database, both: duplicates inside the files, of the table, of both.
        tidy: the files hold no damaged record, no blank line and no lone backslash-dot, and
            none is compressed.

    """

    rows: int
    existing: int
    internal: int
    database: int
    both: int
    tidy: bool = False

    @property
    def damage(self) -> dict[str, int]:
        """Kinds of damage, and how many records have each."""
        return {} if self.tidy else dict(_DIRTY)

    @property
    def dirty(self) -> int:
        """Records that are refused or invalid."""
        return sum(self.damage.values())

    @property
    def clean(self) -> int:
        """Rows to be inserted."""
        return self.rows - self.dirty - self.internal - self.database + self.both


@dataclass
class Expected:
    """The numbers an import of the generated files must come to."""

    files: int = 0
    records: int = 0
    refused: int = 0
    total_rows: int = 0
    invalid_rows: int = 0
    internal_duplicates: int = 0
    database_duplicates: int = 0
    both_duplicates: int = 0
    clean_rows: int = 0
    issues: dict[str, int] = field(default_factory=dict)
    # (file name, physical line on which the record begins, code)
    issue_lines: list[tuple[str, int, str]] = field(default_factory=list)


def shape(rows: int, *, tidy: bool = False) -> Shape:
    """Scale the reference run to ``rows`` records in the files; ``tidy`` files have no damage."""
    if rows < MIN_ROWS:
        raise ValueError(f"at least {MIN_ROWS} rows are needed")

    def scaled(count: int) -> int:
        return max(1, round(count * rows / REFERENCE_ROWS))

    return Shape(
        rows=rows,
        existing=scaled(REFERENCE_EXISTING),
        internal=scaled(REFERENCE_INTERNAL),
        database=scaled(REFERENCE_DATABASE),
        both=scaled(REFERENCE_BOTH),
        tidy=tidy,
    )


def key(number: int) -> tuple[str, str]:
    """Merchant and code of the n-th key. Now and then two merchants have the same code."""
    code = number - 1 if number % 100 == 1 else number
    return MERCHANTS[number % len(MERCHANTS)], f"PC{code * 0x9E3779B1 & 0xFFFFFFFFFF:010X}"


def existing_rows(of: Shape) -> Iterator[tuple[str, str, str, str, int, str]]:
    """Rows that are in the table before: merchant_id, code, serial, sku, points, source."""
    for number in range(of.existing):
        merchant, code = key(number)
        sku = _PRODUCTS[number % len(_PRODUCTS)][0]
        yield merchant, code, f"S{number:09d}", sku, number % 500, "before"


def existing_keys(of: Shape) -> Iterator[tuple[str, str]]:
    """Return the keys of ``existing_rows``."""
    return (key(number) for number in range(of.existing))


def single_keys(of: Shape, count: int) -> list[tuple[str, str]]:
    """Keys that are in the files once and not in the table: to be changed by "somebody"."""
    repeated = _repeated_span(of)
    first = of.existing + repeated
    return [key(first + 7 * step) for step in range(count)]


def _repeated_span(of: Shape) -> int:
    """Of the new keys only the first ones are repeated inside the files, some of them twice."""
    return max(1, (of.internal - of.both) * 9 // 10)


def key_numbers(of: Shape) -> list[int]:
    """Return the number of each good record's key, in the order of the files.

    Numbers below ``of.existing`` are those of keys that are in the table.
    """
    chance = random.Random(SEED)  # noqa: S311 - the same files every time
    numbers = list(range(of.database - of.both))
    numbers += range(of.both)
    numbers += range(of.existing, of.existing + of.clean)
    span = _repeated_span(of)
    numbers += [of.existing + step % span for step in range(of.internal - of.both)]
    chance.shuffle(numbers)
    return numbers


# kinds of file: header, delimiter, line end, byte order mark, template of a record
@dataclass(frozen=True)
class _Kind:
    header: tuple[str, ...]
    columns: tuple[str, ...]
    delimiter: str = ","
    line_end: str = "\n"
    bom: bool = False


_ALL = (
    "merchant_id", "code", "serial", "sku", "points",
    "sku_name", "batch", "price", "window_start", "window_end",
)  # fmt: skip
_PLAIN = _Kind(tuple("batch_code" if name == "batch" else name for name in _ALL), _ALL)
_OLD = _Kind(
    ("code", "merchant_id", "batch_id", "serial", "sku", "points", "sku_name", "price",
     "window_start", "window_end"),
    ("code", "merchant_id", "batch", "serial", "sku", "points", "sku_name", "price",
     "window_start", "window_end"),
)  # fmt: skip
_SHORT = _Kind(
    ("merchant_id", "code", "serial", "points", "batch_code", "price"),
    ("merchant_id", "code", "serial", "points", "batch", "price"),
)
_SHEET = _Kind(
    ("Merchant ID", "Code", "Serial", "SKU", "Points", "SKU Name", "Batch Code", "Price",
     "Window Start", "Window End", "Remark"),
    (*_ALL, "remark"),
    delimiter=";",
    line_end="\r\n",
    bom=True,
)  # fmt: skip


def _kind(file_no: int) -> _Kind:
    if file_no % 21 == 8:
        return _SHEET
    if file_no % 9 == 5:
        return _SHORT
    if file_no % 7 == 3:
        return _OLD
    return _PLAIN


def file_name(file_no: int, *, tidy: bool = False) -> str:
    """Name of the n-th file; one of them is compressed, unless they are to be tidy."""
    return f"codes_{file_no:03d}.csv" + (".gz" if file_no == 12 and not tidy else "")


def _record(kind: _Kind, number: int, changes: dict[str, str] | None = None) -> str:
    merchant, code = key(number)
    sku, sku_name = _PRODUCTS[number % 8]
    start, end = _WINDOWS[number % 4]
    values = {
        "merchant_id": merchant,
        "code": code,
        "serial": f"S{number:09d}",
        "sku": sku,
        "points": str(number % 500),
        "sku_name": sku_name,
        "batch": f"B{number % 97:03d}",
        "price": f"{number % 90 + 1}.{number % 100:02d}",
        "window_start": start,
        "window_end": end,
        "remark": "",
    }
    if changes:
        values.update(changes)
    return kind.delimiter.join([values[name] for name in kind.columns])


def _records(kind: _Kind, numbers: Sequence[int]) -> list[str]:
    """Write the records of one file: as ``_record`` does, without a dictionary for each."""
    sep = kind.delimiter
    out = []
    for number in numbers:
        merchant, code = key(number)
        sku, sku_name = _PRODUCTS[number % 8]
        start, end = _WINDOWS[number % 4]
        serial = f"S{number:09d}"
        batch = f"B{number % 97:03d}"
        price = f"{number % 90 + 1}.{number % 100:02d}"
        points = number % 500
        if kind is _PLAIN:
            out.append(
                f"{merchant},{code},{serial},{sku},{points},{sku_name},{batch},{price},{start},{end}"
            )
        elif kind is _OLD:
            out.append(
                f"{code},{merchant},{batch},{serial},{sku},{points},{sku_name},{price},{start},{end}"
            )
        elif kind is _SHORT:
            out.append(f"{merchant},{code},{serial},{points},{batch},{price}")
        else:
            out.append(
                sep.join(
                    (merchant, code, serial, sku, str(points), sku_name, batch, price, start, end)
                )
                + sep
            )
    return out


# file -> damages of its records; the files are of the plain kind, so that each column is there
_DAMAGED_FILES = {
    1: ("ragged_row", "bad_date", "bad_integer", "required"),
    16: ("bad_encoding", "bad_date", "required"),
    30: ("ragged_row", "ragged_row", "bad_encoding", "bad_integer"),
    44: ("bad_date", "bad_integer", "required"),
    62: ("bad_date", "bad_integer"),
}
_LONE_DOT_FILE = 20
_BLANK_LINE_FILE = 30


def _damaged(code: str, number: int) -> bytes:
    if code == "ragged_row":
        return _record(_PLAIN, number).encode() + b",one,field,too many"
    if code == "bad_encoding":
        text = _record(_PLAIN, number, {"sku_name": "Caf@ au lait"})
        return text.encode().replace(b"@", b"\xe9")
    changes = {
        "bad_date": {"window_end": "2026-02-30"},
        "bad_integer": {"points": "twelve"},
        "required": {"code": ""},
    }[code]
    return _record(_PLAIN, number, changes).encode()


def generate(folder: Path, of: Shape, files: int = FILES) -> Expected:
    """Write the files into ``folder`` and return what an import of them must come to.

    Files of this name that are there already are overwritten. ``issue_lines`` is left empty:
    ``recount`` finds them.
    """
    if files < max(_DAMAGED_FILES):
        raise ValueError(f"at least {max(_DAMAGED_FILES)} files are needed")
    folder.mkdir(parents=True, exist_ok=True)
    numbers = key_numbers(of)
    damaged_number = of.existing + of.clean
    begin = 0
    for file_no in range(1, files + 1):
        end = len(numbers) * file_no // files
        kind = _kind(file_no)
        lines = [line.encode() for line in _records(kind, numbers[begin:end])]
        if file_no == _LONE_DOT_FILE and not of.tidy:
            text = _record(kind, numbers[begin], {"sku_name": '"first line\n\\.\nlast line"'})
            lines[0] = text.encode()
        damages = () if of.tidy else _DAMAGED_FILES.get(file_no, ())
        for place, code in enumerate(damages, 1):
            lines.insert(len(lines) * place // 5, _damaged(code, damaged_number))
            damaged_number += 1
        if file_no == _BLANK_LINE_FILE and not of.tidy:
            lines.insert(len(lines) // 2, b"")
        line_end = kind.line_end.encode()
        body = (b"\xef\xbb\xbf" if kind.bom else b"") + line_end.join(
            [kind.delimiter.join(kind.header).encode(), *lines, b""]
        )
        path = folder / file_name(file_no, tidy=of.tidy)
        if path.suffix == ".gz":
            # no time stamp inside: the same bytes every time
            with (
                path.open("wb") as raw,
                gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as packed,
            ):
                packed.write(body)
        else:
            path.write_bytes(body)
        begin = end
    refused = sum(of.damage.get(code, 0) for code in _REFUSED)
    return Expected(
        files=files,
        records=of.rows,
        refused=refused,
        total_rows=of.rows - refused,
        invalid_rows=of.dirty - refused,
        internal_duplicates=of.internal,
        database_duplicates=of.database,
        both_duplicates=of.both,
        clean_rows=of.clean,
        issues=of.damage,
    )


def recount(folder: Path, in_table: Iterable[tuple[str, str]]) -> Expected:
    """Read the files with the csv module and count anew, knowing nothing of how they were made.

    ``in_table`` are the keys (merchant, code) the table has before the import.
    """
    table = {f"{merchant} {code}" for merchant, code in in_table}
    seen: set[str] = set()
    out = Expected()
    issues: Counter[str] = Counter()
    for path in sorted(folder.glob("codes_*.csv*")):
        out.files += 1
        for line, row, columns in _read(path):
            out.records += 1
            damage = _damage(row, columns)
            if damage:
                issues[damage] += 1
                out.issue_lines.append((path.name, line, damage))
                if damage in _REFUSED:
                    out.refused += 1
                else:
                    out.invalid_rows += 1
                continue
            this = f"{row[columns['merchant_id']]} {row[columns['code']]}"
            internal = this in seen
            database = this in table
            seen.add(this)
            out.internal_duplicates += internal
            out.database_duplicates += database
            out.both_duplicates += internal and database
            out.clean_rows += not (internal or database)
    out.total_rows = out.records - out.refused
    out.issues = dict(sorted(issues.items()))
    return out


def _read(path: Path) -> Iterator[tuple[int, list[str], dict[str, int]]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        first = text.readline()
        delimiter = ";" if ";" in first else ","
        names = [name.strip().lower().replace(" ", "_") for name in first.split(delimiter)]
        columns = {name: place for place, name in enumerate(names)}
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        line = 2
        for row in reader:
            if row:
                yield line, row, columns
            line = reader.line_num + 2


def _damage(row: list[str], columns: dict[str, int]) -> str | None:
    if len(row) != len(columns):
        return "ragged_row"
    joined = "".join(row)
    if not joined.isascii() and any("\udc80" <= sign <= "\udcff" for sign in joined):
        return "bad_encoding"
    if not row[columns["code"]] or not row[columns["merchant_id"]]:
        return "required"
    try:
        int(row[columns["points"]])
    except ValueError:
        return "bad_integer"
    try:
        Decimal(row[columns["price"]])
    except InvalidOperation:
        return "bad_numeric"
    for name in ("window_start", "window_end"):
        if name in columns:
            try:
                date.fromisoformat(row[columns[name]])
            except ValueError:
                return "bad_date"
    return None


def main(argv: Sequence[str] | None = None) -> None:
    """Write the files and print what an import of them must come to."""
    parser = argparse.ArgumentParser(prog="python -m pgimport.demo_codes", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    arguments = parser.parse_args(argv)
    expected = generate(arguments.folder, shape(arguments.rows))
    print(json.dumps({**asdict(expected), "issue_lines": None}, indent=2))


if __name__ == "__main__":
    main()
