"""From what the user typed (files, folders, patterns) to the list of files to import."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from pgimport.errors import FileError
from pgimport.readers.formats import SUFFIXES


def expand_paths(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return the files meant, each once: as given, folders and patterns sorted by name.

    A folder gives its own regular files with a suffix that is read, not those below it. A link
    in it that leads out of it, a FIFO or a device is refused: nothing is left out in silence.
    A file named by the user may be a link to a regular file.

    Raises:
        FileError: nothing found, not a regular file, or a link out of its folder.

    """
    found: dict[str, Path] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            files = _folder(path)
        elif path.exists() or not glob.has_magic(str(path)):
            files = [_named(path)]
        else:
            matches = sorted(glob.glob(str(path)), key=os.fsencode)  # noqa: PTH207 - any root
            files = [_named(Path(match)) for match in matches if not Path(match).is_dir()]
        if not files:
            raise FileError(
                f'no file to import in "{given}"', hint=f"looked for {', '.join(SUFFIXES)}"
            )
        for file in files:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def display_names(paths: Iterable[Path]) -> list[str]:
    """Return a name for each file: its own, with its folder's where two are the same."""
    listed = list(paths)
    names = [path.name for path in listed]
    for depth in (2, 3, 4):
        names = [
            "/".join(path.parts[-depth:]) if names.count(name) > 1 else name
            for path, name in zip(listed, names, strict=True)
        ]
    return [name.encode("utf-8", "backslashreplace").decode() for name in names]


def _named(path: Path) -> Path:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise FileError(f'"{path}" cannot be read: {(error.strerror or "").lower()}') from None
    if not stat.S_ISREG(mode):
        raise FileError(f'"{path}" is not a regular file')
    return path


def _folder(folder: Path) -> list[Path]:
    files = []
    home = folder.resolve()
    for entry in sorted(os.scandir(folder), key=lambda item: os.fsencode(item.name)):
        if entry.name.startswith(".") or not entry.name.lower().endswith(SUFFIXES):
            continue
        if entry.is_dir(follow_symlinks=False):
            continue
        path = Path(entry.path)
        if entry.is_symlink() and path.resolve().parent != home:
            raise FileError(
                f'"{path}" is a link that leads out of its folder',
                hint="name the file itself if you mean it",
            )
        files.append(_named(path))
    return files
