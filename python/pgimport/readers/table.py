"""Files that a process of their own reads: spreadsheets and Parquet. This is the parent's side.

A hostile file may crash the process, fill its memory or keep it busy: it has limits, and all that
reaches this process is the length of a frame and text for COPY, which is forwarded as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pgimport.errors import FileError
from pgimport.readers.formats import open_regular
from pgimport.readers.options import ReadOptions
from pgimport.readers.rows import BadRow
from pgimport.readers.rows_out import ALIVE, DATA, END, ERROR, FRAME, HEAD, ISSUES

MEMORY_BYTES = 3 * 1024**3
CPU_SECONDS = 900
SECONDS_OF_SILENCE = 300
_MOST_FRAME = 256 * 1024 * 1024
_HASH_BLOCK = 1024 * 1024

# run without the package itself, which imports the database's client
_START = """
import json, sys, types
package, *sys.path = json.loads(sys.argv.pop(1))
for name, folder in (("pgimport", package), ("pgimport.readers", package + "/readers")):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = [folder]
from pgimport.readers.sheet_child import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class TableHead:
    """What is known of a file of tables before its rows are read; as FileHead.

    Attributes:
        path: the file. size: its bytes as they lie on disk. sha256: digest of these bytes.
        kind: xlsx, xlsb, xls, ods or parquet. header: names of the columns.
        sheet: name of the sheet, None for Parquet. number: its place, from 0.
        header_line: row of the header, 0 where there is none. warnings: to be shown.

    """

    path: Path
    size: int
    sha256: str
    kind: str
    header: tuple[str, ...]
    sheet: str | None
    number: int
    header_line: int
    warnings: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None


def read_table_head(
    path: Path | str,
    kind: str,
    options: ReadOptions | None = None,
    report: Callable[[int], None] | None = None,
) -> TableHead:
    """Choose the sheet, read its header, and all bytes of the file for their SHA-256.

    Raises:
        FileError: the file cannot be read, has no such sheet or no header.

    """
    path = Path(path)
    stopped = None if report is None else partial(report, 0)
    with _Child(path, {"kind": kind, "mode": "head", **_asked(options)}, stopped) as child:
        found: dict[str, Any] = {}
        for frame, _, _, payload in child.frames():
            if frame == HEAD:
                found = json.loads(payload)
        return _head(path, kind, child, found, report=report)


def count_table(
    path: Path | str,
    kind: str,
    options: ReadOptions | None = None,
    report: Callable[[int, int], None] | None = None,
) -> tuple[TableHead, int, int]:
    """Return the head (without digest), the number of rows and that of blank ones.

    Raises:
        FileError: as read_table_head.

    """
    path = Path(path)
    with _Child(path, {"kind": kind, "mode": "count", **_asked(options)}) as child:
        head: dict[str, Any] = {}
        ended: dict[str, Any] = {}
        rows = 0
        for frame, rows, done, payload in child.frames():
            if frame == HEAD:
                head = json.loads(payload)
            elif frame == END:
                ended = json.loads(payload)
            elif report is not None:
                report(rows, done)
        return (
            _head(path, kind, child, head, digest=False),
            rows + ended.get("refused", 0),
            ended.get("blank", 0),
        )


def _asked(options: ReadOptions | None) -> dict[str, Any]:
    options = options or ReadOptions()
    return {
        "sheet": options.sheet,
        "header_row": options.header_row,
        "header": list(options.header) if options.header else None,
    }


def _head(
    path: Path,
    kind: str,
    child: _Child,
    found: dict[str, Any],
    *,
    report: Callable[[int], None] | None = None,
    digest: bool = True,
) -> TableHead:
    return TableHead(
        path=path,
        size=child.size,
        sha256=child.digest(report) if digest else "",
        kind=kind,
        header=tuple(found["header"]),
        sheet=found["sheet"],
        number=found["number"],
        header_line=found["header_line"],
        warnings=tuple(found["warnings"]),
    )


