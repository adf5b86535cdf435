"""Reading the heads of the files of a call, several at once, before anything is loaded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from pgimport.errors import FileError
from pgimport.progress import Meter, ProgressCallback
from pgimport.readers import Head, ReadOptions, display_names, read_any_head

_THREADS = 2


@dataclass
class Files:
    """The files of one call: those that can be read, and those that cannot."""

    order: list[str]
    good: dict[str, Head] = field(default_factory=dict)
    bad: dict[str, tuple[Path, FileError]] = field(default_factory=dict)


class _Stopped(Exception):  # noqa: N818 - no error
    """Raised in a reading thread when the user interrupted."""


def read_heads(
    paths: list[Path],
    options: ReadOptions,
    progress: ProgressCallback | None,
) -> Files:
    """Read header and digest of all files, each by the reader for its format.

    Raises:
        FileError: none of them can be read.

    """
    files = Files(display_names(paths))
    meter = Meter(progress, "headers", len(paths), total_size(paths))
    stop = threading.Event()

    def read(path: Path, name: str) -> Head | FileError:
        def report(size: int, done: bool = False) -> None:
            if stop.is_set():
                raise _Stopped
            meter.report(name, 0, size, done)

        report(0)
        try:
            head = read_any_head(path, options, report)
        except FileError as error:
            return error
        report(head.size, done=True)
        return head

    with ThreadPoolExecutor(min(_THREADS, len(paths)), "pgimport-read") as pool:
        try:
            found = list(pool.map(read, paths, files.order))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    for path, name, head in zip(paths, files.order, found, strict=True):
        if isinstance(head, FileError):
            files.bad[name] = path, head
        else:
            files.good[name] = head
    if not files.good:
        raise _none([error for _, error in files.bad.values()])
    return files


def total_size(paths: list[Path]) -> int:
    """Return the bytes of files on disk; a file that is gone has none."""
    size = 0
    for path in paths:
        try:
            size += path.stat().st_size
        except OSError:
            continue
    return size


def _none(errors: list[FileError]) -> FileError:
    if len(errors) == 1:
        return errors[0]
    return FileError(
        f"none of {len(errors)} files can be read; the first: {errors[0].message}",
        detail="; ".join(error.message for error in errors[:20]),
        hint=errors[0].hint,
    )
