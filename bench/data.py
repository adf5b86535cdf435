"""The reference data: 63 CSV files in the proportions of the reference run, none of them damaged.

Made once for a number of rows, by ``pgimport.demo_codes``, and kept in a folder: the files of the
job, the rows that are in the table before, and ``clean.csv``, which holds exactly the rows that an
import must insert, in the order of the files. The same number of rows gives the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.server import BenchServer
from pgimport import demo_codes
from pgimport._assemble import sql_root
from pgimport.demo_codes import Expected, Shape

TEMPLATE = "reference"
TARGET = "codes"
EXISTING_COLUMNS = ("merchant_id", "code", "serial", "sku", "points", "source")
CLEAN_COLUMNS = (
    "merchant_id", "code", "serial", "sku", "points",
    "sku_name", "batch_code", "price", "window_start", "window_end",
)  # fmt: skip
BLOCK = 256 * 1024


@dataclass(frozen=True)
class Reference:
    """The files of one run and what an import of them must come to.

    Attributes:
        folder: where it all is. files: the CSV files of the job, in their order.
        shape: how many rows of which kind. expected: the numbers an import must come to.
        existing, clean: paths of the rows that are there before, and of the clean ones, without
            header, columns ``EXISTING_COLUMNS`` and ``CLEAN_COLUMNS``.

    """

    folder: Path
    files: tuple[Path, ...]
    shape: Shape
    expected: Expected
    existing: Path
    clean: Path

    @property
    def data(self) -> Path:
        """The folder that holds nothing but the files of the job."""
        return self.folder / "files"

    @property
    def bytes(self) -> int:
        """Size of the job's files together."""
        return sum(path.stat().st_size for path in self.files)

    @classmethod
    def make(cls, folder: Path, rows: int) -> Reference:
        """Return the data for ``rows`` records, made now unless ``folder`` has them already."""
        of = demo_codes.shape(rows, tidy=True)
        done, stamp = folder / "done.json", _stamp(of)
        if not done.is_file() or json.loads(done.read_text())["stamp"] != stamp:
            if folder.exists():
                shutil.rmtree(folder)
            expected = demo_codes.generate(folder / "files", of)
            _write_existing(folder / "existing.csv", of)
            _write_clean(folder / "clean.csv", folder / "files", of)
            done.write_text(json.dumps({"stamp": stamp, "expected": asdict(expected)}))
        said = json.loads(done.read_text())["expected"]
        names = [demo_codes.file_name(number, tidy=True) for number in range(1, said["files"] + 1)]
        return cls(
            folder,
            tuple(folder / "files" / name for name in names),
            of,
            Expected(**said),
            folder / "existing.csv",
            folder / "clean.csv",
        )

    def load(self, server: BenchServer) -> None:
        """Make the template database: the table with its indexes and rows, pgimport, the target.

        The rows come in through the indexes, as they do in life: indexes built afterwards would be
        packed more densely, and the first rows of an import would split their pages.
        """
        server.fresh(TEMPLATE)
        create_table(server, TEMPLATE)
        with server.connect(TEMPLATE) as conn:
            copy_file(conn, "codes", EXISTING_COLUMNS, self.existing)
            conn.execute("VACUUM (FREEZE, ANALYZE) codes")
        server.install(TEMPLATE)
        with server.connect(TEMPLATE) as conn:
            conn.execute(example("target.sql"))
        server.checkpoint()


def example(name: str) -> bytes:
    """Return a file of examples/codes."""
    return (sql_root() / "examples" / "codes" / name).read_bytes()


def create_table(server: BenchServer, database: str) -> None:
    """Make the table of examples/codes with its four indexes."""
    with server.connect(database) as conn:
        conn.execute(example("schema.sql"))


def blocks(path: Path) -> Iterator[bytes]:
    """Read a file in blocks of ``BLOCK`` bytes."""
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            yield block


def copy_file(
    conn: psycopg.Connection[Any],
    table: str,
    columns: tuple[str, ...],
    path: Path,
    options: str = "",
) -> int:
    """COPY a CSV file into a table, its bytes as they are, and return the number of rows."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv{options})"
    with conn.cursor() as cursor:
        with cursor.copy(statement.encode()) as copy:
            for block in blocks(path):
                copy.write(block)
        return cursor.rowcount


def _stamp(of: Shape) -> str:
    """Return a hash of all the data depend on: the shape, and the code that writes them."""
    digest = hashlib.sha256(json.dumps(asdict(of)).encode())
    for path in (demo_codes.__file__, __file__):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def _write_existing(path: Path, of: Shape) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(demo_codes.existing_rows(of))


def _write_clean(path: Path, folder: Path, of: Shape) -> None:
    """Write each key that is not in the table where it first occurs in the files."""
    numbers = iter(demo_codes.key_numbers(of))
    seen = bytearray(of.clean)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for source in sorted(folder.iterdir()):
            writer.writerows(_clean_records(source, numbers, of.existing, seen))


def _clean_records(
    source: Path, numbers: Iterator[int], existing: int, seen: bytearray
) -> Iterator[list[str]]:
    delimiter, columns = header_of(source)
    places = [columns.index(name) if name in columns else None for name in CLEAN_COLUMNS]
    with source.open(encoding="utf-8-sig", newline="") as file:
        file.readline()
        for record in csv.reader(file, delimiter=delimiter, strict=True):
            new = next(numbers) - existing
            if new >= 0 and not seen[new]:
                seen[new] = 1
                yield [record[place] if place is not None else "" for place in places]


def raw_header(source: Path) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter of a file of the job, and its header as it stands there."""
    with source.open(encoding="utf-8-sig") as file:
        first = file.readline().strip()
    delimiter = ";" if ";" in first else ","
    return delimiter, tuple(first.split(delimiter))


def header_of(source: Path) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter of a file of the job, and its columns by the table's names."""
    delimiter, header = raw_header(source)
    names = (name.lower().replace(" ", "_") for name in header)
    return delimiter, tuple("batch_code" if name == "batch_id" else name for name in names)