class TableReader:
    """Iterates over a table: blocks of rows as COPY wants them, and BadRow. Use as a context.

    Attributes:
        rows, refused, blank: so far; the last two are known at the end.
        bytes_read: bytes of the file read so far. sha256: digest, once all was read.
        warnings: to be shown, known at the end.

    """

    def __init__(self, head: TableHead, stopped: Callable[[], None] | None = None) -> None:
        request = {
            "kind": head.kind,
            "mode": "rows",
            "number": head.number,
            "width": len(head.header),
            "header_line": head.header_line,
        }
        self._child = _Child(head.path, request, stopped)
        self.rows = self.refused = self.blank = 0
        self.bytes_read = 0
        self.warnings: tuple[str, ...] = ()
        self.sha256 = ""

    @property
    def source(self) -> Self:
        """What is read: the object itself, as of the other readers."""
        return self

    def __enter__(self) -> Self:
        self._child.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[bytes | BadRow]:
        for frame, rows, done, payload in self._child.frames():
            self.rows, self.bytes_read = rows, done
            if frame == DATA:
                yield payload
            elif frame == ISSUES:
                for issue in json.loads(payload):
                    self.refused += 1
                    yield BadRow(**issue)
            elif frame == END:
                ended = json.loads(payload)
                self.blank = ended["blank"]
                self.warnings = tuple(ended["warnings"])
        self.sha256 = self._child.digest(None)


class _Child:
    """The process, and the file that it reads."""

    def __init__(
        self, path: Path, request: dict[str, Any], stopped: Callable[[], None] | None = None
    ) -> None:
        self._path = path
        self._stopped = stopped or (lambda: None)
        self._file = open_regular(path)
        self.size = os.fstat(self._file.fileno()).st_size
        limits = {"memory_bytes": MEMORY_BYTES, "cpu_seconds": CPU_SECONDS}
        package = str(Path(__file__).resolve().parent.parent)
        places = [place for place in sys.path if place and Path(place).is_absolute()]
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *("-I", "-B", "-X", "utf8", "-c", _START),
                    json.dumps([package, *places]),
                    json.dumps({**request, **limits}),
                ],
                stdin=self._file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            self._file.close()
            raise FileError(
                f'"{path.name}" cannot be read: no process can be started for it',
                detail=str(error),
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._file.close()

    def frames(self) -> Iterator[tuple[bytes, int, int, bytes]]:
        """Yield kind, rows, bytes read and payload of each frame, up to the last.

        Raises:
            FileError: what the process says of the file; or it died, or said nothing for long.

        """
        while True:
            kind, length, rows, done = FRAME.unpack(self._read(FRAME.size))
            if length > _MOST_FRAME or kind not in (HEAD, DATA, ISSUES, ALIVE, END, ERROR):
                raise self._died()
            payload = self._read(length)
            if kind == ERROR:
                said = json.loads(payload)
                raise FileError(
                    f'"{self._path.name}" {said["message"]}',
                    detail=said["detail"],
                    hint=said["hint"],
                )
            yield kind, rows, done, payload
            if kind == END:
                return

    def digest(self, report: Callable[[int], None] | None) -> str:
        """Return the SHA-256 of the file's bytes."""
        digest, place = hashlib.sha256(), 0
        handle = self._file.fileno()
        try:
            while data := os.pread(handle, _HASH_BLOCK, place):
                digest.update(data)
                place += len(data)
                if report is not None:
                    report(place)
        except OSError as error:
            raise FileError(
                f'"{self._path.name}" cannot be read', detail=error.strerror or str(error)
            ) from None
        return digest.hexdigest()

    def _read(self, length: int) -> bytes:
        """Read so many bytes, never waiting without end."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        handle = self._process.stdout.fileno()
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        pieces: list[bytes] = []
        until = time.monotonic() + SECONDS_OF_SILENCE
        while length:
            self._stopped()
            if not waiting.poll(200):
                if time.monotonic() > until:
                    raise self._refused("takes too long to read", "export it as CSV")
                continue
            data = os.read(handle, min(length, 1024 * 1024))
            if not data:
                raise self._died()
            until = time.monotonic() + SECONDS_OF_SILENCE
            length -= len(data)
            pieces.append(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _died(self) -> FileError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        if code == -signal.SIGXCPU:
            return self._refused(
                f"takes more than {CPU_SECONDS} seconds of work to read", "export it as CSV"
            )
        if code in (3, -signal.SIGABRT, -signal.SIGKILL):
            return self._refused(
                f"needs more than {MEMORY_BYTES // 1024**3} GB of memory to read, or is damaged",
                "do not trust it; if it is right, export it as CSV",
            )
        return self._refused(
            "is damaged: the process that reads it ended", "save it anew, or export it as CSV",
            f"it ended by signal {-code}" if code and code < 0 else f"it ended with code {code}",
        )  # fmt: skip

    def _refused(self, message: str, hint: str, detail: str | None = None) -> FileError:
        return FileError(f'"{self._path.name}" {message}', hint=hint, detail=detail)
